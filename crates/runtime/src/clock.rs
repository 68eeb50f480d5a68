//! The machine's clocks.

use engine::port::Clock;
use quanta::Instant;
use std::time::{SystemTime, UNIX_EPOCH};

/// The operating system's wall clock, and the processor's cycle counter as the monotonic one: it is
/// read once for every command, and costs a third of a call to the operating system's.
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn unix_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}
