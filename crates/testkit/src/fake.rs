//! A server of a few commands, in memory, to test the tests with: one that can be given a bug.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crate::target::{Arrival, Connection, Target};
use crate::value::{Look, Value, decode};

type Keys = Rc<RefCell<BTreeMap<Vec<u8>, Vec<u8>>>>;

/// The server; its clock moves only by `sleep`.
#[derive(Default)]
pub struct Fake {
    keys: Keys,
    now_ms: u64,
    /// APPEND to a value that is there forgets what it appended, and says it did not.
    forgets: bool,
}

impl Fake {
    pub fn with_bug() -> Fake {
        Fake { forgets: true, ..Fake::default() }
    }
}

impl Target for Fake {
    fn connect(&mut self) -> io::Result<Box<dyn Connection>> {
        let (keys, forgets) = (self.keys.clone(), self.forgets);
        let (input, output) = (Vec::new(), Vec::new());
        Ok(Box::new(FakeConnection { keys, forgets, protocol: 2, input, output, closed: false }))
    }

    fn sleep(&mut self, time: Duration) {
        self.now_ms += time.as_millis() as u64;
    }

    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + self.now_ms
    }
}

struct FakeConnection {
    keys: Keys,
    forgets: bool,
    protocol: u8,
    input: Vec<u8>,
    output: Vec<u8>,
    closed: bool,
}

impl Connection for FakeConnection {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.extend_from_slice(bytes);
        while let Ok(Some((request, len))) = decode(&self.input) {
            self.input.drain(..len);
            let words = request.items().unwrap_or_default();
            let words: Vec<&[u8]> = words.iter().filter_map(Value::text).collect();
            let reply = self.reply(&words);
            self.output.extend_from_slice(&reply);
        }
        Ok(())
    }

    fn receive(&mut self, into: &mut Vec<u8>, _: Duration) -> io::Result<Arrival> {
        if self.output.is_empty() {
            return Ok(if self.closed { Arrival::Closed } else { Arrival::Quiet });
        }
        into.append(&mut self.output);
        Ok(Arrival::Bytes)
    }
}

impl FakeConnection {
    fn reply(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let mut keys = self.keys.borrow_mut();
        let ok = b"+OK\r\n".to_vec();
        let nil = if self.protocol == 3 { &b"_\r\n"[..] } else { b"$-1\r\n" }.to_vec();
        let name = words.first().map(|w| w.to_ascii_uppercase()).unwrap_or_default();
        match (&name[..], &words[1.min(words.len())..]) {
            (b"FLUSHALL" | b"RESET", _) => {
                keys.clear();
                ok
            }
            (b"HELLO", version) => {
                self.protocol = if version == [b"3"] { 3 } else { 2 };
                ok
            }
            (b"QUIT", _) => {
                self.closed = true;
                ok
            }
            (b"SET", [key, value]) => {
                keys.insert(key.to_vec(), value.to_vec());
                ok
            }
            (b"APPEND", [key, value]) => {
                let there = keys.contains_key(*key);
                let whole = keys.entry(key.to_vec()).or_default();
                let len = whole.len() + value.len();
                if !(self.forgets && there) {
                    whole.extend_from_slice(value);
                }
                format!(":{len}\r\n").into_bytes()
            }
            (b"GET", [key]) => keys.get(*key).map_or(nil, |value| bulk(value)),
            (b"KEYS", _) => array(keys.keys().map(|key| bulk(key))),
            (b"SCAN", _) => {
                let found = array(keys.keys().map(|key| bulk(key)));
                array([bulk(b"0"), found].into_iter())
            }
            (b"TYPE", _) => b"+string\r\n".to_vec(),
            (b"PEXPIRETIME", _) => b":-1\r\n".to_vec(),
            (b"OBJECT", _) => bulk(b"raw"),
            (b"SELECT", _) => ok,
            (b"COMMAND", [b"LIST"]) => array(NAMES.iter().map(|name| bulk(name.as_bytes()))),
            (b"COMMAND", [_]) => docs(),
            (b"COMMAND", _) => array(NAMES.iter().map(|name| row(name))),
            _ => format!("-ERR unknown command '{}'\r\n", name.escape_ascii()).into_bytes(),
        }
    }
}

const NAMES: &[&str] = &["set", "append", "get"];

fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn array(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.collect();
    [format!("*{}\r\n", items.len()).into_bytes(), items.concat()].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let pair = |(key, value): &(&str, Vec<u8>)| [bulk(key.as_bytes()), value.clone()].concat();
    let pairs: Vec<Vec<u8>> = pairs.iter().map(pair).collect();
    [format!("%{}\r\n", pairs.len()).into_bytes(), pairs.concat()].concat()
}

/// A row of COMMAND: of its ten columns the name, flags, tips and subcommands are looked at.
fn row(name: &str) -> Vec<u8> {
    let none = b"*0\r\n".to_vec();
    let number = b":1\r\n".to_vec();
    let flags = if name == "get" { b"*1\r\n+readonly\r\n".to_vec() } else { none.clone() };
    let mut columns = vec![bulk(name.as_bytes()), number.clone(), flags];
    columns.extend([number.clone(), number.clone(), number]);
    columns.extend([none.clone(), none.clone(), none.clone(), none]);
    array(columns.into_iter())
}

fn docs() -> Vec<u8> {
    let argument = |name: &str, kind: &str| {
        map(&[("name", bulk(name.as_bytes())), ("type", bulk(kind.as_bytes()))])
    };
    let doc = |name: &&'static str| {
        let mut arguments = vec![argument("key", "key")];
        if *name != "get" {
            arguments.push(argument("number", "integer"));
        }
        let doc = map(&[("group", bulk(b"string")), ("arguments", array(arguments.into_iter()))]);
        (*name, doc)
    };
    map(&NAMES.iter().map(doc).collect::<Vec<_>>())
}
