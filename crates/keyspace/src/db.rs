//! One numbered database within one shard: its table and the counters that are read without a lock.

use crate::entry::Entry;
use crate::table::{KeyHasher, Place, Table};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Sizes of one database in one shard. Written under the shard's lock, read by INFO and DBSIZE
/// without it, so that they answer while a long command holds the lock.
#[derive(Debug, Default)]
pub struct Counters {
    /// Entries, expired ones not yet removed included.
    pub keys: AtomicU64,
    /// Entries with an expiry.
    pub expires: AtomicU64,
    /// Bytes of the entries' blocks and values.
    pub bytes: AtomicU64,
    /// Sum of the expiries in seconds, wrapping, for the average time to live.
    pub expiry_sum_s: AtomicU64,
}

impl Counters {
    /// Adds to a counter that only the holder of the shard's lock writes.
    fn add(counter: &AtomicU64, amount: u64) {
        // Ordering: relaxed suffices, the lock orders the writers and readers want any recent
        // value.
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    fn shift_expiry(&self, before: Option<i64>, after: Option<i64>) {
        let seconds = |at_ms: Option<i64>| at_ms.map_or(0, |at_ms| (at_ms / 1000) as u64);
        let count = u64::from(after.is_some()).wrapping_sub(u64::from(before.is_some()));
        Counters::add(&self.expires, count);
        Counters::add(&self.expiry_sum_s, seconds(after).wrapping_sub(seconds(before)));
    }

    fn reset(&self) {
        for counter in [&self.keys, &self.expires, &self.bytes, &self.expiry_sum_s] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    fn copy_from(&self, other: &Counters) {
        let pairs = [
            (&self.keys, &other.keys),
            (&self.expires, &other.expires),
            (&self.bytes, &other.bytes),
            (&self.expiry_sum_s, &other.expiry_sum_s),
        ];
        for (to, from) in pairs {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

/// A database's part in one shard. All changes go through methods that keep the counters exact.
pub struct Db {
    table: Table,
    counters: Arc<Counters>,
    /// Segment at which the next sweep for expired entries starts.
    pub(crate) sweep_from: usize,
}

impl Db {
    pub(crate) fn new(hasher: KeyHasher, stagger: usize, counters: Arc<Counters>) -> Db {
        Db { table: Table::new(hasher, stagger), counters, sweep_from: 0 }
    }

    /// The table, for reading.
    #[inline]
    pub fn table(&self) -> &Table {
        &self.table
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

    pub(crate) fn insert(&mut self, hash: u64, entry: Entry) -> Place {
        Counters::add(&self.counters.keys, 1);
        Counters::add(&self.counters.bytes, entry.memory() as u64);
        if entry.expire_at_ms().is_some() {
            self.counters.shift_expiry(None, entry.expire_at_ms());
        }
        self.table.insert(hash, entry)
    }

    pub(crate) fn remove(&mut self, place: Place) -> Entry {
        let entry = self.table.remove(place);
        Counters::add(&self.counters.keys, 1u64.wrapping_neg());
        Counters::add(&self.counters.bytes, (entry.memory() as u64).wrapping_neg());
        if entry.expire_at_ms().is_some() {
            self.counters.shift_expiry(entry.expire_at_ms(), None);
        }
        entry
    }

    /// Changes the entry at a place in any way and settles the counters. The key must stay.
    pub(crate) fn update<R>(
        &mut self,
        hash: u64,
        place: Place,
        change: impl FnOnce(&mut Entry) -> R,
    ) -> R {
        let entry = self.table.get_mut(place);
        let (bytes, expiry) = (entry.memory(), entry.expire_at_ms());
        let result = change(entry);
        let (bytes_after, expiry_after) = (entry.memory(), entry.expire_at_ms());
        if bytes != bytes_after {
            Counters::add(&self.counters.bytes, (bytes_after as u64).wrapping_sub(bytes as u64));
        }
        if expiry != expiry_after {
            self.counters.shift_expiry(expiry, expiry_after);
            if let Some(at_ms) = expiry_after {
                self.table.note_expiry(hash, at_ms);
            }
        }
        result
    }

    /// Takes everything out, leaving an empty table.
    pub(crate) fn take(&mut self, hasher: KeyHasher, stagger: usize) -> Table {
        self.counters.reset();
        self.sweep_from = 0;
        std::mem::replace(&mut self.table, Table::new(hasher, stagger))
    }

    /// Exchanges the contents of two databases.
    pub(crate) fn swap(&mut self, other: &mut Db) {
        std::mem::swap(&mut self.table, &mut other.table);
        let held = Counters::default();
        held.copy_from(&self.counters);
        self.counters.copy_from(&other.counters);
        other.counters.copy_from(&held);
    }
}
