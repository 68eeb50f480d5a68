//! Command lines as redis-cli quotes them, with one addition: a quoted string followed by `*N`
//! stands for N copies of it, so that long values stay readable.

/// Largest value that `"text"*N` may stand for.
const REPEATED_BYTES_MAX: usize = 1 << 30;

/// Splits a line into arguments.
pub fn split(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let bytes = line.as_bytes();
    let mut args = Vec::new();
    let mut at = 0;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let Some(&first) = bytes.get(at) else { return Ok(args) };
        if first == b'"' || first == b'\'' {
            let (text, end) = quoted(bytes, at)?;
            let (text, end) = repeated(bytes, text, end)?;
            if bytes.get(end).is_some_and(|b| !b.is_ascii_whitespace()) {
                return Err(format!("text right after a closing quote, at column {}", end + 1));
            }
            args.push(text);
            at = end;
        } else {
            let rest = &bytes[at..];
            let len = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            args.push(rest[..len].to_vec());
            at += len;
        }
    }
}

/// Reads the quoted string that starts at `at`: its bytes and where it ends.
pub fn quoted(input: &[u8], at: usize) -> Result<(Vec<u8>, usize), String> {
    let quote = input[at];
    let mut out = Vec::new();
    let mut i = at + 1;
    while let Some(&byte) = input.get(i) {
        i += 1;
        if byte == quote {
            return Ok((out, i));
        }
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(&escape) = input.get(i) else { break };
        i += 1;
        if quote == b'\'' {
            if escape != b'\'' {
                out.push(b'\\');
            }
            out.push(escape);
            continue;
        }
        let hex = input.get(i..i + 2).and_then(hex_byte).filter(|_| escape == b'x');
        if let Some(value) = hex {
            out.push(value);
            i += 2;
        } else {
            out.push(unescape(escape));
        }
    }
    Err(format!("a quote that is never closed, at column {}", at + 1))
}

/// Applies `*N` behind the closing quote at `end`, if there is one.
pub fn repeated(input: &[u8], text: Vec<u8>, end: usize) -> Result<(Vec<u8>, usize), String> {
    if input.get(end) != Some(&b'*') {
        return Ok((text, end));
    }
    let digits = input[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let count = std::str::from_utf8(&input[end + 1..end + 1 + digits]).unwrap_or_default();
    match count.parse::<usize>() {
        Ok(n) if n.saturating_mul(text.len()) <= REPEATED_BYTES_MAX => {
            Ok((text.repeat(n), end + 1 + digits))
        }
        _ => Err(format!("a count is missing or too large behind '*', at column {}", end + 2)),
    }
}

/// The shortest notation of an argument.
pub fn argument(bytes: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\');
    if !bytes.is_empty() && bytes.iter().all(plain) && bytes.len() <= 64 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    string(bytes)
}

/// A quoted string; long runs of one byte are written as `"x"*N`.
pub fn string(bytes: &[u8]) -> String {
    if let [first, rest @ ..] = bytes
        && bytes.len() > 64
        && rest.iter().all(|b| b == first)
    {
        return format!("{}*{}", string(&bytes[..1]), bytes.len());
    }
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte as char);
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            0x20..=0x7e => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 0x07,
        b'b' => 0x08,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_redis_cli_does() {
        let check = |line: &str, expected: &[&[u8]]| assert_eq!(split(line).unwrap(), expected);
        check("  SET k v ", &[b"SET", b"k", b"v"]);
        check(r#"SET "a b" """#, &[b"SET", b"a b", b""]);
        check(r#""\x00\xff\n\"\\""#, &[b"\x00\xff\n\"\\"]);
        check(r"'it\'s \n'", &[b"it's \\n"]);
        check(r#""ab"*3 x"#, &[b"ababab", b"x"]);
        check("", &[]);
        assert!(split("\"open").is_err());
        assert!(split("\"a\"b").is_err());
        assert!(split("\"a\"*").is_err());
    }

    #[test]
    fn notation_reads_back() {
        let long = b"x".repeat(100);
        for bytes in [&b""[..], b"plain", b"a b", b"\x00\xff\r\n\t\"\\'", "é".as_bytes(), &long] {
            assert_eq!(split(&argument(bytes)).unwrap(), [bytes]);
            assert_eq!(split(&string(bytes)).unwrap(), [bytes]);
        }
        assert_eq!(argument(&long), "\"x\"*100");
    }
}
