//! What an operator asks and tells the server.

use engine::module::{Module, module};

/// The server commands and the INFO sections.
pub const MODULE: Module = module("server").commands(&[]);
