//! ZRANDMEMBER.

use super::value::View;
use super::{READ, reply_element, reply_len};
use engine::args::Args;
use engine::command::{Arg, Categories, Command, Flags, block, command, integer, key, token};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use std::collections::HashSet;
use stdx::prng::Prng;

const OUT_OF_RANGE: CmdError = CmdError::fixed("ERR value is out of range");
const OUT_OF_LONG: CmdError = CmdError::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// Most members that one call returns with repetition: the reply is made in memory.
const REPEATED_MAX: u64 = 1 << 26;

const OPTIONS: &[Arg] = &[integer("count"), token("withscores", "WITHSCORES").optional()];

pub(super) const COMMANDS: &[Command] = &[command("ZRANDMEMBER", zrandmember)
    .summary("Returns random members.")
    .since("6.2.0")
    .group("sorted-set")
    .complexity("O(M*log(N)) with N the members of the set and M those returned.")
    .flags(Flags::READONLY)
    .acl(Categories::SORTEDSET)
    .keys(READ)
    .tips(&["nondeterministic_output"])
    .args(&[key("key"), block("options", OPTIONS).optional()])];

fn zrandmember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 2 {
        return several(cx, args);
    }
    let view = View::read(&mut cx.db, args.at(1))?;
    let rank = cx.rng.below(view.len() as u64) as usize;
    match view.range(rank..rank + 1).next() {
        Some((member, _)) => cx.reply.bulk(&member),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}

fn several(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = args.integer(2)?;
    if count == i64::MIN {
        return Err(OUT_OF_LONG);
    }
    let with_scores = args.len() > 3;
    if args.len() > 4 || with_scores && !args.is(3, "WITHSCORES") {
        return Err(error::SYNTAX);
    }
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(OUT_OF_RANGE);
    }
    let view = View::read(&mut cx.db, args.at(1))?;
    let (len, wanted) = (view.len(), count.unsigned_abs());
    let ranks = match count {
        _ if len == 0 => Vec::new(),
        ..0 if wanted > REPEATED_MAX => return Err(OUT_OF_RANGE),
        ..0 => (0..wanted).map(|_| cx.rng.below(len as u64) as usize).collect(),
        _ if wanted >= len as u64 => (0..len).rev().collect(),
        _ => distinct(len, wanted as usize, cx.rng),
    };
    reply_len(&mut cx.reply, ranks.len(), with_scores);
    for_each(view, &ranks, |member, score| {
        reply_element(&mut cx.reply, member, with_scores.then_some(score));
    });
    Ok(Outcome::Done)
}

/// Visits the elements of these ranks. O(ranks * log n), or O(n + ranks) for a small set.
fn for_each(view: View<'_>, ranks: &[usize], mut visit: impl FnMut(&[u8], f64)) {
    match view {
        View::Packed(_) => {
            let elements: Vec<_> = view.iter().collect();
            ranks.iter().for_each(|&rank| visit(&elements[rank].0, elements[rank].1));
        }
        View::Tree(set) => {
            let elements = ranks.iter().filter_map(|&rank| set.at(rank));
            elements.for_each(|(member, score)| visit(member, score));
        }
    }
}

/// `count` distinct numbers below `len`, every choice equally likely (Floyd's algorithm, Bentley
/// 1987, then shuffled). O(count).
fn distinct(len: usize, count: usize, rng: &mut Prng) -> Vec<usize> {
    let (mut chosen, mut seen) = (Vec::with_capacity(count), HashSet::with_capacity(count));
    for last in len - count..len {
        let other = rng.below(last as u64 + 1) as usize;
        let number = if seen.insert(other) { other } else { last };
        seen.insert(number);
        chosen.push(number);
    }
    for index in (1..chosen.len()).rev() {
        chosen.swap(index, rng.below(index as u64 + 1) as usize);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_distinct_and_even() {
        let (mut rng, mut counts, mut firsts) = (Prng::new(1), [0; 10], [0; 10]);
        for _ in 0..5000 {
            let chosen = distinct(10, 4, &mut rng);
            assert_eq!(chosen.iter().collect::<HashSet<_>>().len(), 4);
            chosen.iter().for_each(|&number| counts[number] += 1);
            firsts[chosen[0]] += 1;
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
        assert!(firsts.iter().all(|count| (400..600).contains(count)), "{firsts:?}");
        assert_eq!(distinct(3, 3, &mut rng).len(), 3);
    }
}
