//! The latency monitor: for each kind of event the last moments that took longer than
//! `latency-monitor-threshold`.
//!
//! One lock suffices: only what was slow comes here.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// A command that is not marked as fast.
pub const COMMAND: &str = "command";
/// A command that should take constant or logarithmic time.
pub const FAST_COMMAND: &str = "fast-command";

/// Most samples that are kept of one event.
const SAMPLES_MAX: usize = 160;

/// The worst latency of one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The second, since 1970.
    pub unix_s: i64,
    /// Milliseconds.
    pub ms: u64,
}

/// What is known of one event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The samples, oldest first.
    pub samples: VecDeque<Sample>,
    /// The worst latency since the last reset, in milliseconds.
    pub worst_ms: u64,
}

/// All events.
#[derive(Default)]
pub struct LatencyMonitor {
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl LatencyMonitor {
    /// Adds a latency. Those of one second become one sample, the worst.
    pub fn add(&self, event: &'static str, unix_s: i64, ms: u64) {
        let mut events = self.events.lock();
        let series = events.entry(event).or_default();
        series.worst_ms = series.worst_ms.max(ms);
        match series.samples.back_mut() {
            Some(last) if last.unix_s == unix_s => last.ms = last.ms.max(ms),
            _ => {
                if series.samples.len() == SAMPLES_MAX {
                    series.samples.pop_front();
                }
                series.samples.push_back(Sample { unix_s, ms });
            }
        }
    }

    /// One event by name.
    pub fn event(&self, name: &[u8]) -> Option<Series> {
        let events = self.events.lock();
        let found = events.iter().find(|(event, _)| event.as_bytes() == name);
        found.map(|(_, series)| series.clone())
    }

    /// All events.
    pub fn all(&self) -> Vec<(&'static str, Series)> {
        self.events.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    /// Forgets the events that `chosen` names. Returns how many there were.
    pub fn reset(&self, chosen: impl Fn(&str) -> bool) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        events.retain(|event, _| !chosen(event));
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_one_sample_and_old_ones_go() {
        let monitor = LatencyMonitor::default();
        monitor.add(COMMAND, 5, 10);
        monitor.add(COMMAND, 5, 30);
        monitor.add(COMMAND, 5, 20);
        let series = monitor.event(b"command").expect("known");
        assert_eq!(series.samples, [Sample { unix_s: 5, ms: 30 }]);
        for second in 6..6 + SAMPLES_MAX as i64 {
            monitor.add(COMMAND, second, 1);
        }
        let series = monitor.event(b"command").expect("known");
        assert_eq!(series.samples.len(), SAMPLES_MAX);
        assert_eq!(series.samples[0].unix_s, 6);
        assert_eq!(series.worst_ms, 30);
    }

    #[test]
    fn a_reset_forgets_what_it_names() {
        let monitor = LatencyMonitor::default();
        monitor.add(COMMAND, 5, 10);
        monitor.add(FAST_COMMAND, 5, 10);
        assert_eq!(monitor.reset(|event| event == COMMAND), 1);
        assert!(monitor.event(b"command").is_none());
        assert_eq!(monitor.reset(|_| true), 1);
    }
}
