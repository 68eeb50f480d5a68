//! CONFIG: the parameter table read and changed while the server runs.
//!
//! A change is made in three steps so that it happens as a whole or not at all: all pairs are
//! validated, all values stored, then whoever acts on them is told. The first that refuses makes
//! every value, and everybody told before, go back.

use super::{Args, CmdError, CmdResult, Cx, OPERATOR, Outcome};
use config::{Applied, RewriteOptions, Rights, SetError};
use engine::Server;
use engine::command::{Command, Flags, block, command, container, string};
use engine::error;
use engine::worker::is_enabled_for;
use std::io;
use std::sync::atomic::Ordering;

const ALL_NODES: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

pub(super) const CONFIG: Command = container("CONFIG", SUBCOMMANDS)
    .summary("Groups the commands that read and change the server's parameters.")
    .since("2.0.0")
    .group("server")
    .complexity("That of the subcommand");

const SUBCOMMANDS: &[Command] = &[
    command("GET", get)
        .summary("Gives the parameters whose names match any of the patterns, with their values.")
        .since("2.0.0")
        .group("server")
        .complexity("O(N) for N parameters")
        .history(&[("7.0.0", "Several patterns can be given at once.")])
        .flags(OPERATOR)
        .args(&[string("parameter").many()]),
    command("SET", set)
        .summary("Changes parameters, all of them or none.")
        .since("2.0.0")
        .group("server")
        .complexity("O(N) for N parameters")
        .history(&[("7.0.0", "Several parameters can be set in one call.")])
        .flags(OPERATOR)
        .tips(ALL_NODES)
        .args(&[block("data", &[string("parameter"), string("value")]).many()])
        .redacts(is_secret),
    command("RESETSTAT", resetstat)
        .summary("Sets the counters that INFO shows back to zero.")
        .since("2.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(ALL_NODES),
    command("REWRITE", rewrite)
        .summary("Writes the present parameters into the configuration file.")
        .since("2.8.0")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(ALL_NODES),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("5.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE)),
];

fn get(cx: &mut Cx, args: Args) -> CmdResult {
    let patterns: Vec<&[u8]> = args.from(2).iter().collect();
    let found = cx.server.config.get(&patterns);
    cx.reply.map(found.len());
    for (name, value) in found {
        cx.reply.bulk(name.as_bytes());
        cx.reply.bulk(value.as_bytes());
    }
    Ok(Outcome::Done)
}

/// Whether a word of CONFIG SET is the value of a parameter that logs must not show.
fn is_secret(server: &Server, args: Args, index: usize) -> bool {
    let is_value = index >= 3 && !index.is_multiple_of(2);
    let name = args.get(index.wrapping_sub(1)).and_then(|name| std::str::from_utf8(name).ok());
    let param = name.filter(|_| is_value).and_then(|name| server.config.id(name));
    param.is_some_and(|param| server.config.row(param).flags.has(config::Flags::SENSITIVE))
}

fn set(cx: &mut Cx, args: Args) -> CmdResult {
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    if !words.len().is_multiple_of(2) {
        return Err(error::SYNTAX);
    }
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let config = &cx.server.config;
    let protection = config.int(config.require("enable-protected-configs"));
    let rights = Rights {
        protected_ok: is_enabled_for(cx.session, protection),
        loading: cx.server.loading.load(Ordering::Relaxed),
    };
    let prepared = config.prepare(&pairs, rights);
    let applied = config.apply(prepared.map_err(|error| CmdError::text(error.text()))?);
    announce(cx, &applied)?;
    cx.reply.ok();
    Ok(Outcome::Done)
}

/// Tells whoever acts on the changed parameters; takes everything back when one refuses.
fn announce(cx: &Cx, applied: &Applied) -> Result<(), CmdError> {
    let (config, host) = (&cx.server.config, &cx.server.host);
    let changed: Vec<_> = applied.changes.iter().filter(|change| change.changed).collect();
    for (index, change) in changed.iter().enumerate() {
        let Err(reason) = host.reconfigure(&[config.row(change.id).name]) else { continue };
        config.revert(applied);
        for told in &changed[..index] {
            // It took the old value before, so it will again; nothing better could be done.
            let _ = host.reconfigure(&[config.row(told.id).name]);
        }
        return Err(CmdError::text(SetError::refused(change.name, reason).text()));
    }
    let password = config.require("requirepass");
    if changed.iter().any(|change| change.id == password) {
        cx.server.users.set_default_password(&config.text(password));
    }
    Ok(())
}

fn resetstat(cx: &mut Cx, _: Args) -> CmdResult {
    cx.server.stats.reset(cx.server.now_ms());
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn rewrite(cx: &mut Cx, _: Args) -> CmdResult {
    write_file(cx, false)?;
    cx.reply.ok();
    Ok(Outcome::Done)
}

/// Writes the configuration file; `all` also writes parameters at their default.
pub(super) fn write_file(cx: &Cx, all: bool) -> Result<(), CmdError> {
    const NO_FILE: CmdError = CmdError::fixed("ERR The server is running without a config file");
    let host = &cx.server.host;
    let path = cx.server.config_file.as_deref().ok_or(NO_FILE)?;
    let existing = match host.read_file(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot_rewrite(&error)),
    };
    let options = RewriteOptions { all, directives: &[] };
    let text = cx.server.config.rewrite(existing.as_deref(), &options);
    host.write_file(path, &text).map_err(|error| cannot_rewrite(&error))
}

fn cannot_rewrite(error: &io::Error) -> CmdError {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    CmdError::text(format!("ERR Rewriting config file: {reason}"))
}
