//! Changes of a list, whatever its representation, and when the representation changes.
//!
//! A list grows into chunks once its packed form would exceed [`PACKED_LEN_MAX`], and is packed
//! again when it has shrunk to a quarter of that. Apart from this it becomes a quicklist when what
//! is about to be added might exceed the limit of a listpack (before it is known whether it will be
//! added), and a listpack again when a removal leaves it one chunk that uses half of the limit at
//! most.

use super::value::{ListValue, PACKED_LEN_MAX, View};
use engine::cx::Db;
use engine::error::{self, CmdError};
use engine::server::Server;
use keyspace::Edit;
use keyspace::edit::DELETED;
use keyspace::hooks::Event;
use keyspace::value::Boxed;
use std::sync::atomic::Ordering;
use structs::list::{Limit, List, Side, WEIGHT_EMPTY, weight_of};
use structs::packed::{self, Element, Encoded, Needle};

/// A list of one chunk that weighs at most this is packed again.
const WEIGHT_TO_PACK_MAX: usize = PACKED_LEN_MAX / 4;

/// Exclusive access to a key that holds a list or does not exist.
pub(super) struct ListEdit<'s> {
    edit: Edit<'s>,
    /// `list-max-listpack-size`.
    parameter: i64,
    large_from: Option<usize>,
}

impl<'s> ListEdit<'s> {
    /// Opens a key.
    pub fn open(
        db: &'s mut Db<'_, '_>,
        server: &Server,
        key: &'s [u8],
    ) -> Result<ListEdit<'s>, CmdError> {
        let edit = db.edit(key);
        if edit.entry().is_some_and(|entry| View::of(entry).is_none()) {
            return Err(error::WRONG_TYPE);
        }
        let parameter = server.config.int(server.ids.list_chunk_max);
        let large_from = match server.list_large_from_bytes.load(Ordering::Relaxed) {
            0 => None,
            bytes => Some(bytes as usize),
        };
        Ok(ListEdit { edit, parameter, large_from })
    }

    /// The list, if there is one.
    #[inline]
    pub fn view(&self) -> Option<View<'_>> {
        View::of(self.edit.entry()?)
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.view().map_or(0, View::len)
    }

    /// Prepares for `count` more elements with texts of `text_bytes` in all.
    pub fn expect_growth(&mut self, text_bytes: usize, count: usize) {
        let limit = Limit::new(self.parameter);
        let exceeds = |(weight, len)| limit.is_exceeded(weight + text_bytes, len + count);
        let is_exceeded = match self.view() {
            None => exceeds((WEIGHT_EMPTY, 0)),
            // No element weighs more than twice its packed bytes, and none takes less than one.
            Some(View::Packed(bytes)) => {
                exceeds((WEIGHT_EMPTY + 2 * bytes.len(), bytes.len()))
                    && exceeds(weight_and_count(bytes))
            }
            Some(View::Chunks(list)) => {
                let weight = list.single_weight().filter(|_| !list.is_chunked());
                weight.is_some_and(|weight| exceeds((weight, list.len())))
            }
        };
        if is_exceeded {
            let limit = Limit::of_chunks(self.parameter).with_large_from(self.large_from);
            self.change(|list| list.set_limit(Some(limit)));
        }
    }

    /// Settles the representation after elements were removed.
    pub fn settle_removal(&mut self) {
        let Some(View::Chunks(list)) = self.view() else { return };
        let Some(weight) = list.single_weight().filter(|_| !list.is_empty()) else { return };
        let half_used = || Limit::new(self.parameter).is_half_used(weight, list.len());
        if list.is_chunked() && !half_used() {
            return;
        }
        if weight <= WEIGHT_TO_PACK_MAX {
            let mut bytes = Vec::with_capacity(weight);
            list.write_packed(&mut bytes);
            self.edit.set_packed::<ListValue>(&bytes);
        } else if list.is_chunked() {
            self.change(|list| list.set_limit(None));
        }
    }

    /// Changes the list as one of chunks, which it becomes.
    fn change<R>(&mut self, change: impl FnOnce(&mut List) -> R) -> R {
        let list = match self.view() {
            None => Some(List::new()),
            Some(View::Packed(bytes)) => Some(List::from_packed(bytes)),
            Some(View::Chunks(_)) => None,
        };
        if let Some(list) = list {
            self.edit.grow_boxed(Boxed::new(ListValue(list)));
        }
        let result = self.edit.change::<ListValue, _>(|value| change(&mut value.0));
        result.expect("the list is one of chunks")
    }

    /// The packed list and whether it may change its length by so much; `None` where it is or must
    /// be one of chunks. A missing one is empty.
    fn packed_for(&self, removed: usize, added: usize) -> Option<&[u8]> {
        let bytes = match self.view() {
            None => &[],
            Some(View::Packed(bytes)) => bytes,
            Some(View::Chunks(_)) => return None,
        };
        (bytes.len() - removed + added <= PACKED_LEN_MAX).then_some(bytes)
    }

    /// Adds texts at an end, one after the other.
    pub fn push<'t>(
        &mut self,
        side: Side,
        texts: impl DoubleEndedIterator<Item = &'t [u8]> + Clone,
    ) {
        let push_all = |list: &mut List| {
            texts.clone().for_each(|text| list.push(side, Element::of(text)));
        };
        if self.packed_for(0, 0).is_none() {
            return self.change(push_all);
        }
        let mut added = Run::new();
        let fits = match side {
            Side::Left => texts.clone().rev().all(|text| added.push(text)),
            Side::Right => texts.clone().all(|text| added.push(text)),
        };
        let packed = if fits { self.packed_for(0, added.len) } else { None };
        let Some(len) = packed.map(<[u8]>::len) else { return self.change(push_all) };
        if !self.edit.exists() {
            return self.edit.set_packed::<ListValue>(added.as_bytes());
        }
        let at = if side == Side::Left { 0 } else { len };
        self.edit.splice_packed(at..at, added.as_bytes());
    }

    /// Removes the element at an end, after a look at it; `None` if there is no list.
    pub fn pop<R>(&mut self, side: Side, look: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let (seen, range) = match self.view()? {
            View::Packed(bytes) => {
                let start = if side == Side::Left { 0 } else { packed::last_offset(bytes)? };
                let (element, end) = packed::decode(bytes, start)?;
                (look(element), Some(start..end))
            }
            View::Chunks(list) => (look(list.end(side)?), None),
        };
        match range {
            Some(range) => self.edit.splice_packed(range, &[]),
            None => self.change(|list| list.pop(side)),
        }
        Some(seen)
    }

    /// Removes the elements of a range of indexes, which exist. Where none is left the key goes at
    /// once, so that a large list is freed elsewhere.
    pub fn remove(&mut self, start: usize, count: usize) {
        let Some(view) = self.view() else { return };
        if count == view.len() {
            self.edit.remove();
            return;
        }
        match view {
            View::Packed(bytes) => {
                let from = packed::offset_of(bytes, start).unwrap_or(bytes.len());
                let mut removed = packed::iter_from(bytes, from);
                removed.pass(count);
                let to = removed.offset();
                self.edit.splice_packed(from..to, &[]);
            }
            View::Chunks(_) => self.change(|list| list.remove(start, count)),
        }
    }

    /// Replaces the element at an index; false if there is none.
    pub fn set(&mut self, index: usize, text: &[u8]) -> bool {
        let element = Element::of(text);
        let range = match self.view() {
            None => return false,
            Some(View::Chunks(_)) => return self.change(|list| list.set(index, element)),
            Some(View::Packed(bytes)) => packed::range_of(bytes, index),
        };
        let Some(range) = range else { return false };
        if self.packed_for(range.len(), Encoded::new(element).len()).is_none() {
            return self.change(|list| list.set(index, element));
        }
        let mut run = Run::new();
        run.push(text);
        self.edit.splice_packed(range, run.as_bytes());
        true
    }

    /// Inserts a text before or after the first element equal to another; false if there is none.
    pub fn insert(&mut self, pivot: &[u8], after: bool, text: &[u8]) -> bool {
        let element = Element::of(text);
        let found = match self.view() {
            None => None,
            Some(View::Packed(bytes)) => Needle::new(pivot).find(bytes, 1),
            Some(View::Chunks(list)) => {
                let mut found = list.positions(Element::of(pivot), Side::Left, usize::MAX);
                found.next().map(|index| (index, 0..0))
            }
        };
        let Some((index, range)) = found else { return false };
        if self.packed_for(0, Encoded::new(element).len()).is_none() {
            self.change(|list| list.insert(index, after, element));
            return true;
        }
        let mut run = Run::new();
        run.push(text);
        let at = if after { range.end } else { range.start };
        self.edit.splice_packed(at..at, run.as_bytes());
        true
    }

    /// Removes up to `max` elements equal to a text, from an end on, and says how many.
    pub fn remove_equal(&mut self, text: &[u8], side: Side, max: usize) -> usize {
        let Some(view) = self.view() else { return 0 };
        let View::Packed(bytes) = view else {
            return self.change(|list| list.remove_equal(Element::of(text), side, max));
        };
        let mut equal = view.positions(text, side, usize::MAX, (0, max));
        equal.sort_unstable();
        let mut rest = Vec::with_capacity(bytes.len());
        for (index, element) in packed::iter(bytes).enumerate() {
            if equal.binary_search(&index).is_err() {
                packed::encode_element(&mut rest, element);
            }
        }
        if !equal.is_empty() {
            self.edit.set_packed::<ListValue>(&rest);
        }
        equal.len()
    }

    /// Raises an event besides the one that ends the edit.
    pub fn notify(&mut self, event: Event) {
        self.edit.notify(event);
    }

    /// Ends the edit: counts so many changes and raises an event; a list without elements goes.
    pub fn commit(mut self, event: Event, changes: u64) {
        if self.edit.exists() {
            return self.edit.commit_many(event, changes);
        }
        self.edit.notify(event);
        self.edit.commit_many(DELETED, changes);
    }

    /// Ends an edit that changed at most how the list is stored.
    pub fn commit_unchanged(self) {
        self.edit.commit_unchanged();
    }
}

fn weight_and_count(bytes: &[u8]) -> (usize, usize) {
    let start = (WEIGHT_EMPTY, 0);
    packed::iter(bytes)
        .fold(start, |(weight, count), element| (weight + weight_of(element), count + 1))
}

/// Packed elements to be added, on the stack.
struct Run {
    bytes: [u8; PACKED_LEN_MAX],
    len: usize,
}

impl Run {
    fn new() -> Run {
        Run { bytes: [0; PACKED_LEN_MAX], len: 0 }
    }

    /// Adds a text; false if there is no room.
    #[inline]
    fn push(&mut self, text: &[u8]) -> bool {
        let encoded = Encoded::new(Element::of(text));
        let Some(room) = self.bytes.get_mut(self.len..self.len + encoded.len()) else {
            return false;
        };
        encoded.write_to(room);
        self.len += encoded.len();
        true
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
