//! Commands on keys, whatever their type.

use engine::module::{Module, module};

/// The generic commands.
pub const MODULE: Module = module("keys").commands(&[]);
