//! A list of any size: chunks of elements in a ring.
//!
//! A chunk holds elements up to a [`Limit`], one behind the other in one allocation, so an element
//! costs its bytes and two more, about. The chunks stand in a ring buffer of 40 bytes each. Both
//! ends are O(1) amortised. An index is found by passing over chunks from the nearer end, which is
//! one addition per some hundreds of elements: O(n / chunk + chunk). Inserting and removing in the
//! middle moves at most half of the ring's 40 bytes per chunk besides: O(n / chunk + chunk) again.
//!
//! Where one chunk ends and the next begins follows Redis' quicklist: which chunk takes an element,
//! when a full one is split, which neighbours are joined afterwards, and that an element beyond the
//! limit stands alone. A client can tell from OBJECT ENCODING, because a list that has shrunk
//! becomes a listpack again only when it is down to one chunk. A list without a limit is one chunk:
//! Redis' listpack. Who bounds it, and when, is the owner's affair.
//!
//! Rejected: a tree of chunks with counts, whose O(log n) middle is slower than passing over the
//! ring below some hundred thousand chunks, and whose ends are slower always; a linked list of
//! chunks, which costs a cache miss per chunk passed.

mod chunk;
mod limit;

pub use limit::{Limit, WEIGHT_EMPTY, weight_of};

use crate::packed::{self, Element, Encoded};
use chunk::{Chunk, Walk};
use std::collections::VecDeque;

/// An end of a list, and the direction that starts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The head, from which indexes count.
    Left,
    /// The tail.
    Right,
}

/// Elements in order.
#[derive(Debug, Default)]
pub struct List {
    /// None is empty, but for the only one.
    chunks: VecDeque<Chunk>,
    len: usize,
    /// What the chunks have allocated, in bytes.
    heap_bytes: usize,
    /// The limit of a chunk; none while the list is a single one.
    limit: Option<Limit>,
}

impl List {
    /// An empty list without a limit.
    pub fn new() -> List {
        List::default()
    }

    /// A list of one chunk with these elements. O(bytes).
    pub fn from_packed(bytes: &[u8]) -> List {
        let mut list = List::new();
        packed::iter(bytes).for_each(|element| list.push(Side::Right, element));
        list
    }

    /// Appends all elements in the packed form. O(bytes).
    pub fn write_packed(&self, out: &mut Vec<u8>) {
        self.iter_from(0, Side::Left).for_each(|element| packed::encode_element(out, element));
    }

    /// How many elements there are. O(1).
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many chunks there are. O(1).
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes allocated, the list itself included. O(1).
    pub fn memory(&self) -> usize {
        size_of::<List>() + self.chunks.capacity() * size_of::<Chunk>() + self.heap_bytes
    }

    /// A copy without spare memory. O(bytes).
    pub fn copy(&self) -> List {
        let chunks: VecDeque<Chunk> = self.chunks.iter().map(Chunk::copy).collect();
        let heap_bytes = chunks.iter().map(Chunk::heap_bytes).sum();
        List { chunks, heap_bytes, len: self.len, limit: self.limit }
    }

    /// Whether chunks are bounded.
    pub fn is_chunked(&self) -> bool {
        self.limit.is_some()
    }

    /// Bounds the chunks from now on, or lets a list of one chunk grow without bound.
    pub fn set_limit(&mut self, limit: Option<Limit>) {
        debug_assert!(limit.is_some() || self.single_weight().is_some());
        self.limit = limit;
    }

    /// What the list weighs as a listpack, if it could be one: it is a single chunk, of elements
    /// that are not too large. O(1).
    pub fn single_weight(&self) -> Option<usize> {
        match self.chunks.len() {
            0 => Some(WEIGHT_EMPTY),
            1 if !self.chunks[0].is_large() => Some(self.chunks[0].weight()),
            _ => None,
        }
    }

    fn is_large(&self, element: Element<'_>) -> bool {
        self.limit.is_some_and(|limit| limit.is_large(element.text_len()))
    }

    /// Whether there is a chunk at an index that takes one more element.
    fn admits(&self, index: Option<usize>, element: Element<'_>) -> bool {
        let Some(chunk) = index.and_then(|index| self.chunks.get(index)) else { return false };
        match self.limit {
            None => true,
            Some(limit) => {
                !chunk.is_large() && limit.admits(chunk.weight(), chunk.count(), element.text_len())
            }
        }
    }

    /// Changes a chunk and keeps count of its memory.
    #[inline]
    fn change<R>(&mut self, index: usize, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let chunk = &mut self.chunks[index];
        let before = chunk.heap_bytes();
        let result = change(chunk);
        self.heap_bytes = self.heap_bytes - before + chunk.heap_bytes();
        result
    }

    fn insert_chunk(&mut self, index: usize, chunk: Chunk) {
        if self.chunks.is_empty() {
            self.chunks.reserve_exact(1);
        }
        self.heap_bytes += chunk.heap_bytes();
        self.chunks.insert(index, chunk);
    }

    fn remove_chunk(&mut self, index: usize) {
        if let Some(chunk) = self.chunks.remove(index) {
            self.heap_bytes -= chunk.heap_bytes();
        }
        self.shrink_ring();
    }

    /// Gives memory of the ring back where most of it is unused.
    fn shrink_ring(&mut self) {
        if self.chunks.capacity() > 4 * self.chunks.len() + 4 {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }

    /// Adds an element at an end. O(1) amortised.
    pub fn push(&mut self, side: Side, element: Element<'_>) {
        self.len += 1;
        let at_end = self.end_chunk(side);
        if self.admits(at_end, element) {
            let index = at_end.unwrap_or_default();
            return self.change(index, |chunk| chunk.push(side, element));
        }
        if let Some(index) = at_end {
            self.change(index, Chunk::seal);
        }
        let chunk = Chunk::of(element, self.is_large(element));
        self.insert_chunk(if side == Side::Left { 0 } else { self.chunks.len() }, chunk);
    }

    #[inline]
    fn end_chunk(&self, side: Side) -> Option<usize> {
        let last = self.chunks.len().checked_sub(1)?;
        Some(if side == Side::Left { 0 } else { last })
    }

    /// The element at an end. O(1).
    #[inline]
    pub fn end(&self, side: Side) -> Option<Element<'_>> {
        self.chunks[self.end_chunk(side)?].end(side)
    }

    /// Removes the element at an end. O(1) amortised.
    pub fn pop(&mut self, side: Side) {
        let Some(index) = self.end_chunk(side) else { return };
        self.len -= 1;
        if self.chunks[index].count() == 1 {
            self.remove_chunk(index);
        } else {
            self.change(index, |chunk| chunk.pop(side));
        }
    }

    /// Where an element is: its chunk, and its index there. O(chunks to the nearer end).
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        let from_right = self.len.checked_sub(index + 1)?;
        if index <= from_right {
            let mut left = index;
            for (at, chunk) in self.chunks.iter().enumerate() {
                match left.checked_sub(chunk.count()) {
                    Some(rest) => left = rest,
                    None => return Some((at, left)),
                }
            }
            return None;
        }
        let mut left = from_right;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            match left.checked_sub(chunk.count()) {
                Some(rest) => left = rest,
                None => return Some((at, chunk.count() - 1 - left)),
            }
        }
        None
    }

    /// The element at an index. O(n / chunk + chunk).
    pub fn get(&self, index: usize) -> Option<Element<'_>> {
        self.iter_from(index, Side::Left).next()
    }

    /// The elements from an index on, towards the other end than `side`; none if there is no such
    /// index. O(n / chunk + chunk) to begin, O(1) each.
    pub fn iter_from(&self, index: usize, side: Side) -> Iter<'_> {
        let Some((at, within)) = self.locate(index) else {
            // Past the last chunk in the direction of the walk.
            let at = if side == Side::Left { self.chunks.len() } else { 0 };
            return Iter { chunks: &self.chunks, at, walk: Walk::ended(side), side };
        };
        let walk = self.chunks[at].walk_from(within, side);
        Iter { chunks: &self.chunks, at, walk, side }
    }

    /// Removes up to `count` elements from an index on. O(n / chunk + chunk).
    pub fn remove(&mut self, index: usize, count: usize) {
        let Some((mut at, within)) = self.locate(index) else { return };
        let mut left = count.min(self.len - index);
        self.len -= left;
        if within > 0 {
            let end = self.chunks[at].count().min(within + left);
            left -= end - within;
            self.change(at, |chunk| chunk.remove(within..end));
            at += 1;
        }
        let first_whole = at;
        while left > 0 && left >= self.chunks[at].count() {
            left -= self.chunks[at].count();
            at += 1;
        }
        if left > 0 {
            self.change(at, |chunk| chunk.remove(0..left));
        }
        self.heap_bytes -=
            self.chunks.drain(first_whole..at).map(|chunk| chunk.heap_bytes()).sum::<usize>();
        self.shrink_ring();
    }

    /// Removes up to `max` elements equal to one, from an end on, and says how many. O(n).
    pub fn remove_equal(&mut self, element: Element<'_>, side: Side, max: usize) -> usize {
        let wanted = Encoded::new(element);
        let mut removed = 0;
        for step in 0..self.chunks.len() {
            let at = if side == Side::Left { step } else { self.chunks.len() - 1 - step };
            removed += self.change(at, |chunk| chunk.remove_equal(&wanted, side, max - removed));
            if removed == max {
                break;
            }
        }
        self.len -= removed;
        if removed > 0 {
            // Emptied chunks hold memory until they are gone.
            let emptied = self.chunks.iter().filter(|chunk| chunk.count() == 0);
            self.heap_bytes -= emptied.map(Chunk::heap_bytes).sum::<usize>();
            self.chunks.retain(|chunk| chunk.count() > 0);
            self.shrink_ring();
        }
        removed
    }

    /// Inserts an element before or after the one at an index. O(n / chunk + chunk).
    ///
    /// # Panics
    /// If there is no such index.
    pub fn insert(&mut self, index: usize, after: bool, element: Element<'_>) {
        let (at, within) = self.locate(index).expect("the element was found");
        self.len += 1;
        self.insert_at(at, within, after, element);
    }

    fn insert_at(&mut self, at: usize, within: usize, after: bool, element: Element<'_>) {
        let gap = within + usize::from(after);
        if self.admits(Some(at), element) {
            return self.change(at, |chunk| chunk.insert(gap, element));
        }
        let is_large = self.is_large(element);
        if gap == 0 || gap == self.chunks[at].count() {
            // Between two chunks: the other one may have room.
            let other = if after { Some(at + 1) } else { at.checked_sub(1) };
            if self.admits(other, element) {
                let near = if after { Side::Left } else { Side::Right };
                let other = other.unwrap_or_default();
                return self.change(other, |chunk| chunk.push(near, element));
            }
            return self.insert_chunk(at + usize::from(after), Chunk::of(element, is_large));
        }
        let right = self.change(at, |chunk| chunk.split_off(gap));
        self.insert_chunk(at + 1, right);
        if is_large {
            return self.insert_chunk(at + 1, Chunk::of(element, true));
        }
        // The chunk that keeps its element stays the middle of what is joined.
        if after {
            self.change(at + 1, |chunk| chunk.push(Side::Left, element));
            self.join_around(at);
        } else {
            self.change(at, |chunk| chunk.push(Side::Right, element));
            self.join_around(at + 1);
        }
    }

    /// Replaces the element at an index; false if there is none. O(n / chunk + chunk).
    pub fn set(&mut self, index: usize, element: Element<'_>) -> bool {
        let Some((at, within)) = self.locate(index) else { return false };
        let is_large = self.is_large(element);
        match (self.chunks[at].is_large(), is_large) {
            (false, false) => self.change(at, |chunk| {
                chunk.remove(within..within + 1);
                chunk.insert(within, element);
            }),
            (true, true) => {
                self.remove_chunk(at);
                self.insert_chunk(at, Chunk::of(element, true));
            }
            (true, false) => {
                self.insert_at(at, within, true, element);
                self.remove_chunk(at);
            }
            (false, true) => self.set_large(at, within, element),
        }
        true
    }

    /// Puts an element too large for company in the place of one in a chunk.
    fn set_large(&mut self, at: usize, within: usize, element: Element<'_>) {
        if within + 1 < self.chunks[at].count() {
            let right = self.change(at, |chunk| chunk.split_off(within + 1));
            self.insert_chunk(at + 1, right);
        }
        self.insert_chunk(at + 1, Chunk::of(element, true));
        if self.chunks[at].count() == 1 {
            self.remove_chunk(at);
        } else {
            self.change(at, |chunk| chunk.pop(Side::Right));
            self.join_around(at + 1);
        }
    }

    /// Joins neighbours around a chunk that was split, where their elements fit into one.
    fn join_around(&mut self, mut middle: usize) {
        if middle >= 2 && self.join(middle - 2) {
            middle -= 1;
        }
        self.join(middle + 1);
        if middle >= 1 && self.join(middle - 1) {
            middle -= 1;
        }
        self.join(middle);
    }

    /// Joins a chunk and the next one if they fit into one.
    fn join(&mut self, at: usize) -> bool {
        let Some(limit) = self.limit else { return false };
        let (Some(left), Some(right)) = (self.chunks.get(at), self.chunks.get(at + 1)) else {
            return false;
        };
        let weight = left.weight() + right.weight() - WEIGHT_EMPTY;
        if left.is_large()
            || right.is_large()
            || limit.is_exceeded(weight, left.count() + right.count())
        {
            return false;
        }
        if let Some(right) = self.chunks.remove(at + 1) {
            self.heap_bytes -= right.heap_bytes();
            self.change(at, |chunk| chunk.append(right));
        }
        true
    }

    /// The indexes of elements equal to one, from an end on, among the first `scan_max` elements
    /// from there. O(elements passed).
    pub fn positions<'a>(
        &'a self,
        element: Element<'a>,
        side: Side,
        scan_max: usize,
    ) -> Positions<'a> {
        let index = if side == Side::Left { 0 } else { self.len.saturating_sub(1) };
        let left = scan_max.min(self.len);
        Positions { iter: self.iter_from(index, side), wanted: Encoded::new(element), index, left }
    }
}

/// Walks over a list's elements.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    chunks: &'a VecDeque<Chunk>,
    /// The chunk that `walk` is in.
    at: usize,
    walk: Walk<'a>,
    side: Side,
}

impl<'a> Iter<'a> {
    /// Goes to the next chunk; false at the end.
    fn turn(&mut self) -> bool {
        let next = match self.side {
            Side::Left => Some(self.at + 1),
            Side::Right => self.at.checked_sub(1),
        };
        let Some((at, chunk)) = next.and_then(|at| Some((at, self.chunks.get(at)?))) else {
            return false;
        };
        self.at = at;
        self.walk = chunk.walk(self.side);
        true
    }

    #[inline]
    fn next_raw(&mut self) -> Option<&'a [u8]> {
        loop {
            if let Some(raw) = self.walk.next_raw() {
                return Some(raw);
            }
            if !self.turn() {
                return None;
            }
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            if let Some(element) = self.walk.next() {
                return Some(element);
            }
            if !self.turn() {
                return None;
            }
        }
    }
}

/// The indexes of equal elements.
pub struct Positions<'a> {
    iter: Iter<'a>,
    wanted: Encoded<'a>,
    /// The index of the next element.
    index: usize,
    /// How many elements may still be looked at.
    left: usize,
}

impl Iterator for Positions<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.left > 0 {
            let raw = self.iter.next_raw()?;
            let index = self.index;
            self.left -= 1;
            self.index = match self.iter.side {
                Side::Left => index + 1,
                Side::Right => index.saturating_sub(1),
            };
            if self.wanted.is(raw) {
                return Some(index);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
