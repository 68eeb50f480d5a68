//! Numbers to and from the text that clients see.
//!
//! Text is part of the protocol here: a value is an integer only when its text is the one text
//! that integer prints as, and a double must print the very bytes that Redis prints. So neither
//! direction can be left to the standard library alone.

mod float;
mod grisu;
pub(crate) mod hex;
mod int;

pub use float::{parse_f64, write_f64};
pub use int::{Decimal, i64_digits, parse_i64, parse_u64, write_i64, write_u64};
