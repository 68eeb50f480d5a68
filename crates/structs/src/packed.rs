//! A small collection as one byte string: elements one after another, nothing else.
//!
//! ```text
//! 00-7f                     the integer 0 to 127
//! 80-bf  text               text of 0 to 63 bytes
//! c0-df  1 byte             an integer of 128 to 8319, its distance from 128 in 13 bits, high first
//! e0-e7  1 to 8 bytes       an integer, two's complement, little-endian
//! f0-f7  1 to 8 bytes text  longer text behind its length, little-endian
//! ```
//! There is no header and no count: the owner knows the length of the whole, and collections kept
//! like this are small enough to walk. A hash is field, value, field, value; a sorted set is member,
//! score; a list is its elements. The order and the meaning of elements are the owner's.
//!
//! **Canonical**: text that is a 64-bit integer's own text is stored as the integer, and everything
//! in its shortest form. So two elements are equal exactly if their encodings are, and looking for an
//! element is comparing bytes with its encoding ([`Needle`]).
//!
//! **Total**: bytes may come from a file or a client. [`check`] refuses what is not canonical. Every
//! other function, given such bytes, answers as if the collection ended at the first damaged element;
//! none panics or reads outside.
//!
//! Rejected: lengths behind each element for walking backwards (a byte each, and a walk over a small
//! collection is cheap; the chunks of long lists do keep them), and a count in front (it would have
//! to be changed with every splice, and is rarely asked for).

use std::cmp::Ordering;
use std::ops::{Deref, Range};
use stdx::num::{Decimal, parse_i64};

/// Bytes that are not a sequence of canonical elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a packed collection")
    }
}

impl std::error::Error for Corrupt {}

/// One element. Clients see its [`Element::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// Text that is an integer's own text.
    Int(i64),
    /// Any other text.
    Bytes(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The element that this text is stored as.
    #[inline]
    pub fn of(text: &'a [u8]) -> Element<'a> {
        parse_i64(text).map_or(Element::Bytes(text), Element::Int)
    }

    /// The text, on the stack if it is an integer's.
    #[inline]
    pub fn text(self) -> Text<'a> {
        match self {
            Element::Int(number) => Text::Digits(Decimal::new(number)),
            Element::Bytes(bytes) => Text::Bytes(bytes),
        }
    }

    /// Length of the text.
    #[inline]
    pub fn text_len(self) -> usize {
        match self {
            Element::Int(number) => stdx::num::i64_digits(number),
            Element::Bytes(bytes) => bytes.len(),
        }
    }

    /// Appends the text.
    pub fn write_text(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    /// Whether the text is this one.
    pub fn eq_text(self, text: &[u8]) -> bool {
        *self.text() == *text
    }

    /// The order of the texts, byte by byte.
    pub fn cmp_text(self, text: &[u8]) -> Ordering {
        (*self.text()).cmp(text)
    }
}

/// The text of an element.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// Of an integer.
    Digits(Decimal),
    /// As stored.
    Bytes(&'a [u8]),
}

impl Deref for Text<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Text::Digits(decimal) => decimal.as_bytes(),
            Text::Bytes(bytes) => bytes,
        }
    }
}

const TEXT: u8 = 0x80;
const TEXT_LEN_MAX: usize = 0x3f;
const PAIR: u8 = 0xc0;
const PAIR_FIRST: i64 = 0x80;
const PAIR_LAST: i64 = PAIR_FIRST + 0x1fff;
const INT: u8 = 0xe0;
const LONG: u8 = 0xf0;
/// The most bytes in front of an element's text, and the most that an integer takes.
pub const HEAD_LEN_MAX: usize = 9;

/// Appends the element that `text` is stored as.
#[inline]
pub fn encode(out: &mut Vec<u8>, text: &[u8]) {
    encode_element(out, Element::of(text));
}

/// Appends an element.
#[inline]
pub fn encode_element(out: &mut Vec<u8>, element: Element<'_>) {
    match element {
        Element::Int(number) => encode_int(out, number),
        Element::Bytes(bytes) => {
            out.extend_from_slice(Head::of_text(bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

/// Appends an integer.
#[inline]
pub fn encode_int(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(Head::of_int(number).as_bytes());
}

/// Bytes that the element of `text` takes.
pub fn encoded_len(text: &[u8]) -> usize {
    match Element::of(text) {
        Element::Int(number) => Head::of_int(number).as_bytes().len(),
        Element::Bytes(bytes) => Head::of_text(bytes.len()).as_bytes().len() + bytes.len(),
    }
}

/// What stands in front of a text, or the whole of an integer.
struct Head {
    bytes: [u8; HEAD_LEN_MAX],
    len: u8,
}

impl Head {
    fn of_text(len: usize) -> Head {
        if len <= TEXT_LEN_MAX {
            return Head::short(&[TEXT | len as u8]);
        }
        let significant = u64::BITS - (len as u64).leading_zeros();
        Head::tagged(LONG, len as u64, significant.div_ceil(8))
    }

    fn of_int(number: i64) -> Head {
        match number {
            0..PAIR_FIRST => Head::short(&[number as u8]),
            PAIR_FIRST..=PAIR_LAST => {
                let distance = (number - PAIR_FIRST) as u16;
                Head::short(&[PAIR | (distance >> 8) as u8, distance as u8])
            }
            _ => Head::tagged(INT, number as u64, int_width(number)),
        }
    }

    fn short(bytes: &[u8]) -> Head {
        let mut head = Head { bytes: [0; HEAD_LEN_MAX], len: bytes.len() as u8 };
        head.bytes[..bytes.len()].copy_from_slice(bytes);
        head
    }

    /// A tag that carries the number of bytes behind it, and these.
    fn tagged(tag: u8, value: u64, width: u32) -> Head {
        let mut bytes = [0; HEAD_LEN_MAX];
        bytes[0] = tag | (width - 1) as u8;
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        Head { bytes, len: 1 + width as u8 }
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

/// Bytes of the shortest two's complement form.
fn int_width(number: i64) -> u32 {
    // All bits above the highest that differs from the sign are copies of the sign.
    let spare = (number ^ (number >> 63)).leading_zeros();
    (u64::BITS - spare + 1).div_ceil(8)
}

/// Where the element that begins at `at` ends; `None` at the end and where it is damaged. O(1).
#[inline]
pub fn end_of(bytes: &[u8], at: usize) -> Option<usize> {
    let head = *bytes.get(at)?;
    let len = match head {
        0..TEXT => 1,
        TEXT..PAIR => 1 + (head as usize & TEXT_LEN_MAX),
        PAIR..INT => 2,
        0xe0..=0xe7 => 2 + (head as usize & 7),
        0xf0..=0xf7 => {
            let width = 1 + (head as usize & 7);
            let text_len = read_le(bytes.get(at + 1..at + 1 + width)?);
            usize::try_from(text_len).ok()?.checked_add(1 + width)?
        }
        _ => return None,
    };
    let end = at.checked_add(len)?;
    (end <= bytes.len()).then_some(end)
}

/// The element that begins at `at`, and where it ends. O(1).
#[inline]
pub fn decode(bytes: &[u8], at: usize) -> Option<(Element<'_>, usize)> {
    let end = end_of(bytes, at)?;
    let (head, body) = bytes[at..end].split_first()?;
    let element = match *head {
        0..TEXT => Element::Int(i64::from(*head)),
        TEXT..PAIR => Element::Bytes(body),
        PAIR..INT => {
            let distance = i64::from(head & 0x1f) << 8 | i64::from(body[0]);
            Element::Int(PAIR_FIRST + distance)
        }
        INT..LONG => Element::Int(read_int(body)),
        _ => Element::Bytes(&body[1 + (*head as usize & 7)..]),
    };
    Some((element, end))
}

#[inline]
fn read_le(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

#[inline]
fn read_int(bytes: &[u8]) -> i64 {
    let unused = u64::BITS - 8 * bytes.len() as u32;
    (read_le(bytes) << unused) as i64 >> unused
}

/// Walks over the elements in order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iter<'a> {
    /// Where the next element begins.
    #[inline]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Passes over up to `count` elements; false if there were fewer. O(count).
    pub fn pass(&mut self, count: usize) -> bool {
        for _ in 0..count {
            match end_of(self.bytes, self.at) {
                Some(end) => self.at = end,
                None => return false,
            }
        }
        true
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let (element, end) = decode(self.bytes, self.at)?;
        self.at = end;
        Some(element)
    }
}

/// The elements in order.
#[inline]
pub fn iter(bytes: &[u8]) -> Iter<'_> {
    iter_from(bytes, 0)
}

/// The elements from the one that begins at `offset`.
#[inline]
pub fn iter_from(bytes: &[u8], offset: usize) -> Iter<'_> {
    Iter { bytes, at: offset }
}

/// How many elements there are. O(n).
pub fn count(bytes: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(end) = end_of(bytes, at) {
        (at, count) = (end, count + 1);
    }
    count
}

/// The bytes of element `index`, to remove or replace it. O(index).
pub fn range_of(bytes: &[u8], index: usize) -> Option<Range<usize>> {
    let start = offset_of(bytes, index)?;
    Some(start..end_of(bytes, start)?)
}

/// Where element `index` begins, to insert there; the end of the last element where `index` is their
/// number. O(index).
pub fn offset_of(bytes: &[u8], index: usize) -> Option<usize> {
    let mut iter = iter(bytes);
    iter.pass(index).then_some(iter.at)
}

/// Element `index`. O(index).
pub fn get(bytes: &[u8], index: usize) -> Option<Element<'_>> {
    Some(decode(bytes, offset_of(bytes, index)?)?.0)
}

/// An element to look for: the bytes it is stored as.
pub struct Needle<'a> {
    head: Head,
    text: &'a [u8],
}

impl<'a> Needle<'a> {
    /// The element that `text` is stored as.
    #[inline]
    pub fn new(text: &'a [u8]) -> Needle<'a> {
        match Element::of(text) {
            Element::Int(number) => Needle { head: Head::of_int(number), text: &[] },
            Element::Bytes(text) => Needle { head: Head::of_text(text.len()), text },
        }
    }

    /// Whether these are the bytes of an element with that text.
    #[inline]
    pub fn is(&self, element: &[u8]) -> bool {
        let head = self.head.as_bytes();
        element.len() == head.len() + self.text.len()
            && element.starts_with(head)
            && element[head.len()..] == *self.text
    }

    /// The first of every `stride` elements that is the one looked for: its index and its bytes. A
    /// stride of 2 looks at the fields of a hash and passes over the values. O(n).
    #[inline]
    pub fn find(&self, bytes: &[u8], stride: usize) -> Option<(usize, Range<usize>)> {
        let (mut at, mut index) = (0, 0);
        while let Some(end) = end_of(bytes, at) {
            if self.is(&bytes[at..end]) {
                return Some((index, at..end));
            }
            at = end;
            for _ in 1..stride {
                at = end_of(bytes, at)?;
            }
            index += stride;
        }
        None
    }
}

/// Verifies that bytes are canonical elements from start to end and counts them. O(n).
pub fn check(bytes: &[u8]) -> Result<usize, Corrupt> {
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        let (element, end) = decode(bytes, at).ok_or(Corrupt)?;
        let canonical = match element {
            Element::Int(number) => Head::of_int(number),
            Element::Bytes(text) if parse_i64(text).is_some() => return Err(Corrupt),
            Element::Bytes(text) => Head::of_text(text.len()),
        };
        if !bytes[at..end].starts_with(canonical.as_bytes()) {
            return Err(Corrupt);
        }
        (at, count) = (end, count + 1);
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
