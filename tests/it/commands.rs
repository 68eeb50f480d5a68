//! Generated commands against the whole server, in process: what must hold whatever is asked.
//!
//! The commands are drawn from the grammars of our own rows, so a new row is tried from the day it
//! exists. No reference is needed: the tests hold the server to what is true of any of them. (That
//! its replies are Redis' is the business of the scripts and of `testkit diff`.)

use std::collections::BTreeMap;

use engine::command::{Command, Flags, KeyFlags, KeySpec, command, key};
use engine::module::{Module, module};
use engine::{Args, CmdResult, Cx, Outcome, error};
use keyspace::edit::{DELETED, Ttl};
use keyspace::{Entry, Str, View};
use sim::{ConnId, Machine};
use testkit::diff::{Generator, Grammar, Play, Rng};
use testkit::in_process::InProcess;
use testkit::target::{Client, request};
use testkit::value::{Look, Value, decode};

/// Commands of an episode, which begins with an empty server.
const EPISODE_COMMANDS: usize = 500;
/// Generated commands of each test, unless `DIFF_CASES` says otherwise.
const COMMANDS: usize = 10_000;

/// Commands that a test of everything leaves out.
const DISTURBING: &[(&str, &str)] = &[
    ("CLIENT|REPLY", "there is nothing to look at after it"),
    ("CONFIG|SET", "it locks the test out"),
    ("DEBUG", "it takes the server apart on purpose"),
];

/// Whether a command may wait for ever: its row says so.
fn may_wait(machine: &Machine, name: &str) -> bool {
    let row = machine.server.registry.find(name.as_bytes());
    row.is_some_and(|row| row.flags.has(Flags::BLOCKING))
}

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// The grammar of a server of these modules.
fn grammar(modules: &[&'static Module]) -> Grammar {
    let mut target = InProcess::new(modules, &[], 1);
    let mut client = Client::connect(&mut target).expect("it is in this process");
    Grammar::of(&mut client).expect("the server tells its grammar")
}

/// One server and one connection, looked at after every command.
struct World {
    machine: Machine,
    conn: ConnId,
    client_id: u64,
}

/// A live key as it is seen: encoding, value, expiry.
type Seen = BTreeMap<(u16, Vec<u8>), (&'static str, Vec<u8>, Option<i64>)>;

impl World {
    fn new(modules: &[&'static Module], seed: u64, protocol: u8) -> World {
        let mut machine = Machine::new(modules, &[], seed);
        let conn = machine.connect();
        let mut world = World { machine, conn, client_id: 0 };
        world.call(&["HELLO", &protocol.to_string()]).expect("HELLO is known");
        let Ok(Value::Integer(id)) = world.call(&["CLIENT", "ID"]) else {
            panic!("a connection has a number");
        };
        world.client_id = id as u64;
        world
    }

    /// Sends a request and reads its one reply.
    fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, String> {
        let wire = self.machine.call(self.conn, &request(args));
        match decode(&wire) {
            Ok(Some((value, len))) if len == wire.len() => Ok(value),
            _ => Err(format!("no single reply: \"{}\"", wire.escape_ascii())),
        }
    }

    fn speaks_resp3(&self) -> bool {
        let client = self.machine.server.clients.get(self.client_id);
        client.is_some_and(|client| client.figures().resp3)
    }

    /// Every entry of the keyspace.
    fn each_entry(&self, mut visit: impl FnMut(u16, &Entry)) {
        let keyspace = &self.machine.server.keyspace;
        for index in 0..keyspace.shards() {
            let shard = keyspace.try_shard(index).expect("nobody else is here");
            for db in 0..keyspace.databases() {
                let Some(part) = shard.db(db) else { continue };
                let segments = part.table().segments().iter();
                segments.flat_map(|segment| segment.iter()).for_each(|e| visit(db, e));
            }
        }
    }

    fn seen(&self) -> Seen {
        let now_ms = self.machine.server.now_ms();
        let mut seen = Seen::new();
        self.each_entry(|db, entry| {
            if entry.is_expired(now_ms) {
                return;
            }
            let text = match entry.view() {
                View::Str(value) => value.text().to_vec(),
                View::Packed(bytes) => bytes.to_vec(),
                View::Boxed(boxed) => boxed.memory().to_string().into_bytes(),
            };
            let key = (db, entry.key().to_vec());
            let encoding = self.machine.server.registry.encoding(entry);
            seen.insert(key, (encoding, text, entry.expire_at_ms()));
        });
        seen
    }

    /// Runs a command and checks its reply, and that it changed nothing where it must not.
    fn play(&mut self, play: &Play) -> Result<(), String> {
        let (before, was_resp3) = (self.seen(), self.speaks_resp3());
        let reply = self.call(&play.args)?;
        if !was_resp3 && !self.speaks_resp3() && !is_resp2(&reply) {
            return Err(format!("RESP2 has no such reply: {reply:?}"));
        }
        let is_error = matches!(reply, Value::Error(_));
        let reads = play.read_only && play.name != "EXEC";
        if (is_error || reads) && self.seen() != before {
            let why = if is_error { "an error" } else { "a command that does not write" };
            return Err(format!("{why} changed the data: {reply:?}"));
        }
        Ok(())
    }

    /// Counts everything anew and compares it with the books.
    fn check_books(&mut self) -> Result<(), String> {
        // Whatever is past its time goes, so that what is counted is what is seen.
        self.machine.advance_ms(0);
        let databases = self.machine.server.keyspace.databases();
        let mut counted = vec![(0, 0, 0); databases as usize];
        self.each_entry(|db, entry| {
            let (keys, expires, bytes) = &mut counted[db as usize];
            *keys += 1;
            *expires += u64::from(entry.expire_at_ms().is_some());
            *bytes += entry.memory() as u64;
        });
        for (db, counted) in counted.into_iter().enumerate() {
            let size = self.machine.server.keyspace.size(db as u16);
            let books = (size.keys, size.expires, size.bytes);
            if books != counted {
                return Err(format!("database {db}: {books:?} in the books, {counted:?} there"));
            }
        }
        self.check_walks(databases)
    }

    /// DBSIZE, KEYS and a whole SCAN must agree in every database.
    fn check_walks(&mut self, databases: u16) -> Result<(), String> {
        self.call(&["RESET"])?;
        for db in 0..databases {
            self.call(&["SELECT", &db.to_string()])?;
            let size = self.call(&["DBSIZE"])?;
            let mut keys = texts(&self.call(&["KEYS", "*"])?);
            let mut scanned = Vec::new();
            let mut cursor = b"0".to_vec();
            loop {
                let reply = self.call(&[b"SCAN", &cursor[..], b"COUNT", b"3"])?;
                let [next, found] = reply.items().unwrap_or_default() else {
                    return Err(format!("no reply to SCAN: {reply:?}"));
                };
                scanned.extend(texts(found));
                cursor = next.text().unwrap_or_default().to_vec();
                if cursor == b"0" {
                    break;
                }
            }
            keys.sort();
            scanned.sort();
            if size != Value::Integer(keys.len() as i64) || keys != scanned {
                return Err(format!("database {db}: {size:?}, KEYS {keys:?}, SCAN {scanned:?}"));
            }
        }
        Ok(())
    }
}

fn texts(value: &Value) -> Vec<Vec<u8>> {
    let items = value.items().unwrap_or_default();
    items.iter().filter_map(Value::text).map(<[u8]>::to_vec).collect()
}

/// Whether a reply is made of RESP2's types only.
fn is_resp2(value: &Value) -> bool {
    match value {
        Value::Simple(_) | Value::Error(_) | Value::Integer(_) | Value::Bulk(_) => true,
        Value::NullBulk | Value::NullArray => true,
        Value::Array(items) => items.iter().all(is_resp2),
        _ => false,
    }
}

/// Plays generated commands, time passing between them; the error tells how to see it again.
fn run(modules: &[&'static Module], only: &[&str], commands: usize) -> Result<(), String> {
    let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
    let grammar = grammar(modules).select(&only, &[]);
    assert!(!grammar.commands.is_empty());
    let seed = number("SEED", 1);
    for episode in 0..commands.div_ceil(EPISODE_COMMANDS) as u64 {
        let protocol = 2 + (episode % 2) as u8;
        let mut world = World::new(modules, seed ^ episode, protocol);
        let now_ms = world.machine.server.now_ms() as u64;
        let mut rng = Rng::new(seed, episode);
        let plays = Generator::new(&grammar, rng.clone(), now_ms).plays(EPISODE_COMMANDS);
        for play in &plays {
            let failed = |text: String| {
                format!("SEED={seed}, episode {episode}, RESP{protocol}: {}\n{text}", play.line())
            };
            world.play(play).map_err(failed)?;
            match rng.below(100) {
                // A key past its time that nothing has met yet must not be seen either.
                0 => world.machine.clock.advance_ms(some_time_ms(&mut rng)),
                1 => world.machine.advance_ms(some_time_ms(&mut rng)),
                _ => {}
            }
        }
        world
            .check_books()
            .map_err(|text| format!("SEED={seed}, episode {episode}, RESP{protocol}: {text}"))?;
    }
    Ok(())
}

/// Between a second and about 40 days: generated spans of time are of all these lengths.
fn some_time_ms(rng: &mut Rng) -> i64 {
    1000 << rng.below(22)
}

#[test]
fn what_must_hold_holds() {
    let commands = number("DIFF_CASES", COMMANDS as u64) as usize;
    run(catalog::MODULES, &[], commands).unwrap_or_else(|text| panic!("{text}"));
}

/// Whatever is asked, also by operators: the server answers, and stays whole.
#[test]
fn no_command_breaks_the_server() {
    let mut grammar = grammar(catalog::MODULES);
    grammar.commands.retain(|c| !DISTURBING.iter().any(|(name, _)| *name == c.name));
    let (seed, commands) = (number("SEED", 1), number("DIFF_CASES", COMMANDS as u64) as usize);
    for episode in 0..commands.div_ceil(EPISODE_COMMANDS) as u64 {
        let mut machine = Machine::new(catalog::MODULES, &[], seed ^ episode);
        let mut conn = machine.connect();
        let now_ms = machine.server.now_ms() as u64;
        let mut generator = Generator::new(&grammar, Rng::new(seed, !episode), now_ms);
        for play in generator.plays(EPISODE_COMMANDS) {
            let mut wire = machine.call(conn, &request(&play.args));
            let is_waiting = wire.is_empty() && machine.is_open(conn);
            if is_waiting {
                // Clients are paused. With the pause over, another connection's request sets it
                // free.
                machine.server.pause.end();
                let other = machine.connect();
                machine.call(other, &request(&["PING"]));
                machine.disconnect(other);
                wire = machine.take(conn);
            }
            let answered = matches!(decode(&wire), Ok(Some((_, len))) if len == wire.len());
            let closed = wire.is_empty() && !machine.is_open(conn);
            let line = || format!("SEED={seed}, episode {episode}: {}", play.line());
            assert!(
                answered || closed || may_wait(&machine, &play.name),
                "{}\n\"{}\"",
                line(),
                wire.escape_ascii()
            );
            if !answered || !machine.is_open(conn) {
                machine.disconnect(conn);
                conn = machine.connect();
            }
        }
    }
}

/// A module with two faults, for the controls: a write that fails after it wrote, and a read that
/// writes.
const FAULTY: Module = module("faulty").commands(&[&[
    faulty("LATE", late).flags(Flags::WRITE),
    faulty("SLY", sly).flags(Flags::READONLY),
]]);

const ONE_KEY: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW)];

const fn faulty(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .summary("Is wrong on purpose.")
        .group("string")
        .keys(ONE_KEY)
        .args(const { &[key("key")] })
}

fn late(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    sly(cx, args)?;
    Err(error::SYNTAX)
}

fn sly(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut edit = cx.db.edit(args.at(1));
    edit.set_str(Str::Bytes(b"sly"), Ttl::Keep);
    edit.commit(DELETED);
    cx.reply.ok();
    Ok(Outcome::Done)
}

#[test]
fn a_fault_is_found() {
    let modules: Vec<&'static Module> = catalog::MODULES.iter().copied().chain([&FAULTY]).collect();
    let found = |name| run(&modules, &[name], EPISODE_COMMANDS).expect_err("it must be found");
    assert!(found("LATE").contains("an error changed the data"));
    assert!(found("SLY").contains("a command that does not write changed the data"));
    assert_eq!(run(&modules, &["GET", "SET"], EPISODE_COMMANDS), Ok(()));
}
