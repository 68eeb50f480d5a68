//! What an operator asks and tells the server.
//!
//! Nothing here has data of its own: the answers are read from the registry, the configuration, the
//! statistics and the host, like any other reader would.

mod command;
mod config;
mod debug;
mod info;
mod latency;
mod lolwut;
mod memory;
mod modules;
mod shutdown;
mod slowlog;
mod text;

use engine::command::{Categories, Command, Flags, command};
use engine::help::reply as help;
use engine::module::{Module, module};
use engine::{Args, CmdError, CmdResult, Cx, Outcome};

/// The server commands and the INFO sections.
pub const MODULE: Module = module("server").commands(&[ROWS]).info(info::SECTIONS);

const ROWS: &[Command] = &[
    command::COMMAND,
    config::CONFIG,
    debug::DEBUG,
    info::INFO,
    latency::LATENCY,
    lolwut::LOLWUT,
    memory::MEMORY,
    modules::MODULE,
    shutdown::SHUTDOWN,
    slowlog::SLOWLOG,
    command("TIME", time)
        .summary("Gives the server's time in seconds and microseconds.")
        .since("2.6.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE).or(Flags::FAST))
        .tips(&["nondeterministic_output"]),
    command("ROLE", role)
        .summary("Gives the server's part in replication.")
        .since("2.8.12")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE).or(Flags::FAST))
        .acl(Categories::ADMIN.or(Categories::DANGEROUS)),
];

/// Flags of commands for operators that scripts may call.
const ADMIN: Flags = Flags::ADMIN.or(Flags::LOADING).or(Flags::STALE);
/// Flags of commands for operators only.
const OPERATOR: Flags = ADMIN.or(Flags::NOSCRIPT);

/// The error for a word or a number of words that a command does not know after itself.
fn unknown_in(command: &str, args: Args) -> CmdError {
    let before = "ERR unknown subcommand or wrong number of arguments for '";
    CmdError::quoting_short(before, args.at(1), &format!("'. Try {command} HELP."))
}

fn time(cx: &mut Cx, _: Args) -> CmdResult {
    let unix_us = cx.server.clock.unix_us();
    cx.reply.array(2);
    for part in [unix_us.div_euclid(1_000_000), unix_us.rem_euclid(1_000_000)] {
        cx.reply.bulk(part.to_string().as_bytes());
    }
    Ok(Outcome::Done)
}

fn role(cx: &mut Cx, _: Args) -> CmdResult {
    cx.reply.array(3);
    cx.reply.bulk(b"master");
    cx.reply.integer(0);
    cx.reply.array(0);
    Ok(Outcome::Done)
}
