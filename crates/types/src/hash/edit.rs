//! Changes of a hash, whatever its representation, and when the representation changes.

use super::value::{HashValue, View};
use engine::args::Args;
use engine::cx::{Cx, Db};
use engine::error::{self, CmdError};
use keyspace::Edit;
use keyspace::hooks::Event;
use keyspace::value::{Boxed, ValueType};
use std::ops::Range;
use structs::members::Members;
use structs::packed::Element;
use structs::records;

/// Bytes of a packed hash beyond which it becomes a table, whatever the parameters say.
const PACKED_BYTES_MAX: usize = 1 << 30;

/// What a packed hash may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    entries_max: usize,
    len_max: usize,
    /// For the table that may have to be made.
    seed: u64,
}

impl Limits {
    /// The present ones.
    #[inline]
    pub(super) fn now(cx: &mut Cx<'_, '_>) -> Limits {
        let limit = |id| usize::try_from(cx.server.config.int(id)).unwrap_or(usize::MAX);
        Limits {
            entries_max: limit(cx.server.ids.hash_packed_entries_max),
            len_max: limit(cx.server.ids.hash_packed_len_max),
            seed: cx.rng.next_u64(),
        }
    }
}

/// What becomes of a field's expiry when its value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// It stays as it is.
    Keep,
    /// The field no longer expires.
    Clear,
}

/// Exclusive access to a key that holds a hash or does not exist.
pub(super) struct HashEdit<'s> {
    edit: Edit<'s>,
    limits: Limits,
}

impl<'s> HashEdit<'s> {
    /// Opens a key.
    #[inline]
    pub(super) fn open(
        db: &'s mut Db<'_, '_>,
        key: &'s [u8],
        limits: Limits,
    ) -> Result<HashEdit<'s>, CmdError> {
        let edit = db.edit(key);
        if edit.type_id().is_some_and(|id| id != HashValue::ID) {
            return Err(error::WRONG_TYPE);
        }
        Ok(HashEdit { edit, limits })
    }

    /// The hash, if there is one.
    #[inline]
    pub(super) fn view(&self) -> Option<View<'_>> {
        View::of(self.edit.entry()?)
    }

    /// The value of a field.
    pub(super) fn get(&self, field: &[u8]) -> Option<Element<'_>> {
        self.view()?.get(field)
    }

    fn is_table(&self) -> bool {
        self.edit.value::<HashValue>().is_some()
    }

    /// Sets a field; true if it is new.
    pub(super) fn put(&mut self, field: &[u8], value: &[u8], time: Time) -> bool {
        if !self.is_table() {
            let fits = field.len() <= self.limits.len_max && value.len() <= self.limits.len_max;
            if fits && let Some(is_new) = self.put_packed(field, value, time) {
                return is_new;
            }
            self.make_table();
        }
        let put = self.edit.change::<HashValue, _>(|hash| put(&mut hash.0, field, value, time));
        put.expect("the hash is a table now")
    }

    /// Sets a field of a packed or missing hash; `None` if it cannot stay packed.
    fn put_packed(&mut self, field: &[u8], value: &[u8], time: Time) -> Option<bool> {
        let packed = self.edit.packed::<HashValue>().unwrap_or_default();
        let mut insert = Vec::with_capacity(field.len() + value.len() + 16);
        let (range, is_new) = change_of(packed, field, value, time, &mut insert);
        let grows = is_new.is_some_and(|count| count >= self.limits.entries_max);
        if grows || packed.len() + insert.len() > PACKED_BYTES_MAX {
            return None;
        }
        if packed.is_empty() {
            self.edit.set_packed::<HashValue>(&insert);
        } else {
            self.edit.splice_packed(range, &insert);
        }
        Some(is_new.is_some())
    }

    /// Sets several fields, given as pairs of words; returns how many are new. The hash becomes a
    /// table first if what is given might not fit into a packed one.
    pub(super) fn put_pairs(&mut self, pairs: Args<'_>, time: Time) -> usize {
        if pairs.len() > 2 && !self.is_table() {
            let bytes: usize = pairs.iter().map(<[u8]>::len).sum();
            let fits = pairs.len() / 2 <= self.limits.entries_max
                && pairs.iter().all(|word| word.len() <= self.limits.len_max)
                && bytes <= PACKED_BYTES_MAX;
            if !fits {
                self.make_table();
            } else if !self.edit.exists() {
                return self.create_packed(pairs, bytes);
            }
        }
        let words = (0..pairs.len()).step_by(2);
        words.filter(|&index| self.put(pairs.at(index), pairs.at(index + 1), time)).count()
    }

    /// Makes a packed hash of pairs that fit into one.
    fn create_packed(&mut self, pairs: Args<'_>, bytes: usize) -> usize {
        let mut packed = Vec::with_capacity(bytes + pairs.len() * 2);
        let (mut insert, mut count) = (Vec::new(), 0);
        for index in (0..pairs.len()).step_by(2) {
            insert.clear();
            let (field, value) = (pairs.at(index), pairs.at(index + 1));
            let (range, is_new) = change_of(&packed, field, value, Time::Clear, &mut insert);
            count += usize::from(is_new.is_some());
            packed.splice(range, insert.iter().copied());
        }
        self.edit.set_packed::<HashValue>(&packed);
        count
    }

    /// Turns a packed hash into a table, or makes an empty one.
    fn make_table(&mut self) {
        let mut table = Members::new(self.limits.seed);
        for record in records::iter::<2>(self.edit.packed::<HashValue>().unwrap_or_default()) {
            table.set(record.key, record.value, record.expire_at_ms);
        }
        self.edit.grow_boxed(Boxed::new(HashValue(table)));
    }

    /// Removes a field; false if it is not there.
    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        if let Some(packed) = self.edit.packed::<HashValue>() {
            let Some(found) = records::find::<2>(packed, Element::of(field)) else { return false };
            let header = records::header_range(packed);
            let is_last = header.end + found.record.len() == packed.len();
            let range = if is_last { 0..packed.len() } else { found.record };
            self.edit.splice_packed(range, &[]);
            return true;
        }
        if !self.view().is_some_and(|view| view.contains(field)) {
            return false;
        }
        self.edit.change::<HashValue, _>(|hash| hash.0.remove(Element::of(field))).unwrap_or(false)
    }

    /// Ends the edit after some changes.
    pub(super) fn commit_many(self, event: Event, changes: usize) {
        self.edit.commit_many(event, changes as u64);
    }

    /// Ends the edit after one change.
    pub(super) fn commit(self, event: Event) {
        self.edit.commit(event);
    }
}

/// Sets a field of a table; true if it is new.
fn put(table: &mut Members<2>, field: &[u8], value: &[u8], time: Time) -> bool {
    let slot = table.find(Element::of(field));
    let expire_at_ms = match time {
        Time::Clear => None,
        Time::Keep => table.at(slot).and_then(|record| record.expire_at_ms),
    };
    table.put(slot, Element::of(value), expire_at_ms)
}

/// What setting a field changes in packed records: the range that the appended bytes replace, and
/// the number of records before if the field is new.
fn change_of(
    packed: &[u8],
    field: &[u8],
    value: &[u8],
    time: Time,
    insert: &mut Vec<u8>,
) -> (Range<usize>, Option<usize>) {
    match records::search::<2>(packed, Element::of(field)) {
        Ok(found) if found.expire_at_ms.is_none() || time == Time::Keep => {
            structs::packed::encode(insert, value);
            (found.value, None)
        }
        Ok(found) => {
            records::encode::<2>(insert, Element::of(field), Element::of(value), None);
            (found.record, None)
        }
        Err(count) => {
            records::encode::<2>(insert, Element::of(field), Element::of(value), None);
            (packed.len()..packed.len(), Some(count))
        }
    }
}
