//! The built-in value types and the commands on keys of any type. Modules like all others: what
//! they can do, a guest module can.

pub mod keys;
pub mod string;
pub mod zset;
