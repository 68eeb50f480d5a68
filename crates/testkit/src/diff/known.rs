//! Differences that are meant to be: each is a section of docs/compat.md.

use stdx::glob;

/// Two replies that differ, in the notation of scripts.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The command, or what of the keyspace was looked at.
    pub command: &'a str,
    /// Its words; of the keyspace, the key.
    pub args: &'a [Vec<u8>],
    pub ours: &'a str,
    pub reference: &'a str,
}

/// One difference that a run counts and does not report.
struct Known {
    /// The command, or a glob for several.
    command: &'static str,
    /// Whether two replies differ in this way.
    applies: fn(&Case<'_>) -> bool,
    reason: &'static str,
}

/// The table.
const KNOWN: &[Known] = &[
    Known {
        command: "DBSIZE",
        applies: |case| count(case.ours).is_some() && count(case.reference).is_some(),
        reason: "a key whose time has passed is counted until something meets it, which here and there \
                 is not the same",
    },
    Known {
        command: "MEMORY|USAGE",
        applies: |case| case.ours == "nil" && count(case.reference).is_some(),
        reason: "the reference measures keys whose time has passed until something meets them",
    },
    Known {
        command: "*HELP",
        applies: |case| case.ours.starts_with('[') && case.reference.starts_with('['),
        reason: "help texts are our own",
    },
    Known {
        command: "COMMAND*",
        applies: |case| case.args.len() <= 2 && case.reference.starts_with('['),
        reason: "each server lists the commands that it has",
    },
    Known {
        command: "CLIENT|LIST",
        applies: |case| {
            let errors = ["ERR syntax error", "ERR Invalid client ID"];
            errors.iter().any(|error| case.reference.contains(error))
        },
        reason: "CLIENT LIST takes several filters at once, as Valkey's does",
    },
    Known { command: "OBJECT|ENCODING", applies: is_embedding, reason: EMBEDDING },
    Known { command: "dump encoding", applies: is_embedding, reason: EMBEDDING },
];

const EMBEDDING: &str = "whether the reference calls a short value of a long key that expires \
                         embstr or raw depends on how the key came to be";

fn is_embedding(case: &Case<'_>) -> bool {
    const LONG_KEY: usize = 32;
    let is_long = case.args.last().is_some_and(|key| key.len() >= LONG_KEY);
    let is_either = |reply: &str| ["embstr", "raw"].contains(&reply.trim_matches('"'));
    is_long && is_either(case.ours) && is_either(case.reference)
}

/// The reason why two replies may differ, if there is one.
pub fn reason(case: &Case<'_>) -> Option<&'static str> {
    let found = KNOWN.iter().find(|known| {
        glob::matches(known.command.as_bytes(), case.command.as_bytes(), false)
            && (known.applies)(case)
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
        let check = |command, key: &str, ours, reference, known| {
            let args = [key.as_bytes().to_vec()];
            let case = Case { command, args: &args, ours, reference };
            assert_eq!(reason(&case).is_some(), known, "{command} {ours} {reference}");
        };
        check("DBSIZE", "", ":1", ":2", true);
        check("DBSIZE", "", ":2", ":1", true);
        check("DBSIZE", "", ":1", "-ERR x", false);
        check("GET", "k", ":1", ":2", false);
        check("OBJECT|ENCODING", &"k".repeat(32), "\"raw\"", "\"embstr\"", true);
        check("OBJECT|ENCODING", "k", "\"raw\"", "\"embstr\"", false);
        check("dump encoding", &"k".repeat(32), "raw", "int", false);
    }
}
