//! The set against a model: std's ordered set of (score, member) and map of members.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use stdx::prng::Prng;

/// A score with the order of the set.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Score) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Score) -> Ordering {
        self.0.partial_cmp(&other.0).expect("no NaN")
    }
}

#[derive(Default)]
struct Model {
    order: BTreeSet<(Score, Vec<u8>)>,
    scores: BTreeMap<Vec<u8>, f64>,
}

impl Model {
    fn insert(&mut self, member: &[u8], score: f64) {
        if let Some(old) = self.scores.insert(member.to_vec(), score) {
            self.order.remove(&(Score(old), member.to_vec()));
        }
        self.order.insert((Score(score), member.to_vec()));
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let old = self.scores.remove(member)?;
        self.order.remove(&(Score(old), member.to_vec()));
        Some(old)
    }
}

/// The set has exactly the model's elements, in order, and all ways to ask agree.
#[track_caller]
fn verify(set: &OrderedSet, model: &Model) {
    assert_eq!(set.len(), model.order.len());
    set.tree.check(&set.arena);
    let expected: Vec<(&[u8], f64)> = model.order.iter().map(|(s, m)| (&m[..], s.0)).collect();
    assert!(set.iter().eq(expected.iter().copied()));
    assert!(set.iter().rev().eq(expected.iter().rev().copied()));
    for (rank, &(member, score)) in expected.iter().enumerate().step_by(7) {
        assert_eq!(set.rank(member), Some((rank, score)));
        assert_eq!(set.at(rank), Some((member, score)));
    }
    for &(member, score) in expected.iter().step_by(13) {
        for after_equal in [false, true] {
            let before = expected.iter().filter(|(_, other)| match after_equal {
                true => *other <= score,
                false => *other < score,
            });
            assert_eq!(set.rank_of_score(ScoreBound { score, after_equal }), before.count());
        }
        assert_eq!(set.score(member), Some(score));
    }
}

/// How scores, members and operations are drawn.
struct Mix {
    members: u64,
    /// Different scores; 1 for lexicographic sets.
    scores: u64,
    len_max: u64,
    steps: u64,
    /// Removals in a hundred operations, in phases of growth and of shrinking.
    removals: [u64; 2],
}

fn run(seed: u64, mix: &Mix) {
    let mut rng = Prng::new(seed);
    let (mut set, mut model) = (OrderedSet::new(seed), Model::default());
    for step in 0..mix.steps {
        let phase = (step * 4 / mix.steps % 2) as usize;
        let number = rng.below(mix.members);
        let mut member = format!("m:{number}:").into_bytes();
        member.resize(member.len() + (number * 7919 % mix.len_max) as usize, b'x');
        if rng.below(100) < mix.removals[phase] {
            assert_eq!(set.remove(&member), model.remove(&member));
        } else {
            let score = rng.below(mix.scores) as f64 / 4.0 - 10.0;
            set.insert(&member, score).expect("room");
            model.insert(&member, score);
        }
        if step % (mix.steps / 20) == 0 {
            verify(&set, &model);
        }
    }
    verify(&set, &model);
    verify(&set.clone(), &model);
    while let Some((_, member)) = model.order.first().cloned() {
        let rank = rng.below(set.len() as u64) as usize;
        let other = set.at(rank).expect("below the length").0.to_vec();
        set.remove_range(rank..rank + 1);
        model.remove(&other);
        assert_eq!(set.remove(&member), model.remove(&member));
        if set.len().is_multiple_of(1000) {
            verify(&set, &model);
        }
    }
    assert!(set.is_empty());
}

#[test]
fn random_operations_agree_with_the_model() {
    let removals = [10, 80];
    run(1, &Mix { members: 8000, scores: 1 << 40, len_max: 20, steps: 40_000, removals });
    run(2, &Mix { members: 5000, scores: 1, len_max: 20, steps: 20_000, removals });
    run(3, &Mix { members: 8000, scores: 50, len_max: 600, steps: 40_000, removals });
    run(4, &Mix { members: 300, scores: 1000, len_max: 3000, steps: 10_000, removals });
    run(5, &Mix { members: 100, scores: 10, len_max: 5, steps: 5000, removals: [50, 50] });
}

/// Scores that move a little stay in their leaf, mostly; the others change leaves.
#[test]
fn scores_that_change_agree_with_the_model() {
    let mut rng = Prng::new(9);
    let (mut set, mut model) = (OrderedSet::new(9), Model::default());
    for i in 0..4000u64 {
        set.insert(&i.to_be_bytes(), i as f64).expect("room");
        model.insert(&i.to_be_bytes(), i as f64);
    }
    for step in 0..40_000u64 {
        let member = rng.below(4000).to_be_bytes();
        let spot = set.find(&member);
        let far = if step.is_multiple_of(5) { 4000 } else { 20 };
        let score = spot.score().expect("there") + rng.below(far) as f64 - (far / 2) as f64;
        set.put(spot, &member, score).expect("room");
        model.insert(&member, score);
    }
    verify(&set, &model);
}

#[test]
fn ascending_and_descending_insertions_fill_their_leaves() {
    for order in [1.0, -1.0] {
        let mut set = OrderedSet::new(1);
        for i in 0..20_000u64 {
            set.insert(&i.to_be_bytes(), order * i as f64).expect("room");
        }
        set.tree.check(&set.arena);
        let leaves = set.tree.leaves();
        assert!(leaves <= 20_000 / 60, "{leaves} leaves");
    }
}

#[test]
fn random_insertions_keep_leaves_four_fifths_full() {
    let (mut set, mut rng) = (OrderedSet::new(1), Prng::new(2));
    for i in 0..50_000u64 {
        set.insert(&i.to_be_bytes(), rng.below(1 << 50) as f64).expect("room");
    }
    let fill = 50_000.0 / (set.tree.leaves() * 63) as f64;
    assert!(fill > 0.78, "leaves are {fill:.2} full");
}

#[test]
fn bounds_of_members() {
    let mut set = OrderedSet::new(4);
    for i in 0..1000u32 {
        set.insert(format!("{:04}", i * 2).as_bytes(), 0.0).expect("room");
    }
    let rank = |member: &str, after_equal| {
        set.rank_of_member(MemberBound { member: member.as_bytes(), after_equal })
    };
    assert_eq!((rank("0100", false), rank("0100", true)), (50, 51));
    assert_eq!((rank("0101", false), rank("0101", true)), (51, 51));
    assert_eq!((rank("", false), rank("9", true)), (0, 1000));
}

#[test]
fn signs_of_zero_are_kept_and_equal() {
    let mut set = OrderedSet::new(4);
    for (member, score) in [("b", 0.0), ("a", -0.0), ("c", -0.0)] {
        set.insert(member.as_bytes(), score).expect("room");
    }
    let members: Vec<&[u8]> = set.iter().map(|(member, _)| member).collect();
    assert_eq!(members, [b"a", b"b", b"c"]);
    assert!(set.score(b"a").expect("there").is_sign_negative());
    assert!(set.at(1).expect("there").1.is_sign_positive());
    set.insert(b"inf", f64::INFINITY).expect("room");
    set.insert(b"-inf", f64::NEG_INFINITY).expect("room");
    assert_eq!(
        (set.rank(b"-inf"), set.rank(b"inf").map(|r| r.0)),
        (Some((0, f64::NEG_INFINITY)), Some(4))
    );
}

#[test]
fn a_walk_over_a_changing_set_returns_each_old_member_once() {
    let mut set = OrderedSet::new(5);
    for i in 0..5000 {
        set.insert(format!("old:{i}").as_bytes(), f64::from(i)).expect("room");
    }
    let (mut seen, mut position, mut new) = (HashSet::new(), Some(0), 0);
    while let Some(from) = position {
        let mut visited = 0;
        position = set.scan(from, 10, |member, _| {
            visited += 1;
            if member.starts_with(b"old") {
                assert!(seen.insert(member.to_vec()), "returned twice");
            }
        });
        assert!((10..20).contains(&visited) || position.is_none());
        for _ in 0..20 {
            set.insert(format!("new:{new}").as_bytes(), 0.5).expect("room");
            set.remove(format!("new:{}", new / 2).as_bytes());
            new += 1;
        }
    }
    assert_eq!(seen.len(), 5000);
}

/// A large set that shrinks gives memory back, and what it says of its memory is the truth.
#[test]
fn memory_follows_the_contents() {
    let mut set = OrderedSet::new(6);
    let member = |i: u64| format!("member:{i:010}:{}", "y".repeat((i % 40) as usize)).into_bytes();
    for i in 0..60_000 {
        set.insert(&member(i), (i * 7919 % 60_000) as f64).expect("room");
    }
    let full = set.memory();
    assert_eq!(set.arena.memory(), set.arena.recounted());
    assert_eq!(set.index.memory(), set.index.recounted());
    for i in 0..60_000 {
        if i % 20 != 0 {
            set.remove(&member(i));
        }
    }
    assert_eq!(set.len(), 3000);
    assert_eq!(set.arena.memory(), set.arena.recounted());
    assert_eq!(set.index.memory(), set.index.recounted());
    let kept = set.arena.memory();
    assert!(kept < 1_000_000, "{kept} bytes are kept of {full}");
    for i in (0..60_000).step_by(20) {
        assert_eq!(set.score(&member(i)), Some((i * 7919 % 60_000) as f64));
    }
    set.tree.check(&set.arena);
}
