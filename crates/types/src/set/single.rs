//! Commands on the members of one set: SADD, SREM, SISMEMBER, SMISMEMBER, SMEMBERS, SCARD, SSCAN.

use super::build::Limits;
use super::edit::SetEdit;
use super::value::View;
use super::{READ_FAST, READS, SADD, SET, SREM, read};
use crate::element::reply_element;
use crate::scan::{self, Options};
use engine::args::Args;
use engine::command::{
    Arg, Command, Flags, Handler, KeyFlags, KeySpec, command, integer, key, pattern, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use structs::packed::Element;

const MEMBERS: &[Arg] = &[key("key"), string("member").many()];
const LOOKS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO)];

pub(super) const COMMANDS: &[Command] = &[
    row("SADD", sadd)
        .summary("Adds members to a set, and creates the set if needed.")
        .complexity("O(1) for each member")
        .history(&[("2.4.0", "Several members in one call.")])
        .flags(Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST))
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::INSERT))])
        .args(MEMBERS),
    row("SREM", srem)
        .summary("Removes members of a set, and the set with its last one.")
        .complexity("O(N) where N is the number of members to remove")
        .history(&[("2.4.0", "Several members in one call.")])
        .flags(Flags::WRITE.or(Flags::FAST))
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::DELETE))])
        .args(MEMBERS),
    row("SISMEMBER", sismember)
        .summary("Tells whether a set has a member.")
        .complexity("O(1)")
        .flags(READ_FAST)
        .keys(LOOKS)
        .args(&[key("key"), string("member")]),
    row("SMISMEMBER", smismember)
        .summary("Tells which of several members a set has.")
        .since("6.2.0")
        .complexity("O(N) where N is the number of members asked for")
        .flags(READ_FAST)
        .keys(READS)
        .args(MEMBERS),
    row("SMEMBERS", smembers)
        .summary("Returns all members of a set.")
        .complexity("O(N) where N is the number of members")
        .flags(Flags::READONLY)
        .tips(&["nondeterministic_output_order"])
        .keys(READS)
        .args(&[key("key")]),
    row("SCARD", scard)
        .summary("Returns the number of members of a set.")
        .complexity("O(1)")
        .flags(READ_FAST)
        .keys(LOOKS)
        .args(&[key("key")]),
    row("SSCAN", sscan)
        .summary("Walks over the members of a set, some at a time.")
        .since("2.8.0")
        .complexity("O(1) per call, O(N) for a whole walk over N members.")
        .flags(Flags::READONLY)
        .tips(&["nondeterministic_output"])
        .keys(READS)
        .args(&[
            key("key"),
            integer("cursor"),
            pattern("pattern").token("MATCH").optional(),
            integer("count").token("COUNT").optional(),
        ]),
];

const fn row(name: &'static str, handler: Handler) -> Command {
    command(name, handler).since("1.0.0").group("set").acl(SET)
}

fn sadd(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = SetEdit::open(&mut cx.db, args.at(1), limits)?;
    let added = edit.add_all(args.from(2));
    if added > 0 {
        edit.commit_many(SADD, added);
    }
    cx.reply.integer(added as i64);
    Ok(Outcome::Done)
}

fn srem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let limits = Limits::now(cx);
    let mut edit = SetEdit::open(&mut cx.db, args.at(1), limits)?;
    let words = args.from(2);
    let removed = words.iter().filter(|member| edit.remove(Element::of(member))).count();
    if removed > 0 {
        edit.commit_many(SREM, removed);
    }
    cx.reply.integer(removed as i64);
    Ok(Outcome::Done)
}

fn sismember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let set = read(&mut cx.db, args.at(1))?;
    let found = set.is_some_and(|set| set.contains(Element::of(args.at(2))));
    cx.reply.integer(i64::from(found));
    Ok(Outcome::Done)
}

fn smismember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let set = read(&mut cx.db, args.at(1))?;
    let members = args.from(2);
    cx.reply.array(members.len());
    for member in members.iter() {
        let found = set.is_some_and(|set| set.contains(Element::of(member)));
        cx.reply.integer(i64::from(found));
    }
    Ok(Outcome::Done)
}

fn smembers(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let set = read(&mut cx.db, args.at(1))?;
    cx.reply.set(set.map_or(0, View::len));
    if let Some(set) = set {
        set.for_each(|member| reply_element(&mut cx.reply, member));
    }
    Ok(Outcome::Done)
}

fn scard(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let set = read(&mut cx.db, args.at(1))?;
    cx.reply.integer(set.map_or(0, View::len) as i64);
    Ok(Outcome::Done)
}

fn sscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let from = scan::cursor(args, 2)?;
    // The options are looked at only where there is something to walk over, as in the reference.
    let Some(set) = read(&mut cx.db, args.at(1))? else {
        scan::reply_header(&mut cx.reply, 0, 0);
        return Ok(Outcome::Done);
    };
    let options = Options::parse(args, 3, false)?;
    let (found, next): (Vec<Element<'_>>, u64) = match set {
        View::Table(table) => {
            let (found, next) = options.walk(table, from);
            (found.into_iter().map(|record| record.key).collect(), next)
        }
        small => {
            let mut members = small.to_vec();
            members.retain(|member| options.matches(*member));
            (members, 0)
        }
    };
    scan::reply_header(&mut cx.reply, next, found.len());
    found.into_iter().for_each(|member| reply_element(&mut cx.reply, member));
    Ok(Outcome::Done)
}
