//! Who is connected and what was done for them: Clients, Threads, Stats.

use super::int;
use engine::Server;
use engine::info::InfoWriter;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ordering: relaxed, a figure stands alone.
fn load(figure: &AtomicU64) -> u64 {
    figure.load(Ordering::Relaxed)
}

pub(super) fn clients(server: &Server, w: &mut InfoWriter) {
    let figures: Vec<_> = server.clients.all().iter().map(|client| client.figures()).collect();
    let blocked = figures.iter().filter(|client| client.blocked).count();
    w.field("connected_clients", figures.len());
    w.field("cluster_connections", 0);
    w.field("maxclients", int(server, "maxclients"));
    let largest = |bytes: fn(&engine::clients::Figures) -> u64| figures.iter().map(bytes).max();
    w.field("client_recent_max_input_buffer", largest(|client| client.query_bytes).unwrap_or(0));
    w.field("client_recent_max_output_buffer", largest(|client| client.output_bytes).unwrap_or(0));
    w.field("blocked_clients", blocked);
    w.field("tracking_clients", 0);
    w.field("pubsub_clients", 0);
    w.field("watching_clients", figures.iter().filter(|client| client.watches > 0).count());
    w.field("clients_in_timeout_table", 0);
    w.field("total_watched_keys", figures.iter().map(|client| client.watches).sum::<u64>());
    w.field("total_blocking_keys", 0);
    w.field("total_blocking_keys_on_nokey", 0);
}

pub(super) fn threads(server: &Server, w: &mut InfoWriter) {
    for (index, worker) in server.stats.workers().iter().enumerate() {
        let (reads, writes) = (worker.reads.get(), worker.writes.get());
        w.field(&format!("io_thread_{index}"), format!("reads={reads},writes={writes}"));
    }
}

pub(super) fn stats(server: &Server, w: &mut InfoWriter) {
    connections_and_commands(server, w);
    keys(server, w);
    features(w);
    errors_and_input(server, w);
    event_loops(server, w);
}

fn connections_and_commands(server: &Server, w: &mut InfoWriter) {
    let stats = &server.stats;
    let kbps = |bytes_per_s: &AtomicU64| format!("{:.2}", load(bytes_per_s) as f64 / 1024.0);
    w.field("total_connections_received", load(&stats.connections));
    w.field("total_commands_processed", stats.sum(|worker| &worker.processed));
    w.field("instantaneous_ops_per_sec", load(&stats.ops_per_s));
    w.field("total_net_input_bytes", stats.sum(|worker| &worker.net_in_bytes));
    w.field("total_net_output_bytes", stats.sum(|worker| &worker.net_out_bytes));
    w.field("total_net_repl_input_bytes", 0);
    w.field("total_net_repl_output_bytes", 0);
    w.field("instantaneous_input_kbps", kbps(&stats.input_bytes_per_s));
    w.field("instantaneous_output_kbps", kbps(&stats.output_bytes_per_s));
    w.field("instantaneous_input_repl_kbps", "0.00");
    w.field("instantaneous_output_repl_kbps", "0.00");
    w.field("rejected_connections", load(&stats.rejected_connections));
    w.field("sync_full", 0);
    w.field("sync_partial_ok", 0);
    w.field("sync_partial_err", 0);
}

fn keys(server: &Server, w: &mut InfoWriter) {
    let stats = &server.stats;
    w.field("expired_subkeys", 0);
    w.field("expired_keys", stats.sum(|worker| &worker.expired));
    // Expiry visits exactly what is due, so nothing stale is left behind and no cap is reached.
    w.field("expired_stale_perc", "0.00");
    w.field("expired_time_cap_reached_count", 0);
    w.field("expire_cycle_cpu_milliseconds", stats.sum(|worker| &worker.sweep_ns) / 1_000_000);
    w.field("evicted_keys", 0);
    w.field("evicted_clients", 0);
    w.field("evicted_scripts", 0);
    w.field("total_eviction_exceeded_time", 0);
    w.field("current_eviction_exceeded_time", 0);
    w.field("keyspace_hits", stats.sum(|worker| &worker.hits));
    w.field("keyspace_misses", stats.sum(|worker| &worker.misses));
}

/// What cannot have happened yet.
fn features(w: &mut InfoWriter) {
    for name in [
        "pubsub_channels",
        "pubsub_patterns",
        "pubsubshard_channels",
        "latest_fork_usec",
        "total_forks",
        "migrate_cached_sockets",
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
        "unexpected_error_replies",
    ] {
        w.field(name, 0);
    }
}

fn errors_and_input(server: &Server, w: &mut InfoWriter) {
    let stats = &server.stats;
    let (reads, writes) = (stats.sum(|worker| &worker.reads), stats.sum(|worker| &worker.writes));
    w.field("total_error_replies", load(&stats.error_replies));
    w.field("dump_payload_sanitizations", 0);
    w.field("total_reads_processed", reads);
    w.field("total_writes_processed", writes);
    // Every worker reads and writes for its own connections.
    w.field("io_threaded_reads_processed", reads);
    w.field("io_threaded_writes_processed", writes);
    let by_input = load(&stats.query_limit_disconnections);
    w.field("client_query_buffer_limit_disconnections", by_input);
    let by_output = load(&stats.output_limit_disconnections);
    w.field("client_output_buffer_limit_disconnections", by_output);
    // Reply buffers belong to the workers and serve every connection at the size they have.
    w.field("reply_buffer_shrinks", 0);
    w.field("reply_buffer_expands", 0);
}

fn event_loops(server: &Server, w: &mut InfoWriter) {
    let stats = &server.stats;
    let commands = 0..server.registry.len() as u32;
    let commands_ns: u64 = commands.map(|index| stats.command_ns(index)).sum();
    w.field("eventloop_cycles", stats.sum(|worker| &worker.cycles));
    w.field("eventloop_duration_sum", stats.sum(|worker| &worker.cycles_ns) / 1000);
    w.field("eventloop_duration_cmd_sum", commands_ns / 1000);
    w.field("instantaneous_eventloop_cycles_per_sec", load(&stats.cycles_per_s));
    w.field("instantaneous_eventloop_duration_usec", load(&stats.cycle_ns) / 1000);
    w.field("acl_access_denied_auth", load(&stats.denied_auth));
    w.field("acl_access_denied_cmd", 0);
    w.field("acl_access_denied_key", 0);
    w.field("acl_access_denied_channel", 0);
}
