//! The cluster.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::param::{
    I32_MAX, Param, Reason, boolean, choice, int, memory, memory_range, text, text_where,
};

/// Values of `cluster-preferred-endpoint-type`.
pub mod endpoint {
    pub const IP: i64 = 0;
    pub const HOSTNAME: i64 = 1;
    pub const UNKNOWN: i64 = 2;
}

pub const PARAMS: &[Param] = &[
    boolean("cluster-enabled", "no").immutable(),
    text("cluster-config-file", "nodes.conf").immutable(),
    choice("cluster-config-save-behavior", "sync", &[("sync", 0), ("best-effort", 1)]),
    int("cluster-databases", "1", 1, I32_MAX).immutable().hidden(),
    int("cluster-port", "0", 0, 65535).immutable(),
    int("cluster-node-timeout", "15000", 0, i64::MAX),
    int("cluster-message-gossip-perc", "10", 1, 100).hidden(),
    int("cluster-ping-interval", "0", 0, i64::MAX).hidden(),
    boolean("cluster-require-full-coverage", "yes"),
    boolean("cluster-allow-reads-when-down", "no"),
    boolean("cluster-allow-pubsubshard-when-down", "yes"),
    boolean("cluster-allow-replica-migration", "yes"),
    int("cluster-migration-barrier", "1", 0, I32_MAX),
    int("cluster-replica-validity-factor", "10", 0, I32_MAX).alias("cluster-slave-validity-factor"),
    boolean("cluster-replica-no-failover", "no").alias("cluster-slave-no-failover"),
    int("cluster-manual-failover-timeout", "5000", 1, I32_MAX),
    int("cluster-blacklist-ttl", "60", i64::MIN, i64::MAX),
    memory("cluster-link-sendbuf-limit", "0", 0),
    boolean("cluster-slot-stats-enabled", "no"),
    int("cluster-slot-migration-log-max-len", "1000", 0, i64::MAX),
    memory_range("slot-migration-max-failover-repl-bytes", "0", -1, i64::MAX, false).signed(),
    int("cluster-compatibility-sample-ratio", "0", 0, 100),
    choice(
        "cluster-preferred-endpoint-type",
        "ip",
        &[
            ("ip", endpoint::IP),
            ("hostname", endpoint::HOSTNAME),
            ("unknown-endpoint", endpoint::UNKNOWN),
        ],
    ),
    text("cluster-announce-ip", ""),
    text_where("cluster-announce-client-ipv4", "", ipv4),
    text_where("cluster-announce-client-ipv6", "", ipv6),
    text_where("cluster-announce-hostname", "", hostname),
    text_where("cluster-announce-human-nodename", "", node_name),
    int("cluster-announce-port", "0", 0, 65535),
    int("cluster-announce-bus-port", "0", 0, 65535),
    int("cluster-announce-tls-port", "0", 0, 65535),
    int("cluster-announce-client-port", "0", 0, 65535),
    int("cluster-announce-client-tls-port", "0", 0, 65535),
    boolean("import-mode", "no"),
];

fn ipv4(text: &str) -> Result<(), Reason> {
    if text.is_empty() || text.parse::<Ipv4Addr>().is_ok() {
        return Ok(());
    }
    Err("Invalid IPv4 address".into())
}

fn ipv6(text: &str) -> Result<(), Reason> {
    if text.is_empty() || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    Err("Invalid IPv6 address".into())
}

fn hostname(text: &str) -> Result<(), Reason> {
    const LENGTH_END: usize = 256;
    if text.len() >= LENGTH_END {
        return Err("Hostnames must be less than 256 characters".into());
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.') {
        return Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into());
    }
    Ok(())
}

/// The name goes into the cluster's file between blanks, commas and colons.
fn node_name(text: &str) -> Result<(), Reason> {
    if text.bytes().any(|byte| b"!#$%&()*+:;<>?@[]^{|}~,='\"\\/`".contains(&byte)) {
        return Err("Announced human node name contained invalid character".into());
    }
    Ok(())
}
