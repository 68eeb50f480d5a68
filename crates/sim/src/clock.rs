//! A clock that moves when told.

use engine::port::Clock;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-01, so that times look like times.
const START_US: i64 = 1_767_225_600_000_000;

/// Virtual time.
pub struct VirtualClock {
    unix_us: AtomicI64,
}

impl Default for VirtualClock {
    fn default() -> Self {
        VirtualClock { unix_us: AtomicI64::new(START_US) }
    }
}

impl VirtualClock {
    /// Moves time forward.
    pub fn advance_ms(&self, ms: i64) {
        self.unix_us.fetch_add(ms.saturating_mul(1000), Ordering::Relaxed);
    }

    /// Moves time forward to a moment in milliseconds since 1970; never back.
    pub fn advance_to_ms(&self, unix_ms: i64) {
        self.unix_us.fetch_max(unix_ms.saturating_mul(1000), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn unix_us(&self) -> i64 {
        self.unix_us.load(Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        (self.unix_us() - START_US) as u64 * 1000
    }
}
