//! SLOWLOG: the last commands that took long.

use super::{ADMIN, Args, CmdError, CmdResult, Cx, Outcome};
use engine::command::{Command, Flags, command, container, integer};

pub(super) const SLOWLOG: Command = container("SLOWLOG", SUBCOMMANDS)
    .summary("Groups the commands about the log of slow commands.")
    .since("2.2.12")
    .group("server")
    .complexity("That of the subcommand");

/// Entries that a GET without a count gives.
const COUNT_DEFAULT: usize = 10;

const SUBCOMMANDS: &[Command] = &[
    command("GET", get)
        .summary("Gives the newest entries of the slow log.")
        .since("2.2.12")
        .group("server")
        .complexity("O(N) for N entries")
        .history(&[("4.0.0", "Entries carry the client's address and name.")])
        .flags(ADMIN)
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .args(&[integer("count").optional()]),
    command("LEN", len)
        .summary("Counts the entries of the slow log.")
        .since("2.2.12")
        .group("server")
        .complexity("O(1)")
        .flags(ADMIN)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]),
    command("RESET", reset)
        .summary("Empties the slow log.")
        .since("2.2.12")
        .group("server")
        .complexity("O(N) for N entries")
        .flags(ADMIN)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("6.2.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE)),
];

fn get(cx: &mut Cx, args: Args) -> CmdResult {
    if args.len() > 3 {
        return Err(super::unknown_in("SLOWLOG", args));
    }
    let entries = cx.server.slowlog.newest(count(args)?);
    cx.reply.array(entries.len());
    for entry in entries {
        cx.reply.array(6);
        cx.reply.integer(entry.id as i64);
        cx.reply.integer(entry.unix_s);
        cx.reply.integer(entry.duration_us as i64);
        cx.reply.array(entry.words.len());
        entry.words.iter().for_each(|word| cx.reply.bulk(word));
        cx.reply.bulk(entry.addr.as_bytes());
        cx.reply.bulk(&entry.name);
    }
    Ok(Outcome::Done)
}

/// How many entries are asked for; -1 asks for all.
fn count(args: Args) -> Result<usize, CmdError> {
    const RANGE: CmdError = CmdError::fixed("ERR count should be greater than or equal to -1");
    let Some(word) = args.get(2) else { return Ok(COUNT_DEFAULT) };
    match stdx::num::parse_i64(word) {
        Some(-1) => Ok(usize::MAX),
        Some(count) => usize::try_from(count).map_err(|_| RANGE),
        None => Err(RANGE),
    }
}

fn len(cx: &mut Cx, _: Args) -> CmdResult {
    cx.reply.integer(cx.server.slowlog.len() as i64);
    Ok(Outcome::Done)
}

fn reset(cx: &mut Cx, _: Args) -> CmdResult {
    cx.server.slowlog.clear();
    cx.reply.ok();
    Ok(Outcome::Done)
}
