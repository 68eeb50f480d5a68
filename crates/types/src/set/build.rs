//! A set outside its key, and the rules by which a growing set changes its form.
//!
//! A set of integers stays a sorted array up to `set-max-intset-entries`, and then is a table. A
//! member that is no integer makes it a packed one, if that has room. A packed set has up to
//! `set-max-listpack-entries` members of up to `set-max-listpack-value` bytes, and then is a table.
//! Removals change no form.

use super::value::{SetValue, View};
use engine::cx::Cx;
use keyspace::Edit;
use keyspace::value::Boxed;
use stdx::num::i64_digits;
use structs::intset::{self, Change};
use structs::members::Members;
use structs::packed::{self, Element};
use structs::records;

/// Bytes of a packed set beyond which it becomes a table, whatever the parameters say.
const PACKED_BYTES_MAX: usize = 1 << 30;
/// Integers beyond which a set becomes a table, whatever the parameters say.
const INTEGERS_MAX: usize = 1 << 27;

/// What small sets may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) integers_max: usize,
    pub(super) entries_max: usize,
    pub(super) len_max: usize,
    /// For the table that may have to be made.
    pub(super) seed: u64,
}

impl Limits {
    /// The present ones.
    #[inline]
    pub(super) fn now(cx: &mut Cx<'_, '_>) -> Limits {
        let limit = |id| usize::try_from(cx.server.config.int(id)).unwrap_or(usize::MAX);
        Limits {
            integers_max: limit(cx.server.ids.set_integers_max).min(INTEGERS_MAX),
            entries_max: limit(cx.server.ids.set_packed_entries_max),
            len_max: limit(cx.server.ids.set_packed_len_max),
            seed: cx.rng.next_u64(),
        }
    }

    /// Whether packed members have room for one more.
    pub(super) fn packed_takes(&self, count: usize, bytes: usize, member: Element<'_>) -> bool {
        let len = member.text_len();
        count < self.entries_max && len <= self.len_max && bytes + len <= PACKED_BYTES_MAX
    }

    /// Whether a sorted array can become packed members with one more.
    pub(super) fn integers_can_pack(&self, integers: &[u8], member: Element<'_>) -> bool {
        let len = intset::len(integers);
        let ends = [0, len.wrapping_sub(1)].map(|index| intset::get(integers, index));
        let widest = ends.into_iter().flatten().map(i64_digits).max().unwrap_or(0);
        widest <= self.len_max && self.packed_takes(len, len * widest, member)
    }
}

/// The packed members that a sorted array turns into.
pub(super) fn packed_of(integers: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(integers.len() * 2);
    intset::iter(integers).for_each(|number| packed::encode_int(&mut packed, number));
    packed
}

/// The table that a small set turns into.
pub(super) fn table_of(small: View<'_>, seed: u64) -> Members<1> {
    let mut table = Members::new(seed);
    small.for_each(|member| {
        table.add(member);
    });
    table
}

/// A set outside its key.
pub(super) enum Build {
    Integers(Vec<u8>),
    Packed(Vec<u8>),
    Table(Members<1>),
}

impl Build {
    /// An empty set in the form in which a set of `count` members starts, of which this is the
    /// first.
    pub(super) fn start(first: Element<'_>, count: usize, limits: &Limits) -> Build {
        match first {
            Element::Int(_) if count <= limits.integers_max => Build::Integers(Vec::new()),
            _ if count <= limits.entries_max => Build::Packed(Vec::new()),
            _ => Build::Table(Members::new(limits.seed)),
        }
    }

    /// A copy of a small set.
    pub(super) fn copy_of(small: &[u8]) -> Build {
        match View::of_small(small) {
            View::Integers(bytes) => Build::Integers(bytes.to_vec()),
            _ => Build::Packed(small.to_vec()),
        }
    }

    /// The set.
    pub(super) fn view(&self) -> View<'_> {
        match self {
            Build::Integers(bytes) => View::Integers(bytes),
            Build::Packed(bytes) => View::Packed(bytes),
            Build::Table(table) => View::Table(table),
        }
    }

    /// Adds a member; false if it is there already.
    pub(super) fn add(&mut self, member: Element<'_>, limits: &Limits) -> bool {
        match self {
            Build::Table(table) => table.add(member),
            Build::Integers(bytes) => {
                let Element::Int(number) = member else { return self.outgrow(member, limits) };
                match intset::insert(bytes, number) {
                    None => return false,
                    Some(Change::Splice { range, bytes: new, len }) => {
                        bytes.splice(range, new[..len].iter().copied());
                    }
                    Some(Change::Rewrite(new)) => *bytes = new,
                }
                if intset::len(bytes) > limits.integers_max {
                    *self = Build::Table(table_of(self.view(), limits.seed));
                }
                true
            }
            Build::Packed(bytes) => match records::search::<1>(bytes, member) {
                Ok(_) => false,
                Err(count) if limits.packed_takes(count, bytes.len(), member) => {
                    packed::encode_element(bytes, member);
                    true
                }
                Err(_) => {
                    let mut table = table_of(self.view(), limits.seed);
                    table.add(member);
                    *self = Build::Table(table);
                    true
                }
            },
        }
    }

    /// Adds a member that is no integer to a set of integers.
    fn outgrow(&mut self, member: Element<'_>, limits: &Limits) -> bool {
        let Build::Integers(integers) = &*self else { return false };
        *self = if limits.integers_can_pack(integers, member) {
            Build::Packed(packed_of(integers))
        } else {
            Build::Table(table_of(self.view(), limits.seed))
        };
        self.add(member, limits)
    }

    /// Turns a set of nothing but integers into a sorted array, if they are few enough for one.
    pub(super) fn narrow(self, limits: &Limits) -> Build {
        let view = self.view();
        if matches!(self, Build::Integers(_)) || view.len() > limits.integers_max {
            return self;
        }
        let mut numbers = Vec::with_capacity(view.len());
        let all_integers = view.all(|member| match member {
            Element::Int(number) => {
                numbers.push(number);
                true
            }
            Element::Bytes(_) => false,
        });
        if all_integers { Build::Integers(intset::of(&mut numbers)) } else { self }
    }

    /// Puts the set under a key as part of an edit of the set that is there.
    pub(super) fn update(self, edit: &mut Edit<'_>) {
        match self {
            Build::Integers(bytes) | Build::Packed(bytes) => edit.set_packed::<SetValue>(&bytes),
            Build::Table(table) => edit.grow_boxed(Boxed::new(SetValue(table))),
        }
    }

    /// Puts the set under a key in place of whatever is there.
    pub(super) fn store(self, edit: &mut Edit<'_>) {
        match self {
            Build::Integers(bytes) | Build::Packed(bytes) => {
                edit.replace_packed::<SetValue>(&bytes);
            }
            Build::Table(table) => {
                edit.set_boxed(Boxed::new(SetValue(table)), keyspace::Ttl::Clear);
            }
        }
    }
}
