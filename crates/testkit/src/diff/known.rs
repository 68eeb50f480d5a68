//! Differences that are meant to be: each is a section of docs/compat.md.

use crate::pattern::glob;

/// One difference that a run counts and does not report.
pub struct Known {
    /// The command, or a glob for several.
    pub command: &'static str,
    /// Globs for the two replies in the notation of scripts.
    pub ours: &'static str,
    pub reference: &'static str,
    pub reason: &'static str,
}

/// The table.
pub const KNOWN: &[Known] = &[];

/// The reason why two replies may differ, if there is one.
pub fn reason(command: &str, ours: &str, reference: &str) -> Option<&'static str> {
    let fits = |glob_text: &str, text: &str| glob(glob_text.as_bytes(), text.as_bytes());
    let found = KNOWN.iter().find(|known| {
        fits(known.command, command) && fits(known.ours, ours) && fits(known.reference, reference)
    });
    found.map(|known| known.reason)
}
