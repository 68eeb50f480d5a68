//! ZADD and ZINCRBY.

use super::edit::{Limits, ZSetEdit};
use super::event;
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, block, command, double, integer, key,
    one_of, string, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::Event;

const ZADD: Event = event("zadd");
const ZINCR: Event = event("zincr");

const NX_XX: CmdError =
    CmdError::fixed("ERR XX and NX options at the same time are not compatible");
const GT_LT_NX: CmdError =
    CmdError::fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
const ONE_PAIR: CmdError =
    CmdError::fixed("ERR INCR option supports a single increment-element pair");
const NOT_A_NUMBER: CmdError = CmdError::fixed("ERR resulting score is not a number (NaN)");

const WRITES: Flags = Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST);

const CONDITIONS: &[Arg] = &[token("nx", "NX"), token("xx", "XX")];
const COMPARISONS: &[Arg] = &[token("gt", "GT"), token("lt", "LT")];
const PAIR: &[Arg] = &[double("score"), string("member")];

pub(super) const COMMANDS: &[Command] = &[
    command("ZADD", zadd)
        .summary("Adds members to a sorted set or gives them other scores.")
        .since("1.2.0")
        .group("sorted-set")
        .complexity("O(log(N)) per member with N the members of the set.")
        .history(&[
            ("2.4.0", "Several members may be given."),
            ("3.0.2", "The options `XX`, `NX`, `CH` and `INCR` were added."),
            ("6.2.0", "The options `GT` and `LT` were added."),
        ])
        .flags(WRITES)
        .acl(Categories::SORTEDSET)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::UPDATE))])
        .args(&[
            key("key"),
            one_of("condition", CONDITIONS).optional().since("3.0.2"),
            one_of("comparison", COMPARISONS).optional().since("6.2.0"),
            token("change", "CH").optional().since("3.0.2"),
            token("increment", "INCR").optional().since("3.0.2"),
            block("data", PAIR).many(),
        ]),
    command("ZINCRBY", zincrby)
        .summary("Adds a number to the score of a member; a missing one counts as 0.")
        .since("1.2.0")
        .group("sorted-set")
        .complexity("O(log(N)) with N the members of the set.")
        .flags(WRITES)
        .acl(Categories::SORTEDSET)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))])
        .args(&[key("key"), integer("increment"), string("member")]),
];

/// What ZADD may and may not do.
#[derive(Clone, Copy, Default)]
struct Options {
    /// Only members that are not there.
    nx: bool,
    /// Only members that are there.
    xx: bool,
    /// Only scores that grow.
    gt: bool,
    /// Only scores that shrink.
    lt: bool,
    /// Count changed members, not added ones.
    ch: bool,
    /// The score is an increment.
    incr: bool,
}

impl Options {
    /// Reads the options and returns the index of the first score.
    fn parse(args: Args<'_>) -> Result<(Options, usize), CmdError> {
        let (mut options, mut index) = (Options::default(), 2);
        while index < args.len() {
            let option = match () {
                () if args.is(index, "NX") => &mut options.nx,
                () if args.is(index, "XX") => &mut options.xx,
                () if args.is(index, "CH") => &mut options.ch,
                () if args.is(index, "INCR") => &mut options.incr,
                () if args.is(index, "GT") => &mut options.gt,
                () if args.is(index, "LT") => &mut options.lt,
                () => break,
            };
            *option = true;
            index += 1;
        }
        let words = args.len() - index;
        if words == 0 || !words.is_multiple_of(2) {
            return Err(error::SYNTAX);
        }
        if options.nx && options.xx {
            return Err(NX_XX);
        }
        if options.gt && options.lt || options.nx && (options.gt || options.lt) {
            return Err(GT_LT_NX);
        }
        if options.incr && words > 2 {
            return Err(ONE_PAIR);
        }
        Ok((options, index))
    }

    /// The score that a member gets, if it gets another one. `Err` where it would be no number.
    #[inline]
    fn decide(self, old: Option<f64>, given: f64) -> Result<Option<f64>, CmdError> {
        let Some(old) = old else { return Ok((!self.xx).then_some(given)) };
        if self.nx {
            return Ok(None);
        }
        let new = if self.incr { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let allowed = !(self.gt && new <= old || self.lt && new >= old);
        Ok(allowed.then_some(new))
    }
}

fn zadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (options, first) = Options::parse(args)?;
    if options.incr {
        return increment(cx, args.at(1), args.at(first + 1), args.float(first)?, options);
    }
    // One pair, the usual call, needs no list.
    let (only, mut scores) = (args.float(first)?, Vec::new());
    if args.len() > first + 2 {
        scores.reserve_exact((args.len() - first) / 2);
        for index in (first..args.len()).step_by(2) {
            scores.push(args.float(index)?);
        }
    }
    let scores = if scores.is_empty() { std::slice::from_ref(&only) } else { &scores[..] };
    let limits = Limits::now(cx);
    let mut edit = ZSetEdit::open(&mut cx.db, args.at(1), limits)?;
    edit.check_room()?;
    let (mut added, mut updated) = (0, 0);
    if edit.exists() || !options.xx {
        edit.expect(scores.len());
        for (index, &score) in scores.iter().enumerate() {
            edit.update(args.at(first + 2 * index + 1), |old| {
                // A score that is given is a number, and so nothing is wrong with it.
                let new = options.decide(old, score).unwrap_or_default();
                let new = new.filter(|new| old != Some(*new));
                match (old, new) {
                    (None, Some(_)) => added += 1,
                    (Some(_), Some(_)) => updated += 1,
                    (_, None) => {}
                }
                (new, ())
            });
        }
    }
    edit.commit(ZADD, added + updated);
    cx.reply.integer(if options.ch { added + updated } else { added } as i64);
    Ok(Outcome::Done)
}

fn zincrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    // An increment that is the name of an option is read as one, which leaves too few words.
    let (options, first) = Options::parse(args)?;
    let options = Options { incr: true, ..options };
    increment(cx, args.at(1), args.at(first + 1), args.float(first)?, options)
}

fn increment(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    member: &[u8],
    by: f64,
    options: Options,
) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = ZSetEdit::open(&mut cx.db, key, limits)?;
    edit.check_room()?;
    edit.expect(1);
    let (result, changed) = edit.update(member, |old| match options.decide(old, by) {
        Ok(new) => {
            let change = new.filter(|new| old != Some(*new));
            (change, (Ok(new), change.is_some()))
        }
        Err(error) => (None, (Err(error), false)),
    });
    edit.commit(ZINCR, usize::from(changed));
    match result? {
        Some(score) => cx.reply.double(score),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}
