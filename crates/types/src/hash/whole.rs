//! Commands on all fields: HGETALL, HKEYS, HVALS, HLEN, HSCAN.

use super::value::View;
use super::{HASH, LOOKS, READ_FAST, READS, read};
use crate::element::reply_element;
use crate::scan::{self, Options};
use engine::args::Args;
use engine::command::{Command, Flags, Handler, command, integer, key, pattern, token};
use engine::cx::{CmdResult, Cx, Outcome};
use structs::records::{self, Record};

const ANY_ORDER: &[&str] = &["nondeterministic_output_order"];

pub(super) const COMMANDS: &[Command] = &[
    listing("HGETALL", hgetall)
        .summary("Returns all fields of a hash with their values.")
        .tips(ANY_ORDER)
        .args(&[key("key")]),
    listing("HKEYS", hkeys)
        .summary("Returns all fields of a hash.")
        .tips(ANY_ORDER)
        .args(&[key("key")]),
    listing("HVALS", hvals)
        .summary("Returns all values of a hash.")
        .tips(ANY_ORDER)
        .args(&[key("key")]),
    command("HLEN", hlen)
        .summary("Returns the number of fields of a hash.")
        .since("2.0.0")
        .group("hash")
        .complexity("O(1)")
        .flags(READ_FAST)
        .acl(HASH)
        .keys(LOOKS)
        .args(&[key("key")]),
    listing("HSCAN", hscan)
        .summary("Walks over the fields of a hash, some at a time.")
        .since("2.8.0")
        .complexity("O(1) per call, O(N) for a whole walk over N fields.")
        .tips(&["nondeterministic_output"])
        .args(&[
            key("key"),
            integer("cursor"),
            pattern("pattern").token("MATCH").optional(),
            integer("count").token("COUNT").optional(),
            token("novalues", "NOVALUES").optional(),
        ]),
];

const fn listing(name: &'static str, handler: Handler) -> Command {
    command(name, handler)
        .since("2.0.0")
        .group("hash")
        .complexity("O(N) where N is the number of fields")
        .flags(Flags::READONLY)
        .acl(HASH)
        .keys(READS)
}

fn hgetall(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    cx.reply.map(hash.map_or(0, View::len));
    if let Some(hash) = hash {
        hash.for_each(|record| {
            reply_element(&mut cx.reply, record.key);
            reply_element(&mut cx.reply, record.value);
        });
    }
    Ok(Outcome::Done)
}

fn hkeys(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    cx.reply.array(hash.map_or(0, View::len));
    if let Some(hash) = hash {
        hash.for_each(|record| reply_element(&mut cx.reply, record.key));
    }
    Ok(Outcome::Done)
}

fn hvals(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    cx.reply.array(hash.map_or(0, View::len));
    if let Some(hash) = hash {
        hash.for_each(|record| reply_element(&mut cx.reply, record.value));
    }
    Ok(Outcome::Done)
}

fn hlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let hash = read(&mut cx.db, args.at(1))?;
    cx.reply.integer(hash.map_or(0, View::len) as i64);
    Ok(Outcome::Done)
}

fn hscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let from = scan::cursor(args, 2)?;
    // The options are looked at only where there is something to walk over, as in the reference.
    let Some(hash) = read(&mut cx.db, args.at(1))? else {
        scan::reply_header(&mut cx.reply, 0, 0);
        return Ok(Outcome::Done);
    };
    let options = Options::parse(args, 3, true)?;
    let (found, next): (Vec<Record<'_>>, u64) = match hash {
        View::Table(table) => options.walk(table, from),
        View::Packed(bytes) => {
            (records::iter::<2>(bytes).filter(|record| options.matches(record.key)).collect(), 0)
        }
    };
    let words = if options.no_values { 1 } else { 2 };
    scan::reply_header(&mut cx.reply, next, found.len() * words);
    for record in found {
        reply_element(&mut cx.reply, record.key);
        if !options.no_values {
            reply_element(&mut cx.reply, record.value);
        }
    }
    Ok(Outcome::Done)
}
