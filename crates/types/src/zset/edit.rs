//! Changes of a sorted set, whatever its form, and when the form changes.

use super::small;
use super::value::{View, ZSet};
use engine::cx::{Cx, Db};
use engine::error::{self, CmdError};
use keyspace::entry::NewValue;
use keyspace::value::{Boxed, ValueType};
use keyspace::{Edit, Event, Ttl};
use std::ops::Range;
use structs::ordered::{Full, OrderedSet};
use structs::packed::Text;

/// Bytes of a packed set beyond which it takes the large form, whatever the parameters say.
const PACKED_BYTES_MAX: usize = 1 << 30;
const TOO_LARGE: CmdError = CmdError::fixed("ERR the sorted set exceeds the maximum allowed size");

/// What a small set may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    entries_max: usize,
    len_max: usize,
    /// For the hash function of a large set that may have to be made.
    seed: u64,
}

impl Limits {
    /// The present ones.
    #[inline]
    pub(super) fn now(cx: &mut Cx<'_, '_>) -> Limits {
        let limit = |id| usize::try_from(cx.server.config.int(id)).unwrap_or(usize::MAX);
        Limits {
            entries_max: limit(cx.server.ids.zset_packed_entries_max),
            len_max: limit(cx.server.ids.zset_packed_len_max),
            seed: cx.rng.next_u64(),
        }
    }
}

/// Exclusive access to a key that holds a sorted set or does not exist.
pub(super) struct ZSetEdit<'s> {
    edit: Edit<'s>,
    limits: Limits,
    /// Whether the next change makes a small set large.
    outgrown: bool,
}

impl<'s> ZSetEdit<'s> {
    /// Opens a key.
    #[inline]
    pub(super) fn open(
        db: &'s mut Db<'_, '_>,
        key: &'s [u8],
        limits: Limits,
    ) -> Result<ZSetEdit<'s>, CmdError> {
        let edit = db.edit(key);
        if edit.type_id().is_some_and(|id| id != ZSet::ID) {
            return Err(error::WRONG_TYPE);
        }
        Ok(ZSetEdit { edit, limits, outgrown: false })
    }

    #[inline]
    pub(super) fn exists(&self) -> bool {
        self.edit.exists()
    }

    /// The set as it is; empty where the key does not exist.
    #[inline]
    pub(super) fn view(&self) -> View<'_> {
        self.edit.entry().and_then(View::of).unwrap_or(View::EMPTY)
    }

    /// Refuses a set that has no room for what a request may add.
    pub(super) fn check_room(&self) -> Result<(), CmdError> {
        match self.view() {
            View::Tree(set) if !set.has_room() => Err(TOO_LARGE),
            View::Tree(_) | View::Packed(_) => Ok(()),
        }
    }

    /// Says how many members a request names: more than a small set holds make it large, however
    /// many of them are new.
    pub(super) fn expect(&mut self, count: usize) {
        self.outgrown = count > self.limits.entries_max;
    }

    /// Gives a member the score that `decide` makes of its present one, if any.
    #[inline]
    pub(super) fn update<R>(
        &mut self,
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> (Option<f64>, R),
    ) -> R {
        if let Some(zset) = self.edit.value::<ZSet>() {
            let spot = zset.0.find(member);
            let (score, result) = decide(spot.score());
            if let Some(score) = score {
                let put = |zset: &mut ZSet| zset.0.put(spot, member, score);
                let put = self.edit.change::<ZSet, _>(put);
                debug_assert_eq!(put, Some(Ok(())), "room was checked before");
            }
            return result;
        }
        let bytes = self.edit.packed::<ZSet>().unwrap_or_default();
        let found = small::find(bytes, member);
        let (score, result) = decide(found.as_ref().ok().map(|found| found.score));
        match (score, found) {
            (None, _) => {}
            (Some(score), Ok(found)) if !self.outgrown => self.move_packed(member, score, found),
            (Some(score), found) => self.add(member, score, found.err()),
        }
        result
    }

    /// Puts a member into a small or missing set; `count` is that of the set if the member is new.
    fn add(&mut self, member: &[u8], score: f64, count: Option<usize>) {
        let bytes = self.edit.packed::<ZSet>().unwrap_or_default();
        let fits = count.is_some_and(|count| count < self.limits.entries_max)
            && !self.outgrown
            && member.len() <= self.limits.len_max
            && bytes.len() + member.len() < PACKED_BYTES_MAX;
        if !fits {
            self.make_large();
            self.edit.change::<ZSet, _>(|zset| zset.0.insert(member, score));
            return;
        }
        let at = small::place_of(bytes, member, score);
        let mut pair = Vec::with_capacity(member.len() + 20);
        small::encode(&mut pair, member, score);
        if self.edit.exists() {
            self.edit.splice_packed(at..at, &pair);
        } else {
            self.edit.set_packed::<ZSet>(&pair);
        }
    }

    /// Gives a member of a small set another score.
    fn move_packed(&mut self, member: &[u8], score: f64, found: small::Found) {
        let mut pair = Vec::with_capacity(member.len() + 20);
        small::encode(&mut pair, member, score);
        let bytes = self.edit.packed::<ZSet>().unwrap_or_default();
        // A place before the element's own is right even while that is there, one behind moves up.
        let at = small::place_of(bytes, member, score);
        let at = if at > found.range.start { at - found.range.len() } else { at };
        if at == found.range.start {
            self.edit.splice_packed(found.range, &pair);
        } else {
            self.edit.splice_packed(found.range, &[]);
            self.edit.splice_packed(at..at, &pair);
        }
    }

    fn make_large(&mut self) {
        let mut set = OrderedSet::new(self.limits.seed);
        for (member, score) in self.view().iter() {
            // A small set always fits.
            let _ = set.insert(&member, score);
        }
        self.edit.grow_boxed(Boxed::new(ZSet(set)));
    }

    /// Removes a member; false if it is not there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        if let Some(zset) = self.edit.value::<ZSet>() {
            return zset.0.score(member).is_some() && {
                self.edit.change::<ZSet, _>(|zset| zset.0.remove(member));
                true
            };
        }
        let bytes = self.edit.packed::<ZSet>().unwrap_or_default();
        let Ok(found) = small::find(bytes, member) else { return false };
        self.edit.splice_packed(found.range, &[]);
        true
    }

    /// Removes the elements of a range of ranks.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        if ranks.is_empty() {
            return;
        }
        if self.edit.change::<ZSet, _>(|zset| zset.0.remove_range(ranks.clone())).is_some() {
            return;
        }
        let bytes = self.edit.packed::<ZSet>().unwrap_or_default();
        if let Some(range) = small::bytes_of(bytes, ranks) {
            self.edit.splice_packed(range, &[]);
        }
    }

    /// Ends the edit; nothing happened where there is no change.
    pub(super) fn commit(self, event: Event, changes: usize) {
        if changes > 0 {
            self.edit.commit_many(event, changes as u64);
        }
    }
}

/// A set that was made as a whole.
pub(super) enum Built {
    Packed(Vec<u8>),
    Tree(Box<OrderedSet>),
}

impl Built {
    /// A set of elements that come in order, as often as they are asked for: only where all are
    /// small is the set, and packing is not undone, since it loses the sign of zero.
    pub(super) fn collect<'a, I: Iterator<Item = (Text<'a>, f64)>>(
        elements: impl Fn() -> I,
        limits: Limits,
    ) -> Result<Built, CmdError> {
        let (mut count, mut bytes) = (0, 0);
        let fits = elements().all(|(member, _)| {
            count += 1;
            bytes += member.len();
            let is_small = count <= limits.entries_max && bytes <= PACKED_BYTES_MAX;
            is_small && member.len() <= limits.len_max
        });
        if fits {
            let mut packed = Vec::with_capacity(bytes + 4 * count);
            elements().for_each(|(member, score)| small::encode(&mut packed, &member, score));
            return Ok(Built::Packed(packed));
        }
        let mut set = Box::new(OrderedSet::new(limits.seed));
        for (member, score) in elements() {
            set.insert(&member, score).map_err(|Full| TOO_LARGE)?;
        }
        Ok(Built::Tree(set))
    }

    fn len(&self) -> usize {
        match self {
            Built::Packed(bytes) => small::len(bytes),
            Built::Tree(set) => set.len(),
        }
    }

    /// Puts the set at a key, whatever is there, or removes the key where the set is empty. Returns
    /// the number of members.
    pub(super) fn store(self, cx: &mut Cx<'_, '_>, key: &[u8], event: Event) -> usize {
        let len = self.len();
        let mut edit = cx.db.edit(key);
        if len == 0 {
            if edit.remove() {
                edit.commit(super::DEL);
            }
            return 0;
        }
        let value = match self {
            Built::Packed(ref bytes) => NewValue::Packed(ZSet::ID, bytes),
            Built::Tree(set) => NewValue::Boxed(Boxed::new(ZSet(*set))),
        };
        edit.set_value(value, Ttl::Clear);
        edit.commit(event);
        len
    }
}
