//! Keys and their end, under a clock that the tests move: exact to the millisecond, and at once.

use std::collections::BTreeMap;

use sim::{ConnId, Machine};
use stdx::prng::Prng;
use testkit::target::request;
use testkit::value::{Look, Value, decode};

struct World {
    machine: Machine,
    conn: ConnId,
}

impl World {
    fn new() -> World {
        let mut machine = Machine::new(catalog::MODULES, &[("enable-debug-command", "yes")], 1);
        let conn = machine.connect();
        World { machine, conn }
    }

    fn ask(&mut self, line: &str) -> Value {
        self.ask_on(self.conn, line)
    }

    fn ask_on(&mut self, conn: ConnId, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        let wire = self.machine.call(conn, &request(&words));
        decode(&wire).ok().flatten().unwrap_or_else(|| panic!("no reply to {line}")).0
    }

    fn expect(&mut self, line: &str, reply: &str) {
        let value = self.ask(line);
        assert_eq!(testkit::pattern::Pattern::of(&value).to_string(), reply, "{line}");
    }

    /// A field of INFO.
    fn info(&mut self, field: &str) -> i64 {
        let reply = self.ask("INFO everything");
        let text = String::from_utf8_lossy(reply.text().unwrap_or_default()).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no {field}"))
    }
}

/// Each way to set an expiry, with the moment it stands for; `@` is the present moment in
/// milliseconds.
const WAYS: &[(&[&str], i64)] = &[
    (&["SET k v EX 5"], 5000),
    (&["SET k v PX 1234"], 1234),
    (&["SET k v PXAT @+700"], 700),
    (&["SETEX k 7 v"], 7000),
    (&["PSETEX k 77 v"], 77),
    (&["SET k v", "EXPIRE k 3"], 3000),
    (&["SET k v", "PEXPIRE k 3"], 3),
    (&["SET k v", "PEXPIREAT k @+42"], 42),
    (&["SET k v", "GETEX k PX 99"], 99),
    (&["SET k w PX 50", "SET k v KEEPTTL"], 50),
    (&["SET k v PX 50", "PEXPIRE k 80 GT"], 80),
    (&["SET k v PX 50", "PEXPIRE k 80 LT"], 50),
    (&["SET l v PX 60", "RENAME l k"], 60),
    (&["SET l v PX 61", "COPY l k"], 61),
    (&["MULTI", "SET k v", "PEXPIRE k 20", "EXEC"], 20),
];

#[test]
fn a_key_ends_at_its_millisecond() {
    for (lines, after_ms) in WAYS {
        let mut world = World::new();
        let now_ms = world.machine.server.now_ms();
        for line in *lines {
            let line = match line.split_once("@+") {
                Some((before, offset)) => {
                    format!("{before}{}", now_ms + offset.parse::<i64>().expect("a number"))
                }
                None => (*line).to_owned(),
            };
            assert!(!matches!(world.ask(&line), Value::Error(_)), "{line}");
        }
        world.expect("PTTL k", &format!(":{after_ms}"));
        world.expect("PEXPIRETIME k", &format!(":{}", now_ms + after_ms));
        // The clock alone moves: nothing sweeps, so it is the look that must find the key gone.
        world.machine.clock.advance_ms(after_ms - 1);
        world.expect("PTTL k", ":1");
        world.expect("GET k", "\"v\"");
        world.machine.clock.advance_ms(1);
        world.expect("EXISTS k", ":0");
        world.expect("PTTL k", ":-2");
        world.expect("GET k", "nil");
    }
}

#[test]
fn nobody_needs_to_look_for_keys_to_go() {
    let mut world = World::new();
    for n in 0..1000 {
        world.ask(&format!("SET k{n} v PX {}", 1000 + n));
    }
    world.machine.advance_ms(1500);
    world.expect("DBSIZE", ":499");
    assert_eq!(world.info("expired_keys"), 501);
    world.ask("DEBUG SET-ACTIVE-EXPIRE 0");
    world.machine.advance_ms(1000);
    world.expect("DBSIZE", ":499");
    world.expect("GET k999", "nil");
    world.expect("DBSIZE", ":498");
    world.ask("DEBUG SET-ACTIVE-EXPIRE 1");
    world.machine.advance_ms(0);
    world.expect("DBSIZE", ":0");
    assert_eq!(world.info("expired_keys"), 1000);
}

#[test]
fn the_end_of_a_watched_key_is_a_change() {
    for (watched_after_ms, reply) in [(0, "nil*"), (60, "[\"x\"]")] {
        let mut world = World::new();
        world.ask("DEBUG SET-ACTIVE-EXPIRE 0");
        world.ask("SET k v PX 50");
        world.ask("SET l x");
        world.machine.clock.advance_ms(watched_after_ms);
        world.ask("WATCH k");
        world.machine.clock.advance_ms(100);
        world.ask("MULTI");
        world.ask("GET l");
        world.expect("EXEC", reply);
    }
}

#[test]
fn a_pause_of_writes_holds_the_end_of_keys_back() {
    let mut world = World::new();
    world.ask("SET k v PX 100");
    world.ask("CLIENT PAUSE 1000 WRITE");
    world.machine.advance_ms(500);
    // It is not removed, and not to be seen.
    world.expect("DBSIZE", ":1");
    world.expect("GET k", "nil");
    world.machine.advance_ms(600);
    world.expect("DBSIZE", ":0");
}

/// Random expiries set, changed and taken away, against a map of what must be there.
#[test]
fn the_keyspace_agrees_with_a_model() {
    let mut world = World::new();
    let mut rng = Prng::new(7);
    let mut model: BTreeMap<String, Option<i64>> = BTreeMap::new();
    for step in 0..5000 {
        let now_ms = world.machine.server.now_ms();
        model.retain(|_, end_ms| end_ms.is_none_or(|end_ms| end_ms > now_ms));
        let key = format!("k{}", rng.below(200));
        let ms = 1 + rng.below(3000) as i64;
        match rng.below(8) {
            0..3 => {
                world.ask(&format!("SET {key} v PX {ms}"));
                model.insert(key, Some(now_ms + ms));
            }
            3 => {
                world.ask(&format!("SET {key} v"));
                model.insert(key, None);
            }
            4 => {
                let reply = world.ask(&format!("PEXPIRE {key} {ms} GT"));
                let longer = matches!(model.get(&key), Some(Some(end_ms)) if *end_ms < now_ms + ms);
                assert_eq!(reply, Value::Integer(i64::from(longer)), "step {step}");
                if longer {
                    model.insert(key, Some(now_ms + ms));
                }
            }
            5 => {
                let reply = world.ask(&format!("PERSIST {key}"));
                let expires = matches!(model.get(&key), Some(Some(_)));
                assert_eq!(reply, Value::Integer(i64::from(expires)), "step {step}");
                model.entry(key).and_modify(|end_ms| *end_ms = None);
            }
            6 => world.machine.clock.advance_ms(ms / 10),
            _ => world.machine.advance_ms(ms / 10),
        }
        if step % 100 == 0 {
            let now_ms = world.machine.server.now_ms();
            model.retain(|_, end_ms| end_ms.is_none_or(|end_ms| end_ms > now_ms));
            let reply = world.ask("KEYS *");
            let mut keys: Vec<Vec<u8>> = reply
                .items()
                .unwrap_or_default()
                .iter()
                .filter_map(|key| key.text().map(<[u8]>::to_vec))
                .collect();
            keys.sort();
            let expected: Vec<Vec<u8>> = model.keys().map(|key| key.clone().into_bytes()).collect();
            assert_eq!(keys, expected, "step {step}");
        }
    }
}
