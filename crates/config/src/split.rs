//! Words of a configuration line: blank-separated, `"..."` with backslash escapes, `'...'` with
//! `\'` only. The same grammar splits an inline command, so arguments are bytes in general; a
//! configuration wants text and refuses the rest.

/// Splits a line into words; `None` when quotes do not balance, when something follows a closing
/// quote, or when an escape builds bytes that are not UTF-8.
pub fn split_args(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.as_bytes();
    loop {
        rest = rest.trim_ascii_start();
        // A NUL ends the line, as it does for a C string.
        if rest.first().is_none_or(|&byte| byte == 0) {
            return Some(words);
        }
        let (word, after) = next_word(rest)?;
        words.push(String::from_utf8(word).ok()?);
        rest = after;
    }
}

fn next_word(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | 0 => break,
            b'"' | b'\'' => {
                at = quoted(bytes, at, &mut word)?;
                let followed = bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace() && *b != 0);
                return if followed { None } else { Some((word, &bytes[at..])) };
            }
            _ => word.push(byte),
        }
        at += 1;
    }
    Some((word, &bytes[at..]))
}

/// Reads a quoted run that opens at `at`; returns the index after its closing quote.
fn quoted(bytes: &[u8], at: usize, word: &mut Vec<u8>) -> Option<usize> {
    let quote = bytes[at];
    let mut at = at + 1;
    loop {
        match *bytes.get(at)? {
            byte if byte == quote => return Some(at + 1),
            0 => return None,
            b'\\' if quote == b'\'' => {
                let escaped = bytes.get(at + 1) == Some(&b'\'');
                word.push(if escaped { b'\'' } else { b'\\' });
                at += 1 + usize::from(escaped);
            }
            b'\\' => at = escape(bytes, at, word)?,
            byte => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

/// Reads the escape that starts with the backslash at `at`; returns the index after it.
fn escape(bytes: &[u8], at: usize, word: &mut Vec<u8>) -> Option<usize> {
    let hex = |index: usize| bytes.get(index).and_then(|&b| char::from(b).to_digit(16));
    let next = *bytes.get(at + 1)?;
    if next == b'x'
        && let (Some(high), Some(low)) = (hex(at + 2), hex(at + 3))
    {
        word.push(u8::try_from(high * 16 + low).ok()?);
        return Some(at + 4);
    }
    word.push(match next {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    });
    Some(at + 2)
}

/// The text in double quotes, such that [`split_args`] gives it back.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for symbol in text.chars() {
        match symbol {
            '"' | '\\' => out.extend(['\\', symbol]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x07' => out.push_str("\\a"),
            ' '..='~' => out.push(symbol),
            _ => {
                let mut buffer = [0; 4];
                for byte in symbol.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (line, want) in [
            ("hz 10", Some(vec!["hz", "10"])),
            ("  save \"\" ", Some(vec!["save", ""])),
            (r#"a "b c" 'd e'"#, Some(vec!["a", "b c", "d e"])),
            (r#"a "x\x41\n\t\"\\\q""#, Some(vec!["a", "xA\n\t\"\\q"])),
            (r"a 'it\'s \n'", Some(vec!["a", r"it's \n"])),
            (r#"a "\xzz""#, Some(vec!["a", "xzz"])),
            (r#"pre"fix""#, Some(vec!["prefix"])),
            ("", Some(vec![])),
            (r#"a "b"#, None),
            (r#"a "b"c"#, None),
            (r"a 'b", None),
            (r"a 'b'c", None),
            (r#"a "b\"#, None),
            (r#"a "\xff""#, None),
        ] {
            let got = split_args(line);
            let want = want.map(|words| words.into_iter().map(String::from).collect::<Vec<_>>());
            assert_eq!(got, want, "{line:?}");
        }
    }

    #[test]
    fn quoting_round_trips() {
        for text in ["", "plain", "a b", "\"q\" \\ 'x'", "\n\r\t\x07\x08\x01", "é€", "#"] {
            assert_eq!(split_args(&quote(text)), Some(vec![text.to_owned()]), "{text:?}");
        }
    }
}
