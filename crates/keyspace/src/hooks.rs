//! What a change sets off: the outlet through which a batch collects its effects.
//!
//! The guard reports here; the engine reads it after each command and hands the parts to whoever
//! listens: keyspace events, the change log, waiters, statistics. With nobody listening a change
//! costs one test of the interest bits.

use crate::access::AccessPolicy;
use crate::db::Tally;
use crate::entry::Entry;
use std::sync::Arc;

/// A set of event classes, one bit each (the letters of `notify-keyspace-events`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClass(pub u32);

impl EventClass {
    /// No class.
    pub const NONE: EventClass = EventClass(0);
    /// `g`: commands of no particular type (DEL, EXPIRE, RENAME).
    pub const GENERIC: EventClass = EventClass(1);
    /// `$`: strings.
    pub const STRING: EventClass = EventClass(1 << 1);
    /// `l`: lists.
    pub const LIST: EventClass = EventClass(1 << 2);
    /// `s`: sets.
    pub const SET: EventClass = EventClass(1 << 3);
    /// `h`: hashes.
    pub const HASH: EventClass = EventClass(1 << 4);
    /// `z`: sorted sets.
    pub const SORTED_SET: EventClass = EventClass(1 << 5);
    /// `x`: a key expired.
    pub const EXPIRED: EventClass = EventClass(1 << 6);
    /// `e`: a key was evicted.
    pub const EVICTED: EventClass = EventClass(1 << 7);
    /// `t`: streams.
    pub const STREAM: EventClass = EventClass(1 << 8);
    /// `m`: a read missed.
    pub const KEY_MISS: EventClass = EventClass(1 << 9);
    /// `d`: values of modules.
    pub const MODULE: EventClass = EventClass(1 << 10);
    /// `n`: a key was created.
    pub const NEW: EventClass = EventClass(1 << 11);
    /// `o`: a key was overwritten.
    pub const OVERWRITTEN: EventClass = EventClass(1 << 12);
    /// `c`: a key changed its type.
    pub const TYPE_CHANGED: EventClass = EventClass(1 << 13);

    /// Whether the two sets share a class.
    #[inline]
    pub fn intersects(self, other: EventClass) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    pub const fn union(self, other: EventClass) -> EventClass {
        EventClass(self.0 | other.0)
    }
}

/// A keyspace event: its class and the name that subscribers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The class that switches it on.
    pub class: EventClass,
    /// The name.
    pub name: &'static str,
}

impl Event {
    /// An event of a class.
    pub const fn new(class: EventClass, name: &'static str) -> Event {
        Event { class, name }
    }
}

/// A key that passed its time to live.
pub const EXPIRED: Event = Event::new(EventClass::EXPIRED, "expired");
/// A key that did not exist before.
pub const NEW: Event = Event::new(EventClass::NEW, "new");
/// A key whose whole value was replaced.
pub const OVERWRITTEN: Event = Event::new(EventClass::OVERWRITTEN, "overwritten");
/// A key whose value was replaced by one of another type.
pub const TYPE_CHANGED: Event = Event::new(EventClass::TYPE_CHANGED, "type_changed");
/// A key that a read did not find.
pub const KEY_MISS: Event = Event::new(EventClass::KEY_MISS, "keymiss");

/// An event at a key, in the order of execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Database.
    pub db: u16,
    /// Key.
    pub key: Box<[u8]>,
    /// What happened.
    pub event: Event,
}

/// Who listens, fixed for the length of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interest {
    /// Event classes somebody wants.
    pub events: EventClass,
    /// Whether the change log has a reader.
    pub log: bool,
    /// Whether removals forced by expiry are switched off (tests, replicas).
    pub keep_expired: bool,
}

/// What a batch has set off so far.
pub struct Effects {
    /// Who listens.
    pub interest: Interest,
    /// How accesses are recorded.
    pub policy: AccessPolicy,
    /// Whether reads leave the access bits alone (CLIENT NO-TOUCH).
    pub no_touch: bool,
    /// The running worker's books on sizes, by database.
    pub tallies: Arc<[Tally]>,
    /// Changes since the last save, as INFO counts them.
    pub dirty: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys removed because their time had come.
    pub expired: u64,
    /// Events for listeners, in order.
    pub events: Vec<Change>,
    /// Keys removed by expiry, for the log: they precede the command that met them.
    pub expired_keys: Vec<(u16, Box<[u8]>)>,
    /// Keys that waiting clients wait for and that changed.
    pub ready: Vec<(u16, Box<[u8]>)>,
    /// Values too large to free on a client's time.
    pub garbage: Vec<Entry>,
}

/// Freeing at most this many allocations is done in place.
const FREE_EFFORT_MAX: usize = 64;
/// Strings of more bytes than this are freed elsewhere.
const FREE_BYTES_MAX: usize = 1 << 20;

impl Effects {
    /// An empty outlet.
    pub fn new(interest: Interest, policy: AccessPolicy, tallies: Arc<[Tally]>) -> Effects {
        Effects {
            interest,
            policy,
            no_touch: false,
            tallies,
            dirty: 0,
            hits: 0,
            misses: 0,
            expired: 0,
            events: Vec::new(),
            expired_keys: Vec::new(),
            ready: Vec::new(),
            garbage: Vec::new(),
        }
    }

    /// The running worker's books on a database's size.
    #[inline]
    pub fn tally(&self, db: u16) -> &Tally {
        &self.tallies[db as usize]
    }

    /// Records an event if somebody wants its class.
    #[inline]
    pub fn notify(&mut self, event: Event, db: u16, key: &[u8]) {
        if self.interest.events.intersects(event.class) {
            self.events.push(Change { db, key: key.into(), event });
        }
    }

    /// Frees an entry here or hands it over to be freed elsewhere.
    pub fn discard(&mut self, entry: Entry) {
        let effort = entry.boxed().map_or(0, |boxed| boxed.free_effort());
        if effort > FREE_EFFORT_MAX || entry.block_bytes() > FREE_BYTES_MAX {
            self.garbage.push(entry);
        }
    }
}
