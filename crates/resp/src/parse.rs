//! Requests from bytes, without copying.
//!
//! A client sends either a multibulk request (`*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`) or an inline
//! command (`GET k\r\n`). The parser looks at a buffer that the connection owns and answers with
//! spans into it: arguments are never copied, and nothing is allocated for a length that was only
//! announced.
//!
//! A request may arrive in many pieces. What was understood of it then moves into [`Partial`], in
//! offsets from the request's first byte, so that the connection is free to move the bytes and no
//! argument is parsed twice.
//!
//! Deviant input is answered as Redis does, since clients and its test suite look at the exact
//! errors. Some of that is odd: the byte after a header's CR and the two bytes after a bulk are
//! skipped unseen, and a zero byte hides the line end behind it, so that such a line is never
//! complete and ends as "too big".

use crate::split::{UnbalancedQuotes, split_args};
use stdx::num::parse_i64;

/// The longest header line, and what an inline command may reach without a line end.
const HEADER_LEN_MAX: usize = 64 * 1024;
const ARGS_MAX: i64 = i32::MAX as i64;
/// What a client may send before it has authenticated.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
const UNAUTHENTICATED_BULK_LEN_MAX: u64 = 16384;
/// Lengths of up to this many digits are read by the short path.
const SHORT_DIGITS_MAX: usize = 9;
const CRLF_LEN: usize = 2;

/// Bytes in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub len: u32,
}

impl Span {
    /// The bytes, in the buffer that the span was made for.
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &buf[start..start + self.len as usize]
    }
}

/// What a request may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bulk_len_max: u64,
    pub inline_len_max: usize,
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bulk_len_max: 512 << 20, inline_len_max: HEADER_LEN_MAX, authenticated: true }
    }
}

/// What is known of a multibulk request that has not arrived in full. All offsets are from the
/// first byte of the request.
#[derive(Debug, Default)]
pub struct Partial {
    args: Vec<Span>,
    /// How many arguments are still to come; none if no request is under way.
    args_left: u32,
    /// Where the next header or payload begins.
    next: usize,
    /// The length of the payload at `next`, if its header has been read.
    bulk_len: Option<u32>,
}

impl Partial {
    /// Whether no request is under way.
    pub fn is_empty(&self) -> bool {
        self.args_left == 0
    }

    pub fn clear(&mut self) {
        self.args.clear();
        self.args_left = 0;
        self.next = 0;
        self.bulk_len = None;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole multibulk request, `end` just past it. Its spans point into the buffer. A count of
    /// zero or less makes a request without arguments, which the caller skips.
    Request { end: usize },
    /// An inline command. Its spans point into the arena; an empty line has none.
    Inline { end: usize },
    /// The request goes on behind the buffer's end: it takes at least `need` bytes, counted from
    /// its first byte, which for a large argument includes all of that argument.
    Incomplete { need: usize },
}

/// Why the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    MultibulkLength,
    BulkLength,
    /// A header other than `$` where an argument should begin.
    ExpectedBulk(u8),
    MultibulkCountTooBig,
    BulkCountTooBig,
    InlineTooBig,
    UnbalancedQuotes,
    UnauthenticatedMultibulkLength,
    UnauthenticatedBulkLength,
    /// The request does not fit the 32 bits of a span.
    RequestTooBig,
}

impl ProtocolError {
    /// What follows "-ERR " in the reply. The unexpected byte may be any byte, so this is not
    /// always UTF-8; a line end shows as a space.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Protocol error: ");
        let text: &[u8] = match self {
            Self::MultibulkLength => b"invalid multibulk length",
            Self::BulkLength => b"invalid bulk length",
            Self::ExpectedBulk(found) => {
                out.extend_from_slice(b"expected '$', got '");
                out.push(if matches!(found, b'\r' | b'\n') { b' ' } else { found });
                b"'"
            }
            Self::MultibulkCountTooBig => b"too big mbulk count string",
            Self::BulkCountTooBig => b"too big bulk count string",
            Self::InlineTooBig => b"too big inline request",
            Self::UnbalancedQuotes => b"unbalanced quotes in request",
            Self::UnauthenticatedMultibulkLength => b"unauthenticated multibulk length",
            Self::UnauthenticatedBulkLength => b"unauthenticated bulk length",
            Self::RequestTooBig => b"too big request",
        };
        out.extend_from_slice(text);
    }

    /// The same as text, a byte outside UTF-8 replaced.
    pub fn text(self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for ProtocolError {}

impl From<UnbalancedQuotes> for ProtocolError {
    fn from(_: UnbalancedQuotes) -> Self {
        Self::UnbalancedQuotes
    }
}

/// Parses the request that begins at `at`.
///
/// `partial` belongs to the connection: after [`Parsed::Incomplete`] it must be given again, with
/// the same bytes and more behind them, `at` again being the request's first byte. Spans are
/// appended to `spans` only when a request is complete. After an error `partial` is of no use.
#[inline]
pub fn parse(
    buf: &[u8],
    at: usize,
    limits: &Limits,
    partial: &mut Partial,
    spans: &mut Vec<Span>,
    inline: &mut Vec<u8>,
) -> Result<Parsed, ProtocolError> {
    // Spans have 32 bits. What lies beyond is as good as not received; the caller moves the
    // request to the buffer's start, and a request that is too long itself is refused below.
    let buf = &buf[..buf.len().min(u32::MAX as usize)];
    if !partial.is_empty() {
        return resume(buf, at, limits, partial, spans);
    }
    match buf.get(at) {
        None => Ok(Parsed::Incomplete { need: 1 }),
        Some(b'*') => multibulk(buf, at, limits, partial, spans),
        Some(_) => parse_inline(buf, at, limits, spans, inline),
    }
}

#[inline]
fn multibulk(
    buf: &[u8],
    at: usize,
    limits: &Limits,
    partial: &mut Partial,
    spans: &mut Vec<Span>,
) -> Result<Parsed, ProtocolError> {
    let (count, next) = match short_length(buf, at + 1) {
        Some((count, next)) => (i64::from(count), next),
        None => match header(buf, at) {
            Header::Line { text, next } => {
                (parse_i64(text).ok_or(ProtocolError::MultibulkLength)?, next)
            }
            Header::Incomplete => return Ok(Parsed::Incomplete { need: buf.len() - at + 1 }),
            Header::TooLong => return Err(ProtocolError::MultibulkCountTooBig),
        },
    };
    if count > ARGS_MAX {
        return Err(ProtocolError::MultibulkLength);
    }
    if count > UNAUTHENTICATED_ARGS_MAX && !limits.authenticated {
        return Err(ProtocolError::UnauthenticatedMultibulkLength);
    }
    if count <= 0 {
        return Ok(Parsed::Request { end: next });
    }
    let progress = Progress { args_left: count as u32, next, bulk_len: None };
    arguments(buf, at, progress, limits, partial, spans)
}

/// Goes on with a request that was incomplete before.
#[cold]
fn resume(
    buf: &[u8],
    at: usize,
    limits: &Limits,
    partial: &mut Partial,
    spans: &mut Vec<Span>,
) -> Result<Parsed, ProtocolError> {
    let next = at + partial.next;
    if next > buf.len() {
        return Ok(Parsed::Incomplete { need: partial.next + 1 });
    }
    let progress = Progress { args_left: partial.args_left, next, bulk_len: partial.bulk_len };
    let spans_before = spans.len();
    // The arguments seen so far go in front of those to come. If the request is still not
    // complete, only the new ones must go back.
    let seen = std::mem::take(&mut partial.args);
    let parsed = arguments(buf, at, progress, limits, partial, spans)?;
    if let Parsed::Request { .. } = parsed {
        let shift = at as u32;
        let moved = seen.iter().map(|span| Span { start: span.start + shift, len: span.len });
        spans.splice(spans_before..spans_before, moved);
        partial.clear();
    } else {
        let new = std::mem::replace(&mut partial.args, seen);
        partial.args.extend(new);
    }
    Ok(parsed)
}

/// How far a request has been read, in offsets into the buffer.
struct Progress {
    args_left: u32,
    next: usize,
    bulk_len: Option<u32>,
}

/// Reads arguments until none is left or the buffer ends.
#[inline]
fn arguments(
    buf: &[u8],
    at: usize,
    mut progress: Progress,
    limits: &Limits,
    partial: &mut Partial,
    spans: &mut Vec<Span>,
) -> Result<Parsed, ProtocolError> {
    let spans_before = spans.len();
    while progress.args_left > 0 {
        let len = match progress.bulk_len.take() {
            Some(len) => len,
            None => match bulk_header(buf, at, progress.next, limits)? {
                Some((len, next)) => {
                    progress.next = next;
                    len
                }
                None => {
                    let need = buf.len().max(progress.next) - at + 1;
                    suspend(at, &progress, partial, spans, spans_before);
                    return Ok(Parsed::Incomplete { need });
                }
            },
        };
        let end = progress.next + len as usize + CRLF_LEN;
        if end > buf.len() {
            progress.bulk_len = Some(len);
            suspend(at, &progress, partial, spans, spans_before);
            return Ok(Parsed::Incomplete { need: end - at });
        }
        spans.push(Span { start: progress.next as u32, len });
        progress.next = end;
        progress.args_left -= 1;
    }
    Ok(Parsed::Request { end: progress.next })
}

/// Moves what was read of an incomplete request into `partial`.
#[cold]
fn suspend(
    at: usize,
    progress: &Progress,
    partial: &mut Partial,
    spans: &mut Vec<Span>,
    spans_before: usize,
) {
    let shift = at as u32;
    let new = spans.drain(spans_before..);
    partial.args.extend(new.map(|span| Span { start: span.start - shift, len: span.len }));
    partial.args_left = progress.args_left;
    partial.next = progress.next - at;
    partial.bulk_len = progress.bulk_len;
}

/// Reads `$<length>\r\n`; `None` if it is incomplete.
#[inline]
fn bulk_header(
    buf: &[u8],
    at: usize,
    start: usize,
    limits: &Limits,
) -> Result<Option<(u32, usize)>, ProtocolError> {
    if buf.get(start) == Some(&b'$')
        && let Some((len, next)) = short_length(buf, start + 1)
        && u64::from(len) <= UNAUTHENTICATED_BULK_LEN_MAX.min(limits.bulk_len_max)
        && next - at < (u32::MAX / 2) as usize
    {
        return Ok(Some((len, next)));
    }
    bulk_header_checked(buf, at, start, limits)
}

/// The same with every check, for what is long or wrong.
#[cold]
fn bulk_header_checked(
    buf: &[u8],
    at: usize,
    start: usize,
    limits: &Limits,
) -> Result<Option<(u32, usize)>, ProtocolError> {
    let (line, next) = match header(buf, start) {
        Header::Line { text, next } => (text, next),
        Header::Incomplete if buf.len() - at == u32::MAX as usize => {
            return Err(ProtocolError::RequestTooBig);
        }
        Header::Incomplete => return Ok(None),
        Header::TooLong => return Err(ProtocolError::BulkCountTooBig),
    };
    if buf[start] != b'$' {
        return Err(ProtocolError::ExpectedBulk(buf[start]));
    }
    let len = parse_i64(line).and_then(|len| u64::try_from(len).ok());
    let len = len.filter(|&len| len <= limits.bulk_len_max).ok_or(ProtocolError::BulkLength)?;
    if len > UNAUTHENTICATED_BULK_LEN_MAX && !limits.authenticated {
        return Err(ProtocolError::UnauthenticatedBulkLength);
    }
    let room = (u32::MAX as usize).saturating_sub(next - at + CRLF_LEN);
    match u32::try_from(len) {
        Ok(len) if len as usize <= room => Ok(Some((len, next))),
        _ => Err(ProtocolError::RequestTooBig),
    }
}

/// Reads a canonical length of a few digits and the line end behind it. `None` is no verdict: the
/// caller then looks at the line as a whole.
#[inline]
fn short_length(buf: &[u8], start: usize) -> Option<(u32, usize)> {
    // Nearly all lengths have one or two digits.
    if let Some(&[tens, ones, end, _]) = buf.get(start..start + 4) {
        let (tens, ones_digit) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        if ones == b'\r' && tens < 10 {
            return Some((u32::from(tens), start + 1 + CRLF_LEN));
        }
        if end == b'\r' && (1..10).contains(&tens) && ones_digit < 10 {
            let value = u32::from(tens) * 10 + u32::from(ones_digit);
            return Some((value, start + 2 + CRLF_LEN));
        }
    }
    let line = buf.get(start..)?;
    let mut value = 0u32;
    for (index, &byte) in line.iter().enumerate().take(SHORT_DIGITS_MAX + 1) {
        let digit = byte.wrapping_sub(b'0');
        if digit >= 10 {
            let canonical = index == 1 || (index > 1 && line[0] != b'0');
            let ends = byte == b'\r' && index + 1 < line.len();
            return (canonical && ends).then_some((value, start + index + CRLF_LEN));
        }
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    None
}

enum Header<'a> {
    /// The text between the type byte and the line end, and where the next line begins.
    Line {
        text: &'a [u8],
        next: usize,
    },
    Incomplete,
    TooLong,
}

/// Finds the header line that begins at `start` with its type byte.
#[cold]
fn header(buf: &[u8], start: usize) -> Header<'_> {
    let rest = &buf[start..];
    match rest.iter().position(|&byte| byte == b'\r' || byte == 0) {
        Some(len) if rest[len] == b'\r' => {
            if len + 1 == rest.len() {
                return Header::Incomplete;
            }
            // The line may be empty: then the type byte itself is the CR.
            Header::Line { text: &rest[1.min(len)..len], next: start + len + CRLF_LEN }
        }
        _ if rest.len() > HEADER_LEN_MAX => Header::TooLong,
        _ => Header::Incomplete,
    }
}

#[cold]
fn parse_inline(
    buf: &[u8],
    at: usize,
    limits: &Limits,
    spans: &mut Vec<Span>,
    arena: &mut Vec<u8>,
) -> Result<Parsed, ProtocolError> {
    let rest = &buf[at..];
    match rest.iter().position(|&byte| byte == b'\n' || byte == 0) {
        Some(len) if rest[len] == b'\n' => {
            let line = rest[..len].strip_suffix(b"\r").unwrap_or(&rest[..len]);
            split_args(line, spans, arena)?;
            Ok(Parsed::Inline { end: at + len + 1 })
        }
        _ if rest.len() > limits.inline_len_max => Err(ProtocolError::InlineTooBig),
        _ => Ok(Parsed::Incomplete { need: rest.len() + 1 }),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
