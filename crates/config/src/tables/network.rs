//! Listening, clients, limits of the protocol.

use crate::param::{Flags, I32_MAX, Param, U32_MAX, boolean, int, memory, octal, special, text};
use crate::special;

pub const PARAMS: &[Param] = &[
    special("bind", "127.0.0.1 -::1", &special::BIND).with(Flags::MULTI_ARG),
    text("bind-source-addr", ""),
    int("port", "6379", 0, 65535),
    boolean("protected-mode", "yes"),
    int("tcp-backlog", "511", 0, I32_MAX).immutable(),
    int("tcp-keepalive", "300", 0, I32_MAX),
    text("unixsocket", "").immutable(),
    octal("unixsocketperm", "0", 0, 0o777).unsigned().immutable(),
    text("unixsocketgroup", "").immutable().hidden(),
    int("socket-mark-id", "0", 0, U32_MAX).unsigned().immutable(),
    int("timeout", "0", 0, I32_MAX),
    int("maxclients", "10000", 1, U32_MAX).unsigned(),
    int("max-new-connections-per-cycle", "10", 1, 1000).unsigned(),
    int("max-new-tls-connections-per-cycle", "1", 1, 1000).unsigned(),
    special(
        "client-output-buffer-limit",
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        &special::OUTPUT_LIMITS,
    )
    .with(Flags::MULTI_ARG),
    memory("client-query-buffer-limit", "1073741824", 1 << 20),
    memory("proto-max-bulk-len", "536870912", 1 << 20).signed(),
    int("tracking-table-max-keys", "1000000", 0, i64::MAX).unsigned(),
    int("lookahead", "16", 1, I32_MAX),
    boolean("mptcp", "no").immutable().hidden(),
    text("rdma-bind", ""),
    int("rdma-completion-vector", "-1", -1, I32_MAX).immutable().hidden(),
    int("rdma-port", "0", 0, 65535),
    memory("rdma-rx-size", "1048576", 1 << 16).immutable().hidden(),
];
