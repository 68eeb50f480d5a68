//! The keyspace of two servers, key by key.

use std::collections::BTreeMap;
use std::io;

use super::known;
use super::pair::Difference;
use crate::pattern::Pattern;
use crate::quote;
use crate::target::Client;
use crate::value::Value;

/// Databases that are looked at.
const DATABASES: usize = 16;
/// How far apart two expiry times may be: a span starts when the command runs.
const EXPIRY_MS_MAX: u64 = 2000;

/// What differs, before it is known where.
pub struct Finding {
    pub what: String,
    pub name: &'static str,
    pub ours: String,
    pub reference: String,
}

impl Finding {
    pub fn at(self, position: usize) -> Difference {
        let Finding { what, name, ours, reference } = self;
        Difference { position, what, name: name.to_owned(), ours, reference }
    }
}

#[derive(Debug)]
struct Entry {
    kind: String,
    encoding: String,
    expires_at_ms: i64,
    value: String,
}

/// Dumps both keyspaces and returns the first thing that differs.
pub fn compare(ours: &mut Client, reference: &mut Client) -> io::Result<Option<Finding>> {
    for database in 0..DATABASES {
        let (a, b) = (dump(ours, database)?, dump(reference, database)?);
        let (a, b) = match (a, b) {
            (Ok(a), Ok(b)) => (a, b),
            (a, b) => {
                let text = |side: Result<_, String>| side.err().unwrap_or_default();
                let what = format!("KEYS and SCAN disagree in database {database}");
                let (ours, reference) = (text(a), text(b));
                return Ok(Some(Finding { what, name: "scan", ours, reference }));
            }
        };
        for key in a.keys().chain(b.keys()) {
            let place = format!("key {} of database {database}", quote::argument(key));
            if let Some(finding) = compare_entries(place, a.get(key), b.get(key)) {
                return Ok(Some(finding));
            }
        }
    }
    Ok(None)
}

fn compare_entries(
    what: String,
    ours: Option<&Entry>,
    reference: Option<&Entry>,
) -> Option<Finding> {
    let finding = |name, ours: &str, reference: &str| {
        let known = known::reason(name, ours, reference).is_some();
        let (ours, reference) = (ours.to_owned(), reference.to_owned());
        (!known).then(|| Finding { what: what.clone(), name, ours, reference })
    };
    let (a, b) = match (ours, reference) {
        (Some(a), Some(b)) => (a, b),
        (Some(a), None) => return finding("dump existence", &a.value, "no such key"),
        (None, Some(b)) => return finding("dump existence", "no such key", &b.value),
        (None, None) => return None,
    };
    if a.kind != b.kind {
        return finding("dump type", &a.kind, &b.kind);
    }
    if a.value != b.value {
        return finding("dump value", &a.value, &b.value);
    }
    let apart = a.expires_at_ms.abs_diff(b.expires_at_ms);
    if (a.expires_at_ms < 0) != (b.expires_at_ms < 0) || apart > EXPIRY_MS_MAX {
        let (a, b) = (a.expires_at_ms.to_string(), b.expires_at_ms.to_string());
        return finding("dump expiry", &a, &b);
    }
    match a.encoding == b.encoding {
        true => None,
        false => finding("dump encoding", &a.encoding, &b.encoding),
    }
}

/// The entries of a database; the inner error says that KEYS and SCAN do not agree.
fn dump(
    client: &mut Client,
    database: usize,
) -> io::Result<Result<BTreeMap<Vec<u8>, Entry>, String>> {
    client.call(&["SELECT", &database.to_string()])?;
    let mut keys = texts(&client.call(&["KEYS", "*"])?);
    keys.sort();
    if keys.is_empty() {
        return Ok(Ok(BTreeMap::new()));
    }
    let scanned = scan(client)?;
    if scanned != keys {
        return Ok(Err(format!("{} keys, {} scanned", keys.len(), scanned.len())));
    }
    let mut entries = BTreeMap::new();
    for key in keys {
        let kind = text(&client.call_bytes(&[b"TYPE", &key])?);
        let encoding = text(&client.call_bytes(&[b"OBJECT", b"ENCODING", &key])?);
        let expires_at_ms = match client.call_bytes(&[b"PEXPIRETIME", &key])? {
            Value::Int(at) => at,
            _ => i64::MIN,
        };
        let value = whole_value(client, &kind, &key)?;
        entries.insert(key, Entry { kind, encoding, expires_at_ms, value });
    }
    Ok(Ok(entries))
}

/// Every key that a full SCAN returns, once each.
fn scan(client: &mut Client) -> io::Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    let mut cursor = b"0".to_vec();
    loop {
        let reply = client.call_bytes(&[b"SCAN", &cursor, b"COUNT", b"8"])?;
        let [next, found] = reply.items().unwrap_or_default() else { break };
        keys.extend(texts(found));
        cursor = next.text().unwrap_or(b"0").to_vec();
        if cursor == b"0" {
            break;
        }
    }
    keys.sort();
    keys.dedup();
    Ok(keys)
}

/// A value in notation, with unordered ones sorted.
fn whole_value(client: &mut Client, kind: &str, key: &[u8]) -> io::Result<String> {
    let request: &[&[u8]] = match kind {
        "string" => &[b"GET", key],
        "list" => &[b"LRANGE", key, b"0", b"-1"],
        "set" => &[b"SMEMBERS", key],
        "hash" => &[b"HGETALL", key],
        "zset" => &[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        "stream" => &[b"XRANGE", key, b"-", b"+"],
        other => return Ok(format!("a value of type {other}")),
    };
    let mut value = client.call_bytes(request)?;
    match &mut value {
        Value::Array(items) if kind == "hash" => {
            let mut pairs: Vec<Vec<Value>> = items.chunks(2).map(<[Value]>::to_vec).collect();
            pairs.sort();
            *items = pairs.concat();
        }
        Value::Array(items) | Value::Set(items) if kind == "set" => items.sort(),
        Value::Map(pairs) => pairs.sort(),
        _ => {}
    }
    Ok(Pattern::of(&value).to_string())
}

fn texts(value: &Value) -> Vec<Vec<u8>> {
    let items = value.items().unwrap_or_default();
    items.iter().map(|item| item.text().unwrap_or_default().to_vec()).collect()
}

fn text(value: &Value) -> String {
    match value.text() {
        Some(text) => String::from_utf8_lossy(text).into_owned(),
        None => Pattern::of(value).to_string(),
    }
}
