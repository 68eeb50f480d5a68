//! Removal of members and of ranges.

use super::edit::{Limits, ZSetEdit};
use super::value::View;
use super::{REMOVE, bounds, event};
use engine::args::Args;
use engine::command::{Categories, Command, Flags, command, double, integer, key, string};
use engine::cx::{CmdResult, Cx, Outcome};
use keyspace::hooks::Event;
use std::ops::Range;

const ZREM: Event = event("zrem");
const BY_RANK: Event = event("zremrangebyrank");
const BY_SCORE: Event = event("zremrangebyscore");
const BY_LEX: Event = event("zremrangebylex");

const COST: &str = "O(log(N)+M) with N the members of the set and M those removed.";

pub(super) const COMMANDS: &[Command] = &[
    remover("ZREM", zrem)
        .summary("Removes members.")
        .since("1.2.0")
        .complexity("O(M*log(N)) with N the members of the set and M those to remove.")
        .history(&[("2.4.0", "Several members may be given.")])
        .flags(Flags::WRITE.or(Flags::FAST))
        .args(&[key("key"), string("member").many()]),
    remover("ZREMRANGEBYRANK", zremrangebyrank)
        .summary("Removes the members in a range of ranks.")
        .since("2.0.0")
        .args(&[key("key"), integer("start"), integer("stop")]),
    remover("ZREMRANGEBYSCORE", zremrangebyscore)
        .summary("Removes the members with scores in a range.")
        .since("1.2.0")
        .args(&[key("key"), double("min"), double("max")]),
    remover("ZREMRANGEBYLEX", zremrangebylex)
        .summary("Removes the members in a range of members, where all scores are equal.")
        .since("2.8.9")
        .args(&[key("key"), string("min"), string("max")]),
];

const fn remover(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .group("sorted-set")
        .complexity(COST)
        .flags(Flags::WRITE)
        .acl(Categories::SORTEDSET)
        .keys(REMOVE)
}

fn zrem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = ZSetEdit::open(&mut cx.db, args.at(1), limits)?;
    let removed = args.from(2).iter().filter(|member| edit.remove(member)).count();
    edit.commit(ZREM, removed);
    cx.reply.integer(removed as i64);
    Ok(Outcome::Done)
}

fn zremrangebyrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    remove(cx, args, BY_RANK, |view| bounds::ranks(start, stop, view.len()))
}

fn zremrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = bounds::scores(args.at(2), args.at(3))?;
    remove(cx, args, BY_SCORE, |view| view.score_ranks(range))
}

fn zremrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = bounds::members(args.at(2), args.at(3))?;
    remove(cx, args, BY_LEX, |view| view.lex_ranks(range, false))
}

fn remove(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    event: Event,
    ranks: impl FnOnce(View<'_>) -> Range<usize>,
) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = ZSetEdit::open(&mut cx.db, args.at(1), limits)?;
    let ranks = ranks(edit.view());
    let count = ranks.len();
    edit.remove_ranks(ranks);
    edit.commit(event, count);
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}
