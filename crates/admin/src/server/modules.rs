//! MODULE: modules are compiled in, so they can be listed only.

use super::{Args, CmdResult, Cx, Outcome};
use engine::command::{Command, Flags, command, container};

pub(super) const MODULE: Command = container("MODULE", SUBCOMMANDS)
    .summary("Groups the commands about modules.")
    .since("4.0.0")
    .group("server")
    .complexity("That of the subcommand");

const SUBCOMMANDS: &[Command] = &[
    command("LIST", list)
        .summary("Lists the modules.")
        .since("4.0.0")
        .group("server")
        .complexity("O(N) for N modules")
        .flags(Flags::ADMIN.or(Flags::NOSCRIPT))
        .tips(&["nondeterministic_output_order"]),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("5.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE)),
];

fn list(cx: &mut Cx, _: Args) -> CmdResult {
    let modules: Vec<_> =
        cx.server.registry.modules().iter().filter(|module| module.version > 0).collect();
    cx.reply.array(modules.len());
    for module in modules {
        cx.reply.map(4);
        cx.reply.bulk(b"name");
        cx.reply.bulk(module.name.as_bytes());
        cx.reply.bulk(b"ver");
        cx.reply.integer(i64::from(module.version));
        cx.reply.bulk(b"path");
        cx.reply.bulk(b"");
        cx.reply.bulk(b"args");
        cx.reply.array(0);
    }
    Ok(Outcome::Done)
}
