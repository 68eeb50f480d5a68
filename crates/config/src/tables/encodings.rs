//! Thresholds between the encodings of the data types.

use crate::param::{I32_MAX, I32_MIN, Param, boolean, int, memory};

pub const PARAMS: &[Param] = &[
    int("hash-max-listpack-entries", "512", 0, i64::MAX)
        .unsigned()
        .alias("hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", "64", 0).alias("hash-max-ziplist-value"),
    int("list-max-listpack-size", "-2", I32_MIN, I32_MAX).alias("list-max-ziplist-size"),
    int("list-compress-depth", "0", 0, I32_MAX),
    int("set-max-intset-entries", "512", 0, i64::MAX).unsigned(),
    int("set-max-listpack-entries", "128", 0, i64::MAX).unsigned(),
    int("set-max-listpack-value", "64", 0, i64::MAX).unsigned(),
    int("zset-max-listpack-entries", "128", 0, i64::MAX)
        .unsigned()
        .alias("zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", "64", 0).alias("zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", "3000", 0),
    memory("stream-node-max-bytes", "4096", 0),
    int("stream-node-max-entries", "100", 0, i64::MAX),
    int("stream-idmp-duration", "100", 1, 86400),
    int("stream-idmp-maxsize", "100", 1, 10000),
    boolean("vset-force-single-threaded-execution", "no"),
];
