//! MEMORY: where the bytes are.

use super::text::{bytes, ratio};
use super::{Args, CmdResult, Cx, Outcome};
use engine::command::{Command, Flags, KeyFlags, KeySpec, command, container, integer, key};
use engine::port::Usage;
use engine::{Server, error};
use keyspace::Entry;
use resp::Writer;
use std::fmt::Write;

const SPECIAL: &[&str] =
    &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

pub(super) const MEMORY: Command = container("MEMORY", SUBCOMMANDS)
    .summary("Groups the commands that say where memory goes.")
    .since("4.0.0")
    .group("server")
    .complexity("That of the subcommand");

const SUBCOMMANDS: &[Command] = &[
    command("DOCTOR", doctor)
        .summary("Reports on memory in sentences.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1)")
        .tips(SPECIAL),
    command("MALLOC-STATS", malloc_stats)
        .summary("Gives the figures of the allocator.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1) for the client")
        .tips(SPECIAL),
    command("PURGE", purge)
        .summary("Asks the allocator to give unused memory back.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1) for the client")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
    command("STATS", stats)
        .summary("Gives the figures about memory.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1)")
        .tips(SPECIAL),
    command("USAGE", usage)
        .summary("Gives the bytes that a key and its value take.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::READONLY)
        .keys(&[KeySpec::one(2, KeyFlags::RO)])
        .args(&[key("key"), integer("count").token("SAMPLES").optional()]),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("4.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE)),
];

/// The figures that INFO and MEMORY share.
pub(super) struct Figures {
    pub usage: Usage,
    /// Bytes that were allocated before there was any data.
    pub startup: u64,
    /// Bytes of entries and values.
    pub dataset: u64,
    /// Bytes of the connections' buffers.
    pub clients: u64,
    /// Keys in all databases.
    pub keys: u64,
}

impl Figures {
    pub fn of(server: &Server) -> Figures {
        let sizes = (0..server.keyspace.databases()).map(|db| server.keyspace.size(db));
        let (dataset, keys) =
            sizes.fold((0, 0), |(bytes, keys), size| (bytes + size.bytes, keys + size.keys));
        let clients = server.clients.all();
        let buffers = clients.iter().map(|client| client.figures());
        Figures {
            usage: server.host.usage(),
            startup: server.allocated_at_start_bytes,
            dataset,
            clients: buffers.map(|client| client.query_bytes + client.output_bytes).sum(),
            keys,
        }
    }

    pub fn peak(&self) -> u64 {
        self.usage.allocated_peak_bytes.max(self.usage.allocated_bytes)
    }

    /// Everything that is neither key nor value.
    pub fn overhead(&self) -> u64 {
        self.usage.allocated_bytes.saturating_sub(self.dataset)
    }

    pub fn beyond_startup(&self) -> u64 {
        self.usage.allocated_bytes.saturating_sub(self.startup)
    }

    pub fn fragmentation(&self) -> f64 {
        ratio(self.usage.resident_bytes, self.usage.allocated_bytes)
    }

    pub fn fragmentation_bytes(&self) -> i64 {
        self.usage.resident_bytes as i64 - self.usage.allocated_bytes as i64
    }
}

fn usage(cx: &mut Cx, args: Args) -> CmdResult {
    for index in (3..args.len()).step_by(2) {
        // Values know their size, so nothing is sampled; the option must still be well formed.
        if !args.is(index, "SAMPLES") || args.integer(index + 1)? < 0 {
            return Err(error::SYNTAX);
        }
    }
    match cx.db.peek(args.at(2)) {
        None => cx.reply.null(),
        Some(entry) => {
            let bytes = entry.memory() + size_of::<Entry>();
            cx.reply.integer(bytes as i64);
        }
    }
    Ok(Outcome::Done)
}

fn stats(cx: &mut Cx, _: Args) -> CmdResult {
    let server = cx.server;
    let figures = Figures::of(server);
    let sizes = (0..server.keyspace.databases()).map(|db| (db, server.keyspace.size(db)));
    let dbs: Vec<(u16, u64)> =
        sizes.map(|(db, size)| (db, size.keys)).filter(|(_, keys)| *keys > 0).collect();
    let (before, after) = (figures_before(&figures), figures_after(&figures));
    cx.reply.map(before.len() + dbs.len() + after.len());
    write(&mut cx.reply, &before);
    for (db, keys) in dbs {
        cx.reply.bulk(format!("db.{db}").as_bytes());
        let table = keys * size_of::<Entry>() as u64;
        let parts =
            [("overhead.hashtable.main", Count(table)), ("overhead.hashtable.expires", Count(0))];
        cx.reply.map(parts.len());
        write(&mut cx.reply, &parts);
    }
    write(&mut cx.reply, &after);
    Ok(Outcome::Done)
}

/// A figure as MEMORY STATS types it.
enum Figure {
    Count(u64),
    Difference(i64),
    Real(f64),
}

use Figure::{Count, Difference, Real};

fn figures_before(figures: &Figures) -> Vec<(&'static str, Figure)> {
    vec![
        ("peak.allocated", Count(figures.peak())),
        ("total.allocated", Count(figures.usage.allocated_bytes)),
        ("startup.allocated", Count(figures.startup)),
        ("replication.backlog", Count(0)),
        ("replica.fullsync.buffer", Count(0)),
        ("clients.slaves", Count(0)),
        ("clients.normal", Count(figures.clients)),
        ("cluster.links", Count(0)),
        ("aof.buffer", Count(0)),
        ("lua.caches", Count(0)),
        ("functions.caches", Count(0)),
        ("script.VMs", Count(0)),
    ]
}

fn figures_after(figures: &Figures) -> Vec<(&'static str, Figure)> {
    let Usage { allocated_bytes, resident_bytes, .. } = figures.usage;
    let percent = |part, whole| Real(ratio(part, whole) * 100.0);
    let bytes_per_key = figures.beyond_startup().checked_div(figures.keys).unwrap_or(0);
    let (fragmentation, bytes) = (figures.fragmentation(), figures.fragmentation_bytes());
    vec![
        ("overhead.db.hashtable.lut", Count(figures.keys * size_of::<Entry>() as u64)),
        ("overhead.db.hashtable.rehashing", Count(0)),
        ("overhead.total", Count(figures.overhead())),
        ("db.dict.rehashing.count", Count(0)),
        ("keys.count", Count(figures.keys)),
        ("keys.bytes-per-key", Count(bytes_per_key)),
        ("dataset.bytes", Count(figures.dataset)),
        ("dataset.percentage", percent(figures.dataset, figures.beyond_startup())),
        ("peak.percentage", percent(allocated_bytes, figures.peak())),
        ("allocator.allocated", Count(allocated_bytes)),
        ("allocator.active", Count(resident_bytes)),
        ("allocator.resident", Count(resident_bytes)),
        ("allocator.muzzy", Count(0)),
        ("allocator-fragmentation.ratio", Real(fragmentation)),
        ("allocator-fragmentation.bytes", Difference(bytes)),
        ("allocator-rss.ratio", Real(1.0)),
        ("allocator-rss.bytes", Count(0)),
        ("rss-overhead.ratio", Real(1.0)),
        ("rss-overhead.bytes", Count(0)),
        ("fragmentation", Real(fragmentation)),
        ("fragmentation.bytes", Difference(bytes)),
    ]
}

fn write(reply: &mut Writer<'_>, figures: &[(&str, Figure)]) {
    for (name, figure) in figures {
        reply.bulk(name.as_bytes());
        match figure {
            Count(count) => reply.integer(*count as i64),
            Difference(bytes) => reply.integer(*bytes),
            Real(value) => reply.double(*value),
        }
    }
}

fn doctor(cx: &mut Cx, _: Args) -> CmdResult {
    const LITTLE_BYTES: u64 = 5 << 20;
    let figures = Figures::of(cx.server);
    let used = figures.usage.allocated_bytes;
    let mut text = String::new();
    // Writing to a string cannot fail.
    if used < LITTLE_BYTES {
        text.push_str("The server holds next to nothing, so there is nothing to find out yet.\n");
    } else {
        if figures.peak() > used / 2 * 3 {
            let _ = writeln!(
                text,
                "At its peak the server used {}, now {}: the difference may still be resident.",
                bytes(figures.peak()),
                bytes(used)
            );
        }
        if figures.fragmentation() > 1.4 {
            let _ = writeln!(
                text,
                "Resident memory is {:.2} times what is in use; MEMORY PURGE may help.",
                figures.fragmentation()
            );
        }
        if figures.clients > used / 4 {
            let _ = writeln!(text, "Buffers of clients take {}.", bytes(figures.clients));
        }
        if text.is_empty() {
            text.push_str("Nothing unusual.\n");
        }
    }
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn malloc_stats(cx: &mut Cx, _: Args) -> CmdResult {
    let Usage { allocated_bytes, allocated_peak_bytes, resident_bytes, .. } =
        cx.server.host.usage();
    let text = format!(
        "allocated: {allocated_bytes}\npeak: {allocated_peak_bytes}\nresident: {resident_bytes}\n"
    );
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn purge(cx: &mut Cx, _: Args) -> CmdResult {
    cx.server.host.release_memory();
    cx.reply.ok();
    Ok(Outcome::Done)
}
