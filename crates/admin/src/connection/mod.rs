//! What a client says about its own connection, and transactions.

mod client;
mod handshake;
mod transactions;

use engine::module::{Module, module};
use std::borrow::Cow;

/// The connection and transaction commands.
pub const MODULE: Module =
    module("connection").commands(&[handshake::COMMANDS, client::COMMANDS, transactions::COMMANDS]);

/// A word of the client's as an error message quotes it: up to its first NUL.
fn quoted(word: &[u8]) -> Cow<'_, str> {
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len());
    String::from_utf8_lossy(&word[..end])
}
