//! The real world: sockets, threads, files, signals and the wall clock. The only crate that has
//! them.
//!
//! The main thread accepts connections, listens for signals and keeps the slow clockwork (idle
//! connections, rates). Each worker thread runs a tokio current-thread runtime with the connections
//! it was dealt; a command runs inline on its connection's thread. The connection's core is a plain
//! function (`engine::Worker::process`); [`connection`] drives it.

pub mod clock;
pub mod connection;
pub mod daemon;
pub mod host;
pub mod input;
pub mod limits;
pub mod listen;
pub mod log;
pub mod reconfigure;
pub mod start;
pub mod stream;
pub mod tls;
pub mod worker;

pub use start::{Options, StartError, run};
