//! Differences that are meant to be: each is a section of docs/compat.md.

use stdx::glob;

/// One difference that a run counts and does not report.
struct Known {
    /// The command, or a glob for several.
    command: &'static str,
    /// Whether two replies, in the notation of scripts, differ in this way.
    applies: fn(ours: &str, reference: &str) -> bool,
    reason: &'static str,
}

/// The table.
const KNOWN: &[Known] = &[
    Known {
        command: "DBSIZE",
        applies: |ours, reference| count(ours).zip(count(reference)).is_some_and(|(a, b)| a < b),
        reason: "the reference counts keys whose time has passed until something meets them",
    },
    Known {
        command: "MEMORY|USAGE",
        applies: |ours, reference| ours == "nil" && count(reference).is_some(),
        reason: "the reference measures keys whose time has passed until something meets them",
    },
];

/// The reason why two replies may differ, if there is one.
pub fn reason(command: &str, ours: &str, reference: &str) -> Option<&'static str> {
    let found = KNOWN.iter().find(|known| {
        glob::matches(known.command.as_bytes(), command.as_bytes(), false)
            && (known.applies)(ours, reference)
    });
    found.map(|known| known.reason)
}

fn count(reply: &str) -> Option<i64> {
    reply.strip_prefix(':')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_table_says_is_known() {
        assert!(reason("DBSIZE", ":1", ":2").is_some());
        assert!(reason("DBSIZE", ":2", ":1").is_none());
        assert!(reason("DBSIZE", ":1", "-ERR x").is_none());
        assert!(reason("GET", ":1", ":2").is_none());
    }
}
