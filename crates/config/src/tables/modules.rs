//! What Redis' bundled modules (search, time series, probabilistic types) can be told.

use crate::param::{Param, U32_MAX, boolean, choice, int, real, text};

/// Values of `ts-duplicate-policy`.
pub mod duplicate {
    pub const BLOCK: i64 = 0;
    pub const FIRST: i64 = 1;
    pub const LAST: i64 = 2;
    pub const MIN: i64 = 3;
    pub const MAX: i64 = 4;
    pub const SUM: i64 = 5;
}

const DUPLICATE_POLICIES: &[(&str, i64)] = &[
    ("block", duplicate::BLOCK),
    ("first", duplicate::FIRST),
    ("last", duplicate::LAST),
    ("min", duplicate::MIN),
    ("max", duplicate::MAX),
    ("sum", duplicate::SUM),
];

const MAX: i64 = i64::MAX;

pub const PARAMS: &[Param] = &[
    int("search-bg-index-sleep-gap", "100", 1, U32_MAX),
    int("search-bg-index-sleep-duration-us", "1", 1, 999_999),
    int("search-conn-per-shard", "0", 0, MAX),
    int("search-cursor-max-idle", "300000", 0, MAX),
    int("search-cursor-reply-threshold", "1", 1, MAX),
    int("search-default-dialect", "1", 1, 4),
    text("search-default-scorer", "BM25STD"),
    text("search-ext-load", "").immutable().hidden(),
    text("search-friso-ini", "").immutable().hidden(),
    boolean("search-fork-gc-clean-numeric-empty-nodes", "yes"),
    int("search-fork-gc-clean-threshold", "100", 1, MAX),
    int("search-fork-gc-retry-interval", "5", 1, MAX),
    int("search-fork-gc-run-interval", "30", 1, MAX),
    int("search-fork-gc-sleep-before-exit", "0", 0, MAX),
    int("search-gc-scan-size", "100", 1, MAX),
    int("search-index-cursor-limit", "128", 0, MAX).immutable().hidden(),
    int("search-max-aggregate-results", "2147483648", 0, MAX),
    int("search-max-doctablesize", "1000000", 1, 100_000_000).immutable().hidden(),
    int("search-max-prefix-expansions", "200", 1, MAX).alias("search-max-expansions"),
    int("search-max-search-results", "1000000", 0, MAX),
    int("search-_max-foreground-timeout-limit", "60000", 0, MAX),
    int("search-min-operation-workers", "4", 0, 8192),
    int("search-min-phonetic-term-len", "3", 1, MAX),
    int("search-min-prefix", "2", 1, MAX),
    int("search-min-stem-len", "4", 2, U32_MAX),
    int("search-multi-text-slop", "100", 0, U32_MAX),
    boolean("search-no-mem-pools", "no").immutable().hidden(),
    boolean("search-no-gc", "no").immutable().hidden(),
    choice("search-on-timeout", "return", &[("return", 0), ("fail", 1)]),
    choice("search-on-oom", "ignore", &[("ignore", 0), ("return", 1), ("fail", 2)]),
    boolean("search-partial-indexed-docs", "no").immutable().hidden(),
    boolean("search-raw-docid-encoding", "no").immutable().hidden(),
    int("search-threads", "20", 1, 1024).immutable().hidden(),
    int("search-io-threads", "1", 1, 256),
    int("search-tiered-hnsw-buffer-limit", "1024", 0, MAX),
    int("search-timeout", "500", 0, MAX),
    int("search-topology-validation-timeout", "30000", 0, MAX),
    int("search-union-iterator-heap", "20", 1, MAX),
    int("search-vss-max-resize", "0", 0, U32_MAX),
    int("search-workers", "0", 0, 8192),
    int("search-workers-priority-bias-threshold", "1", 0, MAX),
    int("ts-chunk-size-bytes", "4096", 48, 1 << 20).multiple_of(8),
    text("ts-compaction-policy", ""),
    choice("ts-duplicate-policy", "block", DUPLICATE_POLICIES),
    choice("ts-encoding", "compressed", &[("compressed", 0), ("uncompressed", 1)]),
    int("ts-retention-policy", "0", 0, MAX),
    int("ts-ignore-max-time-diff", "0", 0, MAX),
    real("ts-ignore-max-val-diff", "0", -f64::MIN_POSITIVE, f64::MAX),
    int("ts-num-threads", "3", 1, 16).immutable().hidden(),
    real("bf-error-rate", "0.01", 0.0, 1.0),
    int("bf-expansion-factor", "2", 0, 32768),
    int("bf-initial-size", "100", 1, 1 << 20),
    int("cf-bucket-size", "2", 1, 255),
    int("cf-initial-size", "1024", 2, 1 << 20),
    int("cf-expansion-factor", "1", 0, 32768),
    int("cf-max-expansions", "32", 1, 65535),
    int("cf-max-iterations", "20", 1, 65535),
];
