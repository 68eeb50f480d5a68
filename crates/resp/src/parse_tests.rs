use super::*;
use stdx::prng::Prng;

const OPEN: Limits =
    Limits { bulk_len_max: 512 << 20, inline_len_max: HEADER_LEN_MAX, authenticated: true };
const LOCKED: Limits = Limits { authenticated: false, ..OPEN };

/// What a connection would see in a byte stream: the commands, then how it ends.
#[derive(Debug, PartialEq)]
struct Seen {
    commands: Vec<Vec<Vec<u8>>>,
    error: Option<ProtocolError>,
    /// How many bytes belong to no complete command.
    left: usize,
}

/// Feeds `stream` in pieces, keeping only the unfinished request between them and putting it
/// behind `margin` other bytes, as a connection that compacts its buffer would.
fn feed(stream: &[u8], limits: &Limits, mut piece: impl FnMut() -> (usize, usize)) -> Seen {
    let (mut partial, mut spans, mut arena) = (Partial::default(), Vec::new(), Vec::new());
    let mut seen = Seen { commands: Vec::new(), error: None, left: 0 };
    let (mut start, mut received) = (0, 0);
    loop {
        let (len, margin) = piece();
        received = stream.len().min(received + len.max(1));
        let mut buf = vec![b'#'; margin];
        buf.extend_from_slice(&stream[start..received]);
        let mut at = margin;
        loop {
            spans.clear();
            spans.push(Span { start: 0, len: 0 });
            arena.clear();
            match parse(&buf, at, limits, &mut partial, &mut spans, &mut arena) {
                Ok(Parsed::Incomplete { need }) => {
                    assert!(need > buf.len() - at, "asks for bytes that are there");
                    assert_eq!(spans.len(), 1, "an incomplete request leaves no spans");
                    break;
                }
                Ok(Parsed::Request { end }) => {
                    seen.commands.push(spans[1..].iter().map(|s| s.of(&buf).to_vec()).collect());
                    at = end;
                }
                Ok(Parsed::Inline { end }) => {
                    seen.commands.push(spans[1..].iter().map(|s| s.of(&arena).to_vec()).collect());
                    at = end;
                }
                Err(error) => {
                    seen.error = Some(error);
                    return seen;
                }
            }
            assert!(partial.is_empty());
        }
        start += at - margin;
        if received == stream.len() {
            seen.left = received - start;
            return seen;
        }
    }
}

fn whole(stream: &[u8], limits: &Limits) -> Seen {
    feed(stream, limits, || (usize::MAX / 2, 0))
}

fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[track_caller]
fn check(stream: &[u8], commands: &[&[&str]]) {
    let seen = whole(stream, &OPEN);
    let expected: Vec<Vec<Vec<u8>>> = commands
        .iter()
        .map(|args| args.iter().map(|arg| arg.as_bytes().to_vec()).collect())
        .collect();
    assert_eq!(seen, Seen { commands: expected, error: None, left: 0 });
}

#[track_caller]
fn check_error(stream: &[u8], text: &str) {
    let seen = whole(stream, &OPEN);
    let error = seen.error.map(ProtocolError::text);
    assert_eq!(error.as_deref(), Some(format!("Protocol error: {text}").as_str()));
}

#[track_caller]
fn check_incomplete(stream: &[u8]) {
    let seen = whole(stream, &OPEN);
    assert_eq!((seen.error, seen.left), (None, stream.len()));
}

#[test]
fn requests() {
    check(b"*1\r\n$4\r\nPING\r\n", &[&["PING"]]);
    check(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$1\r\nx\r\n", &[&["GET", ""], &["x"]]);
    check(b"*-1\r\n*0\r\n*-9223372036854775808\r\n*1\r\n$1\r\nx\r\n", &[&[], &[], &[], &["x"]]);
    check(b"PING\r\n\r\nPING\n", &[&["PING"], &[], &["PING"]]);
    check(b"echo 'a b'\r\n*1\r\n$1\r\nx\r\n", &[&["echo", "a b"], &["x"]]);
}

#[test]
fn bytes_that_are_skipped_unseen() {
    check(b"*1\rx$4\rxPINGxx", &[&["PING"]]);
}

#[test]
fn errors_of_multibulk_headers() {
    for header in ["*x\r\n", "*\r\n", "*+1\r\n", "*01\r\n", "*-0\r\n", "* 1\r\n", "*1 \r\n"] {
        check_error(header.as_bytes(), "invalid multibulk length");
    }
    check_error(b"*2147483648\r\n", "invalid multibulk length");
    check_error(b"*99999999999999999999\r\n", "invalid multibulk length");
    check_incomplete(b"*2147483647\r\n");
    check_error(b"*1\nPING\r\n", "invalid multibulk length");
    let mut long = vec![b'1'; HEADER_LEN_MAX];
    long[0] = b'*';
    check_incomplete(&long);
    long.push(b'1');
    check_error(&long, "too big mbulk count string");
    long.extend_from_slice(b"\r\n");
    check_error(&long, "invalid multibulk length");
}

#[test]
fn errors_of_bulk_headers() {
    for header in ["$x", "$", "$-1", "$+4", "$04", "$-0", "$00", "$536870913", "$4 "] {
        check_error(format!("*1\r\n{header}\r\nPING\r\n").as_bytes(), "invalid bulk length");
    }
    check_incomplete(b"*1\r\n$536870912\r\n");
    check_error(b"*1\r\nPING\r\n", "expected '$', got 'P'");
    check_error(b"*1\r\n\r\n", "expected '$', got ' '");
    check_error(b"*1\r\n\n\r\n", "expected '$', got ' '");
    let mut long = b"*1\r\n".to_vec();
    long.resize(4 + HEADER_LEN_MAX, b'$');
    check_incomplete(&long);
    long.push(b'1');
    check_error(&long, "too big bulk count string");
}

#[test]
fn an_unexpected_byte_is_quoted_as_it_is() {
    let error = whole(b"*1\r\n\xff\r\n", &OPEN).error.expect("an error");
    let mut out = Vec::new();
    error.write(&mut out);
    assert_eq!(out, b"Protocol error: expected '$', got '\xff'");
}

#[test]
fn errors_of_inline_commands() {
    check_error(b"PING \"abc\r\n", "unbalanced quotes in request");
    check_incomplete(&[b'p'; HEADER_LEN_MAX]);
    check_error(&[b'p'; HEADER_LEN_MAX + 1], "too big inline request");
}

#[test]
fn a_zero_byte_hides_the_line_end() {
    for start in [&b"\0"[..], b"*\0", b"*1\r\n\0", b"*1\r\n$\0", b"PI\0NG", b"ECHO \"a\0b\""] {
        let mut stream = [start, b"\r\nPING\r\n"].concat();
        let seen = whole(&stream, &OPEN);
        assert_eq!((seen.commands.len(), seen.error), (0, None), "{start:?}");
        stream.resize(HEADER_LEN_MAX + 10, b'\n');
        assert!(whole(&stream, &OPEN).error.is_some(), "{start:?}");
    }
}

#[test]
fn limits_before_authentication() {
    let error = |stream: &[u8]| whole(stream, &LOCKED).error;
    assert_eq!(error(b"*10\r\n$16384\r\n"), None);
    assert_eq!(error(b"*11\r\n"), Some(ProtocolError::UnauthenticatedMultibulkLength));
    assert_eq!(error(b"*1\r\n$16385\r\n"), Some(ProtocolError::UnauthenticatedBulkLength));
    assert_eq!(error(b"*2147483648\r\n"), Some(ProtocolError::MultibulkLength));
    assert_eq!(error(b"*1\r\n$536870913\r\n"), Some(ProtocolError::BulkLength));
    assert_eq!(whole(b"*11\r\n", &OPEN).error, None);
}

#[test]
fn the_configured_bulk_length_holds() {
    let small = Limits { bulk_len_max: 10, ..OPEN };
    assert_eq!(whole(b"*1\r\n$10\r\n", &small).error, None);
    assert_eq!(whole(b"*1\r\n$11\r\n", &small).error, Some(ProtocolError::BulkLength));
    let vast = Limits { bulk_len_max: u64::MAX, ..OPEN };
    let error = |stream: &[u8]| whole(stream, &vast).error;
    assert_eq!(error(b"*1\r\n$4294967281\r\n"), Some(ProtocolError::RequestTooBig));
    assert_eq!(error(b"*1\r\n$4294967276\r\n"), None);
    assert_eq!(error(b"*1\r\n$9223372036854775807\r\n"), Some(ProtocolError::RequestTooBig));
}

#[test]
fn need_names_the_whole_of_a_large_argument() {
    let (mut partial, mut spans, mut arena) = (Partial::default(), Vec::new(), Vec::new());
    let buf = b"##*2\r\n$3\r\nGET\r\n$1000000\r\nabc";
    let parsed = parse(buf, 2, &OPEN, &mut partial, &mut spans, &mut arena);
    let header_len = b"*2\r\n$3\r\nGET\r\n$1000000\r\n".len();
    assert_eq!(parsed, Ok(Parsed::Incomplete { need: header_len + 1_000_000 + 2 }));
    assert!(!partial.is_empty());
    partial.clear();
    assert!(partial.is_empty());
}

/// A stream with every kind of request, inline commands with every kind of quoting included.
fn mixed_stream(prng: &mut Prng) -> Vec<u8> {
    let inline: [&[u8]; 6] =
        [b"\r\n", b"PING\r\n", b"GET 'a b'\n", b"SET \"\\x00\\n\" b\r\n", b"*0\r\n", b"*-5\r\n"];
    let mut stream = Vec::new();
    for _ in 0..1 + prng.below(5) {
        if prng.below(3) == 0 {
            stream.extend_from_slice(inline[prng.below(6) as usize]);
            continue;
        }
        let args: Vec<Vec<u8>> = (0..1 + prng.below(4))
            .map(|_| {
                let mut arg = vec![0; prng.below(20) as usize];
                prng.fill(&mut arg);
                arg
            })
            .collect();
        stream.extend(request(&args.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    }
    stream
}

#[test]
fn a_split_at_any_byte_changes_nothing() {
    let mut prng = Prng::new(11);
    for _ in 0..300 {
        let stream = mixed_stream(&mut prng);
        let expected = whole(&stream, &OPEN);
        assert_eq!((expected.error, expected.left), (None, 0));
        assert_eq!(feed(&stream, &OPEN, || (1, 3)), expected);
        for split in 0..stream.len() {
            let mut pieces = [(split, 0), (usize::MAX / 2, 5)].into_iter();
            assert_eq!(feed(&stream, &OPEN, || pieces.next().expect("two")), expected);
        }
    }
}

/// The campaign: bytes near the grammar and mutated requests, in random pieces, must never panic,
/// and the pieces must not matter. `CINNABAR_PARSER_FUZZ` sets how many.
#[test]
fn mutated_streams_never_panic_and_pieces_do_not_matter() {
    let count = std::env::var("CINNABAR_PARSER_FUZZ").ok().and_then(|text| text.parse().ok());
    let mut prng = Prng::new(12);
    let (mut errors, mut commands) = (0, 0);
    for _ in 0..count.unwrap_or(200_000u64) {
        let mut stream = mixed_stream(&mut prng);
        for _ in 0..prng.below(4) {
            mutate(&mut stream, &mut prng);
        }
        let limits = if prng.below(4) == 0 { LOCKED } else { OPEN };
        let expected = whole(&stream, &limits);
        let mut sizes = prng.clone();
        let seen = feed(&stream, &limits, || (sizes.below(16) as usize, sizes.below(4) as usize));
        assert_eq!(seen, expected, "{}", stream.escape_ascii());
        errors += u64::from(seen.error.is_some());
        commands += seen.commands.len() as u64;
    }
    if count.is_none() {
        assert!(errors > 10_000 && commands > 10_000, "{errors} errors, {commands} commands");
    }
}

fn mutate(stream: &mut Vec<u8>, prng: &mut Prng) {
    const ALPHABET: &[u8] = b"*$\r\n0123456789-+\"'\\x \0a";
    let at = prng.below(stream.len() as u64 + 1) as usize;
    let byte = ALPHABET[prng.below(ALPHABET.len() as u64) as usize];
    match prng.below(4) {
        0 => stream.insert(at, byte),
        1 => stream.truncate(at),
        2 if at < stream.len() => stream[at] = byte,
        _ if at < stream.len() => {
            stream.remove(at);
        }
        _ => {}
    }
}
