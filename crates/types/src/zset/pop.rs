//! Removal of the members with the least or the greatest scores.

use super::edit::{Limits, ZSetEdit};
use super::{event, reply_element, reply_len};
use engine::args::{Args, OwnedArgs};
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, one_of, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::Event;

const ZPOPMIN: Event = event("zpopmin");
const ZPOPMAX: Event = event("zpopmax");

const FEW_KEYS: CmdError = CmdError::fixed("ERR numkeys should be greater than 0");
const FEW_MEMBERS: CmdError = CmdError::fixed("ERR count should be greater than 0");

const POPPED: KeyFlags = KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE);
const COST: &str = "O(log(N)*M) with N the members of the set and M those removed.";
const WHERE: Arg = one_of("where", &[token("min", "MIN"), token("max", "MAX")]);
const COUNT: Arg = integer("count").token("COUNT").optional();

pub(super) const COMMANDS: &[Command] = &[
    popper("ZPOPMIN", zpopmin)
        .summary("Removes and returns the members with the lowest scores.")
        .since("5.0.0")
        .complexity(COST)
        .flags(Flags::WRITE.or(Flags::FAST))
        .keys(&[KeySpec::one(1, POPPED)])
        .args(&[key("key"), integer("count").optional()]),
    popper("ZPOPMAX", zpopmax)
        .summary("Removes and returns the members with the highest scores.")
        .since("5.0.0")
        .complexity(COST)
        .flags(Flags::WRITE.or(Flags::FAST))
        .keys(&[KeySpec::one(1, POPPED)])
        .args(&[key("key"), integer("count").optional()]),
    popper("ZMPOP", zmpop)
        .summary("Removes and returns members of the first sorted set that is not empty.")
        .since("7.0.0")
        .complexity(
            "O(K) + O(M*log(N)) with K the keys, N the members of the set and M those removed.",
        )
        .flags(Flags::WRITE)
        .keys(&[KeySpec::counted(1, 1, POPPED)])
        .args(&[integer("numkeys"), key("key").many(), WHERE, COUNT]),
];

const fn popper(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler).group("sorted-set").acl(Categories::SORTEDSET)
}

/// Which end is taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

impl End {
    fn event(self) -> Event {
        match self {
            End::Min => ZPOPMIN,
            End::Max => ZPOPMAX,
        }
    }

    /// The command that pops from this end of one key.
    fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }
}

fn zpopmin(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop_one_key(cx, args, End::Min)
}

fn zpopmax(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop_one_key(cx, args, End::Max)
}

fn pop_one_key(cx: &mut Cx<'_, '_>, args: Args<'_>, end: End) -> CmdResult {
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    let count = args.get(2).map(|word| {
        let count = stdx::num::parse_i64(word).and_then(|count| usize::try_from(count).ok());
        count.ok_or(error::MUST_BE_POSITIVE)
    });
    let count = count.transpose()?;
    let form = if count.is_some() { Form::Pairs } else { Form::Flat };
    if pop(cx, args.at(1), end, count.unwrap_or(1), form)? == 0 {
        cx.reply.array(0);
    }
    Ok(Outcome::Done)
}

/// How popped elements are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Member, score, member, score ...
    Flat,
    /// Like [`Form::Flat`], but pairs where the protocol has doubles.
    Pairs,
    /// The key with pairs.
    Keyed,
}

/// Pops elements of a key and replies with them; without any there is no reply. Returns their
/// number.
fn pop(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    end: End,
    count: usize,
    form: Form,
) -> Result<usize, CmdError> {
    let limits = Limits::now(cx);
    let mut edit = ZSetEdit::open(&mut cx.db, key, limits)?;
    let view = edit.view();
    let len = view.len();
    let count = count.min(len);
    if count == 0 {
        return Ok(0);
    }
    let ranks = if end == End::Min { 0..count } else { len - count..len };
    let elements = match end {
        End::Min => view.range(ranks.clone()),
        End::Max => view.range_back(ranks.clone()),
    };
    match form {
        Form::Flat => cx.reply.array(2 * count),
        Form::Pairs => reply_len(&mut cx.reply, count, true),
        Form::Keyed => {
            cx.reply.array(2);
            cx.reply.bulk(key);
            cx.reply.array(count);
        }
    }
    for (member, score) in elements {
        if form == Form::Pairs {
            reply_element(&mut cx.reply, &member, Some(score));
            continue;
        }
        if form == Form::Keyed {
            cx.reply.array(2);
        }
        cx.reply.bulk(&member);
        cx.reply.double(score);
    }
    edit.remove_ranks(ranks);
    edit.commit(end.event(), count);
    Ok(count)
}

/// A request to pop from the first of several keys.
struct Many<'a> {
    keys: Args<'a>,
    end: End,
    count: usize,
}

impl<'a> Many<'a> {
    /// Reads the words from the number of keys on.
    fn parse(args: Args<'a>, index: usize) -> Result<Many<'a>, CmdError> {
        let numkeys = stdx::num::parse_i64(args.at(index)).filter(|count| *count > 0);
        let numkeys = usize::try_from(numkeys.ok_or(FEW_KEYS)?).map_err(|_| error::SYNTAX)?;
        let first = index + 1;
        let at = first.checked_add(numkeys).filter(|at| *at < args.len()).ok_or(error::SYNTAX)?;
        let end = match () {
            () if args.is(at, "MIN") => End::Min,
            () if args.is(at, "MAX") => End::Max,
            () => return Err(error::SYNTAX),
        };
        let count = match args.len() - at - 1 {
            0 => 1,
            2 if args.is(at + 1, "COUNT") => {
                let count = stdx::num::parse_i64(args.at(at + 2)).filter(|count| *count > 0);
                usize::try_from(count.ok_or(FEW_MEMBERS)?).unwrap_or(usize::MAX)
            }
            _ => return Err(after_end(args, at + 1)),
        };
        Ok(Many { keys: args.slice(first..at), end, count })
    }
}

/// The error about what follows the end to pop from: a count that is wrong comes before a word too
/// many.
fn after_end(args: Args<'_>, index: usize) -> CmdError {
    if args.is(index, "COUNT") && index + 1 < args.len() {
        let count = stdx::num::parse_i64(args.at(index + 1)).filter(|count| *count > 0);
        if count.is_none() {
            return FEW_MEMBERS;
        }
    }
    error::SYNTAX
}

fn zmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let many = Many::parse(args, 1)?;
    if !pop_first(cx, &many)? {
        cx.reply.null_array();
    }
    Ok(Outcome::Done)
}

/// Pops from the first key that has something; false if none has.
fn pop_first(cx: &mut Cx<'_, '_>, many: &Many<'_>) -> Result<bool, CmdError> {
    for key in many.keys.iter() {
        let popped = pop(cx, key, many.end, many.count, Form::Keyed)?;
        if popped > 0 {
            let count = stdx::num::Decimal::new(popped as i64);
            cx.db.rewrite(|| vec![OwnedArgs::from([many.end.command(), key, count.as_bytes()])]);
            return Ok(true);
        }
    }
    Ok(false)
}
