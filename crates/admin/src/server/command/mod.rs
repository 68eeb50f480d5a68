//! COMMAND: what the server knows of its commands, all of it computed from their rows.

mod docs;
mod getkeys;
mod info;
mod list;

use super::{Args, CmdResult, Cx, Outcome};
use engine::command::{Categories, Command, Flags, command, one_of, pattern, string};

const FLAGS: Flags = Flags::LOADING.or(Flags::STALE);
const UNORDERED: &[&str] = &["nondeterministic_output_order"];

pub(super) const COMMAND: Command = {
    let mut row = command("COMMAND", info::all)
        .summary("Describes every command.")
        .since("2.8.13")
        .group("server")
        .complexity("O(N) for N commands in the table")
        .arity(-1)
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .tips(UNORDERED);
    row.subcommands = SUBCOMMANDS;
    row
};

const SUBCOMMANDS: &[Command] = &[
    command("COUNT", count)
        .summary("Counts the commands.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::CONNECTION),
    command("LIST", list::list)
        .summary("Lists the names of commands.")
        .since("7.0.0")
        .group("server")
        .complexity("O(N) for N commands in the table")
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .tips(UNORDERED)
        .args(&[one_of("filterby", FILTERS).token("FILTERBY").optional()]),
    command("INFO", info::some)
        .summary("Describes some commands, or every command.")
        .since("2.8.13")
        .group("server")
        .complexity("O(N) for N names")
        .history(&[("7.0.0", "Without names it describes every command.")])
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .tips(UNORDERED)
        .args(&[string("command-name").optional().many()]),
    command("DOCS", docs::docs)
        .summary("Documents some commands, or every command.")
        .since("7.0.0")
        .group("server")
        .complexity("O(N) for N names")
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .tips(UNORDERED)
        .args(&[string("command-name").optional().many()]),
    command("GETKEYS", getkeys::getkeys)
        .summary("Says which words of a request are keys.")
        .since("2.8.13")
        .group("server")
        .complexity("O(N) for N words")
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .args(&[string("command"), string("arg").optional().many()]),
    command("GETKEYSANDFLAGS", getkeys::getkeysandflags)
        .summary("Says which words of a request are keys and what it does to them.")
        .since("7.0.0")
        .group("server")
        .complexity("O(N) for N words")
        .flags(FLAGS)
        .acl(Categories::CONNECTION)
        .args(&[string("command"), string("arg").optional().many()]),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("5.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::CONNECTION),
];

const FILTERS: &[engine::command::Arg] = &[
    string("module-name").token("MODULE"),
    string("category").token("ACLCAT"),
    pattern("pattern").token("PATTERN"),
];

fn count(cx: &mut Cx, _: Args) -> CmdResult {
    cx.reply.integer(cx.server.registry.top_level().len() as i64);
    Ok(Outcome::Done)
}
