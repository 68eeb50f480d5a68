//! One server's data: entries in segmented tables, split over lock shards, changed only through a
//! guard.
//!
//! Reading order: [`entry`] (one key in one heap block), [`value`] (what a large value must be able
//! to do), [`table`] (the directory of segments), [`db`] and [`shard`] (what one lock protects),
//! [`edit`] (the guard through which everything changes), [`hooks`] (what a change sets off),
//! [`space`] (the shards together and how they are locked), [`scan`] (cursors).
//!
//! The crate knows no command, no protocol and no clock: times come in as arguments.

pub mod access;
pub mod db;
pub mod edit;
pub mod entry;
pub mod hooks;
pub mod scan;
pub mod shard;
pub mod space;
pub mod table;
pub mod value;

pub use access::AccessPolicy;
pub use edit::{Edit, Ttl};
pub use entry::{Entry, Str, StrText, View};
pub use hooks::{Change, Effects, Event, EventClass, Interest};
pub use shard::{At, Shard};
pub use space::{Keyspace, LockSet};
pub use value::{Boxed, TypeId, ValueType};
