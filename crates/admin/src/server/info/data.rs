//! The data and its copies: Persistence, Replication, Cluster, Keyspace.

use super::int;
use engine::Server;
use engine::info::InfoWriter;
use std::sync::atomic::Ordering;

pub(super) fn persistence(server: &Server, w: &mut InfoWriter) {
    w.field("loading", u8::from(server.loading.load(Ordering::Relaxed)));
    w.field("async_loading", 0);
    for name in ["current_cow_peak", "current_cow_size", "current_cow_size_age"] {
        w.field(name, 0);
    }
    w.field("current_fork_perc", "0.00");
    w.field("current_save_keys_processed", 0);
    w.field("current_save_keys_total", 0);
    w.field("rdb_changes_since_last_save", server.stats.dirty.load(Ordering::Relaxed));
    w.field("rdb_bgsave_in_progress", 0);
    w.field("rdb_last_save_time", server.started_ms / 1000);
    w.field("rdb_last_bgsave_status", "ok");
    w.field("rdb_last_bgsave_time_sec", -1);
    w.field("rdb_current_bgsave_time_sec", -1);
    for name in [
        "rdb_saves",
        "rdb_last_cow_size",
        "rdb_last_load_keys_expired",
        "rdb_last_load_keys_loaded",
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
    ] {
        w.field(name, 0);
    }
    w.field("aof_last_rewrite_time_sec", -1);
    w.field("aof_current_rewrite_time_sec", -1);
    w.field("aof_last_bgrewrite_status", "ok");
    w.field("aof_rewrites", 0);
    w.field("aof_rewrites_consecutive_failures", 0);
    w.field("aof_last_write_status", "ok");
    w.field("aof_last_cow_size", 0);
    w.field("module_fork_in_progress", 0);
    w.field("module_fork_last_cow_size", 0);
}

pub(super) fn replication(server: &Server, w: &mut InfoWriter) {
    w.field("role", "master");
    w.field("connected_slaves", 0);
    w.field("master_failover_state", "no-failover");
    w.field("master_replid", &*server.replication_id.lock());
    w.field("master_replid2", "0".repeat(40));
    w.field("master_repl_offset", 0);
    w.field("second_repl_offset", -1);
    w.field("repl_backlog_active", 0);
    w.field("repl_backlog_size", int(server, "repl-backlog-size"));
    w.field("repl_backlog_first_byte_offset", 0);
    w.field("repl_backlog_histlen", 0);
}

pub(super) fn cluster(_: &Server, w: &mut InfoWriter) {
    w.field("cluster_enabled", 0);
}

pub(super) fn keyspace(server: &Server, w: &mut InfoWriter) {
    let now_ms = server.now_ms();
    for db in 0..server.keyspace.databases() {
        let size = server.keyspace.size(db);
        if size.keys == 0 {
            continue;
        }
        let (keys, expires) = (size.keys, size.expires);
        let avg_ttl =
            if expires == 0 { 0 } else { size.expiry_mean_ms.saturating_sub(now_ms).max(0) };
        w.field(
            &format!("db{db}"),
            format!("keys={keys},expires={expires},avg_ttl={avg_ttl},subexpiry=0"),
        );
    }
}
