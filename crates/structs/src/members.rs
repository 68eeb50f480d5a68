//! The table behind large sets and hashes: it never stalls, and an element costs little more than
//! its bytes.
//!
//! A directory over segments of at most 1024 buckets, as in the keyspace: the top bits of a key's
//! hash choose a directory slot, the slot names a segment, a full segment splits in two by the next
//! bit (extendible hashing, Fagin et al. 1979), and two halves that have become small merge again.
//! So an insertion or removal moves at most one segment's records, whatever the size of the whole.
//! A segment keeps its records packed in an arena ([`segment`]).
//!
//! - Look-up, insertion, removal, a random record: O(1) expected. Random records are uniform: a
//!   segment and a bucket are drawn until an occupied one is hit, and merging keeps a share of them
//!   occupied.
//! - A cursor is a position in the order of hashes, which nothing that happens between two calls
//!   changes: a walk returns every record that stays exactly once.
//! - Depth is bounded, so engineered collisions can slow a segment down but not blow up the
//!   directory; the hash is seeded.

mod segment;

use crate::packed::Element;
use crate::records::Record;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use segment::{BUCKETS_MAX, Key, Segment};
use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher};
use stdx::prng::Prng;

/// Deepest split.
const DEPTH_MAX: u8 = 28;
/// Records at which a segment splits.
const SPLIT_AT: usize = BUCKETS_MAX / 8 * 7;
/// A segment with fewer records looks for its other half.
const MERGE_BELOW: usize = BUCKETS_MAX / 8;
/// Two halves with no more records than this together become one.
const MERGED_MAX: usize = BUCKETS_MAX / 4;
/// Cursors are the top bits of hashes; they stay below 2^53 for clients that keep them in a double.
const POSITION_BITS: u32 = 48;

/// Records by key: members of a set (`N` = 1) or fields of a hash with their values (`N` = 2).
pub struct Members<const N: usize> {
    hasher: SeedableRandomState,
    /// Segment by leading hash bits; empty while there is one segment.
    directory: Vec<u32>,
    segments: Vec<Segment<N>>,
    len: usize,
    /// Bytes of the segments' indexes and arenas.
    content_bytes: usize,
    /// Texts outside the arenas and the arenas, about.
    allocations: usize,
    /// Most buckets of any segment.
    buckets_max: usize,
}

/// Where a record is, until the table changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    segment: u32,
    bucket: u32,
}

/// A key with its hash, found or not.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'k> {
    key: Element<'k>,
    hash: u64,
    place: Option<Place>,
}

impl Slot<'_> {
    /// Whether the key is there.
    pub fn is_found(&self) -> bool {
        self.place.is_some()
    }
}

impl<const N: usize> Clone for Members<N> {
    /// O(n). A copy owns no unused room, so its size is counted anew.
    fn clone(&self) -> Members<N> {
        let segments = self.segments.clone();
        Members {
            hasher: self.hasher.clone(),
            directory: self.directory.clone(),
            len: self.len,
            content_bytes: segments.iter().map(Segment::memory).sum(),
            allocations: segments.iter().map(Segment::allocations).sum(),
            buckets_max: segments.iter().map(Segment::buckets).max().unwrap_or(1),
            segments,
        }
    }
}

impl<const N: usize> Members<N> {
    /// An empty table. The seed should be unguessable.
    pub fn new(seed: u64) -> Members<N> {
        Members {
            hasher: SeedableRandomState::with_seed(seed, SharedSeed::global_random()),
            directory: Vec::new(),
            segments: vec![Segment::new(0, 0)],
            len: 0,
            content_bytes: 0,
            allocations: 2,
            buckets_max: 1,
        }
    }

    /// Number of records.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Heap bytes. O(1).
    pub fn memory(&self) -> usize {
        self.content_bytes
            + self.segments.capacity() * size_of::<Segment<N>>()
            + self.directory.capacity() * size_of::<u32>()
    }

    /// About how many allocations there are. O(1).
    pub fn allocations(&self) -> usize {
        self.allocations
    }

    #[inline]
    fn hash(&self, key: Element<'_>) -> u64 {
        hash(&self.hasher, key)
    }

    #[inline]
    fn slot_of(&self, hash: u64) -> usize {
        let bits = self.directory.len().trailing_zeros();
        (hash >> 1 >> (63 - bits)) as usize
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> usize {
        if self.directory.is_empty() { 0 } else { self.directory[self.slot_of(hash)] as usize }
    }

    /// Looks a key up, for [`Members::put`] and [`Members::remove`]. O(1).
    #[inline]
    pub fn find<'k>(&self, key: Element<'k>) -> Slot<'k> {
        let hash = self.hash(key);
        let segment = self.segment_of(hash);
        let bucket = self.segments[segment].find(hash, &Key::new(key));
        let place = bucket.map(|bucket| Place { segment: segment as u32, bucket: bucket as u32 });
        Slot { key, hash, place }
    }

    /// The record of a key that was found.
    #[inline]
    pub fn at(&self, slot: Slot<'_>) -> Option<Record<'_>> {
        let place = slot.place?;
        self.segments[place.segment as usize].record(place.bucket as usize)
    }

    /// The record of a key. O(1).
    #[inline]
    pub fn get(&self, key: Element<'_>) -> Option<Record<'_>> {
        self.at(self.find(key))
    }

    /// Whether a key is there. O(1).
    #[inline]
    pub fn contains(&self, key: Element<'_>) -> bool {
        self.find(key).is_found()
    }

    /// Sets a key's value and expiry; true if the key is new. O(1), moves at most one segment.
    pub fn set(&mut self, key: Element<'_>, value: Element<'_>, expire_at_ms: Option<i64>) -> bool {
        self.put(self.find(key), value, expire_at_ms)
    }

    /// Adds a member to a set; true if it is new. O(1), moves at most one segment.
    pub fn add(&mut self, key: Element<'_>) -> bool {
        let slot = self.find(key);
        !slot.is_found() && self.put(slot, Element::Bytes(&[]), None)
    }

    /// Sets the value and expiry of a key that was looked up just now; true if it is new.
    pub fn put(&mut self, slot: Slot<'_>, value: Element<'_>, expire_at_ms: Option<i64>) -> bool {
        let record = Record { key: slot.key, value, expire_at_ms };
        match slot.place {
            Some(place) => {
                self.change(place.segment as usize, |segment, _| {
                    segment.replace(place.bucket as usize, record);
                });
                false
            }
            None => {
                self.make_room(slot.hash);
                let segment = self.segment_of(slot.hash);
                self.change(segment, |segment, _| segment.insert(slot.hash, record));
                self.len += 1;
                true
            }
        }
    }

    /// Removes a key; false if it is not there. O(1).
    pub fn remove(&mut self, key: Element<'_>) -> bool {
        self.take(self.find(key))
    }

    /// Removes a key that was looked up just now; false if it was not found.
    pub fn take(&mut self, slot: Slot<'_>) -> bool {
        let Some(place) = slot.place else { return false };
        let index = place.segment as usize;
        self.change(index, |segment, hash| segment.remove(place.bucket as usize, hash));
        self.len -= 1;
        if self.segments[index].len() < MERGE_BELOW {
            self.merge(index);
        }
        true
    }

    /// Changes a segment and settles the books.
    #[inline]
    fn change<R>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Segment<N>, &dyn Fn(Element<'_>) -> u64) -> R,
    ) -> R {
        let hasher = &self.hasher;
        let segment = &mut self.segments[index];
        let (bytes, allocations) = (segment.memory(), segment.allocations());
        let result = change(segment, &|key| hash(hasher, key));
        self.content_bytes = self.content_bytes - bytes + segment.memory();
        self.allocations = self.allocations - allocations + segment.allocations();
        self.buckets_max = self.buckets_max.max(segment.buckets());
        result
    }

    /// Makes sure that the segment of a hash can take one more record without growing past its
    /// bound.
    fn make_room(&mut self, hash: u64) {
        loop {
            let index = self.segment_of(hash);
            let segment = &self.segments[index];
            let is_full_size = segment.buckets() >= BUCKETS_MAX;
            if is_full_size && segment.len() >= SPLIT_AT && segment.depth < DEPTH_MAX {
                self.split(index);
                continue;
            }
            if !segment.has_room() {
                let rebuild = is_full_size && segment.len() < SPLIT_AT;
                self.change(index, |segment, hash| segment.grow(rebuild, hash));
            }
            return;
        }
    }

    fn split(&mut self, index: usize) {
        let depth = self.segments[index].depth + 1;
        if self.directory.is_empty() {
            self.directory.push(0);
        }
        if 1usize << (depth - 1) == self.directory.len() {
            self.directory = self.directory.iter().flat_map(|&slot| [slot, slot]).collect();
        }
        let high = self.change(index, |segment, hash| segment.split(hash));
        self.content_bytes += high.memory();
        self.allocations += high.allocations();
        if self.segments.len() == self.segments.capacity() {
            let more = (self.segments.len() / 8).max(1);
            self.segments.reserve_exact(more);
        }
        self.segments.push(high);
        self.point_at(self.segments.len() - 1);
    }

    /// Points the directory slots of a segment's range at it.
    fn point_at(&mut self, index: usize) {
        let Segment { start, depth, .. } = self.segments[index];
        let span = self.directory.len() >> depth;
        let first = self.slot_of(start);
        self.directory[first..first + span].fill(index as u32);
    }

    /// Merges a segment with the one of the other half of their common range, if both are small.
    fn merge(&mut self, index: usize) {
        let Segment { start, depth, .. } = self.segments[index];
        if depth == 0 {
            return;
        }
        let other = self.segment_of(start ^ 1 << (64 - u32::from(depth)));
        let merged_len = self.segments[index].len() + self.segments[other].len();
        if self.segments[other].depth != depth || merged_len > MERGED_MAX {
            return;
        }
        let (kept, gone) = (index.min(other), index.max(other));
        let last = self.segments.len() - 1;
        let gone_segment = self.segments.swap_remove(gone);
        self.content_bytes -= gone_segment.memory();
        self.allocations -= gone_segment.allocations();
        if gone != last {
            self.point_at(gone);
        }
        self.change(kept, |segment, hash| segment.merge(gone_segment, hash));
        self.point_at(kept);
        if self.segments.len() == 1 {
            self.directory = Vec::new();
        }
        if self.segments.len() < self.segments.capacity() / 2 {
            self.segments.shrink_to_fit();
        }
    }

    /// The records, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.segments.iter().flat_map(Segment::iter)
    }

    /// A record drawn uniformly; `None` from an empty table. O(1) expected.
    pub fn random(&self, prng: &mut Prng) -> Option<Record<'_>> {
        self.random_place(prng).map(|(_, record)| record)
    }

    /// `count` different records in random order, or all, every choice equally likely. O(count)
    /// expected for few of many, else O(n).
    pub fn random_distinct(&self, count: usize, prng: &mut Prng) -> Vec<Record<'_>> {
        let mut chosen = Vec::new();
        if count > self.len / 3 {
            chosen.extend(self.iter());
            if count >= self.len {
                return chosen;
            }
            for index in 0..count {
                let other = index + prng.below((chosen.len() - index) as u64) as usize;
                chosen.swap(index, other);
            }
            chosen.truncate(count);
            return chosen;
        }
        let mut seen = HashSet::new();
        while chosen.len() < count
            && let Some((place, record)) = self.random_place(prng)
        {
            if seen.insert(place) {
                chosen.push(record);
            }
        }
        chosen
    }

    fn random_place(&self, prng: &mut Prng) -> Option<(Place, Record<'_>)> {
        if self.len == 0 {
            return None;
        }
        let buckets = match &self.segments[..] {
            [only] => only.buckets(),
            _ => self.buckets_max,
        };
        loop {
            let index = prng.below(self.segments.len() as u64) as usize;
            let segment = &self.segments[index];
            let bucket = prng.below(buckets as u64) as usize;
            if bucket < segment.buckets()
                && let Some(record) = segment.record(bucket)
            {
                let place = Place { segment: index as u32, bucket: bucket as u32 };
                return Some((place, record));
            }
        }
    }

    /// Visits about `count` records from a position on, at least those of one position, and returns
    /// the position to go on from; `None` at the end. A walk starts at 0. O(count + a segment).
    pub fn scan<'a>(
        &'a self,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(Record<'a>),
    ) -> Option<u64> {
        let mut left = count.max(1);
        let mut position = from;
        loop {
            let index = self.segment_of(position << (64 - POSITION_BITS));
            let (visited, next) = self.scan_segment(&self.segments[index], position, left, visit);
            left = left.saturating_sub(visited);
            position = next?;
            if left == 0 {
                return Some(position);
            }
        }
    }

    /// Visits records of one segment. Returns how many, and the position to go on from.
    fn scan_segment<'a>(
        &self,
        segment: &'a Segment<N>,
        from: u64,
        count: usize,
        visit: &mut dyn FnMut(Record<'a>),
    ) -> (usize, Option<u64>) {
        let next = next_start(segment).map(|start| start >> (64 - POSITION_BITS));
        if segment.start >> (64 - POSITION_BITS) == from && segment.len() <= count {
            segment.iter().for_each(&mut *visit);
            return (segment.len(), next);
        }
        let position_of = |record: &Record<'a>| self.hash(record.key) >> (64 - POSITION_BITS);
        let mut ordered: Vec<(u64, Record<'a>)> = segment
            .iter()
            .map(|record| (position_of(&record), record))
            .filter(|(position, _)| *position >= from)
            .collect();
        let mut last = u64::MAX;
        if ordered.len() > count {
            ordered.select_nth_unstable_by_key(count - 1, |(position, _)| *position);
            last = ordered[count - 1].0;
        }
        let (mut visited, mut is_complete) = (0, true);
        for (position, record) in ordered {
            if position <= last {
                visit(record);
                visited += 1;
            } else {
                is_complete = false;
            }
        }
        (visited, if is_complete { next } else { Some(last + 1) })
    }
}

#[inline]
fn hash(hasher: &SeedableRandomState, key: Element<'_>) -> u64 {
    let mut state = hasher.build_hasher();
    match key {
        Element::Int(number) => state.write_i64(number),
        Element::Bytes(text) => state.write(text),
    }
    state.finish()
}

/// The first hash after a segment's range; `None` where its range is the last.
fn next_start<const N: usize>(segment: &Segment<N>) -> Option<u64> {
    match segment.depth {
        0 => None,
        depth => segment.start.checked_add(1 << (64 - u32::from(depth))),
    }
}

#[cfg(test)]
mod tests;
