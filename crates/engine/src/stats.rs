//! Statistics: counted by each worker on its own, summed by whoever asks.
//!
//! A counter has one writer, its worker; so adding is a plain load and store, and no cache line
//! moves between cores. Latencies go into a log-linear histogram of 64 steps per power of two (1.6
//! %).

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Ordering: relaxed everywhere; counters stand alone.
const RELAXED: Ordering = Ordering::Relaxed;

/// A counter with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker may.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(RELAXED).wrapping_add(amount), RELAXED);
    }

    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.load(RELAXED)
    }

    fn reset(&self) {
        self.0.store(0, RELAXED);
    }
}

/// Steps per power of two.
const STEPS: u32 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Latencies are kept up to this many powers of two of nanoseconds (about 18 minutes).
const POWERS: u32 = 40;
const BUCKETS: usize = ((POWERS - STEP_BITS + 1) * STEPS) as usize;

/// A histogram of durations in nanoseconds.
pub struct Histogram(Box<[AtomicU32]>);

impl Default for Histogram {
    fn default() -> Self {
        Histogram((0..BUCKETS).map(|_| AtomicU32::new(0)).collect())
    }
}

impl Histogram {
    #[inline]
    fn bucket(ns: u64) -> usize {
        if ns < u64::from(STEPS) {
            return ns as usize;
        }
        let power = 63 - ns.leading_zeros();
        let step = (ns >> (power - STEP_BITS)) as u32 - STEPS;
        (((power - STEP_BITS + 1) * STEPS + step) as usize).min(BUCKETS - 1)
    }

    /// The largest duration that falls into a bucket.
    fn bound_ns(bucket: usize) -> u64 {
        let bucket = bucket as u32;
        let (row, step) = (bucket / STEPS, bucket % STEPS);
        if row == 0 {
            return u64::from(step);
        }
        (u64::from(STEPS + step + 1) << (row - 1)) - 1
    }

    #[inline]
    fn record(&self, ns: u64) {
        let bucket = &self.0[Self::bucket(ns)];
        bucket.store(bucket.load(RELAXED).wrapping_add(1), RELAXED);
    }
}

/// Counts of durations, summed over workers.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    counts: Vec<u64>,
}

impl Distribution {
    fn add(&mut self, histogram: &Histogram) {
        self.counts.resize(BUCKETS, 0);
        for (sum, bucket) in self.counts.iter_mut().zip(&*histogram.0) {
            *sum += u64::from(bucket.load(RELAXED));
        }
    }

    /// How many durations there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The duration that `percent` of all do not exceed, in nanoseconds.
    pub fn percentile_ns(&self, percent: f64) -> u64 {
        let total = self.total();
        let wanted = ((percent / 100.0 * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Histogram::bound_ns(bucket);
            }
        }
        0
    }

    /// Cumulative counts at those powers of two of microseconds at which they grow.
    pub fn by_power_of_two_us(&self) -> Vec<(u64, u64)> {
        let total = self.total();
        let mut points = Vec::new();
        let (mut seen, mut bucket, mut power) = (0, 0, 0);
        while seen < total && power < 64 {
            let bound_us = 1u64 << power;
            while bucket < self.counts.len() && Histogram::bound_ns(bucket) <= bound_us * 1000 {
                seen += self.counts[bucket];
                bucket += 1;
            }
            if points.last().map_or(0, |&(_, last)| last) < seen {
                points.push((bound_us, seen));
            }
            power += 1;
        }
        points
    }
}

/// What one worker counts about one command.
#[derive(Default)]
struct CommandCounters {
    calls: Counter,
    ns: Counter,
    rejected: Counter,
    failed: Counter,
    latency: OnceLock<Histogram>,
}

/// A command's figures over all workers.
#[derive(Clone, Debug, Default)]
pub struct CommandFigures {
    /// Calls executed.
    pub calls: u64,
    /// Time spent, in nanoseconds.
    pub ns: u64,
    /// Calls refused before execution.
    pub rejected: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Latencies; empty where tracking is off.
    pub latency: Distribution,
}

/// What one worker counts.
pub struct WorkerStats {
    commands: Box<[CommandCounters]>,
    /// Commands processed.
    pub processed: Counter,
    /// Reads that found their key.
    pub hits: Counter,
    /// Reads that did not.
    pub misses: Counter,
    /// Keys that expired.
    pub expired: Counter,
    /// Bytes received.
    pub net_in_bytes: Counter,
    /// Bytes sent.
    pub net_out_bytes: Counter,
    /// Reads from sockets.
    pub reads: Counter,
    /// Writes to sockets.
    pub writes: Counter,
    /// Rounds of the event loop that had work.
    pub cycles: Counter,
    /// Nanoseconds of those rounds.
    pub cycles_ns: Counter,
    /// Nanoseconds spent on removing expired keys that nobody asked for.
    pub sweep_ns: Counter,
}

impl WorkerStats {
    fn new(commands: usize) -> WorkerStats {
        WorkerStats {
            commands: (0..commands).map(|_| CommandCounters::default()).collect(),
            processed: Counter::default(),
            hits: Counter::default(),
            misses: Counter::default(),
            expired: Counter::default(),
            net_in_bytes: Counter::default(),
            net_out_bytes: Counter::default(),
            reads: Counter::default(),
            writes: Counter::default(),
            cycles: Counter::default(),
            cycles_ns: Counter::default(),
            sweep_ns: Counter::default(),
        }
    }

    /// Counts an executed call.
    #[inline]
    pub fn record(&self, command: u32, ns: u64, failed: bool, track_latency: bool) {
        let counters = &self.commands[command as usize];
        counters.calls.add(1);
        counters.ns.add(ns);
        if failed {
            counters.failed.add(1);
        }
        if track_latency {
            counters.latency.get_or_init(Histogram::default).record(ns);
        }
    }

    /// Counts a call that was refused before execution.
    pub fn reject(&self, command: u32) {
        self.commands[command as usize].rejected.add(1);
    }

    fn scalars(&self) -> [&Counter; 11] {
        [
            &self.processed,
            &self.hits,
            &self.misses,
            &self.expired,
            &self.net_in_bytes,
            &self.net_out_bytes,
            &self.reads,
            &self.writes,
            &self.cycles,
            &self.cycles_ns,
            &self.sweep_ns,
        ]
    }
}

/// Distinct error codes that are counted; beyond, further codes share one bucket.
const ERROR_CODES_MAX: usize = 128;

/// All statistics of a server.
pub struct Stats {
    commands: usize,
    workers: Mutex<Vec<Arc<WorkerStats>>>,
    errors: Mutex<BTreeMap<String, u64>>,
    /// Error replies in all.
    pub error_replies: AtomicU64,
    /// Changes since the last save.
    pub dirty: AtomicU64,
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Connections refused because of the limit.
    pub rejected_connections: AtomicU64,
    /// Connections closed because their output grew too large.
    pub output_limit_disconnections: AtomicU64,
    /// Connections closed because their input grew too large.
    pub query_limit_disconnections: AtomicU64,
    /// Failed authentications.
    pub denied_auth: AtomicU64,
    /// Commands per second, lately.
    pub ops_per_s: AtomicU64,
    /// Bytes received per second, lately.
    pub input_bytes_per_s: AtomicU64,
    /// Bytes sent per second, lately.
    pub output_bytes_per_s: AtomicU64,
    /// Rounds of the event loops per second, lately.
    pub cycles_per_s: AtomicU64,
    /// Mean length of those rounds in nanoseconds.
    pub cycle_ns: AtomicU64,
    /// Values that were freed away from every client's time.
    pub lazily_freed: AtomicU64,
    last_sample: Mutex<Sample>,
    /// When the statistics were last reset, in milliseconds since 1970.
    pub reset_ms: AtomicI64,
}

#[derive(Default)]
struct Sample {
    at_ns: u64,
    processed: u64,
    input_bytes: u64,
    output_bytes: u64,
    cycles: u64,
    cycles_ns: u64,
}

impl Stats {
    /// Statistics for a registry of so many rows.
    pub fn new(commands: usize) -> Stats {
        Stats {
            commands,
            workers: Mutex::default(),
            errors: Mutex::default(),
            error_replies: AtomicU64::new(0),
            dirty: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            rejected_connections: AtomicU64::new(0),
            output_limit_disconnections: AtomicU64::new(0),
            query_limit_disconnections: AtomicU64::new(0),
            denied_auth: AtomicU64::new(0),
            ops_per_s: AtomicU64::new(0),
            input_bytes_per_s: AtomicU64::new(0),
            output_bytes_per_s: AtomicU64::new(0),
            cycles_per_s: AtomicU64::new(0),
            cycle_ns: AtomicU64::new(0),
            lazily_freed: AtomicU64::new(0),
            last_sample: Mutex::default(),
            reset_ms: AtomicI64::new(0),
        }
    }

    /// The counters of a new worker.
    pub fn add_worker(&self) -> Arc<WorkerStats> {
        let worker = Arc::new(WorkerStats::new(self.commands));
        self.workers.lock().push(worker.clone());
        worker
    }

    /// One of the workers' counters, summed.
    pub fn sum(&self, counter: impl Fn(&WorkerStats) -> &Counter) -> u64 {
        self.workers.lock().iter().map(|worker| counter(worker).get()).sum()
    }

    /// A command's figures over all workers.
    pub fn command(&self, index: u32) -> CommandFigures {
        let mut figures = CommandFigures::default();
        for worker in self.workers.lock().iter() {
            let counters = &worker.commands[index as usize];
            figures.calls += counters.calls.get();
            figures.ns += counters.ns.get();
            figures.rejected += counters.rejected.get();
            figures.failed += counters.failed.get();
            if let Some(latency) = counters.latency.get() {
                figures.latency.add(latency);
            }
        }
        figures
    }

    /// Time spent in a command over all workers, in nanoseconds.
    pub fn command_ns(&self, index: u32) -> u64 {
        self.sum(|worker| &worker.commands[index as usize].ns)
    }

    /// Counts an error reply by its code.
    pub fn count_error(&self, code: &str) {
        self.error_replies.fetch_add(1, RELAXED);
        let mut errors = self.errors.lock();
        if let Some(count) = errors.get_mut(code) {
            *count += 1;
        } else if errors.len() < ERROR_CODES_MAX {
            errors.insert(code.to_owned(), 1);
        } else {
            *errors.entry("ERRORSTATS_OVERFLOW".to_owned()).or_default() += 1;
        }
    }

    /// What each worker counts.
    pub fn workers(&self) -> Vec<Arc<WorkerStats>> {
        self.workers.lock().clone()
    }

    /// Error replies by code.
    pub fn errors(&self) -> Vec<(String, u64)> {
        self.errors.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    /// Computes the rates since the last call; to be called several times a second.
    pub fn sample_rates(&self, now_ns: u64) {
        let now = Sample {
            at_ns: now_ns,
            processed: self.sum(|worker| &worker.processed),
            input_bytes: self.sum(|worker| &worker.net_in_bytes),
            output_bytes: self.sum(|worker| &worker.net_out_bytes),
            cycles: self.sum(|worker| &worker.cycles),
            cycles_ns: self.sum(|worker| &worker.cycles_ns),
        };
        let mut last = self.last_sample.lock();
        let elapsed_ns = now.at_ns.saturating_sub(last.at_ns).max(1);
        let rate = |now: u64, last: u64| {
            let amount = u128::from(now.saturating_sub(last));
            (amount * 1_000_000_000 / u128::from(elapsed_ns)) as u64
        };
        self.ops_per_s.store(rate(now.processed, last.processed), RELAXED);
        self.input_bytes_per_s.store(rate(now.input_bytes, last.input_bytes), RELAXED);
        self.output_bytes_per_s.store(rate(now.output_bytes, last.output_bytes), RELAXED);
        self.cycles_per_s.store(rate(now.cycles, last.cycles), RELAXED);
        let cycles = now.cycles.saturating_sub(last.cycles);
        let cycle_ns = now.cycles_ns.saturating_sub(last.cycles_ns).checked_div(cycles);
        self.cycle_ns.store(cycle_ns.unwrap_or(0), RELAXED);
        *last = now;
    }

    /// Sets everything that CONFIG RESETSTAT resets to zero.
    pub fn reset(&self, now_ms: i64) {
        for worker in self.workers.lock().iter() {
            for counters in &worker.commands {
                let scalars = [&counters.calls, &counters.ns, &counters.rejected, &counters.failed];
                scalars.into_iter().for_each(Counter::reset);
                if let Some(latency) = counters.latency.get() {
                    latency.0.iter().for_each(|bucket| bucket.store(0, RELAXED));
                }
            }
            worker.scalars().into_iter().for_each(Counter::reset);
        }
        self.errors.lock().clear();
        for counter in [
            &self.error_replies,
            &self.connections,
            &self.rejected_connections,
            &self.output_limit_disconnections,
            &self.query_limit_disconnections,
            &self.denied_auth,
            &self.lazily_freed,
        ] {
            counter.store(0, RELAXED);
        }
        *self.last_sample.lock() = Sample::default();
        self.reset_ms.store(now_ms, RELAXED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_bound_what_falls_into_them() {
        for ns in (0..2000).chain([4095, 4096, 1_000_000, 123_456_789, u64::from(u32::MAX)]) {
            let bucket = Histogram::bucket(ns);
            assert!(Histogram::bound_ns(bucket) >= ns, "{ns}");
            assert!(bucket == 0 || Histogram::bound_ns(bucket - 1) < ns, "{ns}");
        }
        assert_eq!(Histogram::bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_and_powers_follow_the_counts() {
        let histogram = Histogram::default();
        for us in 1..=100 {
            histogram.record(us * 1000);
        }
        let mut distribution = Distribution::default();
        distribution.add(&histogram);
        let p50 = distribution.percentile_ns(50.0);
        assert!((50_000..51_000).contains(&p50), "{p50}");
        let p100 = distribution.percentile_ns(100.0);
        assert!((100_000..102_000).contains(&p100), "{p100}");
        assert_eq!(distribution.by_power_of_two_us().last(), Some(&(128, 100)));
    }
}
