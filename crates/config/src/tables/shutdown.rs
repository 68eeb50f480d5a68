//! What a signal to stop does.

use crate::param::{I32_MAX, Param, bits, int};

pub const SAVE: i64 = 1;
pub const NO_SAVE: i64 = 2;
pub const NOW: i64 = 4;
pub const FORCE: i64 = 8;

/// Bits that must not be set together.
pub(crate) const CONFLICT: i64 = SAVE | NO_SAVE;

const NAMES: &[(&str, i64)] =
    &[("default", 0), ("save", SAVE), ("nosave", NO_SAVE), ("now", NOW), ("force", FORCE)];

pub const PARAMS: &[Param] = &[
    bits("shutdown-on-sigint", "default", NAMES),
    bits("shutdown-on-sigterm", "default", NAMES),
    int("shutdown-timeout", "10", 0, I32_MAX),
];
