//! A sorted set: packed while it is small, an ordered set with ranks once it is not.
//!
//! Both are read through [`View`], so that a command is written once.

use super::small;
use engine::cx::Db;
use engine::error::{self, CmdError};
use keyspace::Entry;
use keyspace::entry;
use keyspace::value::{TypeId, ValueType};
use std::ops::Range;
use structs::ordered::{self, MemberBound, OrderedSet, ScoreBound};
use structs::packed::Text;

/// The large form.
pub(crate) struct ZSet(pub(super) OrderedSet);

impl ValueType for ZSet {
    const ID: TypeId = 3;
    const NAME: &'static str = "zset";

    fn encoding(&self) -> &'static str {
        "skiplist"
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn copy(&self) -> ZSet {
        ZSet(self.0.clone())
    }

    fn free_effort(&self) -> usize {
        self.0.allocations()
    }
}

/// A sorted set to read.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    /// The small form.
    Packed(&'a [u8]),
    /// The large form.
    Tree(&'a OrderedSet),
}

/// A range of scores, its ends as elements lie before them or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ScoreRange {
    pub(super) min: ScoreBound,
    pub(super) max: ScoreBound,
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexBound<'a> {
    /// Before all members (`-`).
    First,
    /// Behind all members (`+`).
    Last,
    /// At a member.
    At(MemberBound<'a>),
}

impl LexBound<'_> {
    /// Whether a member lies before the bound.
    pub(super) fn is_behind(&self, member: &[u8]) -> bool {
        match self {
            LexBound::First => false,
            LexBound::Last => true,
            LexBound::At(bound) if bound.after_equal => member <= bound.member,
            LexBound::At(bound) => member < bound.member,
        }
    }
}

/// A range of members, for sets in which all scores are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LexRange<'a> {
    pub(super) min: LexBound<'a>,
    pub(super) max: LexBound<'a>,
}

impl<'a> View<'a> {
    /// The empty set, as which a missing key is read.
    pub(super) const EMPTY: View<'static> = View::Packed(&[]);

    /// The value of an entry, if it is a sorted set.
    #[inline]
    pub(crate) fn of(entry: &'a Entry) -> Option<View<'a>> {
        if entry.type_id() != ZSet::ID {
            return None;
        }
        match entry.view() {
            entry::View::Packed(bytes) => Some(View::Packed(bytes)),
            entry::View::Boxed(boxed) => boxed.get::<ZSet>().map(|zset| View::Tree(&zset.0)),
            entry::View::Str(_) => None,
        }
    }

    /// The sorted set at a key; a missing one is empty. Notes the read.
    #[inline]
    pub(super) fn read(db: &'a mut Db<'_, '_>, key: &[u8]) -> Result<View<'a>, CmdError> {
        match db.read(key) {
            None => Ok(View::EMPTY),
            Some(entry) => View::of(entry).ok_or(error::WRONG_TYPE),
        }
    }

    /// Number of members.
    pub(crate) fn len(&self) -> usize {
        match self {
            View::Packed(bytes) => small::len(bytes),
            View::Tree(set) => set.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            View::Packed(bytes) => bytes.is_empty(),
            View::Tree(set) => set.is_empty(),
        }
    }

    /// The score of a member.
    #[inline]
    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            View::Packed(bytes) => small::find(bytes, member).ok().map(|found| found.score),
            View::Tree(set) => set.score(member),
        }
    }

    /// How many elements are before a member, and its score.
    #[inline]
    pub(super) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            View::Packed(bytes) => {
                small::find(bytes, member).ok().map(|found| (found.rank, found.score))
            }
            View::Tree(set) => set.rank(member),
        }
    }

    /// The ranks of the elements with scores in a range.
    pub(super) fn score_ranks(&self, range: ScoreRange) -> Range<usize> {
        let rank = |bound| match self {
            View::Packed(bytes) => small::rank_of_score(bytes, bound),
            View::Tree(set) => set.rank_of_score(bound),
        };
        let start = rank(range.min);
        start..rank(range.max).max(start)
    }

    /// The ranks of the members in a range. Where scores differ there is no such range; a small set
    /// then gives what a walk from the end of the range gives.
    pub(super) fn lex_ranks(&self, range: LexRange<'_>, reverse: bool) -> Range<usize> {
        let rank = |set: &OrderedSet, bound| match bound {
            LexBound::First => 0,
            LexBound::Last => set.len(),
            LexBound::At(bound) => set.rank_of_member(bound),
        };
        match self {
            View::Packed(bytes) => small::lex_ranks(bytes, range, reverse),
            View::Tree(set) => {
                let start = rank(set, range.min);
                start..rank(set, range.max).max(start)
            }
        }
    }

    /// The elements of a range of ranks, forwards.
    pub(super) fn range(&self, ranks: Range<usize>) -> Elements<'a> {
        match self {
            View::Packed(bytes) => Elements::Packed(small::range(bytes, ranks)),
            View::Tree(set) => Elements::Tree(set.range(ranks)),
        }
    }

    /// The elements of a range of ranks, backwards.
    pub(super) fn range_back(&self, ranks: Range<usize>) -> Elements<'a> {
        match self {
            View::Packed(bytes) => {
                let mut elements: Vec<_> = small::range(bytes, ranks).collect();
                elements.reverse();
                Elements::Collected(elements.into_iter())
            }
            View::Tree(set) => Elements::Back(set.range(ranks).rev()),
        }
    }

    /// All elements in order.
    pub(super) fn iter(&self) -> Elements<'a> {
        match self {
            View::Packed(bytes) => Elements::Packed(small::range(bytes, 0..usize::MAX)),
            View::Tree(set) => Elements::Tree(set.iter()),
        }
    }
}

/// Members with their scores.
pub(super) enum Elements<'a> {
    Packed(small::Pairs<'a>),
    Collected(std::vec::IntoIter<(Text<'a>, f64)>),
    Tree(ordered::Iter<'a>),
    Back(std::iter::Rev<ordered::Iter<'a>>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = (Text<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<(Text<'a>, f64)> {
        let (member, score) = match self {
            Elements::Packed(pairs) => return pairs.next(),
            Elements::Collected(pairs) => return pairs.next(),
            Elements::Tree(elements) => elements.next()?,
            Elements::Back(elements) => elements.next()?,
        };
        Some((Text::Bytes(member), score))
    }
}
