//! Changes of a set in its key.

use super::build::{Build, Limits, packed_of, table_of};
use super::value::{SetValue, View};
use engine::args::Args;
use engine::cx::Db;
use engine::error::{self, CmdError};
use keyspace::Edit;
use keyspace::hooks::Event;
use keyspace::value::{Boxed, ValueType};
use structs::intset::{self, Change};
use structs::packed::{self, Element};
use structs::records;

/// Exclusive access to a key that holds a set or does not exist.
pub(super) struct SetEdit<'s> {
    pub(super) edit: Edit<'s>,
    limits: Limits,
}

impl<'s> SetEdit<'s> {
    /// Opens a key.
    #[inline]
    pub(super) fn open(
        db: &'s mut Db<'_, '_>,
        key: &'s [u8],
        limits: Limits,
    ) -> Result<SetEdit<'s>, CmdError> {
        let edit = db.edit(key);
        if edit.type_id().is_some_and(|id| id != SetValue::ID) {
            return Err(error::WRONG_TYPE);
        }
        Ok(SetEdit { edit, limits })
    }

    /// The set, if there is one.
    #[inline]
    pub(super) fn view(&self) -> Option<View<'_>> {
        View::of(self.edit.entry()?)
    }

    /// Adds members; returns how many are new.
    pub(super) fn add_all(&mut self, members: Args<'_>) -> usize {
        match self.edit.packed::<SetValue>() {
            None if !self.edit.exists() => {
                let first = Element::of(members.at(0));
                let mut set = Build::start(first, members.len(), &self.limits);
                let added = add_words(&mut set, members, &self.limits);
                set.update(&mut self.edit);
                added
            }
            Some(small) if members.len() > 1 => {
                let mut set = Build::copy_of(small);
                let added = add_words(&mut set, members, &self.limits);
                if added > 0 {
                    set.update(&mut self.edit);
                }
                added
            }
            _ => members.iter().filter(|member| self.add(Element::of(member))).count(),
        }
    }

    /// Adds a member; false if it is there already.
    pub(super) fn add(&mut self, member: Element<'_>) -> bool {
        let Some(small) = self.edit.packed::<SetValue>() else {
            if !self.edit.exists() {
                let mut set = Build::start(member, 1, &self.limits);
                set.add(member, &self.limits);
                set.update(&mut self.edit);
                return true;
            }
            if self.view().is_some_and(|view| view.contains(member)) {
                return false;
            }
            return self.edit.change::<SetValue, _>(|set| set.0.add(member)).unwrap_or(false);
        };
        match (View::of_small(small), member) {
            (View::Integers(integers), Element::Int(number)) => {
                match intset::insert(integers, number) {
                    None => return false,
                    Some(Change::Splice { range, bytes, len }) => {
                        self.edit.splice_packed(range, &bytes[..len]);
                    }
                    Some(Change::Rewrite(new)) => self.edit.set_packed::<SetValue>(&new),
                }
                self.bound_integers();
                true
            }
            (View::Integers(integers), Element::Bytes(_)) => {
                if self.limits.integers_can_pack(integers, member) {
                    let mut packed = packed_of(integers);
                    packed::encode_element(&mut packed, member);
                    self.edit.set_packed::<SetValue>(&packed);
                    return true;
                }
                self.add_to_new_table(member)
            }
            _ => match records::search::<1>(small, member) {
                Ok(_) => false,
                Err(count) if self.limits.packed_takes(count, small.len(), member) => {
                    let (end, mut bytes) = (small.len(), Vec::with_capacity(24));
                    packed::encode_element(&mut bytes, member);
                    self.edit.splice_packed(end..end, &bytes);
                    true
                }
                Err(_) => self.add_to_new_table(member),
            },
        }
    }

    /// Makes a table of too many integers.
    fn bound_integers(&mut self) {
        let integers = self.edit.packed::<SetValue>().unwrap_or_default();
        if intset::len(integers) > self.limits.integers_max {
            let table = table_of(View::Integers(integers), self.limits.seed);
            self.edit.grow_boxed(Boxed::new(SetValue(table)));
        }
    }

    /// Makes a table of a small set and one more member.
    fn add_to_new_table(&mut self, member: Element<'_>) -> bool {
        let small = self.edit.packed::<SetValue>().unwrap_or_default();
        let mut table = table_of(View::of_small(small), self.limits.seed);
        let added = table.add(member);
        self.edit.grow_boxed(Boxed::new(SetValue(table)));
        added
    }

    /// Removes a member; false if it is not there.
    pub(super) fn remove(&mut self, member: Element<'_>) -> bool {
        let Some(small) = self.edit.packed::<SetValue>() else {
            if !self.view().is_some_and(|view| view.contains(member)) {
                return false;
            }
            return self.edit.change::<SetValue, _>(|set| set.0.remove(member)).unwrap_or(false);
        };
        let range = match (View::of_small(small), member) {
            (View::Integers(integers), Element::Int(number)) => intset::range_of(integers, number),
            (View::Integers(_), Element::Bytes(_)) => None,
            _ => records::find::<1>(small, member).map(|found| found.record),
        };
        let Some(range) = range else { return false };
        self.edit.splice_packed(range, &[]);
        true
    }

    /// Ends the edit after some changes.
    pub(super) fn commit_many(self, event: Event, changes: usize) {
        self.edit.commit_many(event, changes as u64);
    }
}

fn add_words(set: &mut Build, members: Args<'_>, limits: &Limits) -> usize {
    members.iter().filter(|member| set.add(Element::of(member), limits)).count()
}
