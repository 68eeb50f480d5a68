//! The core's parameters, one file per theme. Ranges, names of enums and rights were read off a
//! running reference server; rows that newer releases of Redis or Valkey have are accepted and
//! validated, so that a file written for them loads.

use crate::param::Param;

pub mod cluster;
pub mod debug;
pub mod encodings;
pub mod memory;
pub mod modules;
pub mod network;
pub mod persistence;
pub mod replication;
pub mod server;
pub mod shutdown;
pub mod tls;

/// Every table of this crate.
pub const ALL: &[&[Param]] = &[
    network::PARAMS,
    tls::PARAMS,
    server::PARAMS,
    shutdown::PARAMS,
    memory::PARAMS,
    persistence::PARAMS,
    replication::PARAMS,
    cluster::PARAMS,
    encodings::PARAMS,
    modules::PARAMS,
    debug::PARAMS,
];

/// Directives that older servers knew: read and ignored.
pub const RETIRED: &[&str] = &[
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "hash-max-zipmap-entries",
    "hash-max-zipmap-value",
    "io-threads-do-reads",
    "lua-replicate-commands",
    "repl-diskless-sync-period",
];

/// Values of `enable-debug-command` and its like.
pub mod access {
    pub const NO: i64 = 0;
    pub const YES: i64 = 1;
    /// Clients on the loopback interface or a Unix socket.
    pub const LOCAL: i64 = 2;
    pub(crate) const NAMES: &[(&str, i64)] = &[("no", NO), ("yes", YES), ("local", LOCAL)];
}
