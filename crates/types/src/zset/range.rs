//! ZRANGE in all its forms, and ZRANGESTORE.

use super::bounds::{self, mirrored};
use super::edit::{Built, Limits};
use super::value::{LexRange, ScoreRange, View};
use super::{READ, event, reply_element, reply_len};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, block, command, double, integer, key,
    key_of, one_of, string, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::Event;
use std::ops::Range;

const ZRANGESTORE: Event = event("zrangestore");

const LIMIT_BY_RANK: CmdError = CmdError::fixed(
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
);
const SCORES_BY_LEX: CmdError =
    CmdError::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");

const LIMIT: Arg = block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional();
const SORT_BY: Arg =
    one_of("sortby", &[token("byscore", "BYSCORE"), token("bylex", "BYLEX")]).optional();
const REV: Arg = token("rev", "REV").optional();
const WITH_SCORES: Arg = token("withscores", "WITHSCORES").optional();

const COST: &str = "O(log(N)+M) with N the members of the set and M those returned.";

pub(super) const COMMANDS: &[Command] = &[
    reader("ZRANGE", zrange)
        .summary("Returns the members in a range of ranks, scores or members.")
        .since("1.2.0")
        .history(&[("6.2.0", "The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT` were added.")])
        .args(&[
            key("key"),
            string("start"),
            string("stop"),
            SORT_BY.since("6.2.0"),
            REV.since("6.2.0"),
            LIMIT.since("6.2.0"),
            WITH_SCORES,
        ]),
    command("ZRANGESTORE", zrangestore)
        .summary("Stores the members in a range as another sorted set.")
        .since("6.2.0")
        .group("sorted-set")
        .complexity("O(log(N)+M) with N the members of the set and M those stored.")
        .flags(Flags::WRITE.or(Flags::DENYOOM))
        .acl(Categories::SORTEDSET)
        .keys(&[
            KeySpec::one(1, KeyFlags::OW.or(KeyFlags::UPDATE)),
            KeySpec::one(2, KeyFlags::RO.or(KeyFlags::ACCESS)),
        ])
        .args(&[key("dst"), key_of("src", 1), string("min"), string("max"), SORT_BY, REV, LIMIT]),
];

pub(super) const OLD_COMMANDS: &[Command] = &[
    reader("ZREVRANGE", zrevrange)
        .summary("Returns the members in a range of ranks, by descending score.")
        .since("1.2.0")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .args(&[key("key"), integer("start"), integer("stop"), WITH_SCORES]),
    reader("ZRANGEBYSCORE", zrangebyscore)
        .summary("Returns the members with scores in a range.")
        .since("1.0.5")
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .history(&[("2.0.0", "The option `WITHSCORES` was added.")])
        .args(&[key("key"), double("min"), double("max"), WITH_SCORES.since("2.0.0"), LIMIT]),
    reader("ZREVRANGEBYSCORE", zrevrangebyscore)
        .summary("Returns the members with scores in a range, by descending score.")
        .since("2.2.0")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .history(&[("2.1.6", "`min` and `max` may be excluded.")])
        .args(&[key("key"), double("max"), double("min"), WITH_SCORES, LIMIT]),
    reader("ZRANGEBYLEX", zrangebylex)
        .summary("Returns the members in a range of members, where all scores are equal.")
        .since("2.8.9")
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .args(&[key("key"), string("min"), string("max"), LIMIT]),
    reader("ZREVRANGEBYLEX", zrevrangebylex)
        .summary("Returns the members in a range of members backwards, where all scores are equal.")
        .since("2.8.9")
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
        .args(&[key("key"), string("max"), string("min"), LIMIT]),
];

const fn reader(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .group("sorted-set")
        .complexity(COST)
        .flags(Flags::READONLY)
        .acl(Categories::SORTEDSET)
        .keys(READ)
}

/// What the two ends of a range are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// What a command has settled before its options are read.
#[derive(Clone, Copy, Default)]
struct Form {
    by: Option<By>,
    reverse: Option<bool>,
    stores: bool,
}

/// A range, from whichever end.
#[derive(Clone, Copy)]
enum Ends<'a> {
    Rank(i64, i64),
    Score(ScoreRange),
    Lex(LexRange<'a>),
}

/// A whole request.
struct Query<'a> {
    ends: Ends<'a>,
    reverse: bool,
    /// Elements to pass over; `None` for more than there can be.
    offset: Option<usize>,
    count: usize,
    with_scores: bool,
}

impl<'a> Query<'a> {
    /// Reads the ends of the range at `index` and the options behind them.
    fn parse(args: Args<'a>, index: usize, form: Form) -> Result<Query<'a>, CmdError> {
        let (mut by, mut reverse) = (form.by, form.reverse);
        let (mut limit, mut with_scores) = (None, false);
        let mut at = index + 2;
        while at < args.len() {
            match () {
                () if !form.stores && args.is(at, "WITHSCORES") => with_scores = true,
                () if args.is(at, "LIMIT") && at + 2 < args.len() => {
                    limit = Some((args.integer(at + 1)?, args.integer(at + 2)?));
                    at += 2;
                }
                () if reverse.is_none() && args.is(at, "REV") => reverse = Some(true),
                () if by.is_none() && args.is(at, "BYLEX") => by = Some(By::Lex),
                () if by.is_none() && args.is(at, "BYSCORE") => by = Some(By::Score),
                () => return Err(error::SYNTAX),
            }
            at += 1;
        }
        let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
        // A limit of -1 is none, and ranks have no offset.
        let (mut offset, count) = limit.unwrap_or((0, -1));
        if by == By::Rank {
            if count != -1 {
                return Err(LIMIT_BY_RANK);
            }
            offset = 0;
        }
        if with_scores && by == By::Lex {
            return Err(SCORES_BY_LEX);
        }
        Ok(Query {
            ends: ends(args, index, by, reverse)?,
            reverse,
            offset: usize::try_from(offset).ok(),
            count: usize::try_from(count).unwrap_or(usize::MAX),
            with_scores,
        })
    }

    /// The ranks of the elements in the range.
    fn ranks(&self, view: View<'_>) -> Range<usize> {
        let ranks = match self.ends {
            Ends::Rank(start, stop) => {
                let ranks = bounds::ranks(start, stop, view.len());
                if self.reverse { mirrored(ranks, view.len()) } else { ranks }
            }
            Ends::Score(range) => view.score_ranks(range),
            Ends::Lex(range) => view.lex_ranks(range, self.reverse),
        };
        let offset = self.offset.unwrap_or(usize::MAX).min(ranks.len());
        let count = self.count.min(ranks.len() - offset);
        if self.reverse {
            let end = ranks.end - offset;
            end - count..end
        } else {
            let start = ranks.start + offset;
            start..start + count
        }
    }
}

fn ends(args: Args<'_>, index: usize, by: By, reverse: bool) -> Result<Ends<'_>, CmdError> {
    // A range of scores or members that is walked backwards is written backwards.
    let swap = reverse && by != By::Rank;
    let (first, second) = if swap { (index + 1, index) } else { (index, index + 1) };
    let (min, max) = (args.at(first), args.at(second));
    Ok(match by {
        By::Rank => Ends::Rank(args.integer(index)?, args.integer(index + 1)?),
        By::Score => Ends::Score(bounds::scores(min, max)?),
        By::Lex => Ends::Lex(bounds::members(min, max)?),
    })
}

fn zrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form::default())
}

fn zrevrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form { by: Some(By::Rank), reverse: Some(true), stores: false })
}

fn zrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form { by: Some(By::Score), reverse: Some(false), stores: false })
}

fn zrevrangebyscore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form { by: Some(By::Score), reverse: Some(true), stores: false })
}

fn zrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form { by: Some(By::Lex), reverse: Some(false), stores: false })
}

fn zrevrangebylex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_range(cx, args, Form { by: Some(By::Lex), reverse: Some(true), stores: false })
}

fn reply_range(cx: &mut Cx<'_, '_>, args: Args<'_>, form: Form) -> CmdResult {
    let query = Query::parse(args, 2, form)?;
    let view = View::read(&mut cx.db, args.at(1))?;
    let ranks = query.ranks(view);
    reply_len(&mut cx.reply, ranks.len(), query.with_scores);
    let elements = if query.reverse { view.range_back(ranks) } else { view.range(ranks) };
    for (member, score) in elements {
        reply_element(&mut cx.reply, &member, query.with_scores.then_some(score));
    }
    Ok(Outcome::Done)
}

fn zrangestore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let query = Query::parse(args, 3, Form { stores: true, ..Form::default() })?;
    let limits = Limits::now(cx);
    let view = View::read(&mut cx.db, args.at(2))?;
    let ranks = query.ranks(view);
    let built = Built::collect(|| view.range(ranks.clone()), limits)?;
    let len = built.store(cx, args.at(1), ZRANGESTORE);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}
