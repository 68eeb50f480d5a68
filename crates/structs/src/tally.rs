//! Members with a number each, in the order in which they came, found by hash: what unions, intersections
//! and differences gather their result in.
//!
//! The members' bytes stand one behind the other in one buffer. Adding, looking up and removing are O(1)
//! expected; sorting is O(n log n).

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

struct Item {
    member: Range<usize>,
    value: f64,
}

/// The members gathered so far.
pub struct Tally {
    bytes: Vec<u8>,
    items: Vec<Item>,
    table: HashTable<usize>,
    hasher: SeedableRandomState,
}

impl Tally {
    /// An empty one whose hash function is chosen by an unguessable seed.
    pub fn new(seed: u64) -> Tally {
        Tally {
            bytes: Vec::new(),
            items: Vec::new(),
            table: HashTable::new(),
            hasher: SeedableRandomState::with_seed(seed, SharedSeed::global_random()),
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives a member the value that `value` makes of its present one, if any.
    pub fn put(&mut self, member: &[u8], value: impl FnOnce(Option<f64>) -> f64) {
        let hash = hash(&self.hasher, member);
        let is_it = |&index: &usize| self.bytes[self.items[index].member.clone()] == *member;
        if let Some(&index) = self.table.find(hash, is_it) {
            let item = &mut self.items[index];
            item.value = value(Some(item.value));
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(member);
        self.items.push(Item { member: start..self.bytes.len(), value: value(None) });
        let (bytes, items, hasher) = (&self.bytes, &self.items, &self.hasher);
        let rehash = |&index: &usize| hash_of(hasher, bytes, &items[index]);
        self.table.insert_unique(hash, items.len() - 1, rehash);
    }

    /// Removes a member.
    pub fn remove(&mut self, member: &[u8]) {
        let hash = hash(&self.hasher, member);
        let is_it = |&index: &usize| self.bytes[self.items[index].member.clone()] == *member;
        if let Ok(entry) = self.table.find_entry(hash, is_it) {
            entry.remove();
        }
    }

    /// Keeps the members that `keep` accepts; it may change their values.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &mut f64) -> bool) {
        let (bytes, items) = (&self.bytes, &mut self.items);
        self.table.retain(|&mut index| {
            let item = &mut items[index];
            keep(&bytes[item.member.clone()], &mut item.value)
        });
    }

    /// The members by value, then by member.
    pub fn sorted(&self) -> Vec<(&[u8], f64)> {
        let item = |&index: &usize| {
            let item = &self.items[index];
            (&self.bytes[item.member.clone()], item.value)
        };
        let mut sorted: Vec<(&[u8], f64)> = self.table.iter().map(item).collect();
        sorted.sort_unstable_by(|a, b| {
            a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal).then_with(|| a.0.cmp(b.0))
        });
        sorted
    }
}

fn hash(hasher: &SeedableRandomState, member: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(member);
    hasher.finish()
}

fn hash_of(hasher: &SeedableRandomState, bytes: &[u8], item: &Item) -> u64 {
    hash(hasher, &bytes[item.member.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use stdx::prng::Prng;

    #[test]
    fn agrees_with_a_map() {
        let (mut tally, mut model, mut rng) = (Tally::new(1), BTreeMap::new(), Prng::new(2));
        for step in 0..20_000 {
            let member = rng.below(3000).to_string();
            match rng.below(10) {
                0..7 => {
                    let value = rng.below(100) as f64;
                    tally.put(member.as_bytes(), |old| old.unwrap_or(0.0) + value);
                    *model.entry(member).or_insert(0.0) += value;
                }
                7..9 => {
                    tally.remove(member.as_bytes());
                    model.remove(&member);
                }
                _ if step % 100 == 0 => {
                    let mut wanted = |member: &[u8], value: &mut f64| {
                        *value += 1.0;
                        member.len().is_multiple_of(2)
                    };
                    tally.retain(&mut wanted);
                    model.retain(|member, value| wanted(member.as_bytes(), value));
                }
                _ => {}
            }
            assert_eq!(tally.len(), model.len());
        }
        let mut expected: Vec<(&[u8], f64)> =
            model.iter().map(|(member, value)| (member.as_bytes(), *value)).collect();
        expected.sort_by(|a, b| a.1.total_cmp(&b.1));
        assert_eq!(tally.sorted(), expected);
    }

    #[test]
    fn zeros_of_both_signs_are_equal() {
        let mut tally = Tally::new(1);
        for (member, value) in [("b", -0.0), ("a", 0.0), ("c", 0.0)] {
            tally.put(member.as_bytes(), |_| value);
        }
        let members: Vec<&[u8]> = tally.sorted().iter().map(|(member, _)| *member).collect();
        assert_eq!(members, [b"a", b"b", b"c"]);
    }
}
