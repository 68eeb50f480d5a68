use crate::parse::Span;

/// Why a line could not be split: a quote is not closed, or text follows it without a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits a line into arguments as a shell would: by white space, with "double quotes" that know
/// escapes and 'single quotes' that know only `\'`. The arguments' bytes are appended to `arena`
/// and their places in it to `spans`; after an error both are as before.
pub fn split_args(
    line: &[u8],
    spans: &mut Vec<Span>,
    arena: &mut Vec<u8>,
) -> Result<(), UnbalancedQuotes> {
    let (spans_before, arena_before) = (spans.len(), arena.len());
    let mut rest = line;
    loop {
        let spaces = rest.iter().take_while(|&&byte| is_space(byte)).count();
        rest = &rest[spaces..];
        if rest.is_empty() {
            return Ok(());
        }
        let start = arena.len();
        match split_one(rest, arena) {
            Some(tail) => rest = tail,
            None => {
                spans.truncate(spans_before);
                arena.truncate(arena_before);
                return Err(UnbalancedQuotes);
            }
        }
        spans.push(Span { start: start as u32, len: (arena.len() - start) as u32 });
    }
}

/// White space in C's sense, which includes the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Appends the argument at the front of `line` and gives what follows it.
fn split_one<'a>(line: &'a [u8], arena: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t' | 0, ..] => return Some(rest),
            [b'"', tail @ ..] => return after_quote(double_quoted(tail, arena)?),
            [b'\'', tail @ ..] => return after_quote(single_quoted(tail, arena)?),
            [byte, tail @ ..] => {
                arena.push(*byte);
                rest = tail;
            }
        }
    }
}

/// A closed quote ends its argument.
fn after_quote(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|&byte| is_space(byte)).then_some(rest)
}

fn single_quoted<'a>(line: &'a [u8], arena: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                arena.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return Some(tail),
            [byte, tail @ ..] => {
                arena.push(*byte);
                rest = tail;
            }
        }
    }
}

fn double_quoted<'a>(line: &'a [u8], arena: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        let (byte, tail) = match rest {
            [] => return None,
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex_value(*high) << 4 | hex_value(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [byte, tail @ ..] => (*byte, tail),
        };
        arena.push(byte);
        rest = tail;
    }
}

fn hex_value(digit: u8) -> u8 {
    (digit as char).to_digit(16).unwrap_or(0) as u8
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (mut spans, mut arena) = (Vec::new(), b"before".to_vec());
        let result = split_args(line, &mut spans, &mut arena);
        let args = spans.iter().map(|span| span.of(&arena).to_vec()).collect();
        if result.is_err() {
            assert_eq!((spans.len(), arena.as_slice()), (0, &b"before"[..]));
        }
        result.ok().map(|()| args)
    }

    #[track_caller]
    fn check(line: &str, args: &[&str]) {
        let args: Vec<_> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        assert_eq!(split(line.as_bytes()), Some(args), "{line}");
    }

    #[test]
    fn lines() {
        check("", &[]);
        check(" \t ", &[]);
        check("get a", &["get", "a"]);
        check("  get \t a  ", &["get", "a"]);
        check("echo ''", &["echo", ""]);
        check(r#"echo "\x41\n\r\t\b\a\q\\\"\x4""#, &["echo", "A\n\r\t\u{8}\u{7}q\\\"x4"]);
        check(r"echo 'a\'b\n'", &["echo", r"a'b\n"]);
        check(r#"echo a"b c""#, &["echo", "ab c"]);
        check("echo a'b'", &["echo", "ab"]);
        check("echo a\rb", &["echo", "a", "b"]);
        check("echo\u{b}a", &["echo\u{b}a"]);
        check("echo \"a\"\u{b}b", &["echo", "a", "b"]);
    }

    #[test]
    fn quotes_that_do_not_close() {
        for line in [r#"a "b"#, "a 'b", r#"a "b"c"#, "'a'b", r#""a\"#, r#""a\""#, "'a\\'"] {
            assert_eq!(split(line.as_bytes()), None, "{line}");
        }
    }
}
