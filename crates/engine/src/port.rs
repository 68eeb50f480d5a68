//! What the outside must provide: time, and the host's services.
//!
//! The core never asks the operating system for anything. The runtime implements these traits over
//! the real one, the simulation over a virtual one.

use std::any::Any;
use std::io;

/// Time.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970.
    fn unix_us(&self) -> i64;
    /// Nanoseconds since some start, never going back. Called for every command: it must be cheap.
    fn monotonic_ns(&self) -> u64;
}

/// How the server should stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// Whether to save first; `None` follows the configured save points.
    pub save: Option<bool>,
    /// Do not wait for lagging replicas.
    pub now: bool,
    /// Stop even where saving fails.
    pub force: bool,
}

/// Memory and processor use of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Bytes handed out by the allocator and not given back.
    pub allocated_bytes: u64,
    /// The most that `allocated_bytes` ever was.
    pub allocated_peak_bytes: u64,
    /// Resident set size in bytes.
    pub resident_bytes: u64,
    /// Memory of the machine in bytes.
    pub system_bytes: u64,
    /// System time of the process in microseconds.
    pub cpu_system_us: u64,
    /// User time of the process in microseconds.
    pub cpu_user_us: u64,
}

/// What is known of the process, for INFO.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Process number.
    pub process_id: u32,
    /// Operating system, its release and the machine's architecture.
    pub os: String,
    /// Path of the program.
    pub executable: String,
    /// How the host waits for its sockets.
    pub event_api: &'static str,
}

/// The host's services.
pub trait Host: Send + Sync {
    /// Begins to stop; returns an error where stopping is refused.
    fn shutdown(&self, how: Shutdown) -> Result<(), String>;
    /// Takes a stop back that has not completed; false where none is under way.
    fn abort_shutdown(&self) -> bool;
    /// Drops something large away from every client's time.
    fn discard(&self, garbage: Box<dyn Any + Send>);
    /// Gives memory that is not in use back to the system, as far as the allocator can.
    fn release_memory(&self) {}
    /// Memory and processor use.
    fn usage(&self) -> Usage;
    /// The process; a host without one has nothing to say.
    fn about(&self) -> About {
        About::default()
    }
    /// Unpredictable bits.
    fn random(&self) -> u64;
    /// Reads a file of text.
    fn read_file(&self, path: &str) -> io::Result<String>;
    /// Replaces a file atomically.
    fn write_file(&self, path: &str, text: &str) -> io::Result<()>;
    /// Makes changed parameters take effect outside the core (listeners, log level, limits); an
    /// error refuses the change, and the core takes it back.
    fn reconfigure(&self, names: &[&str]) -> Result<(), String>;
    /// Writes a line to the server's log.
    fn log(&self, level: LogLevel, text: &str);
}

/// Importance of a log line, in the words of the `loglevel` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For developers.
    Debug,
    /// Rarely useful.
    Verbose,
    /// What an operator wants to know.
    Notice,
    /// What an operator must know.
    Warning,
}
