//! Intersection, union and difference of sets, returned, counted or stored.
//!
//! An intersection walks over its smallest set and asks the others, smallest first. A difference
//! walks over its first set and asks the others. Both stop asking at the first answer that decides.

use super::SET;
use super::build::{Build, Limits};
use super::value::View;
use crate::element::reply_element;
use engine::args::Args;
use engine::command::{
    Arg, Command, Flags, Handler, KeyFlags, KeySpec, command, integer, key, key_of, token,
};
use engine::cx::{CmdResult, Cx, Db, Outcome};
use engine::error::{self, CmdError};
use keyspace::edit::DELETED;
use keyspace::hooks::{Event, EventClass};
use structs::members::Members;
use structs::packed::Element;

const KEYS: Arg = key("key").many();
const ONLY_KEYS: &[Arg] = &[KEYS];
const LIMIT: Arg = integer("limit").token("LIMIT").optional();
const READ: KeyFlags = KeyFlags::RO.or(KeyFlags::ACCESS);
const READS: &[KeySpec] = &[KeySpec::range(1, -1, 1, READ)];
const COUNTS: &[KeySpec] = &[KeySpec::counted(1, 1, READ)];
const STORE_ARGS: &[Arg] = &[key_of("destination", 0), key_of("key", 1).many()];
const STORES: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::range(2, -1, 1, READ)];
const INTER_COST: &str =
    "O(N*M) where N is the size of the smallest set and M is the number of sets";
const TOTAL_COST: &str = "O(N) where N is the number of members of all sets";
const DIFF_COST: &str = "O(N*M) where N is the size of the first set and M is the number of sets";

const SINTERSTORE: Event = Event::new(EventClass::SET, "sinterstore");
const SUNIONSTORE: Event = Event::new(EventClass::SET, "sunionstore");
const SDIFFSTORE: Event = Event::new(EventClass::SET, "sdiffstore");

pub(super) const COMMANDS: &[Command] = &[
    returning("SINTER", sinter)
        .summary("Returns the members that all of some sets have.")
        .complexity(INTER_COST),
    storing("SINTERSTORE", sinterstore)
        .summary("Stores the members that all of some sets have.")
        .complexity(INTER_COST),
    counting("SINTERCARD", sintercard)
        .summary("Counts the members that all of some sets have.")
        .since("7.0.0")
        .complexity(INTER_COST)
        .args(&[integer("numkeys"), KEYS, LIMIT]),
    returning("SUNION", sunion)
        .summary("Returns the members that any of some sets has.")
        .complexity(TOTAL_COST),
    storing("SUNIONSTORE", sunionstore)
        .summary("Stores the members that any of some sets has.")
        .complexity(TOTAL_COST),
    counting("SUNIONCARD", sunioncard)
        .summary("Counts the members that any of some sets has.")
        .since("8.10.0")
        .complexity(TOTAL_COST)
        .args(&[integer("numkeys"), KEYS, token("approx", "APPROX").optional(), LIMIT]),
    returning("SDIFF", sdiff)
        .summary("Returns the members of a set that none of some others has.")
        .complexity(DIFF_COST),
    storing("SDIFFSTORE", sdiffstore)
        .summary("Stores the members of a set that none of some others has.")
        .complexity(DIFF_COST),
    counting("SDIFFCARD", sdiffcard)
        .summary("Counts the members of a set that none of some others has.")
        .since("8.10.0")
        .complexity(DIFF_COST)
        .args(&[integer("numkeys"), KEYS, LIMIT]),
];

const fn returning(name: &'static str, handler: Handler) -> Command {
    command(name, handler)
        .since("1.0.0")
        .group("set")
        .flags(Flags::READONLY)
        .acl(SET)
        .tips(&["nondeterministic_output_order"])
        .keys(READS)
        .args(ONLY_KEYS)
}

const fn storing(name: &'static str, handler: Handler) -> Command {
    command(name, handler)
        .since("1.0.0")
        .group("set")
        .flags(Flags::WRITE.or(Flags::DENYOOM))
        .acl(SET)
        .keys(STORES)
        .args(STORE_ARGS)
}

const fn counting(name: &'static str, handler: Handler) -> Command {
    command(name, handler).group("set").flags(Flags::READONLY).acl(SET).keys(COUNTS)
}

/// The sets at some keys; `None` where there is none. A key of another type is an error.
fn views<'d>(db: &'d mut Db<'_, '_>, keys: Args<'_>) -> Result<Vec<Option<View<'d>>>, CmdError> {
    for key in keys.iter() {
        if db.read(key).is_some_and(|entry| View::of(entry).is_none()) {
            return Err(error::WRONG_TYPE);
        }
    }
    let db: &'d Db<'_, '_> = db;
    Ok(keys.iter().map(|key| db.look(key).and_then(View::of)).collect())
}

/// Calls `visit` with each member that all sets have, until it says no.
fn intersect<'v>(sets: &[Option<View<'v>>], mut visit: impl FnMut(Element<'v>) -> bool) {
    let Some(mut sets) = sets.iter().copied().collect::<Option<Vec<View<'v>>>>() else { return };
    sets.sort_by_key(|set| set.len());
    if let Some((smallest, others)) = sets.split_first() {
        smallest.all(|member| !others.iter().all(|other| other.contains(member)) || visit(member));
    }
}

/// Calls `visit` with each member of the first set that none of the others has, until it says no.
fn subtract<'v>(sets: &[Option<View<'v>>], mut visit: impl FnMut(Element<'v>) -> bool) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    let others: Vec<View<'v>> = others.iter().copied().flatten().collect();
    first.all(|member| others.iter().any(|other| other.contains(member)) || visit(member));
}

fn sinter(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let sets = views(&mut cx.db, args.from(1))?;
    let mut found = Vec::new();
    intersect(&sets, |member| {
        found.push(member);
        true
    });
    cx.reply.set(found.len());
    found.into_iter().for_each(|member| reply_element(&mut cx.reply, member));
    Ok(Outcome::Done)
}

fn sdiff(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let sets = views(&mut cx.db, args.from(1))?;
    let mut found = Vec::new();
    subtract(&sets, |member| {
        found.push(member);
        true
    });
    cx.reply.set(found.len());
    found.into_iter().for_each(|member| reply_element(&mut cx.reply, member));
    Ok(Outcome::Done)
}

fn sunion(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let sets = views(&mut cx.db, args.from(1))?;
    let union = union_of(&sets, &limits);
    cx.reply.set(union.view().len());
    union.view().for_each(|member| reply_element(&mut cx.reply, member));
    Ok(Outcome::Done)
}

fn union_of(sets: &[Option<View<'_>>], limits: &Limits) -> Build {
    let mut union = Build::Integers(Vec::new());
    for set in sets.iter().flatten() {
        set.for_each(|member| {
            union.add(member, limits);
        });
    }
    union
}

fn sinterstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let sets = views(&mut cx.db, args.from(2))?;
    let smallest = sets.iter().flatten().min_by_key(|set| set.len());
    let mut result = match smallest {
        Some(View::Integers(_)) => Build::Integers(Vec::new()),
        _ => Build::Packed(Vec::new()),
    };
    intersect(&sets, |member| {
        result.add(member, &limits);
        true
    });
    store(cx, args.at(1), result.narrow(&limits), SINTERSTORE)
}

fn sunionstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let sets = views(&mut cx.db, args.from(2))?;
    let result = union_of(&sets, &limits);
    store(cx, args.at(1), result, SUNIONSTORE)
}

fn sdiffstore(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let sets = views(&mut cx.db, args.from(2))?;
    let mut result = Build::Integers(Vec::new());
    subtract(&sets, |member| {
        result.add(member, &limits);
        true
    });
    store(cx, args.at(1), result, SDIFFSTORE)
}

/// Puts a result under its key; an empty one removes what is there.
fn store(cx: &mut Cx<'_, '_>, key: &[u8], result: Build, event: Event) -> CmdResult {
    let len = result.view().len();
    let mut edit = cx.db.edit(key);
    if len > 0 {
        result.store(&mut edit);
        edit.commit(event);
    } else if edit.remove() {
        edit.commit(DELETED);
    }
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

const COUNT_NOT_POSITIVE: CmdError = CmdError::fixed("ERR numkeys should be greater than 0");
const COUNT_TOO_LARGE: CmdError =
    CmdError::fixed("ERR Number of keys can't be greater than number of args");
const LIMIT_NEGATIVE: CmdError = CmdError::fixed("ERR LIMIT can't be negative");

/// The keys of a counting command, and the count at which it stops.
fn counted<'a>(args: Args<'a>, allows_approx: bool) -> Result<(Args<'a>, usize), CmdError> {
    let count = args.integer(1).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(COUNT_NOT_POSITIVE)?;
    if count > args.len() - 2 {
        return Err(COUNT_TOO_LARGE);
    }
    let (mut index, mut limit) = (2 + count, 0);
    while index < args.len() {
        if allows_approx && args.is(index, "APPROX") {
            index += 1;
        } else if args.is(index, "LIMIT") && index + 1 < args.len() {
            let number = args.integer(index + 1).ok().and_then(|n| usize::try_from(n).ok());
            limit = number.ok_or(LIMIT_NEGATIVE)?;
            index += 2;
        } else {
            return Err(error::SYNTAX);
        }
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    Ok((args.range(2..2 + count), limit))
}

fn sintercard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (keys, limit) = counted(args, false)?;
    let sets = views(&mut cx.db, keys)?;
    let mut count = 0;
    intersect(&sets, |_| {
        count += 1;
        count < limit
    });
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn sdiffcard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (keys, limit) = counted(args, false)?;
    let sets = views(&mut cx.db, keys)?;
    let mut count = 0;
    subtract(&sets, |_| {
        count += 1;
        count < limit
    });
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}

/// Counts exactly, also where an estimate would do.
fn sunioncard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (keys, limit) = counted(args, true)?;
    let seed = cx.rng.next_u64();
    let sets = views(&mut cx.db, keys)?;
    let largest = sets.iter().flatten().map(|set| set.len()).max().unwrap_or(0);
    let mut count = largest.min(limit);
    if sets.iter().flatten().count() > 1 && count < limit {
        let mut union = Members::<1>::new(seed);
        for set in sets.iter().flatten() {
            set.all(|member| {
                union.add(member);
                union.len() < limit
            });
        }
        count = union.len();
    }
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}
