//! Records by the hash of their members: `hashbrown` tables of at most [`BUCKETS_MAX`] buckets
//! under a directory indexed by the hash's top bits. A full segment splits in two by its next bit,
//! so that an insertion moves at most one segment, whatever the size of the whole (extendible
//! hashing).
//!
//! The walk goes by the hash: a position is its top 48 bits, which never change.

use super::arena::Id;
use hashbrown::HashTable;

/// Most buckets of a segment.
const BUCKETS_MAX: usize = 1024;
/// Most entries of a segment: `hashbrown` fills seven eighths of its buckets.
const ENTRIES_MAX: usize = BUCKETS_MAX / 8 * 7;
/// Deepest split. Beyond it a segment grows instead, so that engineered collisions slow one segment
/// down but do not blow up the directory.
const DEPTH_MAX: u8 = 24;
/// Bits of a position in the walk.
const POSITION_BITS: u32 = 48;

#[derive(Clone)]
struct Segment {
    ids: HashTable<Id>,
    /// How many leading hash bits its members share.
    depth: u8,
}

/// The whole table.
#[derive(Clone)]
pub(super) struct Index {
    /// Segment by leading hash bits; a power of two of them.
    directory: Vec<u32>,
    segments: Vec<Segment>,
    /// Heap bytes of the segments.
    segment_bytes: usize,
}

impl Default for Index {
    fn default() -> Index {
        let first = Segment { ids: HashTable::new(), depth: 0 };
        Index { directory: vec![0], segments: vec![first], segment_bytes: 0 }
    }
}

/// The part of a hash that `hashbrown` gets: neither its bucket nor its tag repeats the directory's
/// bits.
#[inline]
fn rotated(hash: u64) -> u64 {
    hash.rotate_left(32)
}

impl Index {
    pub(super) fn memory(&self) -> usize {
        self.segment_bytes
            + self.directory.capacity() * 4
            + self.segments.capacity() * size_of::<Segment>()
    }

    pub(super) fn allocations(&self) -> usize {
        self.segments.len()
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> usize {
        let bits = self.directory.len().trailing_zeros();
        // Shifted in two steps: a shift by 64 is none.
        self.directory[(hash >> 1 >> (63 - bits)) as usize] as usize
    }

    /// The record of a hash that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(Id) -> bool) -> Option<Id> {
        self.segments[self.segment_of(hash)].ids.find(rotated(hash), |id| is_it(*id)).copied()
    }

    /// Adds a record that is not there. `rehash` gives the hash of any record.
    pub(super) fn insert(&mut self, hash: u64, id: Id, rehash: impl Fn(Id) -> u64) {
        let mut number = self.segment_of(hash);
        while self.segments[number].ids.len() >= ENTRIES_MAX
            && self.segments[number].depth < DEPTH_MAX
        {
            self.split(number, hash, &rehash);
            number = self.segment_of(hash);
        }
        let ids = &mut self.segments[number].ids;
        let before = ids.allocation_size();
        ids.insert_unique(rotated(hash), id, |id| rotated(rehash(*id)));
        self.segment_bytes = self.segment_bytes - before + ids.allocation_size();
    }

    pub(super) fn remove(&mut self, hash: u64, id: Id) {
        let number = self.segment_of(hash);
        let ids = &mut self.segments[number].ids;
        if let Ok(entry) = ids.find_entry(rotated(hash), |found| *found == id) {
            entry.remove();
        }
    }

    /// Gives a record another number.
    pub(super) fn replace(&mut self, hash: u64, old: Id, new: Id) {
        let number = self.segment_of(hash);
        let found = self.segments[number].ids.find_mut(rotated(hash), |found| *found == old);
        if let Some(slot) = found {
            *slot = new;
        }
    }

    /// Splits a full segment by the next bit of its hashes.
    fn split(&mut self, number: usize, hash: u64, rehash: &impl Fn(Id) -> u64) {
        let depth = self.segments[number].depth + 1;
        if self.directory.len() == 1 << (depth - 1) {
            self.directory = self.directory.iter().flat_map(|&number| [number; 2]).collect();
        }
        let ids = std::mem::take(&mut self.segments[number].ids);
        self.segment_bytes -= ids.allocation_size();
        let new_half = || HashTable::with_capacity(ENTRIES_MAX);
        let mut halves: [HashTable<Id>; 2] = [new_half(), new_half()];
        for id in ids {
            let hash = rehash(id);
            let half = &mut halves[(hash >> (64 - depth) & 1) as usize];
            half.insert_unique(rotated(hash), id, |id| rotated(rehash(*id)));
        }
        self.segment_bytes += halves.iter().map(HashTable::allocation_size).sum::<usize>();
        let [low, high] = halves;
        self.segments[number] = Segment { ids: low, depth };
        let new = self.segments.len() as u32;
        self.segments.push(Segment { ids: high, depth });
        let bits = self.directory.len().trailing_zeros();
        let span = 1usize << (bits - u32::from(depth));
        let base = (hash >> 1 >> (63 - bits)) as usize & !(2 * span - 1);
        self.directory[base + span..base + 2 * span].fill(new);
    }

    /// Visits the records at positions from `position` on, at least `count` while there are any,
    /// whole positions at a time. Returns the position to go on from. O(segment + count).
    pub(super) fn scan(
        &self,
        position: u64,
        count: usize,
        hash: impl Fn(Id) -> u64,
        mut visit: impl FnMut(Id),
    ) -> Option<u64> {
        let (mut position, mut left) = (position, count.max(1));
        while position < 1 << POSITION_BITS {
            let start = position << (64 - POSITION_BITS);
            let segment = &self.segments[self.segment_of(start)];
            let position_of = |id: Id| hash(id) >> (64 - POSITION_BITS);
            let mut ids: Vec<(u64, Id)> = segment
                .ids
                .iter()
                .map(|&id| (position_of(id), id))
                .filter(|&(at, _)| at >= position)
                .collect();
            ids.sort_unstable();
            let last = ids.get(left - 1).map(|&(at, _)| at);
            let taken = ids.iter().take_while(|&&(at, _)| last.is_none_or(|last| at <= last));
            let taken = taken.map(|&(_, id)| visit(id)).count();
            if taken < ids.len() {
                return last.map(|last| last + 1);
            }
            let span = POSITION_BITS - u32::from(segment.depth);
            position = (position >> span) + 1 << span;
            left -= taken.min(left);
            if left == 0 {
                break;
            }
        }
        (position < 1 << POSITION_BITS).then_some(position)
    }
}

#[cfg(test)]
impl Index {
    /// What `memory` says, counted anew.
    pub(super) fn recounted(&self) -> usize {
        let ids: usize = self.segments.iter().map(|segment| segment.ids.allocation_size()).sum();
        ids + self.directory.capacity() * 4 + self.segments.capacity() * size_of::<Segment>()
    }
}
