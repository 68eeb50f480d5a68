//! The structures behind the collections: pure data, with nothing of keys, commands or time. Each
//! is checked against a plain model, and each says what its operations cost.

pub mod ordered;
pub mod packed;
pub mod tally;
