//! Replies read back, for whoever speaks to a server: tests, the script runner, replication.
//!
//! The decoder is total. It takes any bytes, never reads past them, nests no deeper than
//! [`DEPTH_MAX`] and allocates in proportion to what has arrived, not to what is announced.

use stdx::num::{parse_f64, parse_i64};

/// How deep aggregates may nest.
pub const DEPTH_MAX: usize = 64;
/// The most elements reserved before any has been seen.
const RESERVE_MAX: usize = 64;
const CRLF: &[u8] = b"\r\n";

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Simple(Vec<u8>),
    Error(Vec<u8>),
    BulkError(Vec<u8>),
    Integer(i64),
    Bulk(Vec<u8>),
    /// RESP3 `_`.
    Null,
    /// RESP2 `$-1`.
    NullBulk,
    /// RESP2 `*-1`.
    NullArray,
    Array(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    Push(Vec<Value>),
    /// The number, and the text it was sent as: clients compare that.
    Double(f64, Vec<u8>),
    Boolean(bool),
    BigNumber(Vec<u8>),
    Verbatim {
        format: [u8; 3],
        text: Vec<u8>,
    },
    Attribute {
        attributes: Vec<(Value, Value)>,
        value: Box<Value>,
    },
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::NullBulk | Self::NullArray)
    }
}

/// Bytes that are no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("malformed reply")
    }
}

impl std::error::Error for Malformed {}

/// Why decoding stopped before a whole value.
enum Stop {
    Incomplete,
    Malformed,
}

impl From<Malformed> for Stop {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Decodes the first reply in `buf` and tells how long it is; `None` if it has not arrived in
/// full.
pub fn decode(buf: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut decoder = Decoder { buf, at: 0 };
    match decoder.value(DEPTH_MAX) {
        Ok(value) => Ok(Some((value, decoder.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed) => Err(Malformed),
    }
}

struct Decoder<'a> {
    buf: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        let line = self.line()?;
        let (&kind, text) = line.split_first().ok_or(Malformed)?;
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        Ok(match kind {
            b'+' => Value::Simple(text.to_vec()),
            b'-' => Value::Error(text.to_vec()),
            b':' => {
                Value::Integer(parse_i64(text.strip_prefix(b"+").unwrap_or(text)).ok_or(Malformed)?)
            }
            b'$' if text == b"-1" => Value::NullBulk,
            b'*' if text == b"-1" => Value::NullArray,
            b'$' => Value::Bulk(self.payload(text)?.to_vec()),
            b'!' => Value::BulkError(self.payload(text)?.to_vec()),
            b'=' => self.verbatim(text)?,
            b'*' => Value::Array(self.values(length(text)?, depth)?),
            b'~' => Value::Set(self.values(length(text)?, depth)?),
            b'>' => Value::Push(self.values(length(text)?, depth)?),
            b'%' => Value::Map(self.pairs(length(text)?, depth)?),
            b'|' => {
                let attributes = self.pairs(length(text)?, depth)?;
                Value::Attribute { attributes, value: Box::new(self.value(depth)?) }
            }
            b'_' if text.is_empty() => Value::Null,
            b'#' if text == b"t" => Value::Boolean(true),
            b'#' if text == b"f" => Value::Boolean(false),
            b',' => Value::Double(double(text)?, text.to_vec()),
            b'(' if is_big_number(text) => Value::BigNumber(text.to_vec()),
            _ => return Err(Stop::Malformed),
        })
    }

    /// The bytes up to the next line end, which a lone CR or LF inside would contradict.
    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.buf[self.at..];
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let end = end.ok_or(Stop::Incomplete)?;
        match rest[end..] {
            [b'\r', b'\n', ..] => {
                self.at += end + CRLF.len();
                Ok(&rest[..end])
            }
            [b'\r'] => Err(Stop::Incomplete),
            _ => Err(Stop::Malformed),
        }
    }

    /// The bytes of a given length and the line end behind them.
    fn payload(&mut self, len: &[u8]) -> Result<&'a [u8], Stop> {
        let len = length(len)?;
        let rest = &self.buf[self.at..];
        let payload = rest.get(..len).ok_or(Stop::Incomplete)?;
        match rest[len..] {
            [b'\r', b'\n', ..] => {
                self.at += len + CRLF.len();
                Ok(payload)
            }
            [] | [b'\r'] => Err(Stop::Incomplete),
            _ => Err(Stop::Malformed),
        }
    }

    fn verbatim(&mut self, len: &[u8]) -> Result<Value, Stop> {
        match self.payload(len)? {
            [a, b, c, b':', text @ ..] => {
                Ok(Value::Verbatim { format: [*a, *b, *c], text: text.to_vec() })
            }
            _ => Err(Stop::Malformed),
        }
    }

    fn values(&mut self, len: usize, depth: usize) -> Result<Vec<Value>, Stop> {
        let mut values = Vec::with_capacity(len.min(RESERVE_MAX));
        for _ in 0..len {
            values.push(self.value(depth)?);
        }
        Ok(values)
    }

    fn pairs(&mut self, len: usize, depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        let mut pairs = Vec::with_capacity(len.min(RESERVE_MAX));
        for _ in 0..len {
            pairs.push((self.value(depth)?, self.value(depth)?));
        }
        Ok(pairs)
    }
}

fn length(text: &[u8]) -> Result<usize, Malformed> {
    // A length that no buffer can have is malformed rather than for ever incomplete.
    let len = parse_i64(text).and_then(|len| u32::try_from(len).ok());
    len.map(|len| len as usize).ok_or(Malformed)
}

fn double(text: &[u8]) -> Result<f64, Malformed> {
    if text.eq_ignore_ascii_case(b"nan") || text.eq_ignore_ascii_case(b"-nan") {
        return Ok(f64::NAN);
    }
    parse_f64(text).ok_or(Malformed)
}

fn is_big_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
