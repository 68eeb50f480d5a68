//! A set's value, in one of three representations.
//!
//! A small set of integers is a sorted array ([`intset`]), another small set is packed members,
//! both in the entry itself; a large one is a table of [`Members`]. [`super::build`] says which is
//! which.

use keyspace::value::{TypeId, ValueType};
use keyspace::{Entry, entry};
use stdx::prng::Prng;
use structs::intset;
use structs::members::Members;
use structs::packed::Element;
use structs::records;

/// A large set.
pub struct SetValue(pub(super) Members<1>);

impl ValueType for SetValue {
    const ID: TypeId = 2;
    const NAME: &'static str = "set";

    fn encoding(&self) -> &'static str {
        "hashtable"
    }

    fn packed_encoding(packed: &[u8]) -> &'static str {
        if intset::is_intset(packed) { "intset" } else { "listpack" }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.0.memory()
    }

    fn copy(&self) -> Self {
        SetValue(self.0.clone())
    }

    fn free_effort(&self) -> usize {
        self.0.allocations()
    }
}

/// A look at a set.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Integers(&'a [u8]),
    Packed(&'a [u8]),
    Table(&'a Members<1>),
}

impl<'a> View<'a> {
    /// The set in an entry, if it holds one.
    #[inline]
    pub(super) fn of(entry: &'a Entry) -> Option<View<'a>> {
        if entry.type_id() != SetValue::ID {
            return None;
        }
        match entry.view() {
            entry::View::Packed(bytes) => Some(View::of_small(bytes)),
            entry::View::Boxed(boxed) => Some(View::Table(&boxed.get::<SetValue>()?.0)),
            entry::View::Str(_) => None,
        }
    }

    /// The set in an entry's bytes.
    #[inline]
    pub(super) fn of_small(bytes: &'a [u8]) -> View<'a> {
        if intset::is_intset(bytes) { View::Integers(bytes) } else { View::Packed(bytes) }
    }

    /// How many members there are.
    pub(super) fn len(self) -> usize {
        match self {
            View::Integers(bytes) => intset::len(bytes),
            View::Packed(bytes) => records::count::<1>(bytes),
            View::Table(table) => table.len(),
        }
    }

    /// Whether a member is there.
    #[inline]
    pub(super) fn contains(self, member: Element<'_>) -> bool {
        match (self, member) {
            (View::Integers(bytes), Element::Int(number)) => intset::contains(bytes, number),
            (View::Integers(_), Element::Bytes(_)) => false,
            (View::Packed(bytes), _) => records::find::<1>(bytes, member).is_some(),
            (View::Table(table), _) => table.contains(member),
        }
    }

    /// Calls `visit` with each member.
    #[inline]
    pub(super) fn for_each(self, mut visit: impl FnMut(Element<'a>)) {
        self.all(|member| {
            visit(member);
            true
        });
    }

    /// Calls `visit` with each member until it says no; false if it did.
    #[inline]
    pub(super) fn all(self, mut visit: impl FnMut(Element<'a>) -> bool) -> bool {
        match self {
            View::Integers(bytes) => intset::iter(bytes).all(|number| visit(Element::Int(number))),
            View::Packed(bytes) => records::iter::<1>(bytes).all(|record| visit(record.key)),
            View::Table(table) => table.iter().all(|record| visit(record.key)),
        }
    }

    /// The members of a small set in their order.
    pub(super) fn to_vec(self) -> Vec<Element<'a>> {
        let mut members = Vec::with_capacity(self.len());
        self.for_each(|member| members.push(member));
        members
    }

    /// A member drawn uniformly.
    pub(super) fn random(self, prng: &mut Prng) -> Option<Element<'a>> {
        match self {
            View::Integers(bytes) => {
                let index = prng.below(intset::len(bytes) as u64);
                intset::get(bytes, index as usize).map(Element::Int)
            }
            View::Packed(bytes) => {
                let index = prng.below(records::count::<1>(bytes) as u64);
                records::iter::<1>(bytes).nth(index as usize).map(|record| record.key)
            }
            View::Table(table) => table.random(prng).map(|record| record.key),
        }
    }

    /// `count` different members, or all.
    pub(super) fn random_distinct(self, count: usize, prng: &mut Prng) -> Vec<Element<'a>> {
        if let View::Table(table) = self {
            let chosen = table.random_distinct(count, prng);
            return chosen.into_iter().map(|record| record.key).collect();
        }
        let all = self.to_vec();
        let indexes = crate::sample::indexes(all.len(), count, prng);
        indexes.into_iter().map(|index| all[index]).collect()
    }
}
