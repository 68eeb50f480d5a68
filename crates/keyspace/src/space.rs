//! The whole keyspace: the lock shards, how a batch locks several, and how one caller locks all.
//!
//! Nobody ever sleeps on a shard's lock. A batch tries the locks it needs in ascending order; if
//! one is taken it lets all go and comes back later. Whoever needs every shard raises the gate
//! first: no new batch starts while it is up, so the running ones drain and the next attempt gets
//! them all.

use crate::db::Counters;
use crate::shard::Shard;
use crate::table::KeyHasher;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shard on cache lines of its own, so that neighbouring locks do not disturb each other.
#[repr(align(128))]
struct Slot {
    shard: Mutex<Shard>,
    counters: Box<[Arc<Counters>]>,
}

/// Attempts on a taken lock before a batch gives way.
const SPINS_MAX: u32 = 100;

/// All data of a server.
pub struct Keyspace {
    slots: Box<[Slot]>,
    hasher: KeyHasher,
    databases: u16,
    /// How many callers want every shard.
    gate: Arc<AtomicUsize>,
}

/// Sums over all shards for one database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DbSize {
    /// Entries.
    pub keys: u64,
    /// Entries with an expiry.
    pub expires: u64,
    /// Bytes of entries and values.
    pub bytes: u64,
    /// Mean of the expiries, in milliseconds since 1970; 0 without any.
    pub expiry_mean_ms: i64,
}

impl Keyspace {
    /// An empty keyspace of `shards` (a power of two) shards and `databases` databases.
    ///
    /// # Panics
    /// If `shards` is not a power of two, or exceeds 65536.
    pub fn new(shards: usize, databases: u16, seed: u64) -> Keyspace {
        assert!(shards.is_power_of_two() && shards <= 1 << 16);
        let hasher = KeyHasher::new(seed);
        let slot = |index: usize| {
            let counters: Box<[_]> =
                (0..databases).map(|_| Arc::new(Counters::default())).collect();
            Slot { shard: Mutex::new(Shard::new(hasher.clone(), index, &counters)), counters }
        };
        let slots = (0..shards).map(slot).collect();
        Keyspace { slots, hasher, databases, gate: Arc::default() }
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// The shard of a hash.
    #[inline]
    pub fn shard_of(&self, hash: u64) -> u16 {
        (hash as usize & (self.slots.len() - 1)) as u16
    }

    /// Number of shards.
    pub fn shards(&self) -> u16 {
        self.slots.len() as u16
    }

    /// Number of databases.
    pub fn databases(&self) -> u16 {
        self.databases
    }

    /// Locks one shard if it is free, or gets free within a short spin.
    pub fn try_shard(&self, index: u16) -> Option<MutexGuard<'_, Shard>> {
        let lock = &self.slots[index as usize].shard;
        for _ in 0..SPINS_MAX {
            if let Some(guard) = lock.try_lock() {
                return Some(guard);
            }
            std::hint::spin_loop();
        }
        None
    }

    /// Whether a batch should stand back because somebody waits for every shard.
    #[inline]
    pub fn is_gated(&self) -> bool {
        // Ordering: relaxed, the gate is a courtesy; the locks decide.
        self.gate.load(Ordering::Relaxed) != 0
    }

    /// Raises the gate until the returned guard is dropped.
    pub fn raise_gate(&self) -> Gate {
        self.gate.fetch_add(1, Ordering::Relaxed);
        Gate(self.gate.clone())
    }

    /// Sizes of a database, read without any lock. O(shards).
    pub fn size(&self, db: u16) -> DbSize {
        let mut size = DbSize::default();
        let mut expiry_sum_s = 0u64;
        for slot in &self.slots {
            let counters = &slot.counters[db as usize];
            size.keys += counters.keys.load(Ordering::Relaxed);
            size.expires += counters.expires.load(Ordering::Relaxed);
            size.bytes += counters.bytes.load(Ordering::Relaxed);
            expiry_sum_s = expiry_sum_s.wrapping_add(counters.expiry_sum_s.load(Ordering::Relaxed));
        }
        let mean_s = (expiry_sum_s as i64).checked_div(size.expires as i64).unwrap_or(0);
        size.expiry_mean_ms = mean_s.saturating_mul(1000);
        size
    }

    /// Keys with an expiry of a database in one shard, read without the lock.
    pub fn shard_expires(&self, shard: u16, db: u16) -> u64 {
        self.slots[shard as usize].counters[db as usize].expires.load(Ordering::Relaxed)
    }

    /// Keys of a database in one shard, read without the lock.
    pub fn shard_keys(&self, shard: u16, db: u16) -> u64 {
        self.slots[shard as usize].counters[db as usize].keys.load(Ordering::Relaxed)
    }
}

/// The gate, held up while this lives.
pub struct Gate(Arc<AtomicUsize>);

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Entries of a lock set's index.
const INDEX_LEN: usize = 64;

/// The shards that a batch, transaction or command holds, in ascending order.
pub struct LockSet<'k> {
    guards: SmallVec<[(u16, MutexGuard<'k, Shard>); 4]>,
    /// By the low bits of a shard's number, where its guard probably is.
    index: [u8; INDEX_LEN],
}

impl Default for LockSet<'_> {
    fn default() -> Self {
        LockSet::new()
    }
}

impl<'k> LockSet<'k> {
    /// Nothing locked.
    pub fn new() -> LockSet<'k> {
        LockSet { guards: SmallVec::new(), index: [0; INDEX_LEN] }
    }

    /// Locks `shards`, in any order and with repetitions, or nothing: false if one of them is
    /// taken. They are taken in ascending order.
    pub fn try_lock_unsorted(&mut self, keyspace: &'k Keyspace, shards: &mut [u16]) -> bool {
        debug_assert!(self.guards.is_empty());
        if keyspace.shards() <= u64::BITS as u16 {
            let mut wanted = shards.iter().fold(0u64, |set, shard| set | 1 << shard);
            while wanted != 0 {
                if !self.try_add(keyspace, wanted.trailing_zeros() as u16) {
                    return false;
                }
                wanted &= wanted - 1;
            }
            return true;
        }
        shards.sort_unstable();
        let mut last = None;
        for &shard in &*shards {
            if last != Some(shard) && !self.try_add(keyspace, shard) {
                return false;
            }
            last = Some(shard);
        }
        true
    }

    /// Locks every shard, or nothing.
    pub fn try_lock_all(&mut self, keyspace: &'k Keyspace) -> bool {
        debug_assert!(self.guards.is_empty());
        (0..keyspace.shards()).all(|shard| self.try_add(keyspace, shard))
    }

    /// Locks one more shard; lets all go if it is taken.
    #[inline]
    fn try_add(&mut self, keyspace: &'k Keyspace, shard: u16) -> bool {
        let Some(guard) = keyspace.try_shard(shard) else {
            self.guards.clear();
            return false;
        };
        // Where the number does not fit, the look-up falls back to a search.
        self.index[usize::from(shard) % INDEX_LEN] = self.guards.len() as u8;
        self.guards.push((shard, guard));
        true
    }

    /// A locked shard; `None` if it is not in the set. O(1) for up to 64 shards, else O(log n).
    #[inline]
    pub fn get(&mut self, shard: u16) -> Option<&mut Shard> {
        let found = self.position(shard)?;
        Some(&mut self.guards[found].1)
    }

    /// A locked shard, for reading.
    #[inline]
    pub fn peek(&self, shard: u16) -> Option<&Shard> {
        Some(&self.guards[self.position(shard)?].1)
    }

    #[inline]
    fn position(&self, shard: u16) -> Option<usize> {
        let likely = usize::from(self.index[usize::from(shard) % INDEX_LEN]);
        match self.guards.get(likely) {
            Some((number, _)) if *number == shard => Some(likely),
            _ => self.guards.binary_search_by_key(&shard, |(number, _)| *number).ok(),
        }
    }

    /// Whether nothing is locked.
    pub fn is_empty(&self) -> bool {
        self.guards.is_empty()
    }

    /// Lets all go.
    pub fn unlock(&mut self) {
        self.guards.clear();
    }
}
