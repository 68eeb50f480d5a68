//! Transactions: commands queued by MULTI and run by EXEC with nobody in between, unless a watched
//! key was touched since its WATCH.

use engine::args::Args;
use engine::command::{Categories, Command, Flags, KeyFlags, KeySpec, command, key};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::CmdError;
use engine::session::Multi;
use std::collections::HashSet;

const ANYTIME: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE);
const QUICK: Flags = ANYTIME.or(Flags::FAST).or(Flags::ALLOW_BUSY);

pub(super) const COMMANDS: &[Command] = &[
    command("MULTI", multi)
        .summary("Begins a transaction: the commands that follow are queued.")
        .since("1.2.0")
        .group("transactions")
        .complexity("O(1)")
        .flags(QUICK)
        .acl(Categories::TRANSACTION)
        .controls_transaction(),
    command("EXEC", exec)
        .summary("Runs the queued commands in one go.")
        .since("1.2.0")
        .group("transactions")
        .complexity("Depends on commands in the transaction")
        .flags(ANYTIME.or(Flags::SKIP_SLOWLOG))
        .acl(Categories::TRANSACTION)
        .executes_transaction(),
    command("DISCARD", discard)
        .summary("Drops the queued commands and ends the transaction.")
        .since("2.0.0")
        .group("transactions")
        .complexity("O(N), when N is the number of queued commands")
        .flags(QUICK)
        .acl(Categories::TRANSACTION)
        .controls_transaction(),
    command("WATCH", watch)
        .summary("Makes the next EXEC run only if these keys stay untouched until then.")
        .since("2.2.0")
        .group("transactions")
        .complexity("O(1) for every key.")
        .flags(QUICK)
        .acl(Categories::TRANSACTION)
        .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO)])
        .args(&[key("key").many()])
        .controls_transaction(),
    command("UNWATCH", unwatch)
        .summary("Stops watching all keys.")
        .since("2.2.0")
        .group("transactions")
        .complexity("O(1)")
        .flags(QUICK)
        .acl(Categories::TRANSACTION),
];

const NESTED_MULTI: CmdError = CmdError::fixed("ERR MULTI calls can not be nested");
const WATCH_IN_MULTI: CmdError = CmdError::fixed("ERR WATCH inside MULTI is not allowed");
const EXEC_ALONE: CmdError = CmdError::fixed("ERR EXEC without MULTI");
const DISCARD_ALONE: CmdError = CmdError::fixed("ERR DISCARD without MULTI");

fn multi(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    if cx.session.multi.is_some() {
        return Err(NESTED_MULTI);
    }
    cx.session.multi = Some(Box::new(Multi::default()));
    cx.session.client.set_multi(0, 0);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn exec(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    if cx.session.multi.is_none() {
        return Err(EXEC_ALONE);
    }
    Ok(Outcome::Exec)
}

fn discard(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    if cx.session.multi.is_none() {
        return Err(DISCARD_ALONE);
    }
    cx.session.discard();
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn watch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if cx.session.multi.is_some() {
        return Err(WATCH_IN_MULTI);
    }
    let mut watches = cx.session.watches.take().unwrap_or_default();
    let here = watches.keys.iter().filter(|watch| watch.db == cx.db.index);
    let mut known: HashSet<&[u8]> = here.map(|watch| &*watch.key).collect();
    let new: Vec<&[u8]> = args.from(1).iter().filter(|key| known.insert(key)).collect();
    for key in new {
        let watch = cx.db.watch(key, &watches.dirty);
        watches.keys.push(watch);
    }
    cx.session.client.set_watches(watches.keys.len(), Some(&watches.dirty));
    cx.session.watches = Some(watches);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn unwatch(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.session.unwatch();
    cx.reply.ok();
    Ok(Outcome::Done)
}
