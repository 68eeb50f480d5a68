//! Scores, ranks and counts.

use super::value::View;
use super::{READ, READ_FAST, bounds};
use engine::args::Args;
use engine::command::{
    Categories, Command, KeyFlags, KeySpec, command, double, key, string, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error;

const RANK_HISTORY: &[(&str, &str)] = &[("7.2.0", "The option `WITHSCORE` was added.")];

pub(super) const COMMANDS: &[Command] = &[
    reader("ZSCORE", zscore)
        .summary("Returns the score of a member.")
        .since("1.2.0")
        .complexity("O(1)")
        .args(&[key("key"), string("member")]),
    reader("ZMSCORE", zmscore)
        .summary("Returns the scores of several members.")
        .since("6.2.0")
        .complexity("O(N) with N the members asked for.")
        .args(&[key("key"), string("member").many()]),
    reader("ZCARD", zcard)
        .summary("Counts the members of a sorted set.")
        .since("1.2.0")
        .complexity("O(1)")
        .keys(&[KeySpec::one(1, KeyFlags::RO)])
        .args(&[key("key")]),
    reader("ZCOUNT", zcount)
        .summary("Counts the members with scores in a range.")
        .since("2.0.0")
        .complexity("O(log(N)) with N the members of the set.")
        .args(&[key("key"), double("min"), double("max")]),
    reader("ZLEXCOUNT", zlexcount)
        .summary("Counts the members in a range of members.")
        .since("2.8.9")
        .complexity("O(log(N)) with N the members of the set.")
        .args(&[key("key"), string("min"), string("max")]),
    reader("ZRANK", zrank)
        .summary("Returns how many members come before one, by ascending score.")
        .since("2.0.0")
        .complexity("O(log(N))")
        .history(RANK_HISTORY)
        .args(&[key("key"), string("member"), token("withscore", "WITHSCORE").optional()]),
    reader("ZREVRANK", zrevrank)
        .summary("Returns how many members come before one, by descending score.")
        .since("2.0.0")
        .complexity("O(log(N))")
        .history(RANK_HISTORY)
        .args(&[key("key"), string("member"), token("withscore", "WITHSCORE").optional()]),
];

const fn reader(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .group("sorted-set")
        .flags(READ_FAST)
        .acl(Categories::SORTEDSET)
        .keys(READ)
}

fn reply_score(reply: &mut resp::Writer<'_>, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn zscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let score = View::read(&mut cx.db, args.at(1))?.score(args.at(2));
    reply_score(&mut cx.reply, score);
    Ok(Outcome::Done)
}

fn zmscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let view = View::read(&mut cx.db, args.at(1))?;
    let members = args.from(2);
    cx.reply.array(members.len());
    members.iter().for_each(|member| reply_score(&mut cx.reply, view.score(member)));
    Ok(Outcome::Done)
}

fn zcard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let len = View::read(&mut cx.db, args.at(1))?.len();
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

fn zcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = bounds::scores(args.at(2), args.at(3))?;
    let ranks = View::read(&mut cx.db, args.at(1))?.score_ranks(range);
    cx.reply.integer(ranks.len() as i64);
    Ok(Outcome::Done)
}

fn zlexcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let range = bounds::members(args.at(2), args.at(3))?;
    let ranks = View::read(&mut cx.db, args.at(1))?.lex_ranks(range, false);
    cx.reply.integer(ranks.len() as i64);
    Ok(Outcome::Done)
}

fn zrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    rank(cx, args, false)
}

fn zrevrank(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    rank(cx, args, true)
}

fn rank(cx: &mut Cx<'_, '_>, args: Args<'_>, reverse: bool) -> CmdResult {
    if args.len() > 4 {
        return Err(error::wrong_arity(&cx.command.name));
    }
    let with_score = args.len() == 4;
    if with_score && !args.is(3, "WITHSCORE") {
        return Err(error::SYNTAX);
    }
    let view = View::read(&mut cx.db, args.at(1))?;
    let Some((rank, score)) = view.rank(args.at(2)) else {
        if with_score {
            cx.reply.null_array()
        } else {
            cx.reply.null()
        }
        return Ok(Outcome::Done);
    };
    let rank = if reverse { view.len() - 1 - rank } else { rank };
    if with_score {
        cx.reply.array(2);
    }
    cx.reply.integer(rank as i64);
    if with_score {
        cx.reply.double(score);
    }
    Ok(Outcome::Done)
}
