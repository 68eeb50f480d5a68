//! Memory, eviction, lazy freeing, defragmentation.

use crate::param::{I32_MAX, Param, boolean, choice, int, memory, memory_range};

/// Values of `maxmemory-policy`.
pub mod policy {
    pub const VOLATILE_LRU: i64 = 0;
    pub const VOLATILE_LFU: i64 = 1;
    pub const VOLATILE_RANDOM: i64 = 2;
    pub const VOLATILE_TTL: i64 = 3;
    pub const ALLKEYS_LRU: i64 = 4;
    pub const ALLKEYS_LFU: i64 = 5;
    pub const ALLKEYS_RANDOM: i64 = 6;
    pub const NO_EVICTION: i64 = 7;
    /// Least recently modified, since Redis 8.6.
    pub const VOLATILE_LRM: i64 = 8;
    pub const ALLKEYS_LRM: i64 = 9;
}

const POLICIES: &[(&str, i64)] = &[
    ("volatile-lru", policy::VOLATILE_LRU),
    ("volatile-lfu", policy::VOLATILE_LFU),
    ("volatile-random", policy::VOLATILE_RANDOM),
    ("volatile-ttl", policy::VOLATILE_TTL),
    ("allkeys-lru", policy::ALLKEYS_LRU),
    ("allkeys-lfu", policy::ALLKEYS_LFU),
    ("allkeys-random", policy::ALLKEYS_RANDOM),
    ("noeviction", policy::NO_EVICTION),
];

pub const PARAMS: &[Param] = &[
    memory("maxmemory", "0", 0),
    memory_range("maxmemory-clients", "0", 0, i64::MAX, true),
    choice("maxmemory-policy", "noeviction", POLICIES)
        .newer(&[("volatile-lrm", policy::VOLATILE_LRM), ("allkeys-lrm", policy::ALLKEYS_LRM)]),
    int("maxmemory-samples", "5", 1, 64),
    int("maxmemory-eviction-tenacity", "10", 0, 100),
    int("lfu-log-factor", "10", 0, I32_MAX),
    int("lfu-decay-time", "1", 0, I32_MAX),
    boolean("lazyfree-lazy-eviction", "no"),
    boolean("lazyfree-lazy-expire", "no"),
    boolean("lazyfree-lazy-server-del", "no"),
    boolean("lazyfree-lazy-user-del", "no"),
    boolean("lazyfree-lazy-user-flush", "no"),
    int("active-expire-effort", "1", 1, 10),
    boolean("activerehashing", "yes"),
    boolean("activedefrag", "no"),
    int("active-defrag-cycle-min", "1", 1, 99),
    int("active-defrag-cycle-max", "25", 1, 99),
    int("active-defrag-cycle-us", "500", 0, 100_000),
    memory("active-defrag-ignore-bytes", "104857600", 1),
    int("active-defrag-max-scan-fields", "1000", 1, i64::MAX),
    int("active-defrag-threshold-lower", "10", 0, 1000),
    int("active-defrag-threshold-upper", "100", 0, 1000),
    boolean("jemalloc-bg-thread", "yes"),
    // The adjustment of the kernel's out-of-memory killer is relative unless it says otherwise.
    choice("oom-score-adj", "no", &[("no", 0), ("yes", 1), ("relative", 1), ("absolute", 2)]),
    crate::param::special("oom-score-adj-values", "0 200 800", &crate::special::OOM_SCORES)
        .with(crate::Flags::MULTI_ARG),
];
