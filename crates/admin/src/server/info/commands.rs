//! Figures per command and per error code: Commandstats, Errorstats, Latencystats.

use super::printed;
use crate::server::text::ratio;
use engine::Server;
use engine::info::InfoWriter;

pub(super) fn calls(server: &Server, w: &mut InfoWriter) {
    for command in server.registry.all() {
        let figures = server.stats.command(command.index);
        let (calls, us) = (figures.calls, figures.ns / 1000);
        let (rejected, failed) = (figures.rejected, figures.failed);
        if calls + rejected + failed == 0 {
            continue;
        }
        let us_per_call = ratio(us, calls);
        w.field(
            &format!("cmdstat_{}", command.name),
            format!(
                "calls={calls},usec={us},usec_per_call={us_per_call:.2},\
                 rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

pub(super) fn errors(server: &Server, w: &mut InfoWriter) {
    for (code, count) in server.stats.errors() {
        w.field(&format!("errorstat_{code}"), format!("count={count}"));
    }
}

pub(super) fn latencies(server: &Server, w: &mut InfoWriter) {
    let percentiles = printed(server, "latency-tracking-info-percentiles");
    for command in server.registry.all() {
        let latency = server.stats.command(command.index).latency;
        if latency.total() == 0 {
            continue;
        }
        let values: Vec<String> = percentiles
            .split_whitespace()
            .map(|percent| {
                let ns = latency.percentile_ns(percent.parse().unwrap_or(0.0));
                format!("p{percent}={}.{:03}", ns / 1000, ns % 1000)
            })
            .collect();
        w.field(&format!("latency_percentiles_usec_{}", command.name), values.join(","));
    }
}
