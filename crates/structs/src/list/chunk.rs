//! A run of elements that can be walked, and can grow, at both ends.
//!
//! Each element is stored as in [`packed`](crate::packed), followed by the length of that in one
//! byte, or in four with 0xff behind them where it is longer: so the last element is found from the
//! end. The bytes lie at the end of a buffer whose unused start takes elements from the left, as
//! its spare capacity takes them from the right.

use super::Side;
use super::limit::{WEIGHT_EMPTY, weight_of};
use crate::packed::{self, Element, Encoded};
use std::ops::Range;

/// Marks a length of four bytes.
const LONG: u8 = 0xff;
/// Room made at least when a chunk grows.
const ROOM_MIN: usize = 32;

/// A run of elements.
#[derive(Debug)]
pub(super) struct Chunk {
    buffer: Vec<u8>,
    /// Where the elements begin in the buffer.
    start: u32,
    /// Bytes that the elements would take as a listpack.
    weight: u32,
    count: u32,
    /// Whether this is one element too large for a chunk with others.
    is_large: bool,
}

/// The length behind an element.
struct Back {
    bytes: [u8; 5],
    len: usize,
}

impl Back {
    /// # Panics
    /// If the element has 4 GiB or more; callers bound texts below that.
    #[inline]
    fn new(encoded_len: usize) -> Back {
        if encoded_len < LONG as usize {
            return Back { bytes: [encoded_len as u8, 0, 0, 0, 0], len: 1 };
        }
        let len = u32::try_from(encoded_len).expect("elements are below 4 GiB");
        let [a, b, c, d] = len.to_le_bytes();
        Back { bytes: [a, b, c, d, LONG], len: 5 }
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// How many bytes the length behind an element of this size takes.
#[inline]
fn back_len(encoded_len: usize) -> usize {
    if encoded_len < LONG as usize { 1 } else { 5 }
}

impl Chunk {
    pub fn new() -> Chunk {
        Chunk {
            buffer: Vec::new(),
            start: 0,
            weight: WEIGHT_EMPTY as u32,
            count: 0,
            is_large: false,
        }
    }

    /// A chunk with one element.
    pub fn of(element: Element<'_>, is_large: bool) -> Chunk {
        let mut chunk = Chunk { is_large, ..Chunk::new() };
        chunk.push(Side::Right, element);
        chunk
    }

    #[inline]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    #[inline]
    pub fn weight(&self) -> usize {
        self.weight as usize
    }

    #[inline]
    pub fn is_large(&self) -> bool {
        self.is_large
    }

    /// Bytes allocated.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..]
    }

    /// Adds an element at an end. O(1) amortised.
    pub fn push(&mut self, side: Side, element: Element<'_>) {
        let encoded = Encoded::new(element);
        let back = Back::new(encoded.len());
        let len = encoded.len() + back.len;
        match side {
            Side::Right => {
                self.make_room_right(len);
                encoded.append_to(&mut self.buffer);
                self.buffer.extend_from_slice(back.as_bytes());
            }
            Side::Left => {
                self.make_room_left(len);
                let start = self.start as usize - len;
                let (to_element, to_back) =
                    self.buffer[start..start + len].split_at_mut(encoded.len());
                encoded.write_to(to_element);
                to_back.copy_from_slice(back.as_bytes());
                self.start = start as u32;
            }
        }
        self.count += 1;
        self.weight += weight_of(element) as u32;
    }

    /// The room added beyond need, so that growth costs O(1) per byte and wastes little.
    fn room(&self) -> usize {
        ROOM_MIN.max(self.bytes().len() / 8)
    }

    fn make_room_right(&mut self, len: usize) {
        if self.buffer.capacity() - self.buffer.len() >= len {
            return;
        }
        let start = self.start as usize;
        if start >= len && start >= self.buffer.len() / 4 {
            self.buffer.drain(..start);
            self.start = 0;
        } else {
            self.buffer.reserve_exact(len.max(self.room()));
        }
    }

    fn make_room_left(&mut self, len: usize) {
        if self.start as usize >= len {
            return;
        }
        let room = len.max(self.room());
        let mut buffer = Vec::with_capacity(room + self.bytes().len());
        buffer.resize(room, 0);
        buffer.extend_from_slice(self.bytes());
        self.buffer = buffer;
        self.start = room as u32;
    }

    /// Gives memory back where much of it is unused.
    fn give_back(&mut self) {
        if self.buffer.capacity() > 2 * self.bytes().len() + 8 * ROOM_MIN {
            self.reallocate(self.room());
        }
    }

    /// Gives back what is not in use, because no element will be added at the ends soon.
    pub fn seal(&mut self) {
        if self.buffer.capacity() > self.bytes().len() {
            self.reallocate(0);
        }
    }

    fn reallocate(&mut self, room: usize) {
        let mut buffer = Vec::with_capacity(self.bytes().len() + room);
        buffer.extend_from_slice(self.bytes());
        self.buffer = buffer;
        self.start = 0;
    }

    /// The element at an end. O(1).
    #[inline]
    pub fn end(&self, side: Side) -> Option<Element<'_>> {
        self.walk(side).next()
    }

    /// All elements, from an end on.
    #[inline]
    pub fn walk(&self, side: Side) -> Walk<'_> {
        Walk { bytes: self.bytes(), side }
    }

    /// The elements from an index on, up to the other end than `side`. O(distance from the nearer
    /// end).
    pub fn walk_from(&self, index: usize, side: Side) -> Walk<'_> {
        let bytes = self.bytes();
        match side {
            Side::Left => Walk { bytes: &bytes[self.offset_of(index)..], side },
            Side::Right => Walk { bytes: &bytes[..self.offset_of(index + 1)], side },
        }
    }

    /// Where an element begins, or where they end. O(distance from the nearer end).
    fn offset_of(&self, index: usize) -> usize {
        let (side, steps) = if index <= self.count() / 2 {
            (Side::Left, index)
        } else {
            (Side::Right, self.count() - index.min(self.count()))
        };
        let mut walk = self.walk(side);
        for _ in 0..steps {
            walk.next_raw();
        }
        match side {
            Side::Left => self.bytes().len() - walk.bytes.len(),
            Side::Right => walk.bytes.len(),
        }
    }

    /// Inserts an element before the one at an index. O(bytes).
    pub fn insert(&mut self, index: usize, element: Element<'_>) {
        let at = self.start as usize + self.offset_of(index);
        let encoded = Encoded::new(element);
        let back = Back::new(encoded.len());
        let len = encoded.len() + back.len;
        self.buffer.reserve_exact(len);
        let old_len = self.buffer.len();
        self.buffer.resize(old_len + len, 0);
        self.buffer.copy_within(at..old_len, at + len);
        encoded.write_to(&mut self.buffer[at..]);
        self.buffer[at + encoded.len()..at + len].copy_from_slice(back.as_bytes());
        self.count += 1;
        self.weight += weight_of(element) as u32;
    }

    /// Removes the elements of a range of indexes, which lie in the chunk. O(bytes).
    pub fn remove(&mut self, indexes: Range<usize>) {
        let (from, to) = (self.offset_of(indexes.start), self.offset_of(indexes.end));
        let removed = Walk { bytes: &self.bytes()[from..to], side: Side::Left };
        self.weight -= removed.map(weight_of).sum::<usize>() as u32;
        self.count -= indexes.len() as u32;
        if from == 0 {
            self.start += to as u32;
        } else {
            let start = self.start as usize;
            self.buffer.drain(start + from..start + to);
        }
        self.give_back();
    }

    /// Removes the element at an end. O(1) amortised.
    pub fn pop(&mut self, side: Side) {
        let Some(raw) = self.walk(side).next_raw() else { return };
        let len = raw.len() + back_len(raw.len());
        let weight = packed::decode(raw, 0).map_or(0, |(element, _)| weight_of(element));
        self.weight -= weight as u32;
        self.count -= 1;
        match side {
            Side::Left => self.start += len as u32,
            Side::Right => self.buffer.truncate(self.buffer.len() - len),
        }
        self.give_back();
    }

    /// Removes up to `max` elements equal to one, from an end on, and says how many. O(bytes).
    pub fn remove_equal(&mut self, wanted: &Encoded<'_>, side: Side, max: usize) -> usize {
        let mut walk = self.walk(side);
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut at = if side == Side::Left { 0 } else { self.bytes().len() };
        while found.len() < max
            && let Some(raw) = walk.next_raw()
        {
            let len = raw.len() + back_len(raw.len());
            let begin = if side == Side::Left { at } else { at - len };
            if wanted.is(raw) {
                found.push(begin..begin + len);
            }
            at = if side == Side::Left { at + len } else { begin };
        }
        let Some(first) = found.first() else { return 0 };
        let weight = packed::decode(&self.bytes()[first.start..], 0);
        let weight = weight.map_or(0, |(element, _)| weight_of(element));
        self.weight -= (weight * found.len()) as u32;
        self.count -= found.len() as u32;
        if side == Side::Right {
            found.reverse();
        }
        self.cut(&found);
        self.give_back();
        found.len()
    }

    /// Cuts ranges of bytes out, given in order.
    fn cut(&mut self, ranges: &[Range<usize>]) {
        let start = self.start as usize;
        let ends = ranges[1..].iter().map(|next| next.start).chain([self.bytes().len()]);
        let kept: Vec<Range<usize>> =
            ranges.iter().zip(ends).map(|(cut, end)| start + cut.end..start + end).collect();
        let mut to = start + ranges[0].start;
        for range in kept {
            let len = range.len();
            self.buffer.copy_within(range, to);
            to += len;
        }
        self.buffer.truncate(to);
    }

    /// Takes the elements from an index on into a chunk of their own. O(bytes).
    pub fn split_off(&mut self, index: usize) -> Chunk {
        let at = self.start as usize + self.offset_of(index);
        let mut tail = Chunk { buffer: self.buffer[at..].to_vec(), ..Chunk::new() };
        tail.count = self.count - index as u32;
        tail.weight += tail.walk(Side::Left).map(weight_of).sum::<usize>() as u32;
        self.buffer.truncate(at);
        self.count = index as u32;
        self.weight -= tail.weight - WEIGHT_EMPTY as u32;
        self.give_back();
        tail
    }

    /// Takes over the elements of the chunk to the right. O(bytes).
    pub fn append(&mut self, right: Chunk) {
        self.buffer.reserve_exact(right.bytes().len());
        self.buffer.extend_from_slice(right.bytes());
        self.count += right.count;
        self.weight += right.weight - WEIGHT_EMPTY as u32;
    }

    /// A copy without spare memory.
    pub fn copy(&self) -> Chunk {
        Chunk { buffer: self.bytes().to_vec(), start: 0, ..*self }
    }
}

/// Walks over elements from one end to the other.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    /// What is left of them.
    bytes: &'a [u8],
    side: Side,
}

impl<'a> Walk<'a> {
    /// A walk over nothing.
    pub fn ended(side: Side) -> Walk<'a> {
        Walk { bytes: &[], side }
    }

    /// The next element's encoding.
    #[inline]
    pub fn next_raw(&mut self) -> Option<&'a [u8]> {
        match self.side {
            Side::Left => {
                let len = packed::end_of(self.bytes, 0)?;
                let (raw, rest) = self.bytes.split_at(len);
                self.bytes = rest.get(back_len(len)..)?;
                Some(raw)
            }
            Side::Right => {
                let (last, rest) = self.bytes.split_last()?;
                let (len, rest) = match *last {
                    LONG => {
                        let (rest, len) = rest.split_last_chunk()?;
                        (u32::from_le_bytes(*len) as usize, rest)
                    }
                    len => (len as usize, rest),
                };
                let (rest, raw) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
                self.bytes = rest;
                Some(raw)
            }
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        if self.side == Side::Left {
            let (element, len) = packed::decode(self.bytes, 0)?;
            self.bytes = self.bytes.get(len + back_len(len)..)?;
            return Some(element);
        }
        Some(packed::decode(self.next_raw()?, 0)?.0)
    }
}
