//! Memory.

use super::{int, printed};
use crate::server::memory::Figures;
use crate::server::text::{bytes, ratio};
use engine::Server;
use engine::info::InfoWriter;
use std::sync::atomic::Ordering;

pub(super) fn memory(server: &Server, w: &mut InfoWriter) {
    let figures = Figures::of(server);
    used(&figures, w);
    w.field("total_system_memory", figures.usage.system_bytes);
    w.field("total_system_memory_human", bytes(figures.usage.system_bytes));
    scripts(w);
    let maxmemory = int(server, "maxmemory").max(0);
    w.field("maxmemory", maxmemory);
    w.field("maxmemory_human", bytes(maxmemory as u64));
    w.field("maxmemory_policy", printed(server, "maxmemory-policy"));
    fragmentation(&figures, w);
    for name in [
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replica_full_sync_buffer",
        "mem_clients_slaves",
    ] {
        w.field(name, 0);
    }
    w.field("mem_clients_normal", figures.clients);
    w.field("mem_cluster_links", 0);
    w.field("mem_aof_buffer", 0);
    w.field("mem_allocator", "mimalloc");
    w.field("mem_overhead_db_hashtable_rehashing", 0);
    w.field("active_defrag_running", 0);
    w.field("lazyfree_pending_objects", 0);
    w.field("lazyfreed_objects", server.stats.lazily_freed.load(Ordering::Relaxed));
}

fn used(figures: &Figures, w: &mut InfoWriter) {
    let usage = &figures.usage;
    let percent = |part: u64, whole: u64| format!("{:.2}%", ratio(part, whole) * 100.0);
    w.field("used_memory", usage.allocated_bytes);
    w.field("used_memory_human", bytes(usage.allocated_bytes));
    w.field("used_memory_rss", usage.resident_bytes);
    w.field("used_memory_rss_human", bytes(usage.resident_bytes));
    w.field("used_memory_peak", figures.peak());
    w.field("used_memory_peak_human", bytes(figures.peak()));
    w.field("used_memory_peak_perc", percent(usage.allocated_bytes, figures.peak()));
    w.field("used_memory_overhead", figures.overhead());
    w.field("used_memory_startup", figures.startup);
    w.field("used_memory_dataset", figures.dataset);
    w.field("used_memory_dataset_perc", percent(figures.dataset, figures.beyond_startup()));
    w.field("allocator_allocated", usage.allocated_bytes);
    w.field("allocator_active", usage.resident_bytes);
    w.field("allocator_resident", usage.resident_bytes);
    w.field("allocator_muzzy", 0);
}

/// There are no scripts yet.
fn scripts(w: &mut InfoWriter) {
    w.field("used_memory_lua", 0);
    w.field("used_memory_vm_eval", 0);
    w.field("used_memory_lua_human", bytes(0));
    w.field("used_memory_scripts_eval", 0);
    w.field("number_of_cached_scripts", 0);
    w.field("number_of_functions", 0);
    w.field("number_of_libraries", 0);
    w.field("used_memory_vm_functions", 0);
    w.field("used_memory_vm_total", 0);
    w.field("used_memory_vm_total_human", bytes(0));
    w.field("used_memory_functions", 0);
    w.field("used_memory_scripts", 0);
    w.field("used_memory_scripts_human", bytes(0));
}

fn fragmentation(figures: &Figures, w: &mut InfoWriter) {
    let ratio = format!("{:.2}", figures.fragmentation());
    w.field("allocator_frag_ratio", &ratio);
    w.field("allocator_frag_bytes", figures.fragmentation_bytes());
    w.field("allocator_rss_ratio", "1.00");
    w.field("allocator_rss_bytes", 0);
    w.field("rss_overhead_ratio", "1.00");
    w.field("rss_overhead_bytes", 0);
    w.field("mem_fragmentation_ratio", &ratio);
    w.field("mem_fragmentation_bytes", figures.fragmentation_bytes());
}
