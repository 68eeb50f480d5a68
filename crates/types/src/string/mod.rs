//! Strings.

use engine::module::{Module, module};

/// The string commands.
pub const MODULE: Module = module("string").commands(&[]);
