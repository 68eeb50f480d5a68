//! KEYS and SCAN: walks over one database, shard by shard and segment by segment.
//!
//! A step holds one shard for a few segments; between steps other clients are served, so a long
//! walk delays nobody. A key that exists during the whole walk is returned exactly once, since its
//! place in the order never changes. What comes and goes meanwhile may or may not be returned.
//!
//! A long reply is kept and handed over in parts: neither a vector that doubles nor one large copy
//! may hold the worker up.
//!
//! One SCAN call does a bounded amount of work: it ends once it has found COUNT keys, or has looked
//! at ten times as many, but at least at [`LOOKED_MIN`], so that a selective pattern needs few
//! calls.

use super::KEYSPACE;
use super::pattern::KeyPattern;
use engine::command::{Categories, Command, Flags, command, integer, pattern, string};
use engine::cx::{Job, Step};
use engine::error::{self, CmdError};
use engine::{Args, CmdResult, Cx, Outcome};
use keyspace::scan::{Cursor, scan_shard};
use keyspace::{At, Entry, TypeId};
use resp::Writer;
use std::collections::VecDeque;

/// Entries that a SCAN call may look at, whatever its COUNT.
const LOOKED_MIN: usize = 8192;
/// Entries that one step looks at before it lets go of the shard, about.
const LOOKED_PER_STEP: usize = 4096;
/// Bytes of a part of the reply, about.
const PART_BYTES: usize = 32 << 10;
/// Keys that a SCAN call returns where it does not say, about.
const COUNT_DEFAULT: usize = 10;

pub(super) const COMMANDS: &[Command] = &[
    command("KEYS", keys)
        .summary("Lists all keys that match a pattern.")
        .since("1.0.0")
        .complexity(
            "O(N) with N the number of keys of the database, in steps between which other clients \
             are served; O(1) where the pattern has no wildcard.",
        )
        .flags(Flags::READONLY)
        .acl(KEYSPACE.or(Categories::DANGEROUS))
        .args(&[pattern("pattern")])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .walks(),
    command("SCAN", scan)
        .summary("Walks over the keys of the database, some at a time.")
        .since("2.8.0")
        .complexity("O(1) per call, O(N) for a whole walk over N keys.")
        .history(&[("6.0.0", "The option `TYPE`.")])
        .flags(Flags::READONLY)
        .acl(KEYSPACE)
        .args(&[
            integer("cursor"),
            pattern("pattern").token("MATCH").optional(),
            integer("count").token("COUNT").optional(),
            string("type").token("TYPE").optional().since("6.0.0"),
        ])
        .tips(&["nondeterministic_output", "request_policy:special", "response_policy:special"])
        .walks(),
];

/// Which entries are wanted.
struct Filter {
    pattern: KeyPattern,
    kind: Kind,
}

/// Which types are wanted.
#[derive(Clone, Copy)]
enum Kind {
    Any,
    Only(TypeId),
    /// One that no value has.
    Nonexistent,
}

impl Filter {
    fn accepts_type(&self, entry: &Entry) -> bool {
        match self.kind {
            Kind::Any => true,
            Kind::Only(id) => entry.type_id() == id,
            Kind::Nonexistent => false,
        }
    }
}

/// A walk under way.
struct Walk {
    filter: Filter,
    /// Where to go on; `None` at the end.
    next: Option<Cursor>,
    found: Found,
    count: usize,
    /// Entries looked at.
    looked: usize,
}

/// The keys found, encoded as elements of the reply, in parts.
#[derive(Default)]
struct Found(VecDeque<Vec<u8>>);

impl Found {
    fn push(&mut self, key: &[u8]) {
        if self.0.back().is_none_or(|part| part.len() >= PART_BYTES) {
            self.0.push_back(Vec::new());
        }
        if let Some(part) = self.0.back_mut() {
            Writer::new(part, false).bulk(key);
        }
    }

    /// Hands over the next part; done with the last one.
    fn write_part(&mut self, out: &mut Vec<u8>) -> Step {
        if let Some(part) = self.0.pop_front() {
            out.extend_from_slice(&part);
        }
        if self.0.is_empty() { Step::Done } else { Step::More }
    }
}

impl Walk {
    fn new(filter: Filter, from: Option<Cursor>) -> Walk {
        Walk { filter, next: from, found: Found::default(), count: 0, looked: 0 }
    }

    fn add(&mut self, key: &[u8]) {
        self.count += 1;
        self.found.push(key);
    }

    /// Walks on until so many keys are found in all or the step is long enough.
    fn step(&mut self, cx: &mut Cx<'_, '_>, count_max: usize) -> Step {
        if let KeyPattern::Exact(key) = &self.filter.pattern
            && self.next.is_some_and(Cursor::is_start)
        {
            let key = key.clone();
            return if self.look_up(cx, &key) { Step::Done } else { Step::Contended };
        }
        let looked_before = self.looked;
        while let Some(at) = self.next {
            if self.count >= count_max || self.looked - looked_before >= LOOKED_PER_STEP {
                return Step::More;
            }
            let rest = match self.walk_shard(cx, at, count_max, looked_before + LOOKED_PER_STEP) {
                Some(rest) => rest,
                None => return Step::Contended,
            };
            let shards = cx.db.keyspace.shards();
            self.next = rest.or_else(|| Some(at.next_shard()).filter(|next| next.shard < shards));
        }
        Step::Done
    }

    /// Walks on in one shard. Gives the place to go on from in it, `None` within at its end; `None`
    /// if somebody has the shard.
    fn walk_shard(
        &mut self,
        cx: &mut Cx<'_, '_>,
        from: Cursor,
        count_max: usize,
        looked_max: usize,
    ) -> Option<Option<Cursor>> {
        let (keyspace, db, now_ms) = (cx.db.keyspace, cx.db.index, cx.db.now_ms);
        let (mut shard, fx) = cx.db.shard(from.shard)?;
        let mut expired: Vec<Box<[u8]>> = Vec::new();
        let mut next = Some(from);
        while let Some(at) = next
            && self.count < count_max
            && self.looked < looked_max
        {
            let Walk { filter, found, count, .. } = self;
            let budget = count_max - *count;
            let mut wanted = |entry: &Entry| {
                if !filter.pattern.matches(entry.key()) {
                    return false;
                }
                if entry.is_expired(now_ms) {
                    expired.push(entry.key().into());
                    return false;
                }
                filter.accepts_type(entry)
            };
            let mut visit = |entry: &Entry| {
                *count += 1;
                found.push(entry.key());
            };
            let (looked, rest) = scan_shard(&shard, db, at, budget, &mut wanted, &mut visit);
            self.looked += looked;
            next = rest;
        }
        for key in expired {
            shard.peek(At { db, key: &key, hash: keyspace.hash(&key), now_ms }, fx);
        }
        Some(next)
    }

    /// Looks the one key up that an exact pattern names. False if somebody has its shard.
    fn look_up(&mut self, cx: &mut Cx<'_, '_>, key: &[u8]) -> bool {
        let at = cx.db.at(cx.db.index, key);
        let Some((mut shard, fx)) = cx.db.shard(cx.db.keyspace.shard_of(at.hash)) else {
            return false;
        };
        if shard.peek(at, fx).is_some_and(|entry| self.filter.accepts_type(entry)) {
            self.add(key);
        }
        self.next = None;
        true
    }

    /// Begins the reply: the keys follow in parts. Where nobody wants it there are none.
    fn head(&mut self, cx: &mut Cx<'_, '_>) {
        cx.reply.array(self.count);
        if cx.session.reply_mode.is_silent() {
            self.found = Found::default();
        }
    }
}

/// The start of a walk.
fn start(cx: &Cx<'_, '_>) -> Option<Cursor> {
    Cursor::decode(0, cx.db.keyspace.shards())
}

/// Does the first step at once; what is left becomes a job.
fn run(cx: &mut Cx<'_, '_>, mut job: impl Job + 'static) -> CmdResult {
    match job.step(cx)? {
        Step::Done => Ok(Outcome::Done),
        _ => Ok(Outcome::Job(Box::new(job))),
    }
}

fn keys(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let pattern = KeyPattern::new(args.at(1));
    let walk = Walk::new(Filter { pattern, kind: Kind::Any }, start(cx));
    run(cx, KeysJob { walk, is_answering: false })
}

struct KeysJob {
    walk: Walk,
    is_answering: bool,
}

impl Job for KeysJob {
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError> {
        if !self.is_answering {
            let step = self.walk.step(cx, usize::MAX);
            if step != Step::Done {
                return Ok(step);
            }
            self.walk.head(cx);
            self.is_answering = true;
        }
        Ok(self.walk.found.write_part(cx.reply.out))
    }
}

fn scan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let number = parse_cursor(args.at(1)).ok_or(CmdError::fixed("ERR invalid cursor"))?;
    let (filter, count) = scan_options(cx, args)?;
    let from = Cursor::decode(number, cx.db.keyspace.shards());
    let looked_max = count.saturating_mul(10).max(LOOKED_MIN);
    run(cx, ScanJob { walk: Walk::new(filter, from), count, looked_max, is_answering: false })
}

struct ScanJob {
    walk: Walk,
    count: usize,
    looked_max: usize,
    is_answering: bool,
}

impl Job for ScanJob {
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError> {
        if !self.is_answering {
            let step = self.walk.step(cx, self.count);
            let ended = self.walk.count >= self.count || self.walk.looked >= self.looked_max;
            if step != Step::Done && !ended {
                return Ok(step);
            }
            let cursor = self.walk.next.map_or(0, Cursor::encode);
            cx.reply.array(2);
            cx.reply.bulk(cursor.to_string().as_bytes());
            self.walk.head(cx);
            self.is_answering = true;
        }
        Ok(self.walk.found.write_part(cx.reply.out))
    }
}

fn scan_options(cx: &Cx<'_, '_>, args: Args<'_>) -> Result<(Filter, usize), CmdError> {
    let mut filter = Filter { pattern: KeyPattern::Any, kind: Kind::Any };
    let mut count = COUNT_DEFAULT;
    let mut index = 2;
    while index < args.len() {
        let value = args.get(index + 1);
        match value {
            Some(_) if args.is(index, "COUNT") => {
                let number = args.integer(index + 1)?;
                let number = usize::try_from(number).ok().filter(|number| *number > 0);
                count = number.ok_or(error::SYNTAX)?;
            }
            Some(pattern) if args.is(index, "MATCH") => filter.pattern = KeyPattern::new(pattern),
            Some(name) if args.is(index, "TYPE") => {
                filter.kind =
                    cx.server.registry.type_id(name).map_or(Kind::Nonexistent, Kind::Only);
            }
            _ if args.is(index, "NOVALUES") => {
                return Err(CmdError::fixed("ERR NOVALUES option can only be used in HSCAN"));
            }
            _ => return Err(error::SYNTAX),
        }
        index += 2;
    }
    Ok((filter, count))
}

/// A cursor as clients may write it: any unsigned 64-bit number, read as C's `strtoull` reads it
/// (white space and a sign in front, up to a NUL), except that a plain negative number is refused.
pub(crate) fn parse_cursor(text: &[u8]) -> Option<u64> {
    if stdx::num::parse_i64(text).is_some_and(|number| number < 0) {
        return None;
    }
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    let is_space = |byte: &u8| matches!(byte, b' ' | 9..=13);
    let start = text[..end].iter().position(|byte| !is_space(byte))?;
    let (is_negative, digits) = match &text[start..end] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_the_reference_reads_them() {
        let valid: [(&[u8], u64); 11] = [
            (b"0", 0),
            (b"00", 0),
            (b"-0", 0),
            (b"+0", 0),
            (b" 0", 0),
            (b"\x0b17", 17),
            (b"18446744073709551615", u64::MAX),
            (b" -1", u64::MAX),
            (b"-18446744073709551615", 1),
            (b"0\0abc", 0),
            (b"00000000000000000000000000001", 1),
        ];
        for (text, number) in valid {
            assert_eq!(parse_cursor(text), Some(number), "{text:?}");
        }
        let invalid: [&[u8]; 12] = [
            b"",
            b" ",
            b"-",
            b"+",
            b"abc",
            b"-1",
            b"+-1",
            b"0 ",
            b"0x",
            b"1e3",
            b"-9223372036854775808",
            b"18446744073709551616",
        ];
        for text in invalid {
            assert_eq!(parse_cursor(text), None, "{text:?}");
        }
    }
}
