//! What a client says about its own connection, and transactions.

mod client;
mod handshake;
mod transactions;

use engine::module::{Module, module};

/// The connection and transaction commands.
pub const MODULE: Module =
    module("connection").commands(&[handshake::COMMANDS, client::COMMANDS, transactions::COMMANDS]);
