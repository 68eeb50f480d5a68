//! The guard through which a value changes, and the only way to change one.
//!
//! A handler takes an [`Edit`] on a key, looks, changes, and commits with the event that names what
//! it did. The guard settles what must not depend on the author's memory: the counters, the expiry
//! index, watchers and waiters, events, the count of changes, removal of emptied collections, and
//! the freeing of large values elsewhere. A guard dropped after a change without a commit is a bug
//! in the handler, caught in debug builds.

use crate::entry::{Entry, NewValue, Str};
use crate::hooks::{self, Effects, Event};
use crate::shard::{At, Shard};
use crate::table::Place;
use crate::value::{Boxed, TypeId, ValueType};
use std::ops::Range;

/// What becomes of a key's expiry when its value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// It stays as it is.
    Keep,
    /// The key no longer expires.
    Clear,
    /// The key expires at this time in milliseconds.
    At(i64),
}

/// Exclusive access to one key of a locked shard.
pub struct Edit<'s> {
    shard: &'s mut Shard,
    fx: &'s mut Effects,
    at: At<'s>,
    place: Option<Place>,
    changed: bool,
}

impl<'s> Edit<'s> {
    /// Opens a key; an entry past its time is removed first, a live one is noted as used.
    pub fn open(shard: &'s mut Shard, at: At<'s>, fx: &'s mut Effects) -> Edit<'s> {
        let place = shard.find_to_change(at, fx);
        if let Some(place) = place
            && !fx.no_touch
        {
            let entry = shard.db_mut(at.db).entry_mut(place);
            let touched = fx.policy.touched(entry.access());
            entry.set_access(touched);
        }
        Edit { shard, fx, at, place, changed: false }
    }

    /// The key.
    pub fn key(&self) -> &'s [u8] {
        self.at.key
    }

    /// The entry, if the key exists.
    #[inline]
    pub fn entry(&self) -> Option<&Entry> {
        self.place.map(|place| self.shard.entry(self.at.db, place))
    }

    /// Whether the key exists.
    #[inline]
    pub fn exists(&self) -> bool {
        self.place.is_some()
    }

    /// The type of the value, if the key exists.
    pub fn type_id(&self) -> Option<TypeId> {
        self.entry().map(Entry::type_id)
    }

    /// The key's expiry.
    pub fn expire_at_ms(&self) -> Option<i64> {
        self.entry().and_then(Entry::expire_at_ms)
    }

    /// Sets the value to a string, creating the key if needed.
    pub fn set_str(&mut self, value: Str<'_>, ttl: Ttl) {
        self.changed = true;
        if self.place.is_some() && self.overwrite_in_place(value, ttl) {
            self.fx.notify(hooks::OVERWRITTEN, self.at.db, self.at.key);
            return;
        }
        let value = match value {
            Str::Int(number) => NewValue::Int(number),
            Str::Bytes(bytes) => NewValue::Bytes(bytes),
        };
        self.put(value, ttl);
    }

    /// Sets the value as a whole, creating the key if needed.
    pub fn set_value(&mut self, value: NewValue<'_>, ttl: Ttl) {
        self.changed = true;
        self.put(value, ttl);
    }

    /// Sets the value to a boxed one, creating the key if needed.
    pub fn set_boxed(&mut self, value: Boxed, ttl: Ttl) {
        self.changed = true;
        self.put(NewValue::Boxed(value), ttl);
    }

    /// Overwrites a string without touching the table, where representation and size allow it.
    #[inline]
    fn overwrite_in_place(&mut self, value: Str<'_>, ttl: Ttl) -> bool {
        let Some(place) = self.place else { return false };
        let has_expiry = self.expire_at_ms().is_some();
        let same_parts = match ttl {
            Ttl::Keep => true,
            Ttl::Clear => !has_expiry,
            Ttl::At(_) => has_expiry,
        };
        if !same_parts {
            return false;
        }
        self.shard.db_mut(self.at.db).update(
            self.at.hash,
            place,
            self.fx.tally(self.at.db),
            |entry| {
                let done = match value {
                    Str::Int(number) => entry.set_int_in_place(number),
                    Str::Bytes(bytes) => entry.set_bytes_in_place(bytes),
                };
                if let (true, Ttl::At(at_ms)) = (done, ttl) {
                    entry.set_expiry_in_place(at_ms);
                }
                done
            },
        )
    }

    /// Replaces or creates the entry.
    fn put(&mut self, value: NewValue<'_>, ttl: Ttl) {
        let expiry = match ttl {
            Ttl::Keep => self.expire_at_ms(),
            Ttl::Clear => None,
            Ttl::At(at_ms) => Some(at_ms),
        };
        let Some(place) = self.place else {
            let entry = Entry::new(self.at.key, value, expiry, self.fx.policy.fresh());
            self.place = Some(self.shard.db_mut(self.at.db).insert(
                self.at.hash,
                entry,
                self.fx.tally(self.at.db),
            ));
            self.fx.notify(hooks::NEW, self.at.db, self.at.key);
            return;
        };
        let mut entry = self.shard.entry(self.at.db, place).rebuilt(value, expiry);
        let type_after = entry.type_id();
        let type_before = self.type_id();
        self.shard.db_mut(self.at.db).update(
            self.at.hash,
            place,
            self.fx.tally(self.at.db),
            |slot| {
                std::mem::swap(slot, &mut entry);
            },
        );
        self.fx.discard(entry);
        self.fx.notify(hooks::OVERWRITTEN, self.at.db, self.at.key);
        if type_before != Some(type_after) {
            self.fx.notify(hooks::TYPE_CHANGED, self.at.db, self.at.key);
        }
    }

    /// Changes an integer value, keeping the expiry; creates the key if needed.
    pub fn set_int(&mut self, number: i64) {
        self.changed = true;
        if !self.overwrite_in_place(Str::Int(number), Ttl::Keep) {
            let existed = self.place.is_some();
            let expiry = self.expire_at_ms();
            let entry = Entry::new(self.at.key, NewValue::Int(number), expiry, self.access());
            self.replace(existed, entry);
        }
    }

    /// Sets the bytes of a string as an edit, keeping the expiry and without an overwrite event.
    pub fn set_bytes(&mut self, bytes: &[u8]) {
        self.changed = true;
        if !self.overwrite_in_place(Str::Bytes(bytes), Ttl::Keep) {
            let existed = self.place.is_some();
            let expiry = self.expire_at_ms();
            let entry = Entry::new(self.at.key, NewValue::Bytes(bytes), expiry, self.access());
            self.replace(existed, entry);
        }
    }

    fn access(&self) -> u32 {
        self.entry().map_or_else(|| self.fx.policy.fresh(), Entry::access)
    }

    fn replace(&mut self, existed: bool, mut entry: Entry) {
        let db = self.shard.db_mut(self.at.db);
        match self.place {
            Some(place) => {
                db.update(self.at.hash, place, self.fx.tally(self.at.db), |slot| {
                    std::mem::swap(slot, &mut entry)
                });
                self.fx.discard(entry);
            }
            None => self.place = Some(db.insert(self.at.hash, entry, self.fx.tally(self.at.db))),
        }
        if !existed {
            self.fx.notify(hooks::NEW, self.at.db, self.at.key);
        }
    }

    /// Changes the bytes of an existing string as a whole: `len` bytes long, zero-filled where it
    /// grows, then given to `fill`.
    ///
    /// # Panics
    /// If the key does not exist or holds no string.
    pub fn resize_str<R>(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        self.changed = true;
        let place = self.place.expect("the caller created the key");
        let db = self.shard.db_mut(self.at.db);
        db.update(self.at.hash, place, self.fx.tally(self.at.db), |entry| {
            fill(entry.resize_bytes(len))
        })
    }

    /// The packed value of type `T`, if the key exists and holds one.
    pub fn packed<T: ValueType>(&self) -> Option<&[u8]> {
        self.entry().filter(|entry| entry.type_id() == T::ID).and_then(Entry::packed)
    }

    /// Sets the value to a packed one of type `T`, creating the key if needed. Part of an edit: it
    /// raises no overwrite event, and keeps the expiry.
    pub fn set_packed<T: ValueType>(&mut self, packed: &[u8]) {
        self.changed = true;
        let (existed, expiry) = (self.place.is_some(), self.expire_at_ms());
        let value = NewValue::Packed(T::ID, packed);
        let entry = Entry::new(self.at.key, value, expiry, self.access());
        self.replace(existed, entry);
    }

    /// Puts a packed value of type `T` in place of whatever is there; the key no longer expires.
    pub fn replace_packed<T: ValueType>(&mut self, packed: &[u8]) {
        self.changed = true;
        self.put(NewValue::Packed(T::ID, packed), Ttl::Clear);
    }

    /// Replaces a range of the packed value by other bytes.
    ///
    /// # Panics
    /// If the key does not hold a packed value or the range lies outside it.
    pub fn splice_packed(&mut self, range: Range<usize>, insert: &[u8]) {
        self.changed = true;
        let place = self.place.expect("the caller looked at the packed value");
        let db = self.shard.db_mut(self.at.db);
        db.update(self.at.hash, place, self.fx.tally(self.at.db), |entry| {
            entry.splice_packed(range, insert)
        });
    }

    /// Sets the value to a boxed one as part of an edit (a collection that outgrew its packed form,
    /// or a new one): it raises no overwrite event, and keeps the expiry.
    pub fn grow_boxed(&mut self, value: Boxed) {
        self.changed = true;
        let (existed, expiry) = (self.place.is_some(), self.expire_at_ms());
        let entry = Entry::new(self.at.key, NewValue::Boxed(value), expiry, self.access());
        self.replace(existed, entry);
    }

    /// The value as a `T`, if the key exists and holds one.
    pub fn value<T: ValueType>(&self) -> Option<&T> {
        self.entry().and_then(Entry::boxed).and_then(Boxed::get::<T>)
    }

    /// Changes a value of type `T`; `None` if the key does not hold one.
    pub fn change<T: ValueType, R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = self.place?;
        self.value::<T>()?;
        self.changed = true;
        let db = self.shard.db_mut(self.at.db);
        db.update(self.at.hash, place, self.fx.tally(self.at.db), |entry| {
            entry.boxed_mut().and_then(Boxed::get_mut::<T>).map(change)
        })
    }

    /// Gives the key an expiry or takes it away; false where nothing changes.
    pub fn set_expiry(&mut self, expire_at_ms: Option<i64>) -> bool {
        let Some(place) = self.place else { return false };
        if self.expire_at_ms() == expire_at_ms {
            return false;
        }
        self.changed = true;
        self.shard.db_mut(self.at.db).update(
            self.at.hash,
            place,
            self.fx.tally(self.at.db),
            |entry| {
                let in_place = expire_at_ms.is_some_and(|at_ms| entry.set_expiry_in_place(at_ms));
                if !in_place {
                    entry.set_expiry_moving(expire_at_ms);
                }
            },
        );
        true
    }

    /// Takes the entry out of the keyspace.
    pub fn take(&mut self) -> Option<Entry> {
        let place = self.place.take()?;
        self.changed = true;
        Some(self.shard.db_mut(self.at.db).remove(place, self.fx.tally(self.at.db)))
    }

    /// Removes the key; false if it does not exist.
    pub fn remove(&mut self) -> bool {
        match self.take() {
            Some(entry) => {
                self.fx.discard(entry);
                true
            }
            None => false,
        }
    }

    /// Puts an entry made elsewhere under this key, replacing what is there.
    pub fn place_entry(&mut self, entry: Entry) {
        debug_assert_eq!(entry.key(), self.at.key);
        let existed = self.place.is_some();
        self.changed = true;
        self.replace(existed, entry);
    }

    /// Ends the edit: counts `changes`, tells watchers and waiters, and raises `event`. A
    /// collection left empty is removed.
    pub fn commit(mut self, event: Event) {
        self.signal(event, 1);
    }

    /// Like [`Edit::commit`], counting several changes (one per element, as INFO does).
    pub fn commit_many(mut self, event: Event, changes: u64) {
        self.signal(event, changes);
    }

    /// Like [`Edit::commit`] where the edit must not raise an event.
    pub fn commit_silent(self) {
        self.fx.dirty += 1;
        self.commit_part();
    }

    /// Ends one part of a change that spans several keys: tells watchers and waiters of this one.
    /// The caller counts the change as a whole and raises its events.
    pub fn commit_part(mut self) {
        self.changed = false;
        self.shard.touch(self.at, self.fx);
    }

    /// Ends an edit that changed at most how the value is stored: nobody hears of it.
    pub fn commit_unchanged(mut self) {
        self.changed = false;
    }

    fn signal(&mut self, event: Event, changes: u64) {
        self.changed = false;
        self.fx.dirty += changes;
        let emptied = self.entry().and_then(Entry::boxed).is_some_and(Boxed::is_empty)
            || self.entry().and_then(Entry::packed).is_some_and(<[u8]>::is_empty);
        self.fx.notify(event, self.at.db, self.at.key);
        if emptied {
            self.remove();
            self.changed = false;
            self.fx.notify(DELETED, self.at.db, self.at.key);
        }
        self.shard.touch(self.at, self.fx);
    }

    /// Raises a further event about the same key, after or before the commit.
    pub fn notify(&mut self, event: Event) {
        self.fx.notify(event, self.at.db, self.at.key);
    }
}

/// A key that was removed.
pub const DELETED: Event = Event::new(crate::hooks::EventClass::GENERIC, "del");

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        debug_assert!(!self.changed, "an edit was not committed");
    }
}
