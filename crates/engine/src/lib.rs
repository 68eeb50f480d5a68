//! The core: requests in, replies and effects out, and not one command or module known by name.
//!
//! Reading order: [`command`] (what a row says), [`registry`] (all rows, frozen and checked),
//! [`args`], [`error`] and [`cx`] (what a handler sees), [`session`] and [`clients`] (who asks),
//! [`worker`] (the path from bytes to bytes: parse, gate, lock, run), [`transaction`], [`server`]
//! (what all workers share), [`port`] (what the outside must provide).
//!
//! Everything here is deterministic: time, randomness, files and sockets come in through the ports.

pub mod args;
pub mod clients;
pub mod command;
pub mod cx;
pub mod error;
pub mod help;
pub mod info;
pub mod keys;
pub mod latency;
pub mod module;
pub mod port;
pub mod registry;
pub mod server;
pub mod session;
pub mod slowlog;
pub mod stats;
pub mod transaction;
pub mod users;
pub mod waiters;
pub mod worker;

pub use args::Args;
pub use cx::{CmdResult, Cx, Job, Outcome, Step};
pub use error::CmdError;
pub use module::Module;
pub use registry::{Registered, Registry};
pub use server::Server;
pub use session::Session;
pub use waiters::Wait;
pub use worker::{Conn, Next, Progress, Worker};
