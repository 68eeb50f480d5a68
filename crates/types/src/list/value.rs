//! A list's value, in one of two representations.
//!
//! A small list is one packed byte string in the entry itself; a larger one is a [`List`] of
//! chunks. What OBJECT ENCODING says is another matter: `listpack` or `quicklist` by Redis' rules,
//! which are about the bytes of a listpack. A packed list and a list of one unbounded chunk are
//! listpacks, a list of bounded chunks is a quicklist.

use keyspace::value::{TypeId, ValueType};
use keyspace::{Entry, entry};
use resp::Writer;
use structs::list::{self, List, Side};
use structs::packed::{self, Element, Needle};

/// The longest list that is kept packed in its entry: walking over it is still cheap.
pub(super) const PACKED_LEN_MAX: usize = 512;

/// A list of chunks.
pub struct ListValue(pub(super) List);

impl ValueType for ListValue {
    const ID: TypeId = 1;
    const NAME: &'static str = "list";

    fn encoding(&self) -> &'static str {
        if self.0.is_chunked() { "quicklist" } else { "listpack" }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn copy(&self) -> Self {
        ListValue(self.0.copy())
    }

    fn free_effort(&self) -> usize {
        self.0.chunk_count() + 1
    }
}

/// A look at a list.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Packed(&'a [u8]),
    Chunks(&'a List),
}

impl<'a> View<'a> {
    /// The list in an entry, if it holds one.
    #[inline]
    pub fn of(entry: &'a Entry) -> Option<View<'a>> {
        if entry.type_id() != ListValue::ID {
            return None;
        }
        match entry.view() {
            entry::View::Packed(bytes) => Some(View::Packed(bytes)),
            entry::View::Boxed(boxed) => Some(View::Chunks(&boxed.get::<ListValue>()?.0)),
            entry::View::Str(_) => None,
        }
    }

    /// How many elements there are.
    pub fn len(self) -> usize {
        match self {
            View::Packed(bytes) => packed::count(bytes),
            View::Chunks(list) => list.len(),
        }
    }

    /// The element at an index.
    pub fn get(self, index: usize) -> Option<Element<'a>> {
        match self {
            View::Packed(bytes) => packed::get(bytes, index),
            View::Chunks(list) => list.get(index),
        }
    }

    /// The elements from an index on, towards the other end than `side`.
    pub fn iter_from(self, index: usize, side: Side) -> Iter<'a> {
        match (self, side) {
            (View::Chunks(list), _) => Iter::Chunks(list.iter_from(index, side)),
            (View::Packed(bytes), Side::Left) => {
                let from = packed::offset_of(bytes, index).unwrap_or(bytes.len());
                Iter::Packed(packed::iter_from(bytes, from))
            }
            (View::Packed(bytes), Side::Right) => {
                let elements: Vec<_> = packed::iter(bytes).take(index + 1).collect();
                Iter::Reversed(elements.into_iter().rev())
            }
        }
    }

    /// The indexes of elements equal to a text, from an end on, among the first `scan_max` elements
    /// from there, `skip` of them left out, at most `max`.
    pub fn positions(
        self,
        text: &[u8],
        side: Side,
        scan_max: usize,
        (skip, max): (usize, usize),
    ) -> Vec<usize> {
        match self {
            View::Chunks(list) => {
                let found = list.positions(Element::of(text), side, scan_max);
                found.skip(skip).take(max).collect()
            }
            View::Packed(bytes) => {
                let mut found = packed_positions(bytes, text, side, scan_max);
                if side == Side::Right {
                    found.reverse();
                }
                found.into_iter().skip(skip).take(max).collect()
            }
        }
    }
}

/// The indexes of equal elements in ascending order.
fn packed_positions(bytes: &[u8], text: &[u8], side: Side, scan_max: usize) -> Vec<usize> {
    let needle = Needle::new(text);
    let (mut found, mut at, mut index) = (Vec::new(), 0, 0);
    while let Some(end) = packed::end_of(bytes, at) {
        if side == Side::Left && index == scan_max {
            break;
        }
        if needle.is(&bytes[at..end]) {
            found.push(index);
        }
        (at, index) = (end, index + 1);
    }
    if side == Side::Right {
        let first = index.saturating_sub(scan_max);
        found.retain(|found| *found >= first);
    }
    found
}

/// Elements in one direction.
pub(super) enum Iter<'a> {
    Packed(packed::Iter<'a>),
    Reversed(std::iter::Rev<std::vec::IntoIter<Element<'a>>>),
    Chunks(list::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Iter::Packed(iter) => iter.next(),
            Iter::Reversed(iter) => iter.next(),
            Iter::Chunks(iter) => iter.next(),
        }
    }
}

/// Replies with an element.
#[inline]
pub(super) fn reply_element(reply: &mut Writer<'_>, element: Element<'_>) {
    match element {
        Element::Int(number) => reply.bulk_int(number),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}
