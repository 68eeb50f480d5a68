//! One numbered database within one shard, and the books about the sizes of all.

use crate::entry::Entry;
use crate::table::{KeyHasher, Place, Table};
use std::sync::atomic::{AtomicU64, Ordering};

/// Amounts that describe a set of entries; they wrap, so that a difference is an amount too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Entries, expired ones not yet removed included.
    pub keys: u64,
    /// Entries with an expiry.
    pub expires: u64,
    /// Bytes of the entries' blocks and values.
    pub bytes: u64,
    /// Sum of the expiries in seconds, for the average time to live.
    pub expiry_sum_s: u64,
}

impl Amounts {
    fn of(entry: &Entry) -> Amounts {
        let expiry = entry.expire_at_ms();
        Amounts {
            keys: 1,
            expires: u64::from(expiry.is_some()),
            bytes: entry.memory() as u64,
            expiry_sum_s: expiry.map_or(0, |at_ms| (at_ms / 1000) as u64),
        }
    }

    /// The sum of both.
    pub fn plus(self, other: Amounts) -> Amounts {
        Amounts {
            keys: self.keys.wrapping_add(other.keys),
            expires: self.expires.wrapping_add(other.expires),
            bytes: self.bytes.wrapping_add(other.bytes),
            expiry_sum_s: self.expiry_sum_s.wrapping_add(other.expiry_sum_s),
        }
    }

    fn minus(self, other: Amounts) -> Amounts {
        Amounts {
            keys: self.keys.wrapping_sub(other.keys),
            expires: self.expires.wrapping_sub(other.expires),
            bytes: self.bytes.wrapping_sub(other.bytes),
            expiry_sum_s: self.expiry_sum_s.wrapping_sub(other.expiry_sum_s),
        }
    }
}

/// What one worker has added to and taken from one database, all shards together. Only that worker
/// writes it, so no cache line moves between workers; the sum over all workers is the database's
/// size, which INFO and DBSIZE read without any lock.
#[derive(Debug, Default)]
pub struct Tally {
    keys: AtomicU64,
    expires: AtomicU64,
    bytes: AtomicU64,
    expiry_sum_s: AtomicU64,
}

impl Tally {
    /// Adds a change.
    fn add(&self, change: Amounts) {
        // Ordering: relaxed suffices: one writer, and readers want any recent value.
        let add = |counter: &AtomicU64, amount: u64| {
            if amount != 0 {
                let sum = counter.load(Ordering::Relaxed).wrapping_add(amount);
                counter.store(sum, Ordering::Relaxed);
            }
        };
        add(&self.keys, change.keys);
        add(&self.expires, change.expires);
        add(&self.bytes, change.bytes);
        add(&self.expiry_sum_s, change.expiry_sum_s);
    }

    /// The present amounts.
    pub fn read(&self) -> Amounts {
        Amounts {
            keys: self.keys.load(Ordering::Relaxed),
            expires: self.expires.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            expiry_sum_s: self.expiry_sum_s.load(Ordering::Relaxed),
        }
    }
}

/// A database's part in one shard. All changes go through methods that keep the books.
pub struct Db {
    table: Table,
    amounts: Amounts,
    /// Segment at which the next sweep for expired entries starts.
    pub(crate) sweep_from: usize,
}

impl Db {
    pub(crate) fn new(hasher: KeyHasher, stagger: usize) -> Db {
        let amounts = Amounts::default();
        Db { table: Table::new(hasher, stagger), amounts, sweep_from: 0 }
    }

    /// The table, for reading.
    #[inline]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is in it.
    pub fn amounts(&self) -> Amounts {
        self.amounts
    }

    /// The table's segments, for change of their marks.
    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }

    /// The entry at a place, for changes that alter neither its size nor its expiry.
    #[inline]
    pub(crate) fn entry_mut(&mut self, place: Place) -> &mut Entry {
        self.table.get_mut(place)
    }

    fn book(&mut self, change: Amounts, tally: &Tally) {
        self.amounts = self.amounts.plus(change);
        tally.add(change);
    }

    pub(crate) fn insert(&mut self, hash: u64, entry: Entry, tally: &Tally) -> Place {
        self.book(Amounts::of(&entry), tally);
        self.table.insert(hash, entry)
    }

    pub(crate) fn remove(&mut self, place: Place, tally: &Tally) -> Entry {
        let entry = self.table.remove(place);
        self.book(Amounts::default().minus(Amounts::of(&entry)), tally);
        entry
    }

    /// Changes the entry at a place in any way and keeps the books. The key must stay.
    #[inline]
    pub(crate) fn update<R>(
        &mut self,
        hash: u64,
        place: Place,
        tally: &Tally,
        change: impl FnOnce(&mut Entry) -> R,
    ) -> R {
        let entry = self.table.get_mut(place);
        let before = Amounts::of(entry);
        let expiry_before = entry.expire_at_ms();
        let result = change(entry);
        let (after, expiry_after) = (Amounts::of(entry), entry.expire_at_ms());
        if before != after {
            self.book(after.minus(before), tally);
        }
        if expiry_before != expiry_after
            && let Some(at_ms) = expiry_after
        {
            self.table.note_expiry(hash, at_ms);
        }
        result
    }

    /// Takes everything out, leaving an empty table.
    pub(crate) fn take(&mut self, hasher: KeyHasher, stagger: usize, tally: &Tally) -> Table {
        self.book(Amounts::default().minus(self.amounts), tally);
        self.sweep_from = 0;
        std::mem::replace(&mut self.table, Table::new(hasher, stagger))
    }

    /// Exchanges the contents of two databases.
    pub(crate) fn swap(&mut self, other: &mut Db, own_tally: &Tally, other_tally: &Tally) {
        own_tally.add(other.amounts.minus(self.amounts));
        other_tally.add(self.amounts.minus(other.amounts));
        std::mem::swap(self, other);
    }
}
