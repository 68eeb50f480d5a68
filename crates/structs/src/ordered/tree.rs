//! The order: a B+ tree of scores and records' numbers with the count below each child.
//!
//! A leaf is two arrays, scores and numbers, of [`LEAF_MAX`] elements; an inner node is the same
//! for the first element of each child, with the child's count and the child. So a search is a
//! binary search in an array of scores per level, and reads members only among equal scores.
//!
//! Invariants: what an inner node says about a child's first element and count is exact. A node is
//! split on the way down, before it could overflow: whoever descends into a child knows that it has
//! room. A full leaf shares with a neighbour that has room before it splits, which keeps random
//! insertions at four fifths full; an insertion at either end of everything splits off almost
//! nothing, so that ascending ones fill their leaves. A node below a third is merged with a
//! neighbour or shares with it on the way up.

use super::arena::{Arena, Id};
use super::{MemberBound, ScoreBound, compare};
use std::cmp::Ordering;

/// Elements of a leaf: it takes 760 bytes.
const LEAF_MAX: usize = 63;
/// Children of an inner node.
const INNER_MAX: usize = 64;
/// A neighbour with at most this many elements takes some of a full leaf's.
const SHARE_MAX: usize = LEAF_MAX - 6;

/// An element's place in the order.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) score: f64,
    pub(super) member: &'a [u8],
}

/// Something that elements lie before or not: all that do come first.
pub(super) trait Bound {
    /// How many of the elements lie before it.
    fn before(&self, scores: &[f64], ids: &[Id], arena: &Arena) -> usize;
}

impl Key<'_> {
    /// How many of the elements lie before the key, or are it where `with_equal`.
    #[inline]
    fn count(&self, scores: &[f64], ids: &[Id], arena: &Arena, with_equal: bool) -> usize {
        let lower = scores.partition_point(|score| *score < self.score);
        if scores.get(lower) != Some(&self.score) {
            return lower;
        }
        let equal = scores[lower..].partition_point(|score| *score == self.score);
        let before = |id: &Id| match arena.member(*id).cmp(self.member) {
            Ordering::Less => true,
            Ordering::Equal => with_equal,
            Ordering::Greater => false,
        };
        lower + ids[lower..lower + equal].partition_point(before)
    }
}

impl Bound for Key<'_> {
    #[inline]
    fn before(&self, scores: &[f64], ids: &[Id], arena: &Arena) -> usize {
        self.count(scores, ids, arena, false)
    }
}

impl Bound for ScoreBound {
    #[inline]
    fn before(&self, scores: &[f64], _: &[Id], _: &Arena) -> usize {
        if self.after_equal {
            scores.partition_point(|score| *score <= self.score)
        } else {
            scores.partition_point(|score| *score < self.score)
        }
    }
}

impl Bound for MemberBound<'_> {
    fn before(&self, _: &[f64], ids: &[Id], arena: &Arena) -> usize {
        ids.partition_point(|id| match arena.member(*id).cmp(self.member) {
            Ordering::Less => true,
            Ordering::Equal => self.after_equal,
            Ordering::Greater => false,
        })
    }
}

/// Elements in order, at most `N`.
#[derive(Clone)]
struct Elements<const N: usize> {
    scores: [f64; N],
    ids: [Id; N],
    len: u32,
}

impl<const N: usize> Elements<N> {
    const EMPTY: Self = Elements { scores: [0.0; N], ids: [0; N], len: 0 };

    #[inline]
    fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    fn scores(&self) -> &[f64] {
        &self.scores[..self.len as usize]
    }

    #[inline]
    fn ids(&self) -> &[Id] {
        &self.ids[..self.len as usize]
    }

    fn first(&self) -> (f64, Id) {
        (self.scores[0], self.ids[0])
    }

    fn set(&mut self, at: usize, (score, id): (f64, Id)) {
        (self.scores[at], self.ids[at]) = (score, id);
    }

    #[inline]
    fn insert(&mut self, at: usize, element: (f64, Id)) {
        let len = self.len();
        self.scores.copy_within(at..len, at + 1);
        self.ids.copy_within(at..len, at + 1);
        self.set(at, element);
        self.len += 1;
    }

    #[inline]
    fn remove(&mut self, at: usize) -> Id {
        let (len, id) = (self.len(), self.ids[at]);
        self.scores.copy_within(at + 1..len, at);
        self.ids.copy_within(at + 1..len, at);
        self.len -= 1;
        id
    }

    /// Takes the first `count` elements of the node behind.
    fn take_first_of(&mut self, right: &mut Self, count: usize) {
        let (len, right_len) = (self.len(), right.len());
        self.scores[len..len + count].copy_from_slice(&right.scores[..count]);
        self.ids[len..len + count].copy_from_slice(&right.ids[..count]);
        right.scores.copy_within(count..right_len, 0);
        right.ids.copy_within(count..right_len, 0);
        self.len += count as u32;
        right.len -= count as u32;
    }

    /// Gives the last `count` elements to the node behind.
    fn give_last_to(&mut self, right: &mut Self, count: usize) {
        let (from, right_len) = (self.len() - count, right.len());
        right.scores.copy_within(..right_len, count);
        right.ids.copy_within(..right_len, count);
        right.scores[..count].copy_from_slice(&self.scores[from..from + count]);
        right.ids[..count].copy_from_slice(&self.ids[from..from + count]);
        self.len -= count as u32;
        right.len += count as u32;
    }
}

/// A node of the lowest level.
#[derive(Clone)]
pub(super) struct Leaf(Elements<LEAF_MAX>);

impl Leaf {
    pub(super) fn scores(&self) -> &[f64] {
        self.0.scores()
    }

    pub(super) fn ids(&self) -> &[Id] {
        self.0.ids()
    }
}

#[derive(Clone)]
struct Inner {
    /// The first element of each child.
    firsts: Elements<INNER_MAX>,
    /// Elements below each child.
    counts: [u32; INNER_MAX],
    children: Vec<Node>,
}

#[derive(Clone)]
enum Node {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

impl Inner {
    fn empty() -> Box<Inner> {
        let children = Vec::with_capacity(INNER_MAX);
        Box::new(Inner { firsts: Elements::EMPTY, counts: [0; INNER_MAX], children })
    }

    fn counts(&self) -> &[u32] {
        &self.counts[..self.children.len()]
    }

    /// The child that has the key or would get it.
    #[inline]
    fn child_of(&self, key: &Key<'_>, arena: &Arena) -> usize {
        key.count(self.firsts.scores(), self.firsts.ids(), arena, true).saturating_sub(1)
    }

    /// The child with the element of a rank, and its rank in there.
    #[inline]
    fn child_at(&self, mut rank: usize) -> (usize, usize) {
        for (i, &count) in self.counts().iter().enumerate() {
            if rank < count as usize {
                return (i, rank);
            }
            rank -= count as usize;
        }
        unreachable!("ranks are below the count")
    }

    fn insert(&mut self, at: usize, child: Node) {
        let len = self.children.len();
        self.firsts.insert(at, child.first());
        self.counts.copy_within(at..len, at + 1);
        self.counts[at] = child.count() as u32;
        self.children.insert(at, child);
    }

    fn remove(&mut self, at: usize) {
        let len = self.children.len();
        self.firsts.remove(at);
        self.counts.copy_within(at + 1..len, at);
        self.children.remove(at);
    }

    /// Notes anew what a child holds.
    fn settle(&mut self, at: usize) {
        self.firsts.set(at, self.children[at].first());
        self.counts[at] = self.children[at].count() as u32;
    }

    /// Makes room in a full child. This node has room for one more.
    fn make_room(&mut self, at: usize, edge: Edge, sizes: &mut Sizes) {
        let is_leaf = matches!(self.children[at], Node::Leaf(_));
        if is_leaf && edge == Edge::None {
            let has_room = |node: &Node| node.len() <= SHARE_MAX;
            let left = at.checked_sub(1).filter(|&left| has_room(&self.children[left]));
            let right = Some(at).filter(|_| self.children.get(at + 1).is_some_and(has_room));
            if let Some(left) = left.or(right) {
                self.share(left);
                return;
            }
        }
        let child = &mut self.children[at];
        let split_at = match edge {
            Edge::None => child.len() / 2,
            Edge::First => 1,
            Edge::Last => child.len() - 1,
        };
        let right = child.split_off(split_at, sizes);
        self.settle(at);
        self.insert(at + 1, right);
    }

    /// Spreads the elements of a child and the next one evenly over both.
    fn share(&mut self, at: usize) {
        let [left, right] = self.pair(at);
        let total = left.len() + right.len();
        if left.len() < total / 2 {
            left.take_first_of(right, total / 2 - left.len());
        } else {
            left.give_last_to(right, left.len() - total / 2);
        }
        self.settle(at);
        self.settle(at + 1);
    }

    /// Merges a child that became small with a neighbour, or lets them share.
    fn refill(&mut self, at: usize, sizes: &mut Sizes) {
        let at = if at + 1 < self.children.len() { at } else { at - 1 };
        let [left, right] = self.pair(at);
        let total = left.len() + right.len();
        if total > left.len_max() / 8 * 7 {
            return self.share(at);
        }
        left.take_first_of(right, right.len());
        sizes.forget(right);
        self.remove(at + 1);
        self.settle(at);
    }

    fn pair(&mut self, at: usize) -> [&mut Node; 2] {
        let (left, right) = self.children.split_at_mut(at + 1);
        [&mut left[at], &mut right[0]]
    }
}

/// Whether an insertion goes before or after everything else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    None,
    First,
    Last,
}

impl Node {
    /// Elements of a leaf, children of an inner node.
    fn len(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.0.len(),
            Node::Inner(inner) => inner.children.len(),
        }
    }

    fn len_max(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF_MAX,
            Node::Inner(_) => INNER_MAX,
        }
    }

    fn is_full(&self) -> bool {
        self.len() == self.len_max()
    }

    fn is_small(&self) -> bool {
        self.len() < self.len_max() / 3
    }

    /// Elements below.
    fn count(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.0.len(),
            Node::Inner(inner) => inner.counts().iter().map(|&count| count as usize).sum(),
        }
    }

    fn first(&self) -> (f64, Id) {
        match self {
            Node::Leaf(leaf) => leaf.0.first(),
            Node::Inner(inner) => inner.firsts.first(),
        }
    }

    fn split_off(&mut self, at: usize, sizes: &mut Sizes) -> Node {
        let count = self.len() - at;
        let mut right = match self {
            Node::Leaf(_) => sizes.leaf(),
            Node::Inner(_) => sizes.inner(),
        };
        self.give_last_to(&mut right, count);
        right
    }

    /// Takes the first of the neighbour behind, which is of the same level.
    fn take_first_of(&mut self, right: &mut Node, count: usize) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.0.take_first_of(&mut right.0, count),
            (Node::Inner(left), Node::Inner(right)) => {
                let (len, right_len) = (left.children.len(), right.children.len());
                left.firsts.take_first_of(&mut right.firsts, count);
                left.counts[len..len + count].copy_from_slice(&right.counts[..count]);
                right.counts.copy_within(count..right_len, 0);
                left.children.extend(right.children.drain(..count));
            }
            _ => unreachable!("neighbours are of the same level"),
        }
    }

    /// Gives the last to the neighbour behind, which is of the same level.
    fn give_last_to(&mut self, right: &mut Node, count: usize) {
        match (self, right) {
            (Node::Leaf(left), Node::Leaf(right)) => left.0.give_last_to(&mut right.0, count),
            (Node::Inner(left), Node::Inner(right)) => {
                let (from, right_len) = (left.children.len() - count, right.children.len());
                left.firsts.give_last_to(&mut right.firsts, count);
                right.counts.copy_within(..right_len, count);
                right.counts[..count].copy_from_slice(&left.counts[from..from + count]);
                right.children.splice(..0, left.children.drain(from..));
            }
            _ => unreachable!("neighbours are of the same level"),
        }
    }
}

/// How many nodes there are.
#[derive(Clone, Copy, Default)]
struct Sizes {
    leaves: usize,
    inners: usize,
}

impl Sizes {
    fn leaf(&mut self) -> Node {
        self.leaves += 1;
        Node::Leaf(Box::new(Leaf(Elements::EMPTY)))
    }

    fn inner(&mut self) -> Node {
        self.inners += 1;
        Node::Inner(Inner::empty())
    }

    fn forget(&mut self, node: &Node) {
        match node {
            Node::Leaf(_) => self.leaves -= 1,
            Node::Inner(_) => self.inners -= 1,
        }
    }
}

/// Which element is meant.
#[derive(Clone, Copy)]
pub(super) enum Where<'a> {
    /// The one with this key, which is there.
    Key(Key<'a>),
    /// The one of this rank, which is below the length.
    Rank(usize),
}

/// The whole tree.
#[derive(Clone)]
pub(super) struct Tree {
    root: Node,
    len: usize,
    sizes: Sizes,
}

impl Default for Tree {
    fn default() -> Tree {
        let mut sizes = Sizes::default();
        Tree { root: sizes.leaf(), len: 0, sizes }
    }
}

impl Tree {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory(&self) -> usize {
        let inner = size_of::<Inner>() + INNER_MAX * size_of::<Node>();
        self.sizes.leaves * size_of::<Leaf>() + self.sizes.inners * inner
    }

    pub(super) fn allocations(&self) -> usize {
        self.sizes.leaves + 2 * self.sizes.inners
    }

    /// How many elements lie before a bound.
    #[inline]
    pub(super) fn rank(&self, arena: &Arena, bound: &impl Bound) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return rank + bound.before(leaf.scores(), leaf.ids(), arena),
                Node::Inner(inner) => {
                    // All of a child lies before the bound if the next child's first element does.
                    let before = bound.before(inner.firsts.scores(), inner.firsts.ids(), arena);
                    let at = before.saturating_sub(1);
                    rank += inner.counts[..at].iter().map(|&count| count as usize).sum::<usize>();
                    node = &inner.children[at];
                }
            }
        }
    }

    /// The leaf with the element of a rank below the length, and where in there it is.
    #[inline]
    pub(super) fn leaf_at(&self, mut rank: usize) -> (&Leaf, usize) {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, rank),
                Node::Inner(inner) => {
                    let (at, rest) = inner.child_at(rank);
                    (node, rank) = (&inner.children[at], rest);
                }
            }
        }
    }

    /// Inserts an element that is not there.
    pub(super) fn insert(&mut self, arena: &Arena, key: Key<'_>, id: Id) {
        if self.root.is_full() {
            let old = std::mem::replace(&mut self.root, self.sizes.inner());
            if let Node::Inner(root) = &mut self.root {
                root.insert(0, old);
            }
        }
        self.len += 1;
        let (mut node, mut is_first, mut is_last) = (&mut self.root, true, true);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let at = key.before(leaf.scores(), leaf.ids(), arena);
                    return leaf.0.insert(at, (key.score, id));
                }
                Node::Inner(inner) => {
                    let mut at = inner.child_of(&key, arena);
                    if inner.children[at].is_full() {
                        let is_leaf_last = is_last && at + 1 == inner.children.len();
                        let edge = match &inner.children[at] {
                            Node::Leaf(leaf) => edge_of(leaf, &key, arena, is_first, is_leaf_last),
                            Node::Inner(_) => Edge::None,
                        };
                        inner.make_room(at, edge, &mut self.sizes);
                        at = inner.child_of(&key, arena);
                    }
                    is_first &= at == 0;
                    is_last &= at + 1 == inner.children.len();
                    inner.counts[at] += 1;
                    if is_first && is_before(&key, inner.firsts.first(), arena) {
                        inner.firsts.set(0, (key.score, id));
                    }
                    node = &mut inner.children[at];
                }
            }
        }
    }

    /// Removes an element and returns its record.
    pub(super) fn remove(&mut self, arena: &Arena, at: Where<'_>) -> Id {
        self.len -= 1;
        let id = remove(&mut self.root, arena, at, &mut self.sizes);
        if let Node::Inner(inner) = &mut self.root
            && inner.children.len() == 1
            && let Some(only) = inner.children.pop()
        {
            self.sizes.inners -= 1;
            self.root = only;
        }
        id
    }

    /// Gives an element another score.
    pub(super) fn rescore(&mut self, arena: &Arena, old: Key<'_>, id: Id, score: f64) {
        let new = Key { score, member: old.member };
        if !self.move_within_leaf(arena, &old, &new) {
            self.remove(arena, Where::Key(old));
            self.insert(arena, new, id);
        }
    }

    /// Moves an element within its leaf; false where it has to leave it, or where what the nodes
    /// above say would change.
    fn move_within_leaf(&mut self, arena: &Arena, old: &Key<'_>, new: &Key<'_>) -> bool {
        let leaf = self.leaf_of(arena, old);
        let elements = &mut leaf.0;
        let from = old.before(elements.scores(), elements.ids(), arena);
        let to = new.before(elements.scores(), elements.ids(), arena);
        if from == 0 || to == 0 || to == elements.len() {
            return false;
        }
        // What lies between moves by one towards the old place.
        let (range, to) = if to > from { (from..to, to - 1) } else { (to..from + 1, to) };
        if to > from {
            elements.scores[range.clone()].rotate_left(1);
            elements.ids[range].rotate_left(1);
        } else {
            elements.scores[range.clone()].rotate_right(1);
            elements.ids[range].rotate_right(1);
        }
        elements.scores[to] = new.score;
        true
    }

    fn leaf_of(&mut self, arena: &Arena, key: &Key<'_>) -> &mut Leaf {
        let mut node = &mut self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => {
                    let at = inner.child_of(key, arena);
                    node = &mut inner.children[at];
                }
            }
        }
    }

    /// Notes the new number of an element's record, while the arena has it at both.
    pub(super) fn renumber(&mut self, arena: &Arena, key: Key<'_>, old: Id, new: Id) {
        let mut node = &mut self.root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let at = key.before(leaf.scores(), leaf.ids(), arena);
                    leaf.0.ids[at] = new;
                    return;
                }
                Node::Inner(inner) => {
                    let at = inner.child_of(&key, arena);
                    if inner.firsts.ids[at] == old {
                        inner.firsts.ids[at] = new;
                    }
                    node = &mut inner.children[at];
                }
            }
        }
    }
}

fn is_before(key: &Key<'_>, (score, id): (f64, Id), arena: &Arena) -> bool {
    compare((key.score, key.member), (score, arena.member(id))) == Ordering::Less
}

/// Whether a key goes before or after all elements, of which this leaf is the first or the last.
fn edge_of(leaf: &Leaf, key: &Key<'_>, arena: &Arena, is_first: bool, is_last: bool) -> Edge {
    match key.before(leaf.scores(), leaf.ids(), arena) {
        0 if is_first => Edge::First,
        at if is_last && at == leaf.0.len() => Edge::Last,
        _ => Edge::None,
    }
}

/// Removes an element below a node. The caller looks whether the node has become small.
fn remove(node: &mut Node, arena: &Arena, at: Where<'_>, sizes: &mut Sizes) -> Id {
    match node {
        Node::Leaf(leaf) => {
            let at = match at {
                Where::Key(key) => key.before(leaf.scores(), leaf.ids(), arena),
                Where::Rank(rank) => rank,
            };
            leaf.0.remove(at)
        }
        Node::Inner(inner) => {
            let (child, at) = match at {
                Where::Key(key) => (inner.child_of(&key, arena), at),
                Where::Rank(rank) => {
                    let (child, rest) = inner.child_at(rank);
                    (child, Where::Rank(rest))
                }
            };
            let id = remove(&mut inner.children[child], arena, at, sizes);
            inner.counts[child] -= 1;
            if inner.firsts.ids[child] == id {
                inner.firsts.set(child, inner.children[child].first());
            }
            if inner.children[child].is_small() {
                inner.refill(child, sizes);
            }
            id
        }
    }
}

#[cfg(test)]
#[path = "checks.rs"]
mod checks;
