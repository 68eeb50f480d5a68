//! The whole keyspace: the lock shards, how a batch locks several, and how one caller locks all.
//!
//! Nobody ever sleeps on a shard's lock. A batch tries the locks it needs in ascending order; if
//! one is taken it lets all go and comes back later. Whoever needs every shard raises the gate
//! first: no new batch starts while it is up, so the running ones drain and the next attempt gets
//! them all.

use crate::db::{Amounts, Tally};
use crate::entry::prefetch_to_write;
use crate::shard::Shard;
use crate::table::KeyHasher;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shard on cache lines of its own, so that neighbouring locks do not disturb each other.
#[repr(align(128))]
struct Slot(Mutex<Shard>);

/// Attempts on a taken lock before a batch gives way.
const SPINS_MAX: u32 = 1000;

/// All data of a server.
pub struct Keyspace {
    slots: Box<[Slot]>,
    hasher: KeyHasher,
    databases: u16,
    /// Each worker's books on the sizes of the databases.
    tallies: Mutex<Vec<Arc<[Tally]>>>,
    /// How many callers want every shard.
    gate: Arc<AtomicUsize>,
}

/// Waits a little for a lock that is taken. Looks before it tries: a failed attempt would take the cache
/// line from whoever holds the lock.
#[cold]
fn spin(lock: &Mutex<Shard>) -> Option<MutexGuard<'_, Shard>> {
    for _ in 0..SPINS_MAX {
        std::hint::spin_loop();
        if !lock.is_locked()
            && let Some(guard) = lock.try_lock()
        {
            return Some(guard);
        }
    }
    None
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
        let slot = |index: usize| Slot(Mutex::new(Shard::new(hasher.clone(), index)));
        let slots = (0..shards).map(slot).collect();
        let (tallies, gate) = (Mutex::default(), Arc::default());
        Keyspace { slots, hasher, databases, tallies, gate }
    }

    /// The books of a new worker.
    pub fn add_worker(&self) -> Arc<[Tally]> {
        let tallies: Arc<[Tally]> = (0..self.databases).map(|_| Tally::default()).collect();
        self.tallies.lock().push(tallies.clone());
        tallies
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
    #[inline]
    pub fn try_shard(&self, index: u16) -> Option<MutexGuard<'_, Shard>> {
        let lock = &self.slots[index as usize].0;
        lock.try_lock().or_else(|| spin(lock))
    }

    /// Asks for the cache line of a shard's lock, to be written.
    #[inline]
    pub fn prefetch_lock(&self, index: u16) {
        prefetch_to_write(&raw const self.slots[index as usize]);
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

    /// Sizes of a database, read without any lock. O(workers).
    pub fn size(&self, db: u16) -> DbSize {
        let tallies = self.tallies.lock();
        let amounts = tallies.iter().map(|worker| worker[db as usize].read());
        let sum = amounts.fold(Amounts::default(), Amounts::plus);
        let mean_s = (sum.expiry_sum_s as i64).checked_div(sum.expires as i64).unwrap_or(0);
        DbSize {
            keys: sum.keys,
            expires: sum.expires,
            bytes: sum.bytes,
            expiry_mean_ms: mean_s.saturating_mul(1000),
        }
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
        if shards.len() > 1 {
            // Other workers have had most of these lines last; fetching them overlaps this way.
            shards.iter().for_each(|shard| keyspace.prefetch_lock(*shard));
        }
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
