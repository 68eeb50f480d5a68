//! Configuration from one parameter table: the rows, their values, CONFIG GET/SET/REWRITE, the
//! redis.conf syntax and the command line.
//!
//! A parameter is one constant row ([`Param`]): its name, default, kind and rights. Everything
//! else is computed from the row: the validation and its exact error text, the printed form, how
//! it is written back to a file. Crates that bring parameters of their own bring a table, and
//! [`Config::new`] joins the tables.
//!
//! The crate does no input or output. Files arrive as text, `include` is answered by a closure,
//! and what a change sets in motion (binding a port, opening a log) belongs to the caller:
//! [`Config::prepare`] validates without changing anything, [`Config::apply`] changes the values
//! and hands back the old ones, [`Config::revert`] restores them when a hook refuses.
//!
//! Readers on the hot path pay one relaxed atomic load. Every row owns an integer; texts live
//! beside it under a lock. A text that hot code needs as a number (the event classes of
//! `notify-keyspace-events`) is decoded into the integer when it is set.

mod args;
mod change;
mod file;
mod number;
mod param;
mod rewrite;
pub mod special;
mod split;
mod store;
pub mod tables;
#[cfg(test)]
mod tests;

pub use args::CommandLine;
pub use change::{Applied, Change, ChangeSet, Rights, SetError};
pub use file::{Directive, FileOnly, LoadError};
pub use param::{Flags, Kind, Param, ParamId, Range, Reason};
pub use rewrite::RewriteOptions;
pub use split::{quote, split_args};
pub use store::{Amount, Config};
