//! The keyspace of two servers, key by key.

use std::collections::BTreeMap;
use std::io;

use super::known::Judge;
use super::pair::Difference;
use crate::pattern::Pattern;
use crate::quote;
use crate::target::Client;
use crate::value::{Look, Value};

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
pub fn compare(
    ours: &mut Client,
    reference: &mut Client,
    judge: Judge,
) -> io::Result<Option<Finding>> {
    let (our_keys, their_keys) = (all_keys(ours)?, all_keys(reference)?);
    for database in 0..DATABASES {
        let (a, b) = (&our_keys[database], &their_keys[database]);
        if a.is_empty() && b.is_empty() {
            continue;
        }
        if let Some(finding) = check_scan(ours, database, a)? {
            return Ok(Some(finding));
        }
        let (a, b) = (dump(ours, database, a)?, dump(reference, database, b)?);
        for key in a.keys().chain(b.keys()) {
            let Some((name, ours, reference)) = compare_entries(a.get(key), b.get(key)) else {
                continue;
            };
            if judge.reason(name, std::slice::from_ref(key), &ours, &reference).is_none() {
                let what = format!("key {} of database {database}", quote::argument(key));
                return Ok(Some(Finding { what, name, ours, reference }));
            }
        }
    }
    Ok(None)
}

/// The sorted keys of every database.
fn all_keys(client: &mut Client) -> io::Result<Vec<Vec<Vec<u8>>>> {
    let names: Vec<String> = (0..DATABASES).map(|database| database.to_string()).collect();
    let mut requests: Vec<Vec<&[u8]>> = Vec::new();
    for name in &names {
        requests.push(vec![b"SELECT", name.as_bytes()]);
        requests.push(vec![b"KEYS", b"*"]);
    }
    let replies = client.call_all(&requests)?;
    let keys = replies.iter().skip(1).step_by(2).map(|reply| {
        let mut keys = texts(reply);
        keys.sort();
        keys
    });
    Ok(keys.collect())
}

/// A whole SCAN must return what KEYS does, which may be less than before: keys expire meanwhile.
fn check_scan(
    client: &mut Client,
    database: usize,
    keys: &[Vec<u8>],
) -> io::Result<Option<Finding>> {
    client.call(&["SELECT", &database.to_string()])?;
    let scanned = scan(client)?;
    if scanned == keys {
        return Ok(None);
    }
    let mut keys = texts(&client.call(&["KEYS", "*"])?);
    keys.sort();
    Ok((scanned != keys).then(|| Finding {
        what: format!("our KEYS and SCAN disagree in database {database}"),
        name: "dump scan",
        ours: format!("{} keys scanned", scanned.len()),
        reference: format!("{} keys by KEYS", keys.len()),
    }))
}

/// What differs first, with our side of it and the reference's.
fn compare_entries(
    ours: Option<&Entry>,
    reference: Option<&Entry>,
) -> Option<(&'static str, String, String)> {
    let finding =
        |name, ours: &str, reference: &str| Some((name, ours.to_owned(), reference.to_owned()));
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

/// The entries of a database.
fn dump(
    client: &mut Client,
    database: usize,
    keys: &[Vec<u8>],
) -> io::Result<BTreeMap<Vec<u8>, Entry>> {
    client.call(&["SELECT", &database.to_string()])?;
    let mut requests: Vec<Vec<&[u8]>> = Vec::new();
    for key in keys {
        requests.push(vec![b"TYPE", key]);
        requests.push(vec![b"OBJECT", b"ENCODING", key]);
        requests.push(vec![b"PEXPIRETIME", key]);
    }
    let replies = client.call_all(&requests)?;
    let kinds: Vec<String> = replies.iter().step_by(3).map(text).collect();
    let requests: Vec<Vec<&[u8]>> =
        keys.iter().zip(&kinds).map(|(key, kind)| whole_value_request(kind, key)).collect();
    let values = client.call_all(&requests)?;
    let mut entries = BTreeMap::new();
    for (index, (key, mut value)) in keys.iter().zip(values).enumerate() {
        let kind = kinds[index].clone();
        let encoding = text(&replies[index * 3 + 1]);
        let expires_at_ms = match replies[index * 3 + 2] {
            Value::Integer(at) => at,
            _ => i64::MIN,
        };
        put_in_order(&kind, &mut value);
        let value = Pattern::of(&value).to_string();
        entries.insert(key.clone(), Entry { kind, encoding, expires_at_ms, value });
    }
    Ok(entries)
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

/// The command that reads a whole value.
fn whole_value_request<'a>(kind: &str, key: &'a [u8]) -> Vec<&'a [u8]> {
    match kind {
        "string" => vec![b"GET", key],
        "list" => vec![b"LRANGE", key, b"0", b"-1"],
        "set" => vec![b"SMEMBERS", key],
        "hash" => vec![b"HGETALL", key],
        "zset" => vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
        "stream" => vec![b"XRANGE", key, b"-", b"+"],
        // Of the others only the type is compared.
        _ => vec![b"TYPE", key],
    }
}

/// Sorts what comes in no order.
fn put_in_order(kind: &str, value: &mut Value) {
    match value {
        Value::Array(items) if kind == "hash" => {
            let mut pairs: Vec<Vec<Value>> = items.chunks(2).map(<[Value]>::to_vec).collect();
            pairs.sort_by_cached_key(|pair| pair[0].text().map(<[u8]>::to_vec));
            *items = pairs.concat();
        }
        Value::Array(items) | Value::Set(items) if kind == "set" => {
            items.sort_by_cached_key(|item| item.text().map(<[u8]>::to_vec));
        }
        Value::Map(pairs) => pairs.sort_by_cached_key(|(key, _)| key.text().map(<[u8]>::to_vec)),
        _ => {}
    }
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
