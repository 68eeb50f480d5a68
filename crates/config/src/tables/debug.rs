//! Knobs that tests of the original turn; most do nothing here but must be accepted.

use crate::param::{I32_MAX, Param, boolean, int, text};

pub const PARAMS: &[Param] = &[
    int("watchdog-period", "0", 0, I32_MAX).hidden(),
    boolean("use-exit-on-panic", "no").hidden(),
    boolean("lazyexpire-nested-arbitrary-keys", "yes").hidden(),
    boolean("enable-debug-assert", "no").immutable().hidden(),
    text("debug-context", "").hidden(),
    boolean("lua-enable-insecure-api", "no").hidden(),
    boolean("lua-enable-deprecated-api", "no").immutable().hidden(),
];
