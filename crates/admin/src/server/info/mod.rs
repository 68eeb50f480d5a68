//! INFO: the sections of the core. Modules bring sections of their own in the same form.
//!
//! A field is here when its value can be given truthfully; what belongs to a feature that does not
//! exist yet (replicas, scripts, subscribers) has the value of a server on which it never happened.

mod commands;
mod data;
mod memory;
mod process;
mod traffic;

use super::{Args, CmdResult, Cx, Outcome};
use engine::Server;
use engine::command::{Categories, Command, Flags, command, string};
use engine::info::{InfoSection, InfoWriter, Shown};

pub(super) const INFO: Command = command("INFO", info)
    .summary("Gives figures about the server, as text.")
    .since("1.0.0")
    .group("server")
    .complexity("O(1)")
    .history(&[("7.0.0", "Several sections can be named.")])
    .flags(Flags::LOADING.or(Flags::STALE))
    .acl(Categories::DANGEROUS)
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .args(&[string("section").optional().many()]);

pub(super) const SECTIONS: &[InfoSection] = &[
    section("Server", 10, process::server),
    section("Clients", 20, traffic::clients),
    section("Memory", 30, memory::memory),
    section("Persistence", 40, data::persistence),
    section("Threads", 50, traffic::threads),
    section("Stats", 60, traffic::stats),
    section("Replication", 70, data::replication),
    section("CPU", 80, process::cpu),
    section("Modules", 90, process::modules),
    InfoSection { shown: Shown::All, ..section("Commandstats", 100, commands::calls) },
    section("Errorstats", 110, commands::errors),
    InfoSection { shown: Shown::All, ..section("Latencystats", 120, commands::latencies) },
    section("Cluster", 130, data::cluster),
    section("Keyspace", 140, data::keyspace),
];

const fn section(
    title: &'static str,
    order: u32,
    write: fn(&Server, &mut InfoWriter),
) -> InfoSection {
    InfoSection { title, order, shown: Shown::Default, write }
}

fn info(cx: &mut Cx, args: Args) -> CmdResult {
    let names = args.from(1);
    let named = |title: &str| names.iter().any(|n| n.eq_ignore_ascii_case(title.as_bytes()));
    let (everything, all) = (named("everything"), named("all"));
    let default = names.is_empty() || named("default");
    let mut writer = InfoWriter::default();
    for section in cx.server.registry.info_sections() {
        let included = match section.shown {
            Shown::Default => default || all || everything,
            Shown::All => all || everything,
            Shown::Everything => everything,
        };
        if included || named(section.title) {
            writer.section(section.title);
            (section.write)(cx.server, &mut writer);
        }
    }
    cx.reply.verbatim("txt", writer.into_text().as_bytes());
    Ok(Outcome::Done)
}

/// A parameter's number.
fn int(server: &Server, name: &str) -> i64 {
    server.config.int(server.config.require(name))
}

/// A parameter as CONFIG GET prints it.
fn printed(server: &Server, name: &str) -> String {
    server.config.print(server.config.require(name))
}
