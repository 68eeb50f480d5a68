//! Whether keys exist, of which type they are, and their removal.

use super::{KEYSPACE, READ_FAST, SUMMED, WRITE_FAST, look};
use engine::command::{Command, Flags, KeyFlags, KeySpec, command, key};
use engine::{Args, CmdResult, Cx, Outcome};
use keyspace::edit::DELETED;

const DELETES: &[KeySpec] = &[KeySpec::range(1, -1, 1, KeyFlags::RM.or(KeyFlags::DELETE))];
const LOOKS_AT_ALL: &[KeySpec] = &[KeySpec::range(1, -1, 1, KeyFlags::RO)];

pub(super) const COMMANDS: &[Command] = &[
    command("DEL", del)
        .summary("Removes keys with their values.")
        .since("1.0.0")
        .complexity(
            "O(N) with N the number of keys; a value of M elements adds O(M), done away from \
             clients where M is large.",
        )
        .flags(Flags::WRITE)
        .acl(KEYSPACE)
        .keys(DELETES)
        .args(&[key("key").many()])
        .tips(SUMMED),
    command("UNLINK", del)
        .summary("Removes keys and frees their values away from every client's time.")
        .since("4.0.0")
        .complexity("O(N) with N the number of keys, whatever the sizes of their values.")
        .flags(WRITE_FAST)
        .acl(KEYSPACE)
        .keys(DELETES)
        .args(&[key("key").many()])
        .tips(SUMMED),
    command("EXISTS", exists)
        .summary("Counts how many of the given keys exist.")
        .since("1.0.0")
        .complexity("O(N) with N the number of keys.")
        .history(&[("3.0.3", "Takes several keys.")])
        .flags(READ_FAST)
        .acl(KEYSPACE)
        .keys(LOOKS_AT_ALL)
        .args(&[key("key").many()])
        .tips(SUMMED),
    command("TOUCH", touch)
        .summary("Marks keys as used now and counts those that exist.")
        .since("3.2.1")
        .complexity("O(N) with N the number of keys.")
        .flags(READ_FAST)
        .acl(KEYSPACE)
        .keys(LOOKS_AT_ALL)
        .args(&[key("key").many()])
        .tips(SUMMED),
    command("TYPE", type_)
        .summary("Tells the type of a key's value.")
        .since("1.0.0")
        .complexity("O(1)")
        .flags(READ_FAST)
        .acl(KEYSPACE)
        .keys(&[KeySpec::one(1, KeyFlags::RO)])
        .args(&[key("key")]),
];

/// DEL and UNLINK: the guard frees large values elsewhere in any case.
fn del(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut removed = 0;
    for key in args.from(1).iter() {
        let mut edit = cx.db.edit(key);
        if edit.remove() {
            edit.commit(DELETED);
            removed += 1;
        }
    }
    cx.reply.integer(removed);
    Ok(Outcome::Done)
}

fn exists(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let found = args.from(1).iter().filter(|key| look(cx, key, |_| ()).is_some()).count();
    cx.reply.integer(found as i64);
    Ok(Outcome::Done)
}

fn touch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    // A client that leaves no traces asks for one here.
    let no_touch = std::mem::replace(&mut cx.db.fx.no_touch, false);
    let found = args.from(1).iter().filter(|key| cx.db.read(key).is_some()).count();
    cx.db.fx.no_touch = no_touch;
    cx.reply.integer(found as i64);
    Ok(Outcome::Done)
}

fn type_(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let id = look(cx, args.at(1), keyspace::Entry::type_id);
    cx.reply.simple(id.map_or("none", |id| cx.server.registry.type_name(id)));
    Ok(Outcome::Done)
}
