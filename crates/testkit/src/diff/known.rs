//! Differences that are meant to be: each is a section of docs/compat.md.

use stdx::glob;

use crate::target::Family;

/// Two replies that differ.
#[derive(Clone, Copy)]
struct Case<'a> {
    /// The command, or what of the keyspace was looked at.
    command: &'a str,
    args: &'a [Vec<u8>],
    ours: &'a str,
    reference: &'a str,
    family: Family,
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
        reason: "a key whose time has passed is counted until something meets it, which here and \
                 there is not the same",
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
    Known {
        command: "MSETEX",
        applies: |case| case.ours.ends_with("wrong number of key-value pairs"),
        reason: "MSETEX without as many pairs as announced says so, as in Redis 8.4",
    },
    Known { command: "OBJECT|ENCODING", applies: is_embedding, reason: EMBEDDING },
    Known { command: "dump encoding", applies: is_embedding, reason: EMBEDDING },
];

const EMBEDDING: &str = "embstr and raw are told apart as Redis 8.2 does, except for keys of 32 \
                         bytes or more that expire, where its answer depends on how the key came \
                         to be";

fn is_embedding(case: &Case<'_>) -> bool {
    const LONG_KEY: usize = 32;
    let is_long = case.args.last().is_some_and(|key| key.len() >= LONG_KEY);
    let is_either = |reply: &str| ["embstr", "raw"].contains(&reply.trim_matches('"'));
    let is_free = is_long || case.family == Family::Valkey;
    is_free && is_either(case.ours) && is_either(case.reference)
}

/// What the table is asked with: who the two servers are.
#[derive(Clone, Copy)]
pub struct Judge {
    /// Whose server the reference is.
    pub family: Family,
    /// Two servers of one family: what is known of them goes either way.
    pub alike: bool,
}

impl Judge {
    /// The reason why two replies, in the notation of scripts, may differ, if there is one. `args`
    /// are the words of the command, or the key.
    pub fn reason(
        self,
        command: &str,
        args: &[Vec<u8>],
        ours: &str,
        reference: &str,
    ) -> Option<&'static str> {
        let case = Case { command, args, ours, reference, family: self.family };
        let turned = Case { ours: reference, reference: ours, ..case };
        reason(&case).or_else(|| reason(&turned).filter(|_| self.alike))
    }
}

fn reason(case: &Case<'_>) -> Option<&'static str> {
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
            let (args, family) = ([key.as_bytes().to_vec()], Family::Redis);
            let case = Case { command, args: &args, ours, reference, family };
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

    /// The table and the page that people read say the same.
    #[test]
    fn every_known_difference_is_in_the_docs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compat.md");
        let page = std::fs::read_to_string(path).expect("the page is there");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let page = words(&page).to_lowercase();
        for known in KNOWN {
            let reason = words(known.reason).to_lowercase();
            assert!(page.contains(&reason), "docs/compat.md lacks: {reason}");
        }
    }
}
