//! Snapshots and the append-only file.

use crate::param::{
    Flags, I32_MAX, Param, Reason, boolean, choice, int, memory, special, text, text_where,
};
use crate::special;

/// Values of `appendfsync`.
pub mod fsync {
    pub const NO: i64 = 0;
    pub const ALWAYS: i64 = 1;
    pub const EVERY_SECOND: i64 = 2;
}

/// Values of `sanitize-dump-payload`.
pub mod sanitize {
    pub const NO: i64 = 0;
    pub const YES: i64 = 1;
    pub const CLIENTS: i64 = 2;
}

pub const PARAMS: &[Param] = &[
    special("dir", "./", &special::DIRECTORY).with(Flags::PROTECTED.and(Flags::DENY_LOADING)),
    special("save", "3600 1 300 100 60 10000", &special::SAVE).with(Flags::MULTI_ARG),
    text_where("dbfilename", "dump.rdb", file_name).with(Flags::PROTECTED),
    boolean("rdbcompression", "yes"),
    boolean("rdbchecksum", "yes").immutable(),
    boolean("rdb-save-incremental-fsync", "yes"),
    boolean("rdb-del-sync-files", "no"),
    choice("rdb-version-check", "strict", &[("strict", 0), ("relaxed", 1)]),
    boolean("stop-writes-on-bgsave-error", "yes"),
    choice(
        "sanitize-dump-payload",
        "no",
        &[("no", sanitize::NO), ("yes", sanitize::YES), ("clients", sanitize::CLIENTS)],
    ),
    boolean("appendonly", "no"),
    text_where("appendfilename", "appendonly.aof", log_name).immutable(),
    text_where("appenddirname", "appendonlydir", log_directory).immutable(),
    choice(
        "appendfsync",
        "everysec",
        &[("everysec", fsync::EVERY_SECOND), ("always", fsync::ALWAYS), ("no", fsync::NO)],
    ),
    boolean("no-appendfsync-on-rewrite", "no"),
    int("auto-aof-rewrite-percentage", "100", 0, I32_MAX),
    memory("auto-aof-rewrite-min-size", "67108864", 0).signed(),
    boolean("aof-load-truncated", "yes"),
    memory("aof-load-corrupt-tail-max-size", "0", 0),
    boolean("aof-use-rdb-preamble", "yes"),
    boolean("aof-timestamp-enabled", "no"),
    boolean("aof-rewrite-incremental-fsync", "yes"),
    boolean("aof-disable-auto-gc", "no").hidden(),
    text("aof-rewrite-cpulist", "").alias("aof_rewrite_cpulist").immutable(),
    text("bgsave-cpulist", "").alias("bgsave_cpulist").immutable(),
    int("key-load-delay", "0", i32::MIN as i64, I32_MAX).hidden(),
    int("rdb-key-save-delay", "0", i32::MIN as i64, I32_MAX).hidden(),
    int("loading-process-events-interval-bytes", "524288", 1024, I32_MAX).hidden(),
    int("hash-rdb-load-min-template-entries", "0", 0, i64::MAX),
    int("hash-rdb-load-max-template-entries", "0", 0, i64::MAX),
    int("hash-rdb-load-template-disassembly-threshold", "0", 0, i64::MAX),
];

fn file_name(name: &str) -> Result<(), Reason> {
    plain(name, "dbfilename can't be a path, just a filename")
}

fn log_name(name: &str) -> Result<(), Reason> {
    filled(name, "appendfilename can't be empty")?;
    plain(name, "appendfilename can't be a path, just a filename")
}

fn log_directory(name: &str) -> Result<(), Reason> {
    filled(name, "appenddirname can't be empty")?;
    plain(name, "appenddirname can't be a path, just a dirname")
}

fn filled(name: &str, reason: &'static str) -> Result<(), Reason> {
    if name.is_empty() { Err(reason.into()) } else { Ok(()) }
}

fn plain(name: &str, reason: &'static str) -> Result<(), Reason> {
    if name.contains('/') { Err(reason.into()) } else { Ok(()) }
}
