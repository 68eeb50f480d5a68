//! Commands on several whole values at once: MGET, MSET, MSETNX, MSETEX.
//!
//! All keys are locked together, so each command is atomic: a condition is checked on all keys
//! before the first is changed.

use super::compare::Condition;
use super::options::{Allowed, EX, EXAT, Options, PX, PXAT};
use super::set::logged_set;
use super::{EXPIRE, SET, reply_str};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, block, command, integer, key, one_of,
    string, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::{Entry, Str, Ttl};

const PAIR: &[Arg] = &[key("key"), string("value")];
const PAIRS: Arg = block("data", PAIR).many();
const EXISTENCE: &[Arg] = &[token("nx", "NX"), token("xx", "XX")];
const EXPIRATIONS: &[Arg] = &[EX, PX, EXAT, PXAT, token("keepttl", "KEEPTTL")];
const WRITES: Flags = Flags::WRITE.or(Flags::DENYOOM);

pub(super) const COMMANDS: &[Command] = &[
    command("MGET", mget)
        .summary("Returns the strings at several keys.")
        .since("1.0.0")
        .group("string")
        .complexity("O(N) where N is the number of keys")
        .flags(Flags::READONLY.or(Flags::FAST))
        .acl(Categories::STRING)
        .tips(&["request_policy:multi_shard"])
        .keys(&[KeySpec::range(1, -1, 1, KeyFlags::RO.or(KeyFlags::ACCESS))])
        .args(&[key("key").many()]),
    command("MSET", mset)
        .summary("Sets several keys to strings at once.")
        .since("1.0.1")
        .group("string")
        .complexity("O(N) where N is the number of keys")
        .flags(WRITES)
        .acl(Categories::STRING)
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .keys(&[KeySpec::range(1, -1, 2, KeyFlags::OW.or(KeyFlags::UPDATE))])
        .args(&[PAIRS]),
    command("MSETNX", msetnx)
        .summary("Sets several keys to strings at once if none of them exists.")
        .since("1.0.1")
        .group("string")
        .complexity("O(N) where N is the number of keys")
        .flags(WRITES)
        .acl(Categories::STRING)
        .keys(&[KeySpec::range(1, -1, 2, KeyFlags::OW.or(KeyFlags::INSERT))])
        .args(&[PAIRS]),
    command("MSETEX", msetex)
        .summary("Sets several keys to strings at once, with one expiry for all.")
        .since("8.4.0")
        .group("string")
        .complexity("O(N) where N is the number of keys")
        .flags(WRITES)
        .acl(Categories::STRING)
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .keys(&[KeySpec::counted(1, 2, KeyFlags::OW.or(KeyFlags::UPDATE))])
        .args(&[
            integer("numkeys"),
            PAIRS,
            one_of("condition", EXISTENCE).optional(),
            one_of("expiration", EXPIRATIONS).optional(),
        ]),
];

fn mget(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.reply.array(args.len() - 1);
    for key in args.from(1).iter() {
        reply_str(&mut cx.reply, cx.db.read(key).and_then(Entry::as_str));
    }
    Ok(Outcome::Done)
}

fn mset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len().is_multiple_of(2) {
        return Err(error::wrong_arity("mset"));
    }
    set_all(cx, args, 1..args.len(), Ttl::Clear);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn msetnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len().is_multiple_of(2) {
        return Err(error::wrong_arity("msetnx"));
    }
    let words = 1..args.len();
    let may_set = all_hold(cx, args, words.clone(), Condition::Missing)?;
    if may_set {
        set_all(cx, args, words, Ttl::Clear);
    }
    cx.reply.integer(i64::from(may_set));
    Ok(Outcome::Done)
}

const INVALID_COUNT: CmdError = CmdError::fixed("ERR invalid numkeys value or out of range");
const WRONG_PAIRS: CmdError = CmdError::fixed("ERR wrong number of key-value pairs");
/// The options of MSETEX.
const ALLOWED: Allowed = Allowed { existence: true, comparison: false, keep: true, persist: false };

fn msetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = args.integer(1).ok().and_then(|count| i32::try_from(count).ok());
    let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let words = 2..2 + 2 * count.ok_or(INVALID_COUNT)?;
    if words.end > args.len() {
        return Err(WRONG_PAIRS);
    }
    let options = Options::parse(args, words.end, ALLOWED)?;
    let ttl = options.expiry.resolve(cx.db.now_ms, "msetex")?;
    if let Some(condition) = options.condition
        && !all_hold(cx, args, words.clone(), condition)?
    {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    set_all(cx, args, words.clone(), ttl);
    cx.db.rewrite(|| {
        let pairs = words.step_by(2);
        pairs.map(|index| logged_set(args.at(index), args.at(index + 1), ttl)).collect()
    });
    cx.reply.integer(1);
    Ok(Outcome::Done)
}

/// Whether a condition holds of every key among the pairs of words.
fn all_hold(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    words: std::ops::Range<usize>,
    condition: Condition<'_>,
) -> Result<bool, CmdError> {
    for index in words.step_by(2) {
        if !condition.holds(cx.db.peek(args.at(index)))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sets every key among the pairs of words.
fn set_all(cx: &mut Cx<'_, '_>, args: Args<'_>, words: std::ops::Range<usize>, ttl: Ttl) {
    for index in words.step_by(2) {
        let key = args.at(index);
        let mut edit = cx.db.edit(key);
        edit.set_str(Str::encode(args.at(index + 1)), ttl);
        edit.commit(SET);
        if let Ttl::At(_) = ttl {
            cx.db.fx.notify(EXPIRE, cx.db.index, key);
        }
    }
}
