//! The wire protocol, RESP2 and RESP3, without any input or output: bytes in a buffer become
//! requests, replies become bytes in a buffer. Who reads and writes sockets is not known here.

mod parse;
pub mod reply;
mod split;
mod write;

pub use parse::{Limits, Parsed, Partial, ProtocolError, Span, parse};
pub use split::split_args;
pub use write::Writer;
