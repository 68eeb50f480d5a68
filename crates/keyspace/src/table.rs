//! A hash table that never stalls: a directory over segments of at most 1024 buckets.
//!
//! The top bits of a key's hash choose a directory slot, the slot names a segment, a segment is a
//! `hashbrown` table of one-pointer entries. A full segment splits in two by its next hash bit, so
//! an insertion moves at most one segment's entries, whatever the size of the whole (extendible
//! hashing, Fagin et al. 1979). One big table was measured to stall for a second while it grew to
//! 10 M keys.
//!
//! Invariants:
//! - Bits: the shard takes the low hash bits, the directory the top ones, `hashbrown` gets the hash
//!   rotated by 32, so that neither its bucket index nor its 7-bit tag repeats the directory's
//!   bits.
//! - An entry is inserted only where the segment has free capacity: tombstones are cleared by
//!   rebuilding at the same size, since `hashbrown` alone would double the segment past its bound.
//! - Depth is bounded: beyond [`DEPTH_MAX`] a segment grows instead of splitting, so engineered
//!   collisions can slow one segment down but not blow up the directory.
//! - A segment knows a lower bound of the expiries in it, so those with nothing due are never
//!   visited.

use crate::entry::{Entry, prefetch};
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::{BuildHasher, Hasher};

/// Most buckets of a segment below the depth bound.
const BUCKETS_MAX: usize = 1024;
/// Deepest split.
const DEPTH_MAX: u8 = 28;
/// Expiry bound of a segment in which nothing expires.
pub const NEVER: i64 = i64::MAX;

/// The seeded hash function of keys, one per server.
#[derive(Clone)]
pub struct KeyHasher(SeedableRandomState);

impl KeyHasher {
    /// A function chosen by a seed that should be unguessable: it is the defence against keys
    /// engineered to collide.
    pub fn new(seed: u64) -> KeyHasher {
        KeyHasher(SeedableRandomState::with_seed(seed, SharedSeed::global_random()))
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}

/// Whether two keys are equal. Most keys are short: comparing words in place beats a call.
#[inline]
fn equal(left: &[u8], right: &[u8]) -> bool {
    const WORD: usize = size_of::<u64>();
    if left.len() != right.len() || left.len() > 8 * WORD {
        return left == right;
    }
    let ((left_words, left_rest), (right_words, right_rest)) =
        (left.as_chunks::<WORD>(), right.as_chunks::<WORD>());
    left_words.iter().eq(right_words) && left_rest.iter().eq(right_rest)
}

/// Where an entry is, valid until the next insertion into or removal from its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    segment: u32,
    bucket: u32,
}

/// One part of a table: the entries whose hashes start with the same bits.
pub struct Segment {
    entries: HashTable<Entry>,
    /// How many leading hash bits its entries share.
    depth: u8,
    /// The snapshot epoch up to which this segment has been captured.
    pub epoch: u64,
    /// No entry in it expires before this time.
    pub earliest_expiry_ms: i64,
}

impl Segment {
    fn new(depth: u8, epoch: u64) -> Segment {
        Segment { entries: HashTable::new(), depth, epoch, earliest_expiry_ms: NEVER }
    }

    /// The entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        self.entries.allocation_size()
    }
}

/// The segmented table of one database in one shard.
pub struct Table {
    hasher: KeyHasher,
    /// Segment by leading hash bits; empty while there is one segment only, so that an empty table
    /// owns no memory besides itself.
    directory: Vec<u32>,
    segments: SmallVec<[Segment; 1]>,
    /// Entries at which a full-size segment splits.
    split_at: usize,
    len: usize,
}

#[inline]
fn rotated(hash: u64) -> u64 {
    hash.rotate_left(32)
}

impl Table {
    /// An empty table. `stagger` spreads the moments at which the tables of different shards split,
    /// since uniform hashes would make them all split at the same time.
    pub fn new(hasher: KeyHasher, stagger: usize) -> Table {
        let full = BUCKETS_MAX / 8 * 7;
        let split_at = full - (stagger % 8) * (full / 64);
        let segments = SmallVec::from_buf([Segment::new(0, 0)]);
        Table { hasher, directory: Vec::new(), segments, split_at, len: 0 }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the directory and the segments, without the entries. O(segments).
    pub fn overhead_bytes(&self) -> usize {
        let buckets: usize = self.segments.iter().map(Segment::heap_bytes).sum();
        buckets
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<u32>()
    }

    #[inline]
    fn slot_of(&self, hash: u64) -> usize {
        // The directory's length is a power of two; its logarithm's worth of top bits is the index.
        let bits = self.directory.len().trailing_zeros();
        (hash >> 1 >> (63 - bits)) as usize
    }

    #[inline]
    fn segment_of(&self, hash: u64) -> u32 {
        if self.directory.is_empty() { 0 } else { self.directory[self.slot_of(hash)] }
    }

    /// First pass of a batch: asks for the segment that a hash belongs to.
    #[inline]
    pub fn prefetch_segment(&self, hash: u64) {
        prefetch(&raw const self.segments[self.segment_of(hash) as usize]);
    }

    /// Second pass of a batch: asks for the slots whose tags match a hash. It reads tags only, so
    /// the misses on the tags of many keys overlap instead of each waiting for its slot.
    #[inline]
    pub fn prefetch_slot(&self, hash: u64) {
        let entries = &self.segments[self.segment_of(hash) as usize].entries;
        for bucket in entries.iter_hash_buckets(rotated(hash)) {
            if let Some(slot) = entries.get_bucket(bucket) {
                prefetch(slot);
            }
        }
    }

    /// Third pass of a batch: asks for the entries whose tags match a hash.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        let entries = &self.segments[self.segment_of(hash) as usize].entries;
        for entry in entries.iter_hash(rotated(hash)) {
            entry.prefetch();
        }
    }

    /// The place of a key. O(1).
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<Place> {
        let segment = self.segment_of(hash);
        let entries = &self.segments[segment as usize].entries;
        let bucket = entries.find_bucket_index(rotated(hash), |entry| equal(entry.key(), key))?;
        Some(Place { segment, bucket: bucket as u32 })
    }

    /// The entry at a place.
    ///
    /// # Panics
    /// If the place is stale.
    #[inline]
    pub fn get(&self, place: Place) -> &Entry {
        let entries = &self.segments[place.segment as usize].entries;
        entries.get_bucket(place.bucket as usize).expect("a place is used before the table changes")
    }

    /// The entry at a place, for change.
    ///
    /// # Panics
    /// If the place is stale.
    #[inline]
    pub fn get_mut(&mut self, place: Place) -> &mut Entry {
        let entries = &mut self.segments[place.segment as usize].entries;
        entries
            .get_bucket_mut(place.bucket as usize)
            .expect("a place is used before the table changes")
    }

    /// The segment that a hash belongs to.
    pub fn segment_mut(&mut self, hash: u64) -> &mut Segment {
        let segment = self.segment_of(hash);
        &mut self.segments[segment as usize]
    }

    /// Notes that an entry with this hash expires at a time.
    pub fn note_expiry(&mut self, hash: u64, at_ms: i64) {
        let segment = self.segment_mut(hash);
        segment.earliest_expiry_ms = segment.earliest_expiry_ms.min(at_ms);
    }

    /// Adds an entry whose key is not in the table. O(1) amortised; moves at most one segment.
    pub fn insert(&mut self, hash: u64, entry: Entry) -> Place {
        self.make_room(hash);
        if let Some(at_ms) = entry.expire_at_ms() {
            self.note_expiry(hash, at_ms);
        }
        let segment = self.segment_of(hash);
        let entries = &mut self.segments[segment as usize].entries;
        let slot = entries
            .insert_unique(rotated(hash), entry, |_| unreachable!("the segment has free capacity"));
        let bucket = slot.bucket_index() as u32;
        self.len += 1;
        Place { segment, bucket }
    }

    /// Takes the entry at a place out, and gives memory back once a segment is mostly empty.
    ///
    /// # Panics
    /// If the place is stale.
    pub fn remove(&mut self, place: Place) -> Entry {
        let entries = &mut self.segments[place.segment as usize].entries;
        let slot = entries.get_bucket_entry(place.bucket as usize);
        let Ok(slot) = slot else { panic!("a place is used before the table changes") };
        let (entry, _) = slot.remove();
        self.len -= 1;
        if entries.num_buckets() > 16 && entries.len() < entries.num_buckets() / 8 {
            let hasher = &self.hasher;
            entries.shrink_to(entries.len() * 2, |entry| rotated(hasher.hash(entry.key())));
        }
        entry
    }

    /// Makes sure that the segment of a hash can take one more entry without growing past its
    /// bound.
    fn make_room(&mut self, hash: u64) {
        loop {
            let index = self.segment_of(hash);
            let segment = &mut self.segments[index as usize];
            let (len, buckets) = (segment.entries.len(), segment.entries.num_buckets());
            let splittable = segment.depth < DEPTH_MAX && buckets >= BUCKETS_MAX;
            if splittable && len >= self.split_at {
                self.split(index, hash);
                continue;
            }
            if len < segment.entries.capacity() {
                return;
            }
            let hasher = &self.hasher;
            let rehash = |entry: &Entry| rotated(hasher.hash(entry.key()));
            if buckets >= BUCKETS_MAX && len < self.split_at {
                // Tombstones fill it: rebuild at the same size.
                let mut rebuilt = HashTable::with_capacity(BUCKETS_MAX / 8 * 7);
                for entry in segment.entries.drain() {
                    rebuilt.insert_unique(rehash(&entry), entry, rehash);
                }
                segment.entries = rebuilt;
            } else {
                segment.entries.reserve(1, rehash);
            }
            return;
        }
    }

    /// Splits a segment by the next bit of its entries' hashes, doubling the directory if needed.
    fn split(&mut self, index: u32, hash: u64) {
        let old_depth = self.segments[index as usize].depth;
        if self.directory.is_empty() {
            self.directory.push(0);
        }
        if 1usize << old_depth == self.directory.len() {
            self.directory = self.directory.iter().flat_map(|&slot| [slot, slot]).collect();
        }
        let old = &mut self.segments[index as usize];
        let depth = old_depth + 1;
        let entries = std::mem::take(&mut old.entries);
        let (epoch, earliest) = (old.epoch, old.earliest_expiry_ms);
        // At full size at once: half of a full segment would fill a table of half the size.
        let new_half = || HashTable::with_capacity(BUCKETS_MAX / 8 * 7);
        let mut halves = [new_half(), new_half()];
        for entry in &entries {
            entry.prefetch();
        }
        let hasher = &self.hasher;
        let rehash = |entry: &Entry| rotated(hasher.hash(entry.key()));
        for entry in entries {
            let entry_hash = hasher.hash(entry.key());
            let half = entry_hash >> (64 - depth) & 1;
            halves[half as usize].insert_unique(rotated(entry_hash), entry, rehash);
        }
        let [low, high] = halves;
        self.segments[index as usize].entries = low;
        self.segments[index as usize].depth = depth;
        let new_index = self.segments.len() as u32;
        self.segments.push(Segment { entries: high, depth, epoch, earliest_expiry_ms: earliest });
        self.point_at(new_index, depth, hash);
    }

    /// Points the upper half of the directory range around `hash` at a new segment of `depth`.
    fn point_at(&mut self, new_index: u32, depth: u8, hash: u64) {
        let bits = self.directory.len().trailing_zeros();
        let span = 1usize << (bits - u32::from(depth));
        let base = self.slot_of(hash) & !(2 * span - 1);
        self.directory[base + span..base + 2 * span].fill(new_index);
    }

    /// The segment that covers the hashes from `hash` on, with the first hash after its range, or
    /// `None` where its range is the last.
    pub fn segment_from(&self, hash: u64) -> (&Segment, Option<u64>) {
        let segment = &self.segments[self.segment_of(hash) as usize];
        let span_bits = 64 - u32::from(segment.depth);
        let next = match span_bits {
            64 => None,
            bits => (hash >> bits)
                .checked_add(1)
                .and_then(|prefix| (prefix < 1u64 << segment.depth).then(|| prefix << bits)),
        };
        (segment, next)
    }

    /// Whether a segment's range starts at `hash`.
    pub fn is_segment_start(&self, hash: u64) -> bool {
        let depth = self.segments[self.segment_of(hash) as usize].depth;
        hash << depth == 0
    }

    /// All segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All segments, for change of their marks.
    pub fn segments_mut(&mut self) -> &mut [Segment] {
        &mut self.segments
    }

    /// The entry in the first occupied bucket at or after a random position; `None` in an empty
    /// table.
    pub fn random(&self, random: u64) -> Option<&Entry> {
        let filled: usize = self.len;
        if filled == 0 {
            return None;
        }
        // Weight segments by their size: walk to the n-th entry's segment, then take a random one.
        let mut nth = (random % filled as u64) as usize;
        for segment in &self.segments {
            if nth < segment.len() {
                return segment.iter().nth(nth);
            }
            nth -= segment.len();
        }
        None
    }

    /// The hash of a key under this table's function.
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{NewValue, Str};
    use std::collections::HashMap;

    fn entry(key: &[u8], number: i64) -> Entry {
        Entry::new(key, NewValue::Int(number), None, 0)
    }

    /// Random inserts, removals and look-ups agree with std's map, across many splits.
    #[test]
    fn agrees_with_a_map() {
        let mut table = Table::new(KeyHasher::new(1), 3);
        let mut model = HashMap::new();
        let mut rng = stdx::prng::Prng::new(42);
        for step in 0..200_000 {
            let key = rng.below(30_000).to_string().into_bytes();
            let hash = table.hash(&key);
            let found = table.find(hash, &key);
            assert_eq!(found.is_some(), model.contains_key(&key));
            match found {
                Some(place) if step % 3 == 0 => {
                    let removed = table.remove(place);
                    assert_eq!(
                        removed.as_str(),
                        Some(Str::Int(model.remove(&key).expect("there")))
                    );
                }
                Some(_) => {}
                None => {
                    let place = table.insert(hash, entry(&key, step));
                    assert_eq!(table.get(place).key(), &key[..]);
                    model.insert(key, step);
                }
            }
            assert_eq!(table.len(), model.len());
        }
        assert!(table.segments().len() > 8);
        assert!(table.segments().iter().all(|s| s.entries.num_buckets() <= BUCKETS_MAX));
        let walked: usize = table.segments().iter().map(Segment::len).sum();
        assert_eq!(walked, model.len());
    }

    /// Insert and delete churn at a constant size must not grow a segment past its bound.
    #[test]
    fn churn_does_not_grow_segments() {
        let mut table = Table::new(KeyHasher::new(2), 0);
        for i in 0..300_000u64 {
            let key = i.to_be_bytes();
            table.insert(table.hash(&key), entry(&key, 0));
            if i >= 700 {
                let old = (i - 700).to_be_bytes();
                let place = table.find(table.hash(&old), &old).expect("inserted before");
                table.remove(place);
            }
        }
        assert!(table.segments().iter().all(|s| s.entries.num_buckets() <= BUCKETS_MAX));
        assert!(table.segments().len() <= 4, "{} segments", table.segments().len());
    }

    #[test]
    fn segment_ranges_tile_the_hash_space() {
        let mut table = Table::new(KeyHasher::new(3), 0);
        for i in 0..20_000u64 {
            let key = i.to_be_bytes();
            table.insert(table.hash(&key), entry(&key, 0));
        }
        let (mut from, mut walked, mut visits) = (0, 0, 0);
        loop {
            assert!(table.is_segment_start(from) && !table.is_segment_start(from + 1));
            let (segment, next) = table.segment_from(from);
            walked += segment.len();
            visits += 1;
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!((walked, visits), (20_000, table.segments().len()));
    }
}
