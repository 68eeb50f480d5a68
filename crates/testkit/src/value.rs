//! A reply as a tree, and its decoder.
//!
//! Scripts and the differential runner look at what a server really sent, so nothing is folded
//! together: the three nulls stay apart (RESP2 has two, RESP3 one), and doubles and big numbers
//! keep the text that was on the wire.

/// Deepest nesting a reply may have; servers stay far below.
const DEPTH_MAX: usize = 64;
/// Largest bulk or aggregate length taken at its word.
const LENGTH_MAX: i64 = 1 << 30;

/// One reply of either protocol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    Int(i64),
    Bulk(Vec<u8>),
    /// `$-1` of RESP2.
    NullBulk,
    /// `*-1` of RESP2.
    NullArray,
    /// `_` of RESP3.
    Null,
    /// The text after the comma.
    Double(Vec<u8>),
    Bool(bool),
    Big(Vec<u8>),
    /// The whole payload, with its three letters and colon.
    Verbatim(Vec<u8>),
    Array(Vec<Value>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// The bytes of any textual reply.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(t) | Value::Error(t) | Value::Bulk(t) | Value::Double(t) => Some(t),
            Value::Big(t) => Some(t),
            Value::Verbatim(t) => Some(t.get(4..).unwrap_or_default()),
            _ => None,
        }
    }

    /// The elements of an array, set or push.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(v) | Value::Set(v) | Value::Push(v) => Some(v),
            _ => None,
        }
    }

    /// Looks a key up in a map, or in the flat array that a map is in RESP2.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(pairs) => {
                pairs.iter().find(|(k, _)| k.text() == Some(key.as_bytes())).map(|(_, v)| v)
            }
            Value::Array(items) => items
                .chunks_exact(2)
                .find(|pair| pair[0].text() == Some(key.as_bytes()))
                .map(|pair| &pair[1]),
            _ => None,
        }
    }

    /// True for every kind of null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null | Value::NullBulk | Value::NullArray)
    }
}

/// Bytes that are no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Decodes the reply at the start of `input`: the value and how many bytes it took, or `None`
/// while it is incomplete.
pub fn decode(input: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut cursor = Cursor { input, at: 0 };
    match cursor.value(0) {
        Ok(value) => Ok(Some((value, cursor.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(text)) => Err(Malformed(text)),
    }
}

/// Length in bytes of the reply at the start of `input`, without building it.
pub fn reply_len(input: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut cursor = Cursor { input, at: 0 };
    match cursor.skip(0) {
        Ok(()) => Ok(Some(cursor.at)),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(text)) => Err(Malformed(text)),
    }
}

enum Stop {
    Incomplete,
    Malformed(String),
}

struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn line(&mut self) -> Result<(u8, &'a [u8]), Stop> {
        let rest = &self.input[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or(Stop::Incomplete)?;
        self.at += end + 1;
        match &rest[..end] {
            [kind, text @ .., b'\r'] => Ok((*kind, text)),
            other => Err(malformed("a line without CRLF", other)),
        }
    }

    fn blob(&mut self, length: usize) -> Result<&'a [u8], Stop> {
        let rest = &self.input[self.at..];
        if rest.len() < length + 2 {
            return Err(Stop::Incomplete);
        }
        if &rest[length..length + 2] != b"\r\n" {
            return Err(malformed("a bulk that does not end in CRLF", &rest[..length.min(40)]));
        }
        self.at += length + 2;
        Ok(&rest[..length])
    }

    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        let (kind, text) = self.line()?;
        Ok(match kind {
            b'+' => Value::Simple(text.to_vec()),
            b'-' => Value::Error(text.to_vec()),
            b':' => Value::Int(integer(text)?),
            b'_' => Value::Null,
            b',' => Value::Double(text.to_vec()),
            b'(' => Value::Big(text.to_vec()),
            b'#' => Value::Bool(text == b"t"),
            b'$' | b'=' | b'!' => match (length(text)?, kind) {
                (None, _) => Value::NullBulk,
                (Some(n), b'$') => Value::Bulk(self.blob(n)?.to_vec()),
                (Some(n), b'=') => Value::Verbatim(self.blob(n)?.to_vec()),
                (Some(n), _) => Value::Error(self.blob(n)?.to_vec()),
            },
            b'*' | b'~' | b'>' => match (length(text)?, kind) {
                (None, _) => Value::NullArray,
                (Some(n), b'*') => Value::Array(self.values(n, depth)?),
                (Some(n), b'~') => Value::Set(self.values(n, depth)?),
                (Some(n), _) => Value::Push(self.values(n, depth)?),
            },
            b'%' => {
                let pairs = length(text)?.unwrap_or(0);
                let mut flat = self.values(pairs * 2, depth)?.into_iter();
                let mut map = Vec::with_capacity(flat.len() / 2);
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    map.push((key, value));
                }
                Value::Map(map)
            }
            _ => return Err(malformed("an unknown reply type", &[kind])),
        })
    }

    fn values(&mut self, count: usize, depth: usize) -> Result<Vec<Value>, Stop> {
        if depth >= DEPTH_MAX {
            return Err(malformed("a reply nested too deeply", b""));
        }
        // The announced count is not trusted with memory: every element takes three bytes at least.
        let mut values = Vec::with_capacity(count.min(self.input.len() / 3 + 1));
        for _ in 0..count {
            values.push(self.value(depth + 1)?);
        }
        Ok(values)
    }

    fn skip(&mut self, depth: usize) -> Result<(), Stop> {
        let (kind, text) = self.line()?;
        match kind {
            b'+' | b'-' | b'_' | b',' | b'(' | b'#' => Ok(()),
            b':' => integer(text).map(|_| ()),
            b'$' | b'=' | b'!' => match length(text)? {
                None => Ok(()),
                Some(n) => self.blob(n).map(|_| ()),
            },
            b'*' | b'~' | b'>' | b'%' => {
                if depth >= DEPTH_MAX {
                    return Err(malformed("a reply nested too deeply", b""));
                }
                let count = length(text)?.unwrap_or(0) * if kind == b'%' { 2 } else { 1 };
                (0..count).try_for_each(|_| self.skip(depth + 1))
            }
            _ => Err(malformed("an unknown reply type", &[kind])),
        }
    }
}

fn malformed(what: &str, bytes: &[u8]) -> Stop {
    Stop::Malformed(format!("{what}: {}", bytes.escape_ascii()))
}

fn integer(text: &[u8]) -> Result<i64, Stop> {
    let parsed = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
    parsed.ok_or_else(|| malformed("not an integer", text))
}

fn length(text: &[u8]) -> Result<Option<usize>, Stop> {
    match integer(text)? {
        -1 => Ok(None),
        n @ 0..=LENGTH_MAX => Ok(Some(n as usize)),
        _ => Err(malformed("a length out of range", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &[u8], expected: Value) {
        assert_eq!(decode(wire), Ok(Some((expected, wire.len()))));
        assert_eq!(reply_len(wire), Ok(Some(wire.len())));
        for cut in 0..wire.len() {
            assert_eq!(decode(&wire[..cut]), Ok(None), "cut at {cut}");
            assert_eq!(reply_len(&wire[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn every_type_at_every_cut() {
        check(b"+OK\r\n", Value::Simple(b"OK".to_vec()));
        check(b"-ERR x\r\n", Value::Error(b"ERR x".to_vec()));
        check(b":-7\r\n", Value::Int(-7));
        check(b"$3\r\na\r\n\r\n", Value::Bulk(b"a\r\n".to_vec()));
        check(b"$-1\r\n", Value::NullBulk);
        check(b"*-1\r\n", Value::NullArray);
        check(b"_\r\n", Value::Null);
        check(b",1.5\r\n", Value::Double(b"1.5".to_vec()));
        check(b"#t\r\n", Value::Bool(true));
        check(b"=5\r\ntxt:a\r\n", Value::Verbatim(b"txt:a".to_vec()));
        check(b"*2\r\n:1\r\n~0\r\n", Value::Array(vec![Value::Int(1), Value::Set(vec![])]));
        check(
            b"%1\r\n+a\r\n:1\r\n",
            Value::Map(vec![(Value::Simple(b"a".to_vec()), Value::Int(1))]),
        );
    }

    #[test]
    fn hostile_bytes_are_errors() {
        for wire in [&b"?\r\n"[..], b"$x\r\n", b"$-2\r\n", b"$1\r\nabc", b"+a\n", b":\r\n"] {
            assert!(decode(wire).is_err(), "{}", wire.escape_ascii());
            assert!(reply_len(wire).is_err(), "{}", wire.escape_ascii());
        }
        let deep = b"*1\r\n".repeat(1000);
        assert!(decode(&deep).is_err());
        assert!(reply_len(&deep).is_err());
        assert_eq!(decode(b"*1000000000\r\n"), Ok(None));
    }
}
