//! A hash's value, in one of two representations.
//!
//! A small hash is packed records in the entry itself, a large one a table of [`Members`]. Which is
//! small is said by `hash-max-listpack-entries` and `hash-max-listpack-value` at the time of a
//! change; a table stays a table.

use keyspace::value::{TypeId, ValueType};
use keyspace::{Entry, entry};
use stdx::prng::Prng;
use structs::members::Members;
use structs::packed::{self, Element};
use structs::records::{self, Record};

/// A large hash.
pub struct HashValue(pub(super) Members<2>);

impl ValueType for HashValue {
    const ID: TypeId = 4;
    const NAME: &'static str = "hash";

    fn encoding(&self) -> &'static str {
        "hashtable"
    }

    fn packed_encoding(packed: &[u8]) -> &'static str {
        if records::earliest_ms(packed).is_some() { "listpackex" } else { "listpack" }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.0.memory()
    }

    fn copy(&self) -> Self {
        HashValue(self.0.clone())
    }

    fn free_effort(&self) -> usize {
        self.0.allocations()
    }
}

/// A look at a hash.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Packed(&'a [u8]),
    Table(&'a Members<2>),
}

impl<'a> View<'a> {
    /// The hash in an entry, if it holds one.
    #[inline]
    pub(super) fn of(entry: &'a Entry) -> Option<View<'a>> {
        if entry.type_id() != HashValue::ID {
            return None;
        }
        match entry.view() {
            entry::View::Packed(bytes) => Some(View::Packed(bytes)),
            entry::View::Boxed(boxed) => Some(View::Table(&boxed.get::<HashValue>()?.0)),
            entry::View::Str(_) => None,
        }
    }

    /// How many fields there are.
    pub(super) fn len(self) -> usize {
        match self {
            View::Packed(bytes) => records::count::<2>(bytes),
            View::Table(table) => table.len(),
        }
    }

    /// The value of a field.
    #[inline]
    pub(super) fn get(self, field: &[u8]) -> Option<Element<'a>> {
        match self {
            View::Packed(bytes) => {
                let found = records::find::<2>(bytes, Element::of(field))?;
                packed::decode(bytes, found.value.start).map(|(value, _)| value)
            }
            View::Table(table) => table.get(Element::of(field)).map(|record| record.value),
        }
    }

    /// Whether a field is there.
    pub(super) fn contains(self, field: &[u8]) -> bool {
        match self {
            View::Packed(bytes) => records::find::<2>(bytes, Element::of(field)).is_some(),
            View::Table(table) => table.contains(Element::of(field)),
        }
    }

    /// Calls `visit` with each field.
    #[inline]
    pub(super) fn for_each(self, visit: impl FnMut(Record<'a>)) {
        match self {
            View::Packed(bytes) => records::iter::<2>(bytes).for_each(visit),
            View::Table(table) => table.iter().for_each(visit),
        }
    }

    /// A field drawn uniformly.
    pub(super) fn random(self, prng: &mut Prng) -> Option<Record<'a>> {
        match self {
            View::Packed(bytes) => {
                let index = prng.below(records::count::<2>(bytes) as u64);
                records::iter::<2>(bytes).nth(index as usize)
            }
            View::Table(table) => table.random(prng),
        }
    }
}
