//! The ports again, virtual: a server in one thread, with a clock that moves when told and a host
//! that keeps its files in memory.
//!
//! Everything follows from the seed, so a test that failed once fails again. Time passes when a
//! test says so, and at once: tests of expiry and timeouts take no time.

mod clock;
mod host;
mod machine;

pub use clock::VirtualClock;
pub use host::VirtualHost;
pub use machine::{ConnId, Machine};
