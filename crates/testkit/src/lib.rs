//! What the tests are made of: scripts of commands and replies, and a differential runner.
//!
//! Everything here talks to a server through [`target::Target`], by bytes: the same script runs
//! in process, against our binary and against the reference servers.

pub mod diff;
#[cfg(test)]
mod fake;
pub mod in_process;
pub mod pattern;
pub mod quote;
pub mod script;
pub mod target;
pub mod value;
