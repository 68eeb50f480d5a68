//! The built-in value types and the commands on keys of any type. Modules like all others: what
//! they can do, a guest module can.

mod element;
pub mod hash;
pub mod keys;
pub mod list;
mod sample;
mod scan;
pub mod set;
pub mod string;
pub mod zset;
