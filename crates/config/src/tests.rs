//! The whole crate against what the reference server answered. `set.tsv` holds names, a value and
//! either `=` and what CONFIG GET prints afterwards, or the reason of the refusal; `defaults.tsv`
//! what CONFIG GET * prints on a fresh server, without the rows whose default is ours.

use crate::{Amount, Config, RewriteOptions, Rights, SetError, special, tables};

fn config() -> Config {
    Config::new(tables::ALL)
}

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<(), SetError> {
    let pairs: Vec<(&[u8], &[u8])> =
        pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let rights = Rights { protected_ok: true, loading: false };
    let _ = config.apply(config.prepare(&pairs, rights)?);
    Ok(())
}

fn get(config: &Config, name: &str) -> String {
    let found = config.get(&[name.as_bytes()]);
    found.into_iter().next().unwrap_or_else(|| panic!("no parameter {name}")).1
}

fn load(config: &Config, text: &str) -> Result<crate::FileOnly, crate::LoadError> {
    config.load(text, "test.conf", &mut |path| Err(format!("no file {path}")))
}

#[test]
fn config_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&config());
}

#[test]
fn values_and_refusals_of_the_reference() {
    let config = config();
    let limits = get(&config, "client-output-buffer-limit");
    for line in include_str!("tests/set.tsv").lines() {
        let [names, value, want] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns in {line:?}");
        };
        for name in names.split(' ') {
            let before = get(&config, name);
            match (set(&config, &[(name, value)]), want.strip_prefix('=')) {
                (Ok(()), Some(printed)) => assert_eq!(get(&config, name), printed, "{line}"),
                (Err(error), None) => {
                    let want = SetError::refused(name, want.to_owned());
                    assert_eq!(error.text(), want.text(), "{line}");
                    assert_eq!(get(&config, name), before, "{line}");
                }
                (got, _) => panic!("{name} {value:?}: got {got:?}, want {want}"),
            }
            let id = config.require(name);
            config.store(id, config.default_of(id).clone());
        }
    }
    assert_eq!(get(&config, "client-output-buffer-limit"), limits);
}

#[test]
fn defaults_of_the_reference() {
    let config = config();
    let all = config.get(&[b"*"]);
    for line in include_str!("tests/defaults.tsv").lines() {
        let (name, value) = line.split_once('\t').expect("two columns");
        assert_eq!(get(&config, name), value, "{name}");
        assert_eq!(all.iter().filter(|(found, _)| found == name).count(), 1, "{name}");
    }
}

#[test]
fn setting_every_parameter_to_its_own_value_changes_nothing() {
    let config = config();
    for (name, value) in config.get(&[b"*"]) {
        let id = config.require(&name);
        if config.row(id).flags.has(crate::Flags::IMMUTABLE) {
            continue;
        }
        set(&config, &[(&name, &value)]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(get(&config, &name), value, "{name}");
    }
}

#[test]
fn errors_of_config_set_come_in_the_order_of_the_reference() {
    let failed = |name: &str, reason: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    let unknown =
        |name: &str| format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
    let integer = "argument couldn't be parsed into an integer";
    let immutable = "can't set immutable config";
    for (pairs, want) in [
        (vec![("NoSuch", "x")], unknown("NoSuch")),
        (vec![("", "")], unknown("")),
        (vec![("user", "x")], unknown("user")),
        (vec![("maxmemory", "bad"), ("nosuch", "x")], unknown("nosuch")),
        (vec![("nosuch", "x"), ("daemonize", "yes")], unknown("nosuch")),
        (vec![("daemonize", "yes"), ("nosuch", "x")], failed("daemonize", immutable)),
        (vec![("maxmemory", "bad"), ("daemonize", "yes")], failed("daemonize", immutable)),
        (vec![("hz", "1"), ("HZ", "2")], failed("HZ", "duplicate parameter")),
        (vec![("hz", "bad"), ("maxmemory", "bad")], failed("hz", integer)),
        (vec![("HZ", "bad")], failed("hz", integer)),
        (vec![("MIN-SLAVES-to-write", "bad")], failed("min-slaves-to-write", integer)),
    ] {
        let config = config();
        let error = set(&config, &pairs).expect_err("refused");
        assert_eq!(error.text(), want, "{pairs:?}");
        assert_eq!(get(&config, "hz"), "10");
    }
    // A name and its alias are two arguments.
    assert_eq!(
        set(&config(), &[("min-slaves-to-write", "1"), ("min-replicas-to-write", "2")]),
        Ok(())
    );
}

#[test]
fn rights() {
    let config = config();
    let error = |name: &[u8], rights: Rights| {
        config.prepare(&[(name, b"disabled")], rights).expect_err("refused").text()
    };
    assert_eq!(
        error(b"dir", Rights::default()),
        "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"
    );
    assert_eq!(
        error(b"repl-diskless-load", Rights { protected_ok: true, loading: true }),
        "LOADING Redis is loading the dataset in memory"
    );
}

#[test]
fn a_change_can_be_taken_back() {
    let config = config();
    let pairs: &[(&[u8], &[u8])] =
        &[(b"maxmemory", b"1mb"), (b"save", b"1 1"), (b"timeout", b"0"), (b"slave-priority", b"7")];
    let applied = config.apply(config.prepare(pairs, Rights::default()).expect("accepted"));
    let names: Vec<_> = applied.changes.iter().map(|c| (c.name, c.changed)).collect();
    let want = [("maxmemory", true), ("save", true), ("timeout", false), ("slave-priority", true)];
    assert_eq!(names, want);
    assert_eq!(config.bytes(config.require("maxmemory")), 1 << 20);
    assert_eq!(config.int(config.require("replica-priority")), 7);
    config.revert(&applied);
    assert_eq!(get(&config, "maxmemory"), "0");
    assert_eq!(get(&config, "save"), "3600 1 300 100 60 10000");
    assert_eq!(get(&config, "replica-priority"), "100");
}

#[test]
fn values_that_are_no_text_are_refused() {
    let config = config();
    for (name, reason) in [
        ("requirepass", "argument must be valid UTF-8"),
        ("hz", "argument couldn't be parsed into an integer"),
        ("maxmemory", "argument must be a memory value"),
    ] {
        let result = config.prepare(&[(name.as_bytes(), b"\xff")], Rights::default());
        assert_eq!(result.expect_err("refused"), SetError::refused(name, reason));
    }
}

#[test]
fn get_takes_names_and_patterns() {
    let config = config();
    let names = |patterns: &[&str]| -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|p| p.as_bytes()).collect();
        config.get(&patterns).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&["MAXmemory", "maxmemory"]), ["MAXmemory"]);
    assert_eq!(names(&["[h]z", "HZ", "h\\z", "nosuch"]), ["hz"]);
    assert_eq!(names(&["key-load*"]), [""; 0]);
    assert_eq!(names(&["KEY-LOAD-DELAY"]), ["KEY-LOAD-DELAY"]);
    assert_eq!(names(&["*of"]), ["replicaof", "slaveof"]);
    assert_eq!(
        names(&["*ZIPLIST*"]),
        [
            "hash-max-ziplist-entries",
            "hash-max-ziplist-value",
            "list-max-ziplist-size",
            "zset-max-ziplist-entries",
            "zset-max-ziplist-value"
        ]
    );
    let found = names(&["maxmemory", "maxmemory*", "bind", "*of"]);
    let mut unique = found.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(found.len(), unique.len());
    assert!(names(&["z*", "a*"]).is_sorted());
    assert_eq!(config.get(&[b"\xff", b"\xff*"]), []);
}

#[test]
fn typed_values() {
    let config = config();
    set(&config, &[("maxmemory-clients", "5%"), ("notify-keyspace-events", "KEx")]).expect("ok");
    assert_eq!(config.amount(config.require("maxmemory-clients")), Amount::Percent(5));
    assert_eq!(config.bytes(config.require("maxmemory-clients")), 0);
    let events = special::event::KEYSPACE | special::event::KEYEVENT | special::event::EXPIRED;
    assert_eq!(config.int(config.require("notify-keyspace-events")), events);
    set(&config, &[("maxmemory-clients", "1k"), ("loglevel", "warning")]).expect("ok");
    assert_eq!(config.amount(config.require("maxmemory-clients")), Amount::Bytes(1000));
    let level = config.int(config.require("loglevel"));
    assert_eq!(level, tables::server::loglevel::WARNING);
    let points = special::save_points(&get(&config, "save"));
    assert_eq!(points[0], special::SavePoint { seconds: 3600, changes: 1 });
    assert_eq!(points.len(), 3);
    let limits = special::output_limits(&get(&config, "client-output-buffer-limit"));
    assert_eq!((limits[1].hard_bytes, limits[1].soft_seconds), (256 << 20, 60));
    let percentiles = get(&config, "latency-tracking-info-percentiles");
    assert_eq!(special::percentiles(&percentiles), [50.0, 99.0, 99.9]);
}

#[test]
fn defaults_known_at_start() {
    let mut config = config();
    config.set_default("dir", "/srv/data");
    config.set_default("io-threads", "4");
    assert_eq!(get(&config, "dir"), "/srv/data");
    assert_eq!(
        config.rewrite(None, &RewriteOptions::default()),
        "# Generated by CONFIG REWRITE\ndir \"/srv/data\"\n"
    );
    config.assign(config.require("replicaof"), "10.0.0.1 6379").expect("a host and a port");
    assert_eq!(get(&config, "slaveof"), "10.0.0.1 6379");
    config.assign(config.require("replicaof"), "no one").expect("no master");
    assert_eq!(get(&config, "replicaof"), "");
}

#[test]
fn everything_rewritten_reads_back() {
    let source = config();
    let lines = "save 5 5\nclient-output-buffer-limit pubsub 1kb 2 3\nbind\nreplicaof h 7\n\
                 maxmemory-clients 7%\nunixsocketperm 750\nrequirepass \"a \\\"b\\\" #\\n\"\n\
                 shutdown-on-sigterm nosave now\nslave-read-only no\nnotify-keyspace-events gK";
    load(&source, lines).expect("valid");
    let text = source.rewrite(Some(lines), &RewriteOptions { all: true, directives: &[] });
    let copy = config();
    load(&copy, &text).unwrap_or_else(|error| panic!("{error}\nin\n{text}"));
    assert_eq!(source.get(&[b"*"]), copy.get(&[b"*"]));
    let again = copy.rewrite(Some(&text), &RewriteOptions { all: true, directives: &[] });
    assert_eq!(again, text);
}
