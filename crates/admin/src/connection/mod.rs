//! What a client says about its own connection, and transactions.

use engine::module::{Module, module};

/// The connection and transaction commands.
pub const MODULE: Module = module("connection").commands(&[]);
