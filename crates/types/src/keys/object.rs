//! OBJECT: how a value is stored and used.

use super::{KEYSPACE, count};
use engine::command::{Arg, Command, Flags, KeyFlags, KeySpec, command, container, key};
use engine::error::CmdError;
use engine::{Args, CmdResult, Cx, Outcome, help};
use keyspace::{Entry, access};

pub(super) const COMMANDS: &[Command] = &[container("OBJECT", SUBCOMMANDS)
    .summary("Holds commands that tell how values are stored and used.")
    .since("2.2.3")
    .complexity("That of the subcommand.")];

const SUBCOMMANDS: &[Command] = &[
    about("ENCODING", encoding).summary("Tells how a key's value is stored.").since("2.2.3"),
    about("FREQ", freq)
        .summary("Tells how often a key is used, on a logarithmic scale.")
        .since("4.0.0"),
    about("IDLETIME", idletime)
        .summary("Tells for how many seconds a key was not used.")
        .since("2.2.3"),
    about("REFCOUNT", refcount)
        .summary("Tells how many references a key's value has.")
        .since("2.2.3"),
    command("HELP", help::reply)
        .summary("Lists the subcommands.")
        .since("6.2.0")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE))
        .acl(KEYSPACE),
];

const KEY: &[KeySpec] = &[KeySpec::one(2, KeyFlags::RO)];
const ONE_KEY: &[Arg] = &[key("key")];
const VARIES: &[&str] = &["nondeterministic_output"];

const fn about(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .complexity("O(1)")
        .flags(Flags::READONLY)
        .acl(KEYSPACE)
        .keys(KEY)
        .args(ONE_KEY)
        .tips(VARIES)
}

fn encoding(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let registry = &cx.server.registry;
    match count(cx, args.at(2), |entry| registry.encoding(entry)) {
        Some(name) => cx.reply.bulk(name.as_bytes()),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}

fn freq(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let Some(bits) = count(cx, args.at(2), Entry::access) else {
        cx.reply.null();
        return Ok(Outcome::Done);
    };
    if !cx.server.counts_frequency() {
        return Err(CmdError::fixed(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
             note that when switching between policies at runtime LRU and LFU data will take some \
             time to adjust.",
        ));
    }
    let decay_time = cx.server.config.int(cx.server.ids.lfu_decay_time) as u32;
    cx.reply.integer(i64::from(access::frequency(bits, cx.db.now_ms, decay_time)));
    Ok(Outcome::Done)
}

fn idletime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let Some(bits) = count(cx, args.at(2), Entry::access) else {
        cx.reply.null();
        return Ok(Outcome::Done);
    };
    if cx.server.counts_frequency() {
        return Err(CmdError::fixed(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust.",
        ));
    }
    cx.reply.integer(i64::from(access::idle_s(bits, cx.db.now_ms)));
    Ok(Outcome::Done)
}

/// Values are never shared between keys.
fn refcount(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match count(cx, args.at(2), |_| ()) {
        Some(()) => cx.reply.integer(1),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}
