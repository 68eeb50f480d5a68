//! The structures behind the collections: pure data, with nothing of keys, commands or time. Each
//! is checked against a plain model, and each says what its operations cost.

pub mod intset;
pub mod list;
pub mod members;
pub mod ordered;
pub mod packed;
pub mod records;
pub mod tally;
