//! Unions, intersections and differences of sorted sets and sets.
//!
//! The inputs are read one after the other, and what is gathered so far is all that is kept: a
//! command never holds two values at once. A set counts as a sorted set in which every score is 1;
//! what can be an input is said in one place ([`Source`]).
//!
//! Sums of scores depend on the order of the inputs, which is that of their sizes, as in the
//! reference.

use super::edit::{Built, Limits};
use super::value::{Elements, View};
use super::{event, reply_element, reply_len};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, key_of, one_of,
    token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::Entry;
use keyspace::hooks::Event;
use structs::packed::Text;
use structs::tally::Tally;

const ZUNIONSTORE: Event = event("zunionstore");
const ZINTERSTORE: Event = event("zinterstore");
const ZDIFFSTORE: Event = event("zdiffstore");

const NOT_WEIGHT: CmdError = CmdError::fixed("ERR weight value is not a float");
const NEGATIVE_LIMIT: CmdError = CmdError::fixed("ERR LIMIT can't be negative");

const INPUTS: KeyFlags = KeyFlags::RO.or(KeyFlags::ACCESS);
const READ_KEYS: &[KeySpec] = &[KeySpec::counted(1, 1, INPUTS)];
const STORE_KEYS: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::counted(2, 1, INPUTS)];

const WEIGHTS: Arg = integer("weight").token("WEIGHTS").optional().many();
const FUNCTIONS: &[Arg] = &[token("sum", "SUM"), token("min", "MIN"), token("max", "MAX")];
const AGGREGATE: Arg = one_of("aggregate", FUNCTIONS).token("AGGREGATE").optional();
const WITH_SCORES: Arg = token("withscores", "WITHSCORES").optional();

const UNION_COST: &str =
    "O(N)+O(M*log(M)) with N the members of all inputs and M those of the result.";
const INTER_COST: &str = "O(N*K)+O(M*log(M)) with N the members of the smallest input, K the \
                          inputs and M the members of the result.";
const DIFF_COST: &str = "O(N*K)+O(M*log(M)) with N the members of the first input, K the inputs \
     and M the members of the result.";

pub(super) const COMMANDS: &[Command] = &[
    reader("ZUNION", zunion)
        .summary("Returns the members of any of several sorted sets.")
        .since("6.2.0")
        .complexity(UNION_COST)
        .args(&[integer("numkeys"), key("key").many(), WEIGHTS, AGGREGATE, WITH_SCORES]),
    reader("ZINTER", zinter)
        .summary("Returns the members that several sorted sets share.")
        .since("6.2.0")
        .complexity(INTER_COST)
        .args(&[integer("numkeys"), key("key").many(), WEIGHTS, AGGREGATE, WITH_SCORES]),
    reader("ZDIFF", zdiff)
        .summary("Returns the members of a sorted set that others do not have.")
        .since("6.2.0")
        .complexity(DIFF_COST)
        .args(&[integer("numkeys"), key("key").many(), WITH_SCORES]),
    reader("ZINTERCARD", zintercard)
        .summary("Counts the members that several sorted sets share.")
        .since("7.0.0")
        .complexity("O(N*K) with N the members of the smallest input and K the inputs.")
        .args(&[integer("numkeys"), key("key").many(), integer("limit").token("LIMIT").optional()]),
    storer("ZUNIONSTORE", zunionstore)
        .summary("Stores the members of any of several sorted sets.")
        .since("2.0.0")
        .complexity(UNION_COST)
        .args(&[
            key("destination"),
            integer("numkeys"),
            key_of("key", 1).many(),
            WEIGHTS,
            AGGREGATE,
        ]),
    storer("ZINTERSTORE", zinterstore)
        .summary("Stores the members that several sorted sets share.")
        .since("2.0.0")
        .complexity(INTER_COST)
        .args(&[
            key("destination"),
            integer("numkeys"),
            key_of("key", 1).many(),
            WEIGHTS,
            AGGREGATE,
        ]),
    storer("ZDIFFSTORE", zdiffstore)
        .summary("Stores the members of a sorted set that others do not have.")
        .since("6.2.0")
        .complexity(DIFF_COST)
        .args(&[key("destination"), integer("numkeys"), key_of("key", 1).many()]),
];

const fn reader(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .group("sorted-set")
        .flags(Flags::READONLY)
        .acl(Categories::SORTEDSET)
        .keys(READ_KEYS)
}

const fn storer(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .group("sorted-set")
        .flags(Flags::WRITE.or(Flags::DENYOOM))
        .acl(Categories::SORTEDSET)
        .keys(STORE_KEYS)
}

/// An input.
#[derive(Clone, Copy)]
enum Source<'a> {
    ZSet(View<'a>),
}

impl<'a> Source<'a> {
    /// The value of an entry; a missing key is empty.
    fn of(entry: Option<&'a Entry>) -> Result<Source<'a>, CmdError> {
        let Some(entry) = entry else { return Ok(Source::ZSet(View::EMPTY)) };
        View::of(entry).map(Source::ZSet).ok_or(error::WRONG_TYPE)
    }

    fn len(&self) -> usize {
        match self {
            Source::ZSet(view) => view.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::ZSet(view) => view.score(member),
        }
    }

    fn iter(&self) -> Elements<'a> {
        match self {
            Source::ZSet(view) => view.iter(),
        }
    }
}

/// What is done to the inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

/// How the scores of one member are combined.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            // Infinities of both signs give 0.
            Aggregate::Sum => number(left + right),
            Aggregate::Min => {
                if right < left {
                    right
                } else {
                    left
                }
            }
            Aggregate::Max => {
                if right > left {
                    right
                } else {
                    left
                }
            }
        }
    }
}

/// 0 for what is no number.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// One input of a request.
#[derive(Clone, Copy)]
struct Input<'a> {
    key: &'a [u8],
    weight: f64,
    len: usize,
}

/// A whole request.
struct Query<'a> {
    operation: Operation,
    inputs: Vec<Input<'a>>,
    aggregate: Aggregate,
    with_scores: bool,
    /// Most members that are counted.
    limit: usize,
}

/// Which options a command has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Returns,
    Stores,
    Counts,
}

impl<'a> Query<'a> {
    /// Reads the words from the number of keys on. The types of the inputs are checked before what
    /// follows them, as in the reference.
    fn parse(
        cx: &mut Cx<'_, '_>,
        args: Args<'a>,
        index: usize,
        operation: Operation,
        kind: Kind,
    ) -> Result<Query<'a>, CmdError> {
        let count = args.integer(index)?;
        if count < 1 {
            let name = &cx.command.name;
            let text = format!("ERR at least 1 input key is needed for '{name}' command");
            return Err(CmdError::text(text));
        }
        let first = index + 1;
        let count = usize::try_from(count).ok().filter(|count| *count <= args.len() - first);
        let end = first + count.ok_or(error::SYNTAX)?;
        let mut inputs = Vec::with_capacity(end - first);
        for index in first..end {
            let key = args.at(index);
            let len = Source::of(cx.db.read(key))?.len();
            inputs.push(Input { key, weight: 1.0, len });
        }
        let (aggregate, with_scores, limit) = (Aggregate::Sum, false, usize::MAX);
        let mut query = Query { operation, inputs, aggregate, with_scores, limit };
        query.options(args, end, kind)?;
        Ok(query)
    }

    fn options(&mut self, args: Args<'_>, mut at: usize, kind: Kind) -> Result<(), CmdError> {
        let combines = kind != Kind::Counts && self.operation != Operation::Diff;
        while at < args.len() {
            let left = args.len() - at - 1;
            match () {
                () if combines && args.is(at, "WEIGHTS") && left >= self.inputs.len() => {
                    for (index, input) in self.inputs.iter_mut().enumerate() {
                        let weight = stdx::num::parse_f64(args.at(at + 1 + index));
                        input.weight = weight.ok_or(NOT_WEIGHT)?;
                    }
                    at += self.inputs.len();
                }
                () if combines && args.is(at, "AGGREGATE") && left >= 1 => {
                    self.aggregate = match () {
                        () if args.is(at + 1, "SUM") => Aggregate::Sum,
                        () if args.is(at + 1, "MIN") => Aggregate::Min,
                        () if args.is(at + 1, "MAX") => Aggregate::Max,
                        () => return Err(error::SYNTAX),
                    };
                    at += 1;
                }
                () if kind == Kind::Returns && args.is(at, "WITHSCORES") => self.with_scores = true,
                () if kind == Kind::Counts && args.is(at, "LIMIT") && left >= 1 => {
                    let limit = stdx::num::parse_i64(args.at(at + 1)).filter(|limit| *limit >= 0);
                    let limit = limit.ok_or(NEGATIVE_LIMIT)?;
                    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                    self.limit = if limit == 0 { usize::MAX } else { limit };
                    at += 1;
                }
                () => return Err(error::SYNTAX),
            }
            at += 1;
        }
        Ok(())
    }

    /// The result.
    fn run(mut self, cx: &mut Cx<'_, '_>) -> Result<Tally, CmdError> {
        let mut tally = Tally::new(cx.rng.next_u64());
        if self.operation != Operation::Diff {
            self.inputs.sort_by_key(|input| input.len);
        }
        let (first, others) = match self.inputs.split_first() {
            Some((first, others)) => (*first, others),
            None => return Ok(tally),
        };
        for (member, score) in Source::of(cx.db.peek(first.key))?.iter() {
            let score =
                if self.operation == Operation::Diff { score } else { first.weight * score };
            tally.put(&member, |_| number(score));
        }
        for (index, input) in others.iter().enumerate() {
            if tally.is_empty() && self.operation != Operation::Union {
                break;
            }
            let source = Source::of(cx.db.peek(input.key))?;
            match self.operation {
                Operation::Union => self.unite(&mut tally, source, input.weight),
                Operation::Inter => {
                    let is_last = index + 1 == others.len();
                    let limit = if is_last { self.limit } else { usize::MAX };
                    self.intersect(&mut tally, source, input.weight, limit);
                }
                Operation::Diff => subtract(&mut tally, source),
            }
        }
        Ok(tally)
    }

    fn unite(&self, tally: &mut Tally, source: Source<'_>, weight: f64) {
        for (member, score) in source.iter() {
            let score = number(weight * score);
            tally.put(&member, |old| old.map_or(score, |old| self.aggregate.of(old, score)));
        }
    }

    fn intersect(&self, tally: &mut Tally, source: Source<'_>, weight: f64, limit: usize) {
        let mut kept = 0;
        tally.retain(|member, value| {
            let score = if kept < limit { source.score(member) } else { None };
            if let Some(score) = score {
                kept += 1;
                *value = self.aggregate.of(*value, weight * score);
            }
            score.is_some()
        });
    }
}

/// Removes the members of a source: by a walk over whichever is smaller.
fn subtract(tally: &mut Tally, source: Source<'_>) {
    if source.len() < tally.len() {
        source.iter().for_each(|(member, _)| tally.remove(&member));
    } else {
        tally.retain(|member, _| source.score(member).is_none());
    }
}

fn zunion(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Union)
}

fn zinter(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Inter)
}

fn zdiff(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_result(cx, args, Operation::Diff)
}

fn reply_result(cx: &mut Cx<'_, '_>, args: Args<'_>, operation: Operation) -> CmdResult {
    let query = Query::parse(cx, args, 1, operation, Kind::Returns)?;
    let with_scores = query.with_scores;
    let tally = query.run(cx)?;
    reply_len(&mut cx.reply, tally.len(), with_scores);
    for (member, score) in tally.sorted() {
        reply_element(&mut cx.reply, member, with_scores.then_some(score));
    }
    Ok(Outcome::Done)
}

fn zintercard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let query = Query::parse(cx, args, 1, Operation::Inter, Kind::Counts)?;
    let limit = query.limit;
    let count = query.run(cx)?.len().min(limit);
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn zunionstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store_result(cx, args, Operation::Union, ZUNIONSTORE)
}

fn zinterstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store_result(cx, args, Operation::Inter, ZINTERSTORE)
}

fn zdiffstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    store_result(cx, args, Operation::Diff, ZDIFFSTORE)
}

fn store_result(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    operation: Operation,
    event: Event,
) -> CmdResult {
    let query = Query::parse(cx, args, 2, operation, Kind::Stores)?;
    let limits = Limits::now(cx);
    let tally = query.run(cx)?;
    let sorted = tally.sorted();
    let elements = || sorted.iter().map(|&(member, score)| (Text::Bytes(member), score));
    let built = Built::collect(elements, limits)?;
    let len = built.store(cx, args.at(1), event);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}
