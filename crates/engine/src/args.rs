//! A request's words, borrowed from the buffer they arrived in.

use crate::error::{self, CmdError};
use resp::Span;
use std::ops::Range;
use stdx::longdouble::LongDouble;

/// The words of one request; the first is the command's name.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    buf: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Words given by spans into a buffer.
    pub fn new(buf: &'a [u8], spans: &'a [Span]) -> Args<'a> {
        Args { buf, spans }
    }

    /// Number of words.
    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// A word, if there is one at this index.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        Some(self.spans.get(index)?.of(self.buf))
    }

    /// A word that the arity guarantees.
    ///
    /// # Panics
    /// If there is no word at this index.
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        self.spans[index].of(self.buf)
    }

    /// The words from an index on.
    pub fn from(&self, index: usize) -> Args<'a> {
        Args { buf: self.buf, spans: &self.spans[index.min(self.spans.len())..] }
    }

    /// The words of a range of indexes.
    ///
    /// # Panics
    /// If there are fewer words.
    pub fn range(&self, range: std::ops::Range<usize>) -> Args<'a> {
        Args { buf: self.buf, spans: &self.spans[range] }
    }

    /// The words of a range of indexes, as far as there are any.
    pub fn slice(&self, range: Range<usize>) -> Args<'a> {
        let end = range.end.min(self.spans.len());
        Args { buf: self.buf, spans: &self.spans[range.start.min(end)..end] }
    }

    /// All words in order.
    pub fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = &'a [u8]> + ExactSizeIterator + Clone + use<'a> {
        let buf = self.buf;
        self.spans.iter().map(move |span| span.of(buf))
    }

    /// Whether the word at an index is this keyword, in any case.
    #[inline]
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The word at an index, or a syntax error.
    pub fn required(&self, index: usize) -> Result<&'a [u8], CmdError> {
        self.get(index).ok_or(error::SYNTAX)
    }

    /// The word at an index as an integer, or the integer error (a syntax error where it is
    /// missing).
    pub fn integer(&self, index: usize) -> Result<i64, CmdError> {
        stdx::num::parse_i64(self.required(index)?).ok_or(error::NOT_INTEGER)
    }

    /// The word at an index as a float.
    pub fn float(&self, index: usize) -> Result<f64, CmdError> {
        stdx::num::parse_f64(self.required(index)?).ok_or(error::NOT_FLOAT)
    }

    /// The word at an index as a time in seconds after which a blocking command gives up: the time
    /// in milliseconds since 1970, or `None` where it is zero and the wait has no end.
    pub fn deadline_ms(&self, index: usize, now_ms: i64) -> Result<Option<i64>, CmdError> {
        let seconds = LongDouble::parse(self.required(index)?).filter(|value| !value.is_nan());
        let wait_ms = (seconds.ok_or(error::TIMEOUT_NO_FLOAT)?.to_f64() * 1000.0).ceil();
        if wait_ms < 0.0 {
            return Err(error::TIMEOUT_NEGATIVE);
        }
        if wait_ms == 0.0 {
            return Ok(None);
        }
        let wait_ms = Some(wait_ms).filter(|wait_ms| *wait_ms < 2f64.powi(63));
        let deadline_ms = wait_ms.and_then(|wait_ms| now_ms.checked_add(wait_ms as i64));
        deadline_ms.map(Some).ok_or(error::TIMEOUT_RANGE)
    }

    /// An owned copy of all words, for requests that outlive their buffer.
    pub fn to_owned(&self) -> OwnedArgs {
        let size = self.spans.iter().map(|span| span.len as usize).sum();
        let mut owned = OwnedArgs { buf: Vec::with_capacity(size), spans: Vec::new() };
        owned.spans.reserve_exact(self.len());
        self.iter().for_each(|word| owned.push(word));
        owned
    }
}

/// A request that owns its words: queued in a transaction, made by a script, or kept while it
/// waits.
#[derive(Clone, Debug, Default)]
pub struct OwnedArgs {
    buf: Vec<u8>,
    spans: Vec<Span>,
}

impl<const N: usize> From<[&[u8]; N]> for OwnedArgs {
    fn from(words: [&[u8]; N]) -> OwnedArgs {
        let mut owned = OwnedArgs::default();
        words.into_iter().for_each(|word| owned.push(word));
        owned
    }
}

impl OwnedArgs {
    /// Adds a word.
    ///
    /// # Panics
    /// If all words together exceed 4 GiB; the parser bounds requests below that.
    pub fn push(&mut self, word: &[u8]) {
        let start = u32::try_from(self.buf.len()).expect("requests are bounded to 4 GiB");
        self.buf.extend_from_slice(word);
        self.spans.push(Span { start, len: word.len() as u32 });
    }

    /// The words, borrowed.
    pub fn as_args(&self) -> Args<'_> {
        Args { buf: &self.buf, spans: &self.spans }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.buf.capacity() + self.spans.capacity() * size_of::<Span>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_give_up() {
        let now_ms = 1_000_000;
        let cases = [
            ("0", Ok(None)),
            ("-0.0001", Ok(None)),
            ("1", Ok(Some(now_ms + 1000))),
            ("0x10", Ok(Some(now_ms + 16_000))),
            ("1e-9", Ok(Some(now_ms + 1))),
            ("1e-4000", Ok(Some(now_ms + 1))),
            ("-1", Err(error::TIMEOUT_NEGATIVE)),
            ("-inf", Err(error::TIMEOUT_NEGATIVE)),
            ("inf", Err(error::TIMEOUT_RANGE)),
            ("1e400", Err(error::TIMEOUT_RANGE)),
            ("9223372036854775.807", Err(error::TIMEOUT_RANGE)),
            ("nan", Err(error::TIMEOUT_NO_FLOAT)),
            ("1e5000", Err(error::TIMEOUT_NO_FLOAT)),
            ("", Err(error::TIMEOUT_NO_FLOAT)),
        ];
        for (text, expected) in cases {
            let args = OwnedArgs::from([text.as_bytes()]);
            assert_eq!(args.as_args().deadline_ms(0, now_ms), expected, "{text}");
        }
    }
}
