//! Cursors: a position in the order of shards, and within a shard in the order of key hashes.
//!
//! A key's position never changes, whatever is inserted, removed or split between two calls, so a
//! walk returns every key that stays exactly once. The cursor is `shard * 2^40 + position`, where
//! the position is the top 40 bits of the hash: it stays below 2^53 for clients that keep it in a
//! double. Keys with equal positions are returned by the same call. 0 is both the start and the
//! end: position 0 of shard 0 is never a continuation, since a call goes past at least one
//! position.
//!
//! A segment's entries are not stored in hash order; a call that needs only some of a segment
//! orders those that match. The pattern is applied before the hash is computed, so what a pattern
//! excludes costs one comparison.

use crate::db::Db;
use crate::entry::Entry;
use crate::shard::Shard;

const POSITION_BITS: u32 = 40;
const POSITION_MASK: u64 = (1 << POSITION_BITS) - 1;

/// A position in the walk over one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The shard.
    pub shard: u16,
    /// The first position in it that was not visited.
    position: u64,
}

impl Cursor {
    /// The cursor that a client sent; any number is a valid position, past the end it finds
    /// nothing.
    pub fn decode(number: u64, shards: u16) -> Option<Cursor> {
        let shard = number >> POSITION_BITS;
        let shard = u16::try_from(shard).ok().filter(|shard| *shard < shards)?;
        Some(Cursor { shard, position: number & POSITION_MASK })
    }

    /// The number that a client gets.
    pub fn encode(self) -> u64 {
        u64::from(self.shard) << POSITION_BITS | self.position
    }

    /// Whether nothing was visited yet.
    pub fn is_start(self) -> bool {
        self.encode() == 0
    }

    /// The start of the next shard.
    pub fn next_shard(self) -> Cursor {
        Cursor { shard: self.shard + 1, position: 0 }
    }
}

/// Visits entries of `db` in `shard` from the cursor on: a whole segment if its matching entries
/// fit into `budget`, else the first of them, and at least one position. Only entries that `wanted`
/// accepts are ordered, counted and given to `visit`; it may be asked about entries that lie before
/// the cursor. Returns how many entries were looked at and the place to go on from, `None` at the
/// shard's end. O(segment) per call.
pub fn scan_shard<'s>(
    shard: &'s Shard,
    db: u16,
    from: Cursor,
    budget: usize,
    wanted: &mut dyn FnMut(&Entry) -> bool,
    visit: &mut dyn FnMut(&'s Entry),
) -> (usize, Option<Cursor>) {
    let Some(table) = shard.db(db).map(Db::table) else { return (0, None) };
    let cursor = |position: u64| Cursor { shard: from.shard, position };
    let start = from.position << (64 - POSITION_BITS);
    let (segment, next) = table.segment_from(start);
    let rest = next.map(|hash| cursor(hash >> (64 - POSITION_BITS)));
    for entry in segment.iter() {
        entry.prefetch();
    }
    let matching: Vec<&Entry> = segment.iter().filter(|entry| wanted(entry)).collect();
    let budget = budget.max(1);
    if matching.len() <= budget && table.is_segment_start(start) {
        matching.into_iter().for_each(visit);
        return (segment.len(), rest);
    }
    let position_of = |entry: &Entry| table.hash(entry.key()) >> (64 - POSITION_BITS);
    let mut ordered: Vec<(u64, &Entry)> = matching
        .into_iter()
        .map(|entry| (position_of(entry), entry))
        .filter(|(position, _)| *position >= from.position)
        .collect();
    let last = if ordered.len() > budget {
        ordered.select_nth_unstable_by_key(budget - 1, |(position, _)| *position);
        ordered[budget - 1].0
    } else {
        POSITION_MASK
    };
    let mut left = false;
    for (position, entry) in ordered {
        if position <= last {
            visit(entry);
        } else {
            left = true;
        }
    }
    (segment.len(), if left { Some(cursor(last + 1)) } else { rest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::{Effects, Interest};
    use crate::{AccessPolicy, At, Edit, Keyspace, Str, Ttl};
    use std::collections::HashSet;

    fn set(keyspace: &Keyspace, fx: &mut Effects, key: &[u8]) {
        let hash = keyspace.hash(key);
        let mut shard = keyspace.try_shard(keyspace.shard_of(hash)).expect("free");
        let mut edit = Edit::open(&mut shard, At { db: 0, key, hash, now_ms: 0 }, fx);
        edit.set_str(Str::Int(1), Ttl::Clear);
        edit.commit_silent();
    }

    #[test]
    fn a_walk_over_a_growing_table_returns_each_old_key_once() {
        let keyspace = Keyspace::new(4, 1, 7);
        let mut fx = Effects::new(Interest::default(), AccessPolicy::lru(0), keyspace.add_worker());
        for i in 0..5000 {
            set(&keyspace, &mut fx, format!("old:{i}").as_bytes());
        }
        let (mut seen, mut calls, mut added) = (HashSet::new(), 0, 0);
        let mut cursor = Cursor::decode(0, 4);
        while let Some(at) = cursor {
            let shard = keyspace.try_shard(at.shard).expect("free");
            let mut found = 0;
            let (_, next) =
                scan_shard(&shard, 0, at, 10, &mut |e| e.key().starts_with(b"old"), &mut |e| {
                    assert!(seen.insert(e.key().to_vec()), "returned twice");
                    found += 1;
                });
            assert!(found <= 10);
            drop(shard);
            cursor = next.or_else(|| (at.shard < 3).then(|| at.next_shard()));
            if let Some(next) = cursor {
                assert_ne!(next.encode(), 0);
                assert_eq!(Cursor::decode(next.encode(), 4), Some(next));
            }
            for _ in 0..20 {
                added += 1;
                set(&keyspace, &mut fx, format!("new:{added}").as_bytes());
            }
            calls += 1;
        }
        assert_eq!(seen.len(), 5000);
        assert!(calls >= 500);
    }
}
