//! When two replies count as the same.

use crate::pattern::Pattern;
use crate::value::{Look, Value, decode};

/// How the replies of a command are compared. Errors are always compared word for word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Exact,
    /// The same elements.
    Unordered,
    /// Integers may be this far apart: the servers run a command at different moments.
    Near(i64),
    /// The same kinds of reply; the contents are each server's own.
    Shape,
    /// A walk that ends with this call on both sides found the same; else as `Shape`.
    Scan,
}

/// Commands whose rule does not follow from their tips.
const RULES: &[(&str, Rule)] = &[
    ("TTL", Rule::Near(1)),
    ("PTTL", Rule::Near(2000)),
    ("EXPIRETIME", Rule::Near(2)),
    ("PEXPIRETIME", Rule::Near(2000)),
    ("OBJECT|IDLETIME", Rule::Near(2)),
    ("MEMORY|USAGE", Rule::Shape),
    ("SCAN", Rule::Scan),
    ("RANDOMKEY", Rule::Shape),
    ("HELLO", Rule::Shape),
    ("CLIENT|ID", Rule::Shape),
    ("CLIENT|INFO", Rule::Shape),
    ("CLIENT|LIST", Rule::Shape),
    ("LATENCY|DOCTOR", Rule::Shape),
    ("SLOWLOG|GET", Rule::Shape),
    ("SLOWLOG|LEN", Rule::Shape),
    ("LOLWUT", Rule::Shape),
    ("INFO", Rule::Shape),
];

impl Rule {
    pub fn of(name: &str, tips: &[&str]) -> Rule {
        if let Some((_, rule)) = RULES.iter().find(|(command, _)| *command == name) {
            return *rule;
        }
        if tips.contains(&"nondeterministic_output") {
            return Rule::Shape;
        }
        match tips.contains(&"nondeterministic_output_order") {
            true => Rule::Unordered,
            false => Rule::Exact,
        }
    }

    /// Whether two replies, as they were on the wire, are the same.
    pub fn same(self, ours: &[u8], reference: &[u8]) -> bool {
        if ours == reference {
            return true;
        }
        match (self, decode(ours), decode(reference)) {
            (Rule::Exact, _, _) => false,
            (_, Ok(Some((a, _))), Ok(Some((b, _)))) => self.same_values(&a, &b),
            _ => false,
        }
    }

    /// Whether two replies, or two parts of replies, are the same.
    pub fn same_values(self, ours: &Value, reference: &Value) -> bool {
        if ours == reference {
            return true;
        }
        match (ours, reference) {
            (Value::Error(a), Value::Error(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) => match self {
                // Negative ones say that there is no such thing.
                Rule::Near(most) if *a >= 0 && *b >= 0 => a.abs_diff(*b) <= most.unsigned_abs(),
                Rule::Shape => true,
                _ => a == b,
            },
            _ => match self {
                Rule::Unordered => sorted(ours) == sorted(reference),
                Rule::Shape => same_shape(ours, reference),
                Rule::Scan => same_scan(ours, reference),
                Rule::Exact | Rule::Near(_) => false,
            },
        }
    }
}

fn sorted(value: &Value) -> Vec<String> {
    let notation = |value: &Value| Pattern::of(value).to_string();
    let mut items: Vec<String> = match value {
        Value::Array(items) | Value::Set(items) => items.iter().map(notation).collect(),
        Value::Map(pairs) => {
            pairs.iter().map(|(k, v)| format!("{} {}", notation(k), notation(v))).collect()
        }
        other => vec![notation(other)],
    };
    items.sort();
    items
}

fn same_scan(ours: &Value, reference: &Value) -> bool {
    let end = Value::Bulk(b"0".to_vec());
    match (ours.items(), reference.items()) {
        (Some([a, ours]), Some([b, reference])) if *a == end && *b == end => {
            sorted(ours) == sorted(reference)
        }
        _ => same_shape(ours, reference),
    }
}

/// The same kinds at the same places; lists may be of different length.
fn same_shape(a: &Value, b: &Value) -> bool {
    let kind = std::mem::discriminant(a) == std::mem::discriminant(b);
    match (a.items(), b.items()) {
        // A short array is a record, each place with its own kind.
        (Some(a), Some(b)) if kind && a.len() == b.len() && a.len() <= 4 => {
            a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        _ => kind,
    }
}

/// The lines of a reply in a script.
pub fn lines(wire: &[u8]) -> Vec<String> {
    match decode(wire) {
        Ok(Some((value, _))) => Pattern::of(&value).lines(),
        Ok(None) => vec!["nothing".to_owned()],
        Err(e) => vec![e.to_string()],
    }
}

/// A reply in one line, for reports.
pub fn notation(wire: &[u8]) -> String {
    lines(wire).iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_as_loose_as_they_say() {
        let same = |rule: Rule, a: &str, b: &str| rule.same(a.as_bytes(), b.as_bytes());
        let (ab, ba) = ("*2\r\n+a\r\n+b\r\n", "*2\r\n+b\r\n+a\r\n");
        assert!(!same(Rule::Exact, ab, ba));
        assert!(same(Rule::Unordered, ab, ba));
        assert!(same(
            Rule::Unordered,
            "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n",
            "%2\r\n+b\r\n:2\r\n+a\r\n:1\r\n"
        ));
        assert!(!same(Rule::Unordered, ab, "*2\r\n+a\r\n+a\r\n"));
        assert!(same(Rule::Near(1), ":5\r\n", ":6\r\n"));
        assert!(!same(Rule::Near(1), ":5\r\n", ":7\r\n"));
        assert!(!same(Rule::Near(1), ":0\r\n", ":-1\r\n"));
        let scanned = |cursor: &str, keys: &str| format!("*2\r\n$1\r\n{cursor}\r\n{keys}");
        assert!(same(Rule::Scan, &scanned("0", ab), &scanned("0", ba)));
        assert!(!same(Rule::Scan, &scanned("0", ab), &scanned("0", "*0\r\n")));
        assert!(same(Rule::Scan, &scanned("0", ab), &scanned("4", "*0\r\n")));
        assert!(same(Rule::Shape, ":5\r\n", ":700\r\n"));
        assert!(!same(Rule::Shape, ":5\r\n", "+OK\r\n"));
        for rule in [Rule::Exact, Rule::Unordered, Rule::Near(9), Rule::Shape] {
            assert!(!same(rule, "-ERR a\r\n", "-ERR b\r\n"));
            assert!(!same(rule, "-ERR a\r\n", ":1\r\n"));
        }
    }

    #[test]
    fn tips_give_the_rule() {
        assert_eq!(Rule::of("GET", &[]), Rule::Exact);
        assert_eq!(Rule::of("KEYS", &["nondeterministic_output_order"]), Rule::Unordered);
        assert_eq!(Rule::of("ACL|GENPASS", &["nondeterministic_output"]), Rule::Shape);
        assert_eq!(Rule::of("TTL", &["nondeterministic_output"]), Rule::Near(1));
    }
}
