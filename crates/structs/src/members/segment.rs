//! One part of a table: the records whose hashes start with the same bits, in an arena of bytes of
//! their own, and an index of offsets into it.
//!
//! A record costs its packed bytes, 4 bytes of offset and 1 of tag, and no allocation: with a heap
//! block for each record, a pointer to it and the allocator's rounding would cost more than most
//! records. What is overwritten by something of another length, or removed, leaves a hole; once
//! holes are a quarter of the arena it is copied without them. An arena grows by an eighth, so that
//! little of it is unused. Texts over [`INLINE_LEN_MAX`] bytes lie outside, or a segment of large
//! ones could not be copied in one go.

use crate::packed::{self, Element, Encoded};
use crate::records::{self, Record};
use hashbrown::HashTable;

/// Most buckets of a segment that can still be split.
pub(super) const BUCKETS_MAX: usize = 1024;
/// Longest text kept in the arena.
const INLINE_LEN_MAX: usize = 256;
/// Begins no packed element: the number of a text that lies outside follows.
const OUTSIDE: u8 = 0xfd;
const OUTSIDE_LEN: usize = 5;
/// Holes of fewer bytes are left alone.
const HOLES_MIN: usize = 512;

/// Texts by number.
#[derive(Clone, Default)]
struct Outside {
    texts: Vec<Box<[u8]>>,
    free: Vec<u32>,
    bytes: usize,
}

impl Outside {
    fn add(&mut self, text: Box<[u8]>) -> u32 {
        self.bytes += text.len();
        if let Some(number) = self.free.pop() {
            self.texts[number as usize] = text;
            return number;
        }
        self.texts.push(text);
        self.texts.len() as u32 - 1
    }

    fn take(&mut self, number: u32) -> Box<[u8]> {
        let text = std::mem::take(&mut self.texts[number as usize]);
        self.bytes -= text.len();
        self.free.push(number);
        text
    }

    fn memory(&self) -> usize {
        let slots = self.texts.capacity() * size_of::<Box<[u8]>>();
        slots + self.free.capacity() * size_of::<u32>() + self.bytes
    }
}

/// The bytes of records.
#[derive(Clone, Default)]
pub(super) struct Arena<const N: usize> {
    bytes: Vec<u8>,
    holes: usize,
    outside: Option<Box<Outside>>,
}

impl<const N: usize> Arena<N> {
    fn with_capacity(bytes: usize) -> Arena<N> {
        Arena { bytes: Vec::with_capacity(bytes), holes: 0, outside: None }
    }

    fn memory(&self) -> usize {
        let outside = self.outside.as_ref();
        self.bytes.capacity() + outside.map_or(0, |o| size_of::<Outside>() + o.memory())
    }

    /// Makes room for `more` bytes.
    fn reserve(&mut self, more: usize) {
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        if len + more > capacity {
            self.bytes.reserve_exact(more.max(capacity / 8).max(32));
        }
    }

    /// Appends a record and returns its offset.
    fn push(&mut self, key: Element<'_>, value: Element<'_>, expire_at_ms: Option<i64>) -> u32 {
        let offset = self.bytes.len();
        self.reserve(records::TIMED_LEN + room_for(key) + if N > 1 { room_for(value) } else { 0 });
        if let Some(at_ms) = expire_at_ms {
            records::push_time(&mut self.bytes, at_ms);
        }
        self.push_element(key);
        if N > 1 {
            self.push_element(value);
        }
        u32::try_from(offset).expect("a segment's records are bounded in number and length")
    }

    fn push_element(&mut self, element: Element<'_>) {
        match element {
            Element::Bytes(text) if text.len() > INLINE_LEN_MAX => {
                let number = self.outside.get_or_insert_default().add(text.into());
                self.push_outside(number);
            }
            _ => packed::encode_element(&mut self.bytes, element),
        }
    }

    fn push_outside(&mut self, number: u32) {
        self.bytes.push(OUTSIDE);
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// The number of the text outside that the element at an offset stands for.
    #[inline]
    fn outside_at(&self, at: usize) -> Option<u32> {
        if self.bytes[at] != OUTSIDE {
            return None;
        }
        let mut number = [0; 4];
        number.copy_from_slice(&self.bytes[at + 1..at + OUTSIDE_LEN]);
        Some(u32::from_le_bytes(number))
    }

    #[inline]
    fn outside_text(&self, number: u32) -> &[u8] {
        self.outside.as_ref().map_or(&[], |outside| &outside.texts[number as usize])
    }

    /// The element at an offset, and where it ends.
    #[inline]
    fn element(&self, at: usize) -> (Element<'_>, usize) {
        match self.outside_at(at) {
            Some(number) => (Element::Bytes(self.outside_text(number)), at + OUTSIDE_LEN),
            None => packed::decode(&self.bytes, at).expect("an arena holds whole elements"),
        }
    }

    #[inline]
    fn end_of(&self, at: usize) -> usize {
        if self.bytes[at] == OUTSIDE {
            return at + OUTSIDE_LEN;
        }
        packed::end_of(&self.bytes, at).expect("an arena holds whole elements")
    }

    /// The expiry of the record at an offset, and where its key begins.
    #[inline]
    fn time_at(&self, offset: u32) -> (Option<i64>, usize) {
        let time = records::time_at(&self.bytes, offset as usize);
        time.expect("an arena holds whole records")
    }

    #[inline]
    pub(super) fn key_at(&self, offset: u32) -> Element<'_> {
        self.element(self.time_at(offset).1).0
    }

    #[inline]
    fn record_at(&self, offset: u32) -> Record<'_> {
        let (expire_at_ms, at) = self.time_at(offset);
        let (key, end) = self.element(at);
        let value = if N > 1 { self.element(end).0 } else { Element::Bytes(&[]) };
        Record { key, value, expire_at_ms }
    }

    /// Where the record at an offset ends.
    fn record_end(&self, offset: u32) -> usize {
        let end = self.end_of(self.time_at(offset).1);
        if N > 1 { self.end_of(end) } else { end }
    }

    /// Whether the record at an offset has this key.
    #[inline]
    fn has_key(&self, offset: u32, key: &Key<'_>) -> bool {
        let at = self.time_at(offset).1;
        match self.outside_at(at) {
            Some(number) => key.element == Element::Bytes(self.outside_text(number)),
            None => key.encoded.is_at(&self.bytes, at),
        }
    }

    /// Gives the record at an offset up.
    fn free(&mut self, offset: u32) {
        let end = self.record_end(offset);
        let mut at = self.time_at(offset).1;
        while at < end {
            if let (Some(number), Some(outside)) = (self.outside_at(at), &mut self.outside) {
                drop(outside.take(number));
            }
            at = self.end_of(at);
        }
        self.holes += end - offset as usize;
    }

    /// Writes a record over the one at an offset, if it is as long.
    fn overwrite(
        &mut self,
        offset: u32,
        key: Element<'_>,
        value: Element<'_>,
        expire_at_ms: Option<i64>,
    ) -> bool {
        let (time, key_at) = self.time_at(offset);
        if time.is_some() != expire_at_ms.is_some() || is_long(key) || is_long(value) {
            return false;
        }
        let (end, start) = (self.record_end(offset), self.end_of(key_at));
        let new = Encoded::new(value);
        if N > 1 {
            if self.bytes[start] == OUTSIDE || end - start != new.len() {
                return false;
            }
            new.write_to(&mut self.bytes[start..end]);
        }
        if let Some(at_ms) = expire_at_ms {
            let mut mark = Vec::with_capacity(records::TIMED_LEN);
            records::push_time(&mut mark, at_ms);
            self.bytes[offset as usize..key_at].copy_from_slice(&mark);
        }
        true
    }

    /// Moves the record at an offset to another arena.
    fn transfer(&mut self, offset: u32, to: &mut Arena<N>) -> u32 {
        let (start, end) = (offset as usize, self.record_end(offset));
        let new_offset = to.bytes.len();
        let mut at = self.time_at(offset).1;
        to.bytes.extend_from_slice(&self.bytes[start..at]);
        while at < end {
            let next = self.end_of(at);
            if let (Some(number), Some(outside)) = (self.outside_at(at), &mut self.outside) {
                let number = to.outside.get_or_insert_default().add(outside.take(number));
                to.push_outside(number);
            } else {
                to.bytes.extend_from_slice(&self.bytes[at..next]);
            }
            at = next;
        }
        new_offset as u32
    }
}

fn is_long(element: Element<'_>) -> bool {
    matches!(element, Element::Bytes(text) if text.len() > INLINE_LEN_MAX)
}

/// Bytes that are enough for an element.
fn room_for(element: Element<'_>) -> usize {
    match element {
        Element::Bytes(text) if text.len() > INLINE_LEN_MAX => OUTSIDE_LEN,
        _ => Encoded::new(element).len(),
    }
}

/// A key to look for.
pub(super) struct Key<'a> {
    element: Element<'a>,
    encoded: Encoded<'a>,
}

impl<'a> Key<'a> {
    #[inline]
    pub(super) fn new(element: Element<'a>) -> Key<'a> {
        Key { element, encoded: Encoded::new(element) }
    }
}

/// The records whose hashes start with the same bits.
#[derive(Clone)]
pub(super) struct Segment<const N: usize> {
    index: HashTable<u32>,
    arena: Arena<N>,
    /// The first hash of its range.
    pub(super) start: u64,
    /// How many leading bits its hashes share.
    pub(super) depth: u8,
    /// No record in it expires earlier.
    pub(super) earliest_ms: i64,
}

/// `hashbrown` must not see the bits that chose the segment in the places that choose bucket and
/// tag.
#[inline]
fn rotated(hash: u64) -> u64 {
    hash.rotate_left(32)
}

impl<const N: usize> Segment<N> {
    pub(super) fn new(start: u64, depth: u8) -> Segment<N> {
        let (index, arena) = (HashTable::new(), Arena::default());
        Segment { index, arena, start, depth, earliest_ms: i64::MAX }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn buckets(&self) -> usize {
        self.index.num_buckets()
    }

    pub(super) fn memory(&self) -> usize {
        self.index.allocation_size() + self.arena.memory()
    }

    /// About how many allocations it owns.
    pub(super) fn allocations(&self) -> usize {
        2 + self.arena.outside.as_ref().map_or(0, |outside| outside.texts.len())
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, key: &Key<'_>) -> Option<usize> {
        self.index.find_bucket_index(rotated(hash), |offset| self.arena.has_key(*offset, key))
    }

    /// The record in a bucket.
    #[inline]
    pub(super) fn record(&self, bucket: usize) -> Option<Record<'_>> {
        self.index.get_bucket(bucket).map(|offset| self.arena.record_at(*offset))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.index.iter().map(|offset| self.arena.record_at(*offset))
    }

    /// Whether one more record fits without growth of the index.
    pub(super) fn has_room(&self) -> bool {
        self.index.len() < self.index.capacity()
    }

    /// Grows the index, or clears it of what removals left where it has its full size.
    pub(super) fn grow(&mut self, at_full_size: bool, hash: impl Fn(Element<'_>) -> u64) {
        let (index, arena) = (&mut self.index, &self.arena);
        let rehash = |offset: &u32| rotated(hash(arena.key_at(*offset)));
        if !at_full_size {
            return index.reserve(1, rehash);
        }
        let mut rebuilt = HashTable::with_capacity(full_capacity());
        for offset in index.drain() {
            rebuilt.insert_unique(rehash(&offset), offset, rehash);
        }
        *index = rebuilt;
    }

    /// Adds a record whose key is not there. The index has room.
    pub(super) fn insert(&mut self, hash: u64, record: Record<'_>) {
        let offset = self.arena.push(record.key, record.value, record.expire_at_ms);
        self.note_expiry(record.expire_at_ms);
        self.insert_offset(hash, offset);
    }

    fn insert_offset(&mut self, hash: u64, offset: u32) {
        self.index
            .insert_unique(rotated(hash), offset, |_| unreachable!("the caller made room for it"));
    }

    fn note_expiry(&mut self, expire_at_ms: Option<i64>) {
        self.earliest_ms = self.earliest_ms.min(expire_at_ms.unwrap_or(i64::MAX));
    }

    /// Replaces the record in a bucket by one with the same key.
    pub(super) fn replace(&mut self, bucket: usize, record: Record<'_>) {
        let offset = self.index.get_bucket_mut(bucket).expect("the bucket was found just now");
        self.earliest_ms = self.earliest_ms.min(record.expire_at_ms.unwrap_or(i64::MAX));
        if !self.arena.overwrite(*offset, record.key, record.value, record.expire_at_ms) {
            self.arena.free(*offset);
            *offset = self.arena.push(record.key, record.value, record.expire_at_ms);
            self.fill_holes();
        }
    }

    /// Removes the record in a bucket.
    pub(super) fn remove(&mut self, bucket: usize, hash: impl Fn(Element<'_>) -> u64) {
        let Ok(slot) = self.index.get_bucket_entry(bucket) else { return };
        let (offset, _) = slot.remove();
        self.arena.free(offset);
        self.fill_holes();
        let (len, buckets) = (self.index.len(), self.index.num_buckets());
        if buckets > 16 && len < buckets / 8 {
            let (index, arena) = (&mut self.index, &self.arena);
            index.shrink_to(len * 2, |offset| rotated(hash(arena.key_at(*offset))));
        }
    }

    /// Copies the arena without its holes once they are many.
    fn fill_holes(&mut self) {
        let Arena { bytes, holes, .. } = &self.arena;
        if *holes < HOLES_MIN.min(bytes.len()) || *holes < bytes.len() / 4 {
            return;
        }
        let mut fresh = Arena::with_capacity(bytes.len() - holes);
        for offset in self.index.iter_mut() {
            let end = self.arena.record_end(*offset);
            let new_offset = fresh.bytes.len() as u32;
            fresh.bytes.extend_from_slice(&self.arena.bytes[*offset as usize..end]);
            *offset = new_offset;
        }
        fresh.outside = self.arena.outside.take();
        self.arena = fresh;
    }

    /// Moves the records whose hash has its bit number `depth` set to a new segment.
    pub(super) fn split(&mut self, hash: impl Fn(Element<'_>) -> u64) -> Segment<N> {
        let depth = self.depth + 1;
        let half_bytes = self.arena.bytes.len() / 2;
        let half = |start| Segment {
            // At full size at once: half of a full segment would fill an index of half the size.
            index: HashTable::with_capacity(full_capacity()),
            arena: Arena::with_capacity(half_bytes),
            start,
            depth,
            earliest_ms: self.earliest_ms,
        };
        let bit = 1 << (64 - depth);
        let (mut low, mut high) = (half(self.start), half(self.start | bit));
        for offset in self.index.drain() {
            let hash = hash(self.arena.key_at(offset));
            let to = if hash & bit == 0 { &mut low } else { &mut high };
            let offset = self.arena.transfer(offset, &mut to.arena);
            to.insert_offset(hash, offset);
        }
        low.arena.bytes.shrink_to_fit();
        high.arena.bytes.shrink_to_fit();
        *self = low;
        high
    }

    /// Takes in the records of the segment with the other half of the range.
    pub(super) fn merge(&mut self, mut other: Segment<N>, hash: impl Fn(Element<'_>) -> u64) {
        let (index, arena) = (&mut self.index, &mut self.arena);
        index.reserve(other.len(), |offset| rotated(hash(arena.key_at(*offset))));
        for offset in other.index.drain() {
            let offset = other.arena.transfer(offset, arena);
            let hash = rotated(hash(arena.key_at(offset)));
            index.insert_unique(hash, offset, |_| unreachable!("room was made for all"));
        }
        self.depth -= 1;
        self.start = self.start.min(other.start);
        self.earliest_ms = self.earliest_ms.min(other.earliest_ms);
    }
}

fn full_capacity() -> usize {
    BUCKETS_MAX / 8 * 7
}
