//! What one lock protects: a share of every database, and the books about who watches which key.

use crate::db::Db;
use crate::entry::Entry;
use crate::hooks::{self, Effects};
use crate::table::{KeyHasher, NEVER, Place, Table};
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A key at a moment: the database, the key with its hash, and the batch's time.
#[derive(Clone, Copy)]
pub struct At<'k> {
    /// Database number.
    pub db: u16,
    /// Key.
    pub key: &'k [u8],
    /// The key's hash under the server's function.
    pub hash: u64,
    /// Milliseconds since 1970, frozen for the batch.
    pub now_ms: i64,
}

/// Marks that a watched key was touched; shared with the session that watches.
pub type Dirty = Arc<AtomicBool>;

struct Watched {
    db: u16,
    key: Box<[u8]>,
    hash: u64,
    watchers: Vec<Dirty>,
}

struct Waited {
    db: u16,
    key: Box<[u8]>,
    hash: u64,
}

/// Below this many watched keys ended watches are not worth a sweep.
const WATCHED_SWEEP_MIN: usize = 64;

/// One lock shard.
pub struct Shard {
    /// Up to the highest database that was ever used here; most servers use the first only.
    dbs: SmallVec<[Db; 1]>,
    hasher: KeyHasher,
    stagger: usize,
    watched: HashTable<Watched>,
    waited: HashTable<Waited>,
    /// Number of watched keys at which ended watches are swept.
    watched_sweep_at: usize,
}

impl Shard {
    /// An empty shard.
    pub fn new(hasher: KeyHasher, stagger: usize) -> Shard {
        let dbs = SmallVec::from_buf([Db::new(hasher.clone(), stagger)]);
        let (watched, waited) = (HashTable::new(), HashTable::new());
        let watched_sweep_at = WATCHED_SWEEP_MIN;
        Shard { dbs, hasher, stagger, watched, waited, watched_sweep_at }
    }

    /// A database, for reading; `None` if nothing was ever stored in it here.
    #[inline]
    pub fn db(&self, db: u16) -> Option<&Db> {
        self.dbs.get(db as usize)
    }

    /// A database, for change.
    #[inline]
    pub(crate) fn db_mut(&mut self, db: u16) -> &mut Db {
        if db as usize >= self.dbs.len() {
            let (hasher, stagger) = (&self.hasher, self.stagger);
            self.dbs.resize_with(db as usize + 1, || Db::new(hasher.clone(), stagger));
        }
        &mut self.dbs[db as usize]
    }

    /// The entry at a place that was found in a database.
    #[inline]
    pub(crate) fn entry(&self, db: u16, place: Place) -> &Entry {
        self.dbs[db as usize].table().get(place)
    }

    /// The place of a live key. An entry whose time has come is removed on the way.
    #[inline]
    pub(crate) fn find(&mut self, at: At<'_>, fx: &mut Effects) -> Option<Place> {
        let table = self.dbs.get(at.db as usize)?.table();
        let place = table.find(at.hash, at.key)?;
        if table.get(place).is_expired(at.now_ms) {
            return self.meet_expired(at, place, fx);
        }
        Some(place)
    }

    /// The place of a live key that is about to be changed: what is past its time makes room even
    /// where removal is off.
    pub(crate) fn find_to_change(&mut self, at: At<'_>, fx: &mut Effects) -> Option<Place> {
        let table = self.dbs.get(at.db as usize)?.table();
        let place = table.find(at.hash, at.key)?;
        if table.get(place).is_expired(at.now_ms) {
            self.expire(at, place, fx);
            return None;
        }
        Some(place)
    }

    /// A key past its time was met: it is gone for the caller, and removed unless removal is off.
    #[cold]
    fn meet_expired(&mut self, at: At<'_>, place: Place, fx: &mut Effects) -> Option<Place> {
        if !fx.interest.keep_expired {
            self.expire(at, place, fx);
        }
        None
    }

    /// Removes an entry because its time has come.
    fn expire(&mut self, at: At<'_>, place: Place, fx: &mut Effects) {
        let entry = self.dbs[at.db as usize].remove(place, fx.tally(at.db));
        fx.discard(entry);
        fx.expired += 1;
        if fx.interest.log {
            fx.expired_keys.push((at.db, at.key.into()));
        }
        fx.notify(hooks::EXPIRED, at.db, at.key);
        self.touch(at, fx);
    }

    /// A read: the live entry with its access noted, hit or miss counted.
    #[inline]
    pub fn read(&mut self, at: At<'_>, fx: &mut Effects) -> Option<&Entry> {
        let Some(place) = self.find(at, fx) else {
            fx.misses += 1;
            fx.notify(hooks::KEY_MISS, at.db, at.key);
            return None;
        };
        fx.hits += 1;
        let entry = self.dbs[at.db as usize].entry_mut(place);
        if !fx.no_touch {
            let access = entry.access();
            let touched = fx.policy.touched(access);
            if touched != access {
                entry.set_access(touched);
            }
        }
        Some(entry)
    }

    /// A look that leaves no trace in the access bits or the statistics.
    pub fn peek(&mut self, at: At<'_>, fx: &mut Effects) -> Option<&Entry> {
        let place = self.find(at, fx)?;
        Some(self.entry(at.db, place))
    }

    /// Whether the key is here but past its time, not yet removed.
    pub fn holds_expired(&self, at: At<'_>) -> bool {
        let Some(table) = self.db(at.db).map(Db::table) else { return false };
        let found = table.find(at.hash, at.key).map(|place| table.get(place));
        found.is_some_and(|entry| entry.is_expired(at.now_ms))
    }

    /// Tells watchers and waiters of a key that it changed.
    #[inline]
    pub(crate) fn touch(&mut self, at: At<'_>, fx: &mut Effects) {
        if !self.watched.is_empty() {
            self.mark_watched(at);
        }
        if !self.waited.is_empty() {
            self.mark_waited(at, fx);
        }
    }

    #[cold]
    fn mark_watched(&self, at: At<'_>) {
        let same = |w: &Watched| w.db == at.db && *w.key == *at.key;
        if let Some(watched) = self.watched.find(at.hash, same) {
            for dirty in &watched.watchers {
                dirty.store(true, Ordering::Release);
            }
        }
    }

    #[cold]
    fn mark_waited(&self, at: At<'_>, fx: &mut Effects) {
        let same = |w: &Waited| w.db == at.db && *w.key == *at.key;
        if self.waited.find(at.hash, same).is_some() {
            fx.ready.push((at.db, at.key.into()));
        }
    }

    /// Registers a watcher of a key. The watch lasts until the caller drops its own handle; what is
    /// left of it here is swept when the books have doubled since the last sweep.
    pub fn watch(&mut self, at: At<'_>, dirty: Dirty) {
        if self.watched.len() >= self.watched_sweep_at {
            self.watched.retain(|watched| {
                watched.watchers.retain(|dirty| Arc::strong_count(dirty) > 1);
                !watched.watchers.is_empty()
            });
            self.watched_sweep_at = (self.watched.len() * 2).max(WATCHED_SWEEP_MIN);
        }
        let same = |w: &Watched| w.db == at.db && *w.key == *at.key;
        if let Some(watched) = self.watched.find_mut(at.hash, same) {
            watched.watchers.retain(|dirty| Arc::strong_count(dirty) > 1);
            watched.watchers.push(dirty);
            return;
        }
        let watched =
            Watched { db: at.db, key: at.key.into(), hash: at.hash, watchers: vec![dirty] };
        self.watched.insert_unique(at.hash, watched, |w| w.hash);
    }

    /// Notes that somebody waits for a key: changes of it are reported from now on.
    pub fn wait(&mut self, at: At<'_>) {
        let same = |w: &Waited| w.db == at.db && *w.key == *at.key;
        if self.waited.find(at.hash, same).is_none() {
            let waited = Waited { db: at.db, key: at.key.into(), hash: at.hash };
            self.waited.insert_unique(at.hash, waited, |w| w.hash);
        }
    }

    /// Notes that nobody waits for a key any more.
    pub fn unwait(&mut self, at: At<'_>) {
        let same = |w: &Waited| w.db == at.db && *w.key == *at.key;
        if let Ok(slot) = self.waited.find_entry(at.hash, same) {
            slot.remove();
        }
    }

    /// Empties a database and hands its table over to be freed elsewhere. Watched keys that existed
    /// count as touched; what was past its time when its watch began is gone by now. O(watched
    /// keys).
    pub fn flush(&mut self, db: u16, fx: &Effects) -> Table {
        self.mark_existing(db);
        let (hasher, stagger) = (self.hasher.clone(), self.stagger);
        self.db_mut(db).take(hasher, stagger, fx.tally(db))
    }

    /// Exchanges two databases; keys watched in either count as touched where they exist in either.
    pub fn swap_dbs(&mut self, first: u16, second: u16, now_ms: i64, fx: &mut Effects) {
        if first == second {
            return;
        }
        self.expire_watched([first, second], now_ms, fx);
        self.mark_existing(first);
        self.mark_existing(second);
        let (low, high) = (first.min(second), first.max(second));
        self.db_mut(high);
        let (left, right) = self.dbs.split_at_mut(high as usize);
        left[low as usize].swap(&mut right[0], fx.tally(low), fx.tally(high));
        self.mark_existing(first);
        self.mark_existing(second);
        for waited in &self.waited {
            if waited.db == first || waited.db == second {
                fx.ready.push((waited.db, waited.key.clone()));
            }
        }
    }

    /// Removes watched keys that are past their time, so that they do not seem to arrive with a
    /// swap.
    fn expire_watched(&mut self, dbs: [u16; 2], now_ms: i64, fx: &mut Effects) {
        let here = self.watched.iter().filter(|watched| dbs.contains(&watched.db));
        let keys: Vec<_> = here.map(|watched| (watched.hash, watched.key.clone())).collect();
        for (hash, key) in &keys {
            for db in dbs {
                self.find(At { db, key, hash: *hash, now_ms }, fx);
            }
        }
    }

    fn mark_existing(&self, db: u16) {
        let Some(table) = self.db(db).map(Db::table) else { return };
        for watched in self.watched.iter().filter(|w| w.db == db) {
            if table.find(watched.hash, &watched.key).is_some() {
                for dirty in &watched.watchers {
                    dirty.store(true, Ordering::Release);
                }
            }
        }
    }

    /// Removes expired entries of a database, visiting at most `segments_max` of the segments in
    /// which something is due. Returns whether more is due.
    pub fn sweep(&mut self, db: u16, now_ms: i64, segments_max: usize, fx: &mut Effects) -> bool {
        let count = match self.db(db) {
            Some(part) if part.amounts().expires > 0 => part.table().segments().len(),
            _ => return false,
        };
        let mut visited = 0;
        for _ in 0..count {
            let table = self.dbs[db as usize].table();
            let index = self.dbs[db as usize].sweep_from % count;
            if table.segments()[index].earliest_expiry_ms <= now_ms {
                if visited == segments_max {
                    return true;
                }
                visited += 1;
                self.sweep_segment(db, index, now_ms, fx);
            }
            self.dbs[db as usize].sweep_from = index + 1;
        }
        false
    }

    fn sweep_segment(&mut self, db: u16, index: usize, now_ms: i64, fx: &mut Effects) {
        let segment = &self.dbs[db as usize].table().segments()[index];
        for entry in segment.iter() {
            entry.prefetch();
        }
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let mut earliest = NEVER;
        for entry in segment.iter() {
            match entry.expire_at_ms() {
                Some(at_ms) if at_ms <= now_ms => due.push(entry.key().into()),
                Some(at_ms) => earliest = earliest.min(at_ms),
                None => {}
            }
        }
        self.dbs[db as usize].table_mut().segments_mut()[index].earliest_expiry_ms = earliest;
        for key in due {
            let hash = self.hasher.hash(&key);
            let at = At { db, key: &key, hash, now_ms };
            if let Some(place) = self.dbs[db as usize].table().find(hash, &key) {
                self.expire(at, place, fx);
            }
        }
    }
}
