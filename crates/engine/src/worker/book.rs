//! Booking what was executed: statistics for every command, the slow log and the latency monitor
//! for those that took long.

use crate::args::Args;
use crate::command::Flags;
use crate::latency;
use crate::registry::Registered;
use crate::server::Server;
use crate::session::Session;
use crate::slowlog::{self, SlowEntry};
use crate::stats::WorkerStats;

/// Where a worker books, with the thresholds that hold for the length of a batch.
pub(crate) struct Books<'w> {
    server: &'w Server,
    stats: &'w WorkerStats,
    track_latency: bool,
    /// From this duration on somebody may want to know more.
    slow_ns: u64,
}

impl<'w> Books<'w> {
    pub(crate) fn open(server: &'w Server, stats: &'w WorkerStats) -> Books<'w> {
        let slow_us = server.config.int(server.ids.slowlog_slower_than);
        let monitor_ms = server.config.int(server.ids.latency_monitor_threshold);
        // A negative slow log threshold, and a monitor threshold of 0, switch the thing off.
        let slow_ns = u64::try_from(slow_us).map_or(u64::MAX, |us| us.saturating_mul(1000));
        let monitor_ns = match monitor_ms {
            ..=0 => u64::MAX,
            ms => (ms as u64).saturating_mul(1_000_000),
        };
        let track_latency = server.config.flag(server.ids.latency_tracking);
        Books { server, stats, track_latency, slow_ns: slow_ns.min(monitor_ns) }
    }

    /// Enters an executed command. `words` are asked for only if the slow log wants them.
    #[inline]
    pub(crate) fn enter(
        &self,
        session: &Session,
        command: &Registered,
        ns: u64,
        failed: bool,
        words: impl FnOnce() -> Vec<Vec<u8>>,
    ) {
        self.stats.record(command.index, ns, failed, self.track_latency);
        if ns >= self.slow_ns {
            self.enter_slow(session, command, ns, words);
        }
    }

    /// Enters a command that waited: its duration is no sign of work.
    pub(crate) fn enter_quick(&self, command: &Registered, ns: u64, failed: bool) {
        self.stats.record(command.index, ns, failed, self.track_latency);
    }

    #[cold]
    fn enter_slow(
        &self,
        session: &Session,
        command: &Registered,
        ns: u64,
        words: impl FnOnce() -> Vec<Vec<u8>>,
    ) {
        let server = self.server;
        let unix_s = server.clock.unix_us() / 1_000_000;
        let monitor_ms = server.config.int(server.ids.latency_monitor_threshold);
        if monitor_ms > 0 && ns / 1_000_000 >= monitor_ms as u64 {
            let fast = command.flags.has(Flags::FAST);
            let event = if fast { latency::FAST_COMMAND } else { latency::COMMAND };
            server.latency.add(event, unix_s, ns / 1_000_000);
        }
        let threshold_us = server.config.int(server.ids.slowlog_slower_than);
        let duration_us = ns / 1000;
        let wanted = u64::try_from(threshold_us).is_ok_and(|threshold| duration_us >= threshold);
        if !wanted || command.flags.has(Flags::SKIP_SLOWLOG) {
            return;
        }
        let len_max = usize::try_from(server.config.int(server.ids.slowlog_len_max)).unwrap_or(0);
        let (addr, name) = (session.client.peer.addr.clone(), session.client.names().name);
        let entry = SlowEntry { id: 0, unix_s, duration_us, words: words(), addr, name };
        server.slowlog.add(entry, len_max);
    }
}

/// Measures the commands of a batch, the end of one being the start of the next.
pub(crate) struct Timer<'w> {
    books: Books<'w>,
    last_ns: u64,
}

impl<'w> Timer<'w> {
    pub(crate) fn start(server: &'w Server, stats: &'w WorkerStats) -> Timer<'w> {
        Timer { books: Books::open(server, stats), last_ns: server.clock.monotonic_ns() }
    }

    pub(crate) fn started_ns(&self) -> u64 {
        self.last_ns
    }

    /// Ends the measurement of one command and begins that of the next.
    #[inline]
    pub(crate) fn stop(
        &mut self,
        session: &Session,
        command: &Registered,
        args: Args<'_>,
        failed: bool,
    ) {
        let server = self.books.server;
        let now_ns = server.clock.monotonic_ns();
        let ns = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        let words = || slowlog::words(server, command, args);
        self.books.enter(session, command, ns, failed, words);
    }
}
