//! Commands on single fields: HSET, HMSET, HSETNX, HGET, HMGET, HDEL, HEXISTS, HSTRLEN.

use super::edit::{HashEdit, Limits, Time};
use super::{ADDS, HASH, HSET, LOOKS, READ_FAST, READS, UPDATES, read};
use crate::element::reply_optional;
use engine::args::Args;
use engine::command::{
    Arg, Command, Flags, Handler, KeyFlags, KeySpec, block, command, key, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error;
use keyspace::hooks::{Event, EventClass};
use structs::packed::Element;

const PAIR: &[Arg] = &[string("field"), string("value")];
const PAIRS: &[Arg] = &[key("key"), block("data", PAIR).many()];
const ONE_FIELD: &[Arg] = &[key("key"), string("field")];
const FIELDS: &[Arg] = &[key("key"), string("field").many()];
const INSERTS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::INSERT))];
const DELETES: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::DELETE))];

/// Fields were deleted.
const HDEL: Event = Event::new(EventClass::HASH, "hdel");

pub(super) const COMMANDS: &[Command] = &[
    row("HSET", hset)
        .summary("Sets fields of a hash, and creates the hash if needed.")
        .complexity("O(1) for each field")
        .history(&[("4.0.0", "Several fields and values in one call.")])
        .flags(ADDS)
        .keys(UPDATES)
        .args(PAIRS),
    row("HMSET", hmset)
        .summary("Sets fields of a hash.")
        .complexity("O(N) where N is the number of fields")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .flags(ADDS)
        .keys(UPDATES)
        .args(PAIRS),
    row("HSETNX", hsetnx)
        .summary("Sets a field of a hash unless it exists.")
        .complexity("O(1)")
        .flags(ADDS)
        .keys(INSERTS)
        .args(&[key("key"), string("field"), string("value")]),
    row("HGET", hget)
        .summary("Returns the value of a field of a hash.")
        .complexity("O(1)")
        .flags(READ_FAST)
        .keys(READS)
        .args(ONE_FIELD),
    row("HMGET", hmget)
        .summary("Returns the values of several fields of a hash.")
        .complexity("O(N) where N is the number of fields asked for")
        .flags(READ_FAST)
        .keys(READS)
        .args(FIELDS),
    row("HDEL", hdel)
        .summary("Deletes fields of a hash, and the hash with its last one.")
        .complexity("O(N) where N is the number of fields to delete")
        .history(&[("2.4.0", "Several fields in one call.")])
        .flags(Flags::WRITE.or(Flags::FAST))
        .keys(DELETES)
        .args(FIELDS),
    row("HEXISTS", hexists)
        .summary("Tells whether a hash has a field.")
        .complexity("O(1)")
        .flags(READ_FAST)
        .keys(LOOKS)
        .args(ONE_FIELD),
    row("HSTRLEN", hstrlen)
        .since("3.2.0")
        .summary("Returns the length of the value of a field of a hash.")
        .complexity("O(1)")
        .flags(READ_FAST)
        .keys(LOOKS)
        .args(ONE_FIELD),
];

const fn row(name: &'static str, handler: Handler) -> Command {
    command(name, handler).since("2.0.0").group("hash").acl(HASH)
}

/// Sets the pairs of words after the key; returns how many fields are new.
fn set_pairs(cx: &mut Cx<'_, '_>, args: Args<'_>, name: &str) -> Result<usize, engine::CmdError> {
    if !args.len().is_multiple_of(2) {
        return Err(error::wrong_arity(name));
    }
    let (limits, pairs) = (Limits::now(cx), args.from(2));
    let mut edit = HashEdit::open(&mut cx.db, args.at(1), limits)?;
    let created = edit.put_pairs(pairs, Time::Clear);
    edit.commit_many(HSET, pairs.len() / 2);
    Ok(created)
}

fn hset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let created = set_pairs(cx, args, "hset")?;
    cx.reply.integer(created as i64);
    Ok(Outcome::Done)
}

fn hmset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_pairs(cx, args, "hmset")?;
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn hsetnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = HashEdit::open(&mut cx.db, args.at(1), limits)?;
    let is_new = edit.get(args.at(2)).is_none();
    if is_new {
        edit.put_pairs(args.from(2), Time::Clear);
        edit.commit(HSET);
    }
    cx.reply.integer(i64::from(is_new));
    Ok(Outcome::Done)
}

fn hget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let value = read(&mut cx.db, args.at(1))?.and_then(|hash| hash.get(args.at(2)));
    reply_optional(&mut cx.reply, value);
    Ok(Outcome::Done)
}

fn hmget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    let fields = args.from(2);
    cx.reply.array(fields.len());
    for field in fields.iter() {
        reply_optional(&mut cx.reply, hash.and_then(|hash| hash.get(field)));
    }
    Ok(Outcome::Done)
}

fn hdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = HashEdit::open(&mut cx.db, args.at(1), limits)?;
    let deleted = args.from(2).iter().filter(|field| edit.remove(field)).count();
    if deleted > 0 {
        edit.commit_many(HDEL, deleted);
    }
    cx.reply.integer(deleted as i64);
    Ok(Outcome::Done)
}

fn hexists(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    cx.reply.integer(i64::from(hash.is_some_and(|hash| hash.contains(args.at(2)))));
    Ok(Outcome::Done)
}

fn hstrlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    let value = hash.and_then(|hash| hash.get(args.at(2)));
    cx.reply.integer(value.map_or(0, Element::text_len) as i64);
    Ok(Outcome::Done)
}
