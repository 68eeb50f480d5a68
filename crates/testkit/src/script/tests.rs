use std::collections::{BTreeMap, BTreeSet};

use super::{Script, run, update};
use crate::fake::Fake;
use crate::target::{Family, Identity};

const REDIS: Identity =
    Identity { family: Family::Redis, version: (8, 2, 3), commands: BTreeSet::new() };
const US: Identity =
    Identity { family: Family::Cinnabar, version: (0, 1, 0), commands: BTreeSet::new() };

/// Runs a script in both protocols: the replies it saw and the lines that failed.
fn outcome(text: &str, identity: &Identity) -> (usize, Vec<String>) {
    let script = Script::parse("t", text).unwrap();
    let mut replies = 0;
    let mut failed = Vec::new();
    for protocol in [2, 3] {
        let report = run(&script, &mut Fake::default(), identity, protocol, false).unwrap();
        replies += report.replies;
        failed.extend(report.failures.iter().map(|f| format!("RESP{protocol} {}", f.place)));
    }
    (replies, failed)
}

#[test]
fn a_script_that_holds() {
    let text = "# A comment.\n\n> SET k \"a b\"\n< +OK\n> GET k\n< \"a b\"\n> GET none\n< nil\n";
    assert_eq!(outcome(text, &REDIS), (6, vec![]));
    let by_protocol = "> GET none\n<2 nil\n<3 nil\n";
    assert_eq!(outcome(by_protocol, &REDIS), (2, vec![]));
    let closing = "> QUIT\n< +OK\n< ~close\n> GET k\n< nil\n";
    assert_eq!(outcome(closing, &REDIS), (6, vec![]));
    let pipelined = ">> SET k 1\n>> GET k\n> KEYS *\n< +OK\n< \"1\"\n< [\n<   \"k\"\n< ]\n";
    assert_eq!(outcome(pipelined, &REDIS), (6, vec![]));
    let raw = "@raw \"*1\\r\\n$4\\r\\nKE\"\n@raw \"YS\\r\\n\"\n< []\n";
    assert_eq!(outcome(raw, &REDIS), (2, vec![]));
}

#[test]
fn names_and_the_clock() {
    let text = "@let at now+100\n> SET k ${at}\n< +OK\n> GET k\n< ~same at\n> GET k\n< ~let v\n\
                > SET ${v} x\n< +OK\n@sleep 1s\n> SET k ${now_ms}\n< +OK\n> GET k\n\
                < \"1700000001000\"\n";
    assert_eq!(outcome(text, &REDIS), (12, vec![]));
    assert_eq!(outcome("> GET ${nobody}\n< nil\n", &REDIS).1, ["RESP2 t:1", "RESP3 t:1"]);
}

#[test]
fn connections_are_apart() {
    let text = "> SET k v\n< +OK\n@conn 2\n> GET k\n< \"v\"\n>> GET k\n@conn 1\n> GET k\n< \"v\"\n\
                @conn 2\n< \"v\"\n@disconnect\n> GET k\n< \"v\"\n";
    assert_eq!(outcome(text, &REDIS), (10, vec![]));
}

#[test]
fn what_does_not_hold_is_reported() {
    let wrong = "> SET k v\n< +OK\n> GET k\n< \"w\"\n> GET k\n< \"v\"\n";
    assert_eq!(outcome(wrong, &REDIS), (6, vec!["RESP2 t:4".into(), "RESP3 t:4".into()]));
    let missing = "> GET k\n< nil\n< nil\n";
    assert_eq!(outcome(missing, &REDIS).1, ["RESP2 t:3", "RESP3 t:3"]);
    let unread = ">> GET k\n> GET k\n< nil\n";
    assert_eq!(outcome(unread, &REDIS).1, ["RESP2 t:3", "RESP3 t:3"]);
    let unanswered = "> GET k\n";
    assert_eq!(outcome(unanswered, &REDIS).1, ["RESP2 t:1", "RESP3 t:1"]);
    let one_protocol = "> GET k\n<2 nil\n<3 \"x\"\n";
    assert_eq!(outcome(one_protocol, &REDIS).1, ["RESP3 t:2"]);
}

#[test]
fn conditions_hold_for_a_paragraph_or_a_file() {
    let paragraph = "> GET k\n< nil\n\n@redis>=8.4\n> GET k\n< \"new\"\n\n> GET k\n< nil\n";
    assert_eq!(outcome(paragraph, &REDIS), (4, vec![]));
    assert_eq!(outcome(paragraph, &US).1.len(), 2);
    let file = "# About.\n@valkey\n\n> GET k\n< \"x\"\n\n> GET k\n< \"x\"\n";
    assert_eq!(outcome(file, &REDIS), (0, vec![]));
    assert_eq!(outcome(file, &US).1.len(), 4);
    let protocol = "@resp 3\n> GET k\n< nil\n";
    assert_eq!(outcome(protocol, &REDIS), (1, vec![]));
}

#[test]
fn what_lacks_its_commands_is_skipped_and_counted() {
    let text = "@needs get zadd\n> ZADD z 1 a\n< :1\n> ZCARD z\n< :1\n\n> GET k\n< nil\n";
    let script = Script::parse("t", text).unwrap();
    let text = format!("# The paragraph ends.\n> GET k\n< nil\n\n{text}");
    let behind = Script::parse("t", &text).unwrap();
    let commands = BTreeSet::from(["GET".to_owned()]);
    let identity = Identity { commands, ..REDIS };
    for (script, replies, skipped) in [(script, 0, 3), (behind, 2, 2)] {
        let report = run(&script, &mut Fake::default(), &identity, 2, false).unwrap();
        assert_eq!((report.replies, report.failures.len()), (replies, 0));
        assert_eq!(report.skipped, BTreeMap::from([("ZADD".to_owned(), skipped)]));
    }
}

#[test]
fn lines_that_mean_nothing_are_refused() {
    for text in ["GET k\n", "> \"open\n", "< [\n", "< what\n", "@sleep soon\n", "@let x\n"] {
        assert!(Script::parse("t", text).is_err(), "{text}");
    }
    assert!(Script::parse("t", "# fine\n> GET k\n< what\n").is_err_and(|e| e.starts_with("t:3:")));
}

#[test]
fn recording_fills_and_corrects() {
    let text = "# Kept.\n\n> SET k v\n> GET k\n< \"old\"\n> GET k\n< ~bulk\n> GET none\n\
                @raw \"*1\\r\\n$4\\r\\nQUIT\\r\\n\"\n";
    let script = Script::parse("t", text).unwrap();
    let updated = update(&script, &mut Fake::default(), &REDIS).unwrap();
    let expected = "# Kept.\n\n> SET k v\n< +OK\n> GET k\n< \"v\"\n> GET k\n< ~bulk\n> GET none\n\
                    < nil\n@raw \"*1\\r\\n$4\\r\\nQUIT\\r\\n\"\n< +OK\n< ~close\n";
    assert_eq!(updated, expected);
    let again = Script::parse("t", &updated).unwrap();
    assert_eq!(update(&again, &mut Fake::default(), &REDIS).unwrap(), expected);
}
