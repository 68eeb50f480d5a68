//! Knobs that tests of the original turn; most do nothing here but must be accepted.

use crate::param::{Flags, I32_MAX, Param, boolean, int};

pub const PARAMS: &[Param] = &[
    int("watchdog-period", "0", 0, I32_MAX).hidden(),
    boolean("use-exit-on-panic", "no").hidden(),
    boolean("lazyexpire-nested-arbitrary-keys", "yes").hidden(),
    boolean("lua-enable-deprecated-api", "no").with(Flags::IMMUTABLE).hidden(),
];
