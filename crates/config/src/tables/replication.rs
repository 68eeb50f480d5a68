//! Masters and replicas.

use crate::param::{Flags, I32_MAX, Param, boolean, choice, int, memory, special, text};
use crate::special;

/// Values of `repl-diskless-load`.
pub mod diskless_load {
    pub const DISABLED: i64 = 0;
    pub const ON_EMPTY_DB: i64 = 1;
    pub const SWAP_DB: i64 = 2;
    /// Redis 8.6 calls it `flushdb`, Valkey `flush-before-load`.
    pub const FLUSH_FIRST: i64 = 3;
}

/// Values of `propagation-error-behavior`.
pub mod propagation_error {
    pub const IGNORE: i64 = 0;
    pub const PANIC: i64 = 1;
    pub const PANIC_ON_REPLICAS: i64 = 2;
}

pub const PARAMS: &[Param] = &[
    special("replicaof", "", &special::REPLICA_OF)
        .alias("slaveof")
        .with(Flags::MULTI_ARG)
        .immutable(),
    text("masterauth", "").alias("primaryauth").with(Flags::SENSITIVE),
    text("masteruser", "").alias("primaryuser").with(Flags::SENSITIVE),
    boolean("replica-read-only", "yes").alias("slave-read-only"),
    boolean("replica-serve-stale-data", "yes").alias("slave-serve-stale-data"),
    boolean("replica-lazy-flush", "no").alias("slave-lazy-flush"),
    boolean("replica-ignore-maxmemory", "yes").alias("slave-ignore-maxmemory"),
    boolean("replica-ignore-disk-write-errors", "no"),
    int("replica-priority", "100", 0, I32_MAX).alias("slave-priority"),
    boolean("replica-announced", "yes"),
    text("replica-announce-ip", "").alias("slave-announce-ip"),
    int("replica-announce-port", "0", 0, 65535).alias("slave-announce-port"),
    memory("replica-full-sync-buffer-limit", "0", 0).signed(),
    int("min-replicas-to-write", "0", 0, I32_MAX).alias("min-slaves-to-write"),
    int("min-replicas-max-lag", "10", 0, I32_MAX).alias("min-slaves-max-lag"),
    memory("repl-backlog-size", "1048576", 1).signed().clamp(16384, i64::MAX),
    int("repl-backlog-ttl", "3600", 0, i64::MAX),
    int("repl-timeout", "60", 1, I32_MAX),
    int("repl-ping-replica-period", "10", 1, I32_MAX).alias("repl-ping-slave-period"),
    boolean("repl-disable-tcp-nodelay", "no"),
    boolean("repl-diskless-sync", "yes"),
    int("repl-diskless-sync-delay", "5", 0, I32_MAX),
    int("repl-diskless-sync-max-replicas", "0", 0, I32_MAX),
    choice(
        "repl-diskless-load",
        "disabled",
        &[
            ("disabled", diskless_load::DISABLED),
            ("on-empty-db", diskless_load::ON_EMPTY_DB),
            ("swapdb", diskless_load::SWAP_DB),
        ],
    )
    .newer(&[
        ("flushdb", diskless_load::FLUSH_FIRST),
        ("flush-before-load", diskless_load::FLUSH_FIRST),
    ])
    .with(Flags::DENY_LOADING),
    boolean("repl-rdb-channel", "yes").hidden(),
    boolean("dual-channel-replication-enabled", "no"),
    boolean("repl-mptcp", "no").immutable().hidden(),
    choice(
        "propagation-error-behavior",
        "ignore",
        &[
            ("ignore", propagation_error::IGNORE),
            ("panic", propagation_error::PANIC),
            ("panic-on-replicas", propagation_error::PANIC_ON_REPLICAS),
        ],
    ),
];
