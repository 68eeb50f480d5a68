//! Small hashes and sets: records of packed elements one after another, some of which expire.
//!
//! ```text
//! [fe  earliest 6]  record ...      record: [ff  expiry 6]  key  [value]
//! ```
//! A record is one packed element for a set and two for a hash (`N`). One that expires carries its
//! time in front. Times are milliseconds since 1970 in 48 bits, little-endian. A collection in
//! which a record ever expired starts with a header: the earliest time at which one does, or a
//! later time than any if none does now. So whether something is due is known from the first bytes,
//! and collections without expiries, nearly all, pay nothing for them.
//!
//! The heads `fe` and `ff` begin no packed element. Like [`packed`], everything here is total over
//! any bytes: a damaged collection ends where the damage begins.

use crate::packed::{self, Corrupt, Element, Encoded};
use std::ops::Range;

/// The latest time that a record can carry.
pub const EXPIRY_MAX_MS: i64 = (1 << 48) - 2;
/// The earliest expiry of a collection in which nothing expires.
pub const NEVER_MS: i64 = (1 << 48) - 1;

pub(crate) const TIMED: u8 = 0xff;
pub(crate) const TIMED_LEN: usize = 7;
const HEADER: u8 = 0xfe;
const HEADER_LEN: usize = 7;

/// A member of a set, or a field of a hash with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The member or field.
    pub key: Element<'a>,
    /// The field's value; empty for a member.
    pub value: Element<'a>,
    /// When it expires.
    pub expire_at_ms: Option<i64>,
}

impl Record<'_> {
    /// Whether it is no longer there at a time.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }
}

/// Where a record is, and where its parts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// All of it.
    pub record: Range<usize>,
    /// The value's element.
    pub value: Range<usize>,
    /// When it expires.
    pub expire_at_ms: Option<i64>,
}

#[inline]
fn read_time(bytes: &[u8]) -> i64 {
    let mut word = [0; 8];
    word[..6].copy_from_slice(&bytes[..6]);
    i64::from_le_bytes(word)
}

/// Appends the mark that a record expires.
pub(crate) fn push_time(out: &mut Vec<u8>, at_ms: i64) {
    out.push(TIMED);
    out.extend_from_slice(&at_ms.clamp(0, EXPIRY_MAX_MS).to_le_bytes()[..6]);
}

/// Appends a record.
pub fn encode<const N: usize>(
    out: &mut Vec<u8>,
    key: Element<'_>,
    value: Element<'_>,
    expire_at_ms: Option<i64>,
) {
    if let Some(at_ms) = expire_at_ms {
        push_time(out, at_ms);
    }
    packed::encode_element(out, key);
    if N > 1 {
        packed::encode_element(out, value);
    }
}

/// The header of a collection with expiries.
pub fn header(earliest_ms: i64) -> [u8; HEADER_LEN] {
    let mut header = [HEADER; HEADER_LEN];
    header[1..].copy_from_slice(&earliest_ms.clamp(0, NEVER_MS).to_le_bytes()[..6]);
    header
}

/// The bytes of the header; empty where there is none.
#[inline]
pub fn header_range(bytes: &[u8]) -> Range<usize> {
    let has_header = bytes.first() == Some(&HEADER) && bytes.len() >= HEADER_LEN;
    0..if has_header { HEADER_LEN } else { 0 }
}

/// The earliest time at which a record expires, for a collection that has or had such records.
#[inline]
pub fn earliest_ms(bytes: &[u8]) -> Option<i64> {
    let header = header_range(bytes);
    (!header.is_empty()).then(|| read_time(&bytes[1..]))
}

/// The expiry in front of the record at an offset, and where its key begins.
#[inline]
pub(crate) fn time_at(bytes: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    if *bytes.get(at)? != TIMED {
        return Some((None, at));
    }
    let time = bytes.get(at + 1..at + TIMED_LEN)?;
    Some((Some(read_time(time)), at + TIMED_LEN))
}

/// The records in order.
#[derive(Clone, Debug)]
pub struct Iter<'a, const N: usize> {
    bytes: &'a [u8],
    at: usize,
}

impl<const N: usize> Iter<'_, N> {
    /// Where the next record begins.
    #[inline]
    pub fn offset(&self) -> usize {
        self.at
    }
}

impl<'a, const N: usize> Iterator for Iter<'a, N> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let (expire_at_ms, at) = time_at(self.bytes, self.at)?;
        let (key, mut end) = packed::decode(self.bytes, at)?;
        let mut value = Element::Bytes(&[]);
        if N > 1 {
            (value, end) = packed::decode(self.bytes, end)?;
        }
        self.at = end;
        Some(Record { key, value, expire_at_ms })
    }
}

/// The records of a collection.
#[inline]
pub fn iter<const N: usize>(bytes: &[u8]) -> Iter<'_, N> {
    Iter { bytes, at: header_range(bytes).end }
}

/// How many records there are. O(n).
#[inline]
pub fn count<const N: usize>(bytes: &[u8]) -> usize {
    let (mut at, mut count) = (header_range(bytes).end, 0);
    while let Some(end) = end_of::<N>(bytes, at) {
        (at, count) = (end, count + 1);
    }
    count
}

/// Where the record at an offset ends.
#[inline]
fn end_of<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let (_, at) = time_at(bytes, at)?;
    let end = packed::end_of(bytes, at)?;
    if N > 1 { packed::end_of(bytes, end) } else { Some(end) }
}

/// The record of a key, or how many records there are without it. O(n).
#[inline]
pub fn search<const N: usize>(bytes: &[u8], key: Element<'_>) -> Result<Found, usize> {
    let needle = Encoded::new(key);
    let (mut start, mut count) = (header_range(bytes).end, 0);
    while let Some((expire_at_ms, at)) = time_at(bytes, start) {
        let Some(key_end) = packed::end_of(bytes, at) else { break };
        let end = if N > 1 { packed::end_of(bytes, key_end) } else { Some(key_end) };
        let Some(end) = end else { break };
        if needle.is(&bytes[at..key_end]) {
            return Ok(Found { record: start..end, value: key_end..end, expire_at_ms });
        }
        (start, count) = (end, count + 1);
    }
    Err(count)
}

/// The record of a key. O(n).
#[inline]
pub fn find<const N: usize>(bytes: &[u8], key: Element<'_>) -> Option<Found> {
    search::<N>(bytes, key).ok()
}

/// Verifies that bytes are canonical records from start to end and counts them. Keys may repeat.
/// O(n).
pub fn check<const N: usize>(bytes: &[u8]) -> Result<usize, Corrupt> {
    let (mut at, mut count) = (header_range(bytes).end, 0);
    while at < bytes.len() {
        let (_, key) = time_at(bytes, at).ok_or(Corrupt)?;
        let end = end_of::<N>(bytes, at).ok_or(Corrupt)?;
        packed::check(&bytes[key..end])?;
        (at, count) = (end, count + 1);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(fields: &[(&[u8], &[u8], Option<i64>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value, at_ms) in fields {
            encode::<2>(&mut bytes, Element::of(key), Element::of(value), *at_ms);
        }
        bytes
    }

    #[test]
    fn records_read_back_with_and_without_times() {
        let fields: &[(&[u8], &[u8], Option<i64>)] =
            &[(b"a", b"1", None), (b"77", b"", Some(5)), (b"", b"x", Some(EXPIRY_MAX_MS))];
        for with_header in [false, true] {
            let mut bytes = if with_header { header(5).to_vec() } else { Vec::new() };
            bytes.extend(hash(fields));
            assert_eq!(earliest_ms(&bytes), with_header.then_some(5));
            assert_eq!((count::<2>(&bytes), check::<2>(&bytes)), (3, Ok(3)));
            let read = iter::<2>(&bytes);
            for (record, (key, value, at_ms)) in read.zip(fields) {
                assert!(record.key.eq_text(key) && record.value.eq_text(value));
                assert_eq!(record.expire_at_ms, *at_ms);
                let found = find::<2>(&bytes, Element::of(key)).expect("it is there");
                assert_eq!(found.expire_at_ms, *at_ms);
                let mut expected = Vec::new();
                packed::encode(&mut expected, value);
                assert_eq!(bytes[found.value], expected);
            }
            assert_eq!(find::<2>(&bytes, Element::of(b"b")), None);
            assert_eq!(find::<2>(&bytes, Element::of(b"1")), None, "a value is no field");
        }
    }

    #[test]
    fn any_bytes_are_walked_to_an_end() {
        let mut prng = stdx::prng::Prng::new(4);
        for _ in 0..20_000 {
            let mut bytes = vec![0; prng.below(24) as usize];
            prng.fill(&mut bytes);
            for byte in &mut bytes {
                if prng.below(4) == 0 {
                    *byte = [HEADER, TIMED, 0x81, 0xf0][prng.below(4) as usize];
                }
            }
            assert_eq!(iter::<2>(&bytes).count(), count::<2>(&bytes));
            assert_eq!(iter::<1>(&bytes).count(), count::<1>(&bytes));
            if let Ok(count) = check::<2>(&bytes) {
                assert_eq!(iter::<2>(&bytes).count(), count);
            }
            find::<2>(&bytes, Element::of(b"a"));
        }
    }
}
