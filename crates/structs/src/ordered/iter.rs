//! Walks over elements in order, from either end.

use super::arena::{Arena, Id};
use super::tree::Tree;
use std::ops::Range;

/// The elements of a range of ranks.
pub struct Iter<'a> {
    tree: &'a Tree,
    arena: &'a Arena,
    /// The ranks that are left.
    ranks: Range<usize>,
    front: Cursor<'a>,
    back: Cursor<'a>,
}

/// What is left of a leaf. The next leaf is found from the root: once per leaf that costs less than
/// a stack of nodes on every walk.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    scores: &'a [f64],
    ids: &'a [Id],
}

impl<'a> Iter<'a> {
    pub(super) fn new(tree: &'a Tree, arena: &'a Arena, ranks: Range<usize>) -> Iter<'a> {
        let none = Cursor { scores: &[], ids: &[] };
        Iter { tree, arena, ranks, front: none, back: none }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.front.ids.is_empty() {
            let (leaf, at) = self.tree.leaf_at(self.ranks.start);
            self.front = Cursor { scores: &leaf.scores()[at..], ids: &leaf.ids()[at..] };
        }
        self.ranks.start += 1;
        let (score, scores) = self.front.scores.split_first()?;
        let (id, ids) = self.front.ids.split_first()?;
        self.front = Cursor { scores, ids };
        Some((self.arena.member(*id), *score))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.back.ids.is_empty() {
            let (leaf, at) = self.tree.leaf_at(self.ranks.end - 1);
            self.back = Cursor { scores: &leaf.scores()[..=at], ids: &leaf.ids()[..=at] };
        }
        self.ranks.end -= 1;
        let (score, scores) = self.back.scores.split_last()?;
        let (id, ids) = self.back.ids.split_last()?;
        self.back = Cursor { scores, ids };
        Some((self.arena.member(*id), *score))
    }
}

impl ExactSizeIterator for Iter<'_> {}
