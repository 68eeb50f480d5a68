//! Scripts. So far the script cache's own commands: nothing can be loaded yet, so the cache is
//! empty, and what may be asked of an empty cache is answered as such. Tools flush it before they
//! begin.

use engine::command::{Arg, Categories, Command, Flags, command, container, one_of, string, token};
use engine::error::CmdError;
use engine::module::{Module, module};
use engine::{Args, CmdResult, Cx, Outcome};

/// The module.
pub const MODULE: Module = module("scripting").commands(&[&[SCRIPT]]);

const SCRIPT: Command = container("SCRIPT", SUBCOMMANDS)
    .summary("Groups the commands about the cache of scripts.")
    .since("2.6.0")
    .group("scripting")
    .complexity("Depends on subcommand.");

const SUBCOMMANDS: &[Command] = &[
    command("EXISTS", exists)
        .summary("Tells for each digest whether its script is cached.")
        .since("2.6.0")
        .group("scripting")
        .complexity("O(N) with N being the number of scripts to check")
        .flags(Flags::NOSCRIPT)
        .acl(Categories::SCRIPTING)
        .tips(&["request_policy:all_shards", "response_policy:agg_logical_and"])
        .args(&[string("sha1").many()]),
    command("FLUSH", flush)
        .summary("Removes all cached scripts.")
        .since("2.6.0")
        .group("scripting")
        .complexity("O(N) with N being the number of scripts in cache")
        .history(&[("6.2.0", "ASYNC and SYNC were added.")])
        .flags(Flags::NOSCRIPT)
        .acl(Categories::SCRIPTING)
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .args(&[FLUSH_TYPE]),
    command("HELP", engine::help::reply)
        .summary("Describes the subcommands.")
        .since("5.0.0")
        .group("scripting")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE))
        .acl(Categories::SCRIPTING),
];

const FLUSH_TYPE: Arg = one_of("flush-type", &[token("async", "ASYNC"), token("sync", "SYNC")])
    .since("6.2.0")
    .optional();

fn exists(cx: &mut Cx, args: Args) -> CmdResult {
    cx.reply.array(args.len() - 2);
    args.from(2).iter().for_each(|_| cx.reply.integer(0));
    Ok(Outcome::Done)
}

fn flush(cx: &mut Cx, args: Args) -> CmdResult {
    if args.len() > 3 || args.len() == 3 && !args.is(2, "SYNC") && !args.is(2, "ASYNC") {
        return Err(CmdError::fixed("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    cx.reply.ok();
    Ok(Outcome::Done)
}
