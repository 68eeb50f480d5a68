//! The process: Server, CPU, Modules.

use super::{int, printed};
use engine::Server;
use engine::info::InfoWriter;
use engine::server::{CINNABAR_VERSION, REDIS_VERSION, SERVER_NAME};

pub(super) fn server(server: &Server, w: &mut InfoWriter) {
    let about = server.host.about();
    let unix_us = server.clock.unix_us();
    let uptime_s = (unix_us / 1000 - server.started_ms).max(0) / 1000;
    let versions = format!("{REDIS_VERSION} {CINNABAR_VERSION}");
    let hz = int(server, "hz");
    w.field("redis_version", REDIS_VERSION);
    w.field("server_name", SERVER_NAME);
    w.field("cinnabar_version", CINNABAR_VERSION);
    w.field("redis_git_sha1", "00000000");
    w.field("redis_git_dirty", 0);
    w.field("redis_build_id", format!("{:016x}", stdx::digest::xxh3_64(versions.as_bytes())));
    w.field("redis_mode", "standalone");
    w.field("os", about.os);
    w.field("arch_bits", usize::BITS);
    w.field("monotonic_clock", "POSIX clock_gettime");
    w.field("multiplexing_api", about.event_api);
    w.field("process_id", about.process_id);
    w.field("process_supervised", "no");
    w.field("run_id", &server.run_id);
    w.field("tcp_port", int(server, "port"));
    w.field("server_time_usec", unix_us);
    w.field("uptime_in_seconds", uptime_s);
    w.field("uptime_in_days", uptime_s / 86400);
    w.field("hz", hz);
    w.field("configured_hz", hz);
    w.field("lru_clock", (unix_us / 1_000_000) & 0xff_ffff);
    w.field("executable", about.executable);
    w.field("config_file", server.config_file.as_deref().unwrap_or_default());
    w.field("availability_zone", printed(server, "availability-zone"));
    w.field("io_threads_active", u8::from(server.stats.workers().len() > 1));
    for (index, listener) in listeners(server).iter().enumerate() {
        w.field(&format!("listener{index}"), listener);
    }
}

/// Where connections are accepted.
fn listeners(server: &Server) -> Vec<String> {
    let addresses = printed(server, "bind");
    let bind: Vec<String> =
        addresses.split_whitespace().map(|address| format!(",bind={address}")).collect();
    let mut listeners = Vec::new();
    for (name, port) in [("tcp", "port"), ("tls", "tls-port")] {
        let port = int(server, port);
        if port > 0 {
            listeners.push(format!("name={name}{},port={port}", bind.concat()));
        }
    }
    let socket = printed(server, "unixsocket");
    if !socket.is_empty() {
        listeners.push(format!("name=unix,bind={socket}"));
    }
    listeners
}

pub(super) fn cpu(server: &Server, w: &mut InfoWriter) {
    let usage = server.host.usage();
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    w.field("used_cpu_sys", seconds(usage.cpu_system_us));
    w.field("used_cpu_user", seconds(usage.cpu_user_us));
    w.field("used_cpu_sys_children", seconds(0));
    w.field("used_cpu_user_children", seconds(0));
    // Every worker does what elsewhere the main thread does.
    w.field("used_cpu_sys_main_thread", seconds(usage.cpu_system_us));
    w.field("used_cpu_user_main_thread", seconds(usage.cpu_user_us));
    let active_ns = server.stats.sum(|worker| &worker.cycles_ns);
    w.field("used_active_time_main_thread", seconds(active_ns / 1000));
}

pub(super) fn modules(server: &Server, w: &mut InfoWriter) {
    for module in server.registry.modules().iter().filter(|module| module.version > 0) {
        let (name, version) = (module.name, module.version);
        w.field(
            "module",
            format!("name={name},ver={version},api=1,filters=0,usedby=[],using=[],options=[]"),
        );
    }
}
