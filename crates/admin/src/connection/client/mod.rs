//! CLIENT: what a connection says about itself, and what an operator asks about all of them.

mod filter;
mod line;
mod rows;

pub(super) use rows::COMMANDS;

use engine::args::Args;
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use engine::server::PauseMode;
use engine::session::ReplyMode;
use filter::{Dialect, Filter};
use std::sync::Arc;

const BAD_NAME: CmdError =
    CmdError::fixed("ERR Client names cannot contain spaces, newlines or special characters.");
const NO_SUCH_CLIENT: CmdError = CmdError::fixed("ERR No such client");
const BAD_PAUSE_MODE: CmdError = CmdError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL");
const TIMEOUT_NOT_INTEGER: CmdError =
    CmdError::fixed("ERR timeout is not an integer or out of range");
const TIMEOUT_NEGATIVE: CmdError = CmdError::fixed("ERR timeout is negative");
const TIMEOUT_RANGE: CmdError = CmdError::fixed("ERR timeout is out of range");
const BAD_UNBLOCK_REASON: CmdError =
    CmdError::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");

/// Whether a text may stand in a line of CLIENT LIST, which shows it up to its first NUL.
fn is_one_word(text: &[u8]) -> bool {
    text.iter().take_while(|byte| **byte != 0).all(u8::is_ascii_graphic)
}

/// Refuses a name that CLIENT LIST could not show.
pub(super) fn check_name(name: &[u8]) -> Result<(), CmdError> {
    if is_one_word(name) { Ok(()) } else { Err(BAD_NAME) }
}

/// Names the connection; the name was checked.
pub(super) fn set_name(cx: &mut Cx<'_, '_>, name: &[u8]) {
    cx.session.client.update_names(|names| names.name = name.to_vec());
}

fn done(cx: &mut Cx<'_, '_>) -> CmdResult {
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn on_or_off(args: Args<'_>) -> Result<bool, CmdError> {
    if args.is(2, "ON") {
        Ok(true)
    } else if args.is(2, "OFF") {
        Ok(false)
    } else {
        Err(error::SYNTAX)
    }
}

/// The error for more words than a subcommand takes.
fn too_many_words(args: Args<'_>) -> CmdError {
    let before = "ERR unknown subcommand or wrong number of arguments for '";
    CmdError::quoting_short(before, args.at(1), "'. Try CLIENT HELP.")
}

fn id(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.reply.integer(cx.session.client.id as i64);
    Ok(Outcome::Done)
}

fn getname(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    match cx.session.client.names().name {
        name if name.is_empty() => cx.reply.null(),
        name => cx.reply.bulk(&name),
    }
    Ok(Outcome::Done)
}

fn setname(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    check_name(args.at(2))?;
    set_name(cx, args.at(2));
    done(cx)
}

fn setinfo(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let is_name = args.is(2, "LIB-NAME");
    if !is_name && !args.is(2, "LIB-VER") {
        return Err(CmdError::quoting("ERR Unrecognized option '", args.at(2), "'"));
    }
    if !is_one_word(args.at(3)) {
        let after = " cannot contain spaces, newlines or special characters.";
        return Err(CmdError::quoting("ERR ", args.at(2), after));
    }
    let text = String::from_utf8_lossy(args.at(3)).into_owned();
    cx.session.client.update_names(|names| {
        *(if is_name { &mut names.lib_name } else { &mut names.lib_ver }) = text;
    });
    done(cx)
}

fn no_evict(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.session.client.set_no_evict(on_or_off(args)?);
    done(cx)
}

fn no_touch(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.session.set_no_touch(on_or_off(args)?);
    done(cx)
}

/// What is not known is ignored, so that clients may claim what only later servers understand.
fn capa(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if (2..args.len()).any(|i| args.is(i, "REDIRECT")) {
        cx.session.client.set_follows_redirects();
    }
    done(cx)
}

/// Only ON is answered: OFF and SKIP already hold for their own reply.
fn reply(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.is(2, "ON") {
        cx.session.reply_mode = ReplyMode::ON;
        cx.reply.ok();
    } else if args.is(2, "OFF") {
        cx.session.reply_mode = ReplyMode::OFF;
    } else if args.is(2, "SKIP") {
        cx.session.reply_mode.skip_next();
    } else {
        return Err(error::SYNTAX);
    }
    Ok(Outcome::Done)
}

/// Invalidation messages are redirected to nobody.
fn getredir(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.reply.integer(-1);
    Ok(Outcome::Done)
}

fn trackinginfo(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.reply.map(3);
    cx.reply.bulk(b"flags");
    cx.reply.set(1);
    cx.reply.bulk(b"off");
    cx.reply.bulk(b"redirect");
    cx.reply.integer(-1);
    cx.reply.bulk(b"prefixes");
    cx.reply.array(0);
    Ok(Outcome::Done)
}

fn info(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let line = line::of(cx, args, &cx.session.client);
    cx.reply.verbatim("txt", line.as_bytes());
    Ok(Outcome::Done)
}

fn list(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let filter = Filter::parse(cx.server, args.from(2), Dialect::List)?;
    let mut text = String::new();
    for client in cx.server.clients.all() {
        if filter.accepts(cx, &client) {
            text.push_str(&line::of(cx, args, &client));
        }
    }
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Closes a connection; one's own once the reply is sent.
fn close(cx: &mut Cx<'_, '_>, client: &Arc<engine::clients::Client>) {
    if client.id == cx.session.client.id {
        cx.session.close_after_reply = true;
    } else {
        client.kill();
    }
}

fn kill(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let clients = cx.server.clients.all();
    if args.len() == 3 {
        let addressed = |addr: &str| addr.as_bytes() == args.at(2);
        let mut alive = clients.iter().filter(|client| !client.is_killed());
        let client = alive.find(|client| addressed(&client.peer.addr)).ok_or(NO_SUCH_CLIENT)?;
        close(cx, client);
        return done(cx);
    }
    let filter = Filter::parse(cx.server, args.from(2), Dialect::Kill)?;
    let mut killed = 0;
    for client in &clients {
        if filter.accepts(cx, client) {
            close(cx, client);
            killed += 1;
        }
    }
    cx.reply.integer(killed);
    Ok(Outcome::Done)
}

fn pause(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mode = match args.len() {
        3 => PauseMode::All,
        4 if args.is(3, "WRITE") => PauseMode::Write,
        4 if args.is(3, "ALL") => PauseMode::All,
        4 => return Err(BAD_PAUSE_MODE),
        _ => return Err(too_many_words(args)),
    };
    let timeout_ms = stdx::num::parse_i64(args.at(2)).ok_or(TIMEOUT_NOT_INTEGER)?;
    if timeout_ms < 0 {
        return Err(TIMEOUT_NEGATIVE);
    }
    let now_ms = cx.server.now_ms();
    let until_ms = now_ms.checked_add(timeout_ms).ok_or(TIMEOUT_RANGE)?;
    cx.server.pause.start(mode, until_ms, now_ms);
    done(cx)
}

fn unpause(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.server.pause.end();
    for client in cx.server.clients.all() {
        client.wake();
    }
    done(cx)
}

fn unblock(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.len() {
        3 => {}
        4 if args.is(3, "TIMEOUT") || args.is(3, "ERROR") => {}
        4 => return Err(BAD_UNBLOCK_REASON),
        _ => return Err(too_many_words(args)),
    }
    let id = args.integer(2)?;
    let found =
        u64::try_from(id).is_ok_and(|id| cx.server.waiters.unblock(id, args.is(3, "ERROR")));
    cx.reply.integer(i64::from(found));
    Ok(Outcome::Done)
}
