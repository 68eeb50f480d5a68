//! An ordered set: members with scores, ordered by score and then by member, with ranks.
//!
//! Three parts. The [`arena`] owns each member once, together with its score, as a record addressed
//! by 32 bits. The [`index`] finds a record by its member: a hash table of records' numbers, in
//! segments, so that it never stalls to grow. The [`tree`] keeps the records' numbers in order: a
//! B+ tree whose leaves hold the scores themselves next to the numbers, so that a search reads
//! members only where scores are equal, and whose inner nodes count the elements below each child,
//! so that a rank is a sum on the way down.
//!
//! An element costs its member, 9 bytes of record, 12 bytes of leaf and 5 of index, each divided by
//! how full it is kept (leaves share with their neighbours before they split): about 20 bytes less
//! than a skip list node with a dictionary entry, and a search touches about 5 cache lines where a
//! skip list of a million touches over 20. Rejected: a skip list (pointers, spans, a miss per
//! step); a tree that owns the members in its leaves (smaller still, but each split would rewrite
//! half a leaf's index); leaves of numbers alone (a miss per comparison); one big hash table (it
//! stalls for a second at 10 M).
//!
//! Everything is O(log n), except the look-up of a score by member, which is O(1), and walks, which
//! are O(log n + elements). Sources: B+ trees (Comer 1979) with counts (order statistics, Knuth
//! vol. 3, 6.2.3) and sharing with neighbours (B*); extendible hashing (Fagin et al. 1979).
//!
//! Scores are never NaN. -0.0 keeps its sign but orders equal to 0.0.

mod arena;
mod index;
mod iter;
mod tree;

#[cfg(test)]
mod tests;

pub use iter::Iter;

use arena::{Arena, Id};
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use index::Index;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use tree::{Key, Tree, Where};

/// The set has no room for another member: about 16 GiB of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where a member is, or would be: valid until the set changes.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    hash: u64,
    found: Option<(Id, f64)>,
}

impl Spot {
    /// The member's score, if it is in the set.
    pub fn score(&self) -> Option<f64> {
        self.found.map(|(_, score)| score)
    }
}

/// One end of a range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreBound {
    /// The score.
    pub score: f64,
    /// Whether elements with exactly this score lie before the bound.
    pub after_equal: bool,
}

/// One end of a range of members, for sets in which all scores are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberBound<'a> {
    /// The member.
    pub member: &'a [u8],
    /// Whether this very member lies before the bound.
    pub after_equal: bool,
}

/// An ordered set.
#[derive(Clone)]
pub struct OrderedSet {
    arena: Arena,
    index: Index,
    tree: Tree,
    hasher: SeedableRandomState,
}

impl OrderedSet {
    /// An empty set whose hash function is chosen by an unguessable seed.
    pub fn new(seed: u64) -> OrderedSet {
        OrderedSet {
            arena: Arena::default(),
            index: Index::default(),
            tree: Tree::default(),
            hasher: SeedableRandomState::with_seed(seed, SharedSeed::global_random()),
        }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is room for all members of a request, which are 4 GiB at most. O(1).
    pub fn has_room(&self) -> bool {
        self.arena.has_room()
    }

    /// Bytes behind the set, its own struct included. O(1).
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.arena.memory() + self.index.memory() + self.tree.memory()
    }

    /// About how many allocations freeing takes.
    pub fn allocations(&self) -> usize {
        self.arena.allocations() + self.index.allocations() + self.tree.allocations()
    }

    #[inline]
    fn hash(&self, member: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(member);
        hasher.finish()
    }

    /// Looks a member up. O(1).
    #[inline]
    pub fn find(&self, member: &[u8]) -> Spot {
        let hash = self.hash(member);
        let id = self.index.find(hash, |id| self.arena.member(id) == member);
        Spot { hash, found: id.map(|id| (id, self.arena.score(id))) }
    }

    /// The score of a member. O(1).
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.find(member).score()
    }

    /// Gives a member a score. O(log n).
    pub fn insert(&mut self, member: &[u8], score: f64) -> Result<(), Full> {
        let spot = self.find(member);
        self.put(spot, member, score)
    }

    /// Gives the member that was just looked up a score. O(log n).
    pub fn put(&mut self, spot: Spot, member: &[u8], score: f64) -> Result<(), Full> {
        debug_assert!(!score.is_nan());
        let Some((id, old)) = spot.found else { return self.add(spot.hash, member, score) };
        self.arena.set_score(id, score);
        self.tree.rescore(&self.arena, Key { score: old, member }, id, score);
        Ok(())
    }

    fn add(&mut self, hash: u64, member: &[u8], score: f64) -> Result<(), Full> {
        let id = self.arena.add(member, score).ok_or(Full)?;
        let (arena, hasher) = (&self.arena, &self.hasher);
        self.index.insert(hash, id, |id| {
            let mut hasher = hasher.build_hasher();
            hasher.write(arena.member(id));
            hasher.finish()
        });
        self.tree.insert(arena, Key { score, member }, id);
        Ok(())
    }

    /// Removes a member and returns its score. O(log n).
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let spot = self.find(member);
        let (id, score) = spot.found?;
        self.tree.remove(&self.arena, Where::Key(Key { score, member }));
        self.index.remove(spot.hash, id);
        self.forget(id);
        Some(score)
    }

    /// Removes the elements of a range of ranks. O(elements * log n).
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        for _ in ranks.start..ranks.end.min(self.len()) {
            let id = self.tree.remove(&self.arena, Where::Rank(ranks.start));
            let hash = self.hash(self.arena.member(id));
            self.index.remove(hash, id);
            self.forget(id);
        }
    }

    /// Frees a record. Where freed records are most of the arena, moves a few live ones together,
    /// so that what a large set leaves behind when it shrinks is given back, a little at a time.
    fn forget(&mut self, id: Id) {
        const MOVES: usize = 4;
        self.arena.remove(id);
        for _ in 0..MOVES {
            let Some((old, new)) = self.arena.compact() else { return };
            let (member, score) = (self.arena.member(new), self.arena.score(new));
            self.index.replace(self.hash(member), old, new);
            self.tree.renumber(&self.arena, Key { score, member }, old, new);
            self.arena.vacate(old);
        }
    }

    /// How many elements are before a member, and its score. O(log n).
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((self.tree.rank(&self.arena, &Key { score, member }), score))
    }

    /// How many elements lie before a bound. O(log n).
    pub fn rank_of_score(&self, bound: ScoreBound) -> usize {
        self.tree.rank(&self.arena, &bound)
    }

    /// How many elements lie before a bound, where all scores are equal. O(log n).
    pub fn rank_of_member(&self, bound: MemberBound<'_>) -> usize {
        self.tree.rank(&self.arena, &bound)
    }

    /// The element of a rank. O(log n).
    pub fn at(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.range(rank..rank + 1).next()
    }

    /// The elements of a range of ranks, in order; walks backwards too. O(log n + elements).
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter::new(&self.tree, &self.arena, ranks.start..ranks.end.min(self.len()))
    }

    /// All elements in order.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// Visits the members whose hash positions lie at or after `position`: at least `count` of them
    /// while there are any, whole positions at a time. Returns the position to go on from. A
    /// member's position never changes, so a walk returns each member that stays exactly once.
    pub fn scan(
        &self,
        position: u64,
        count: usize,
        mut visit: impl FnMut(&[u8], f64),
    ) -> Option<u64> {
        let hash = |id| self.hash(self.arena.member(id));
        self.index.scan(position, count, hash, |id| {
            visit(self.arena.member(id), self.arena.score(id));
        })
    }
}

/// The order of elements.
#[inline]
fn compare(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(b.1))
}
