//! Small pure pieces every other crate may use: numbers to and from text, memory sizes, 80-bit
//! floats, glob patterns, checksums, a seeded generator. Nothing here knows of keys, commands,
//! sockets, threads or time, and everything here is total: any bytes in, no panic out.

pub mod crc;
pub mod digest;
pub mod glob;
pub mod longdouble;
pub mod memory_size;
pub mod num;
pub mod prng;

pub use digest::xxh3_64;
