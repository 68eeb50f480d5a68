//! When keys expire: EXPIRE and its relatives, TTL and its relatives, PERSIST.
//!
//! The log gets every expiry as an absolute time (PEXPIREAT), and a time that is past as the
//! removal that it amounts to, so that a replay later gives the same result.

use super::{KEYSPACE, READ_ACCESS, READ_FAST, UPDATE, WRITE_FAST, look};
use engine::args::OwnedArgs;
use engine::command::{Arg, Command, KeySpec, command, integer, key, one_of, token, unix_time};
use engine::error::{self, CmdError};
use engine::{Args, CmdResult, Cx, Outcome};
use keyspace::edit::DELETED;
use keyspace::{Entry, Event, EventClass};

const EXPIRE: Event = Event::new(EventClass::GENERIC, "expire");
const PERSIST: Event = Event::new(EventClass::GENERIC, "persist");

const CONDITION: Arg = one_of(
    "condition",
    &[token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
)
.since("7.0.0")
.optional();
const CONDITIONS_ADDED: &[(&str, &str)] = &[("7.0.0", "Conditions `NX`, `XX`, `GT`, `LT`.")];
const MISS_ADDED: &[(&str, &str)] = &[("2.8.0", "A missing key gives -2.")];
const LOOKS: &[KeySpec] = &[KeySpec::one(1, READ_ACCESS)];
const ONE_KEY: &[Arg] = &[key("key")];
const VARIES: &[&str] = &["nondeterministic_output"];

pub(super) const COMMANDS: &[Command] = &[
    setter("EXPIRE", expire)
        .summary("Lets a key expire after some seconds.")
        .since("1.0.0")
        .args(&[key("key"), integer("seconds"), CONDITION]),
    setter("PEXPIRE", pexpire)
        .summary("Lets a key expire after some milliseconds.")
        .since("2.6.0")
        .args(&[key("key"), integer("milliseconds"), CONDITION]),
    setter("EXPIREAT", expireat)
        .summary("Lets a key expire at a time in seconds since 1970.")
        .since("1.2.0")
        .args(&[key("key"), unix_time("unix-time-seconds"), CONDITION]),
    setter("PEXPIREAT", pexpireat)
        .summary("Lets a key expire at a time in milliseconds since 1970.")
        .since("2.6.0")
        .args(&[key("key"), unix_time("unix-time-milliseconds"), CONDITION]),
    getter("TTL", ttl)
        .summary("Tells how many seconds a key has left.")
        .since("1.0.0")
        .history(MISS_ADDED)
        .tips(VARIES),
    getter("PTTL", pttl)
        .summary("Tells how many milliseconds a key has left.")
        .since("2.6.0")
        .history(MISS_ADDED)
        .tips(VARIES),
    getter("EXPIRETIME", expiretime)
        .summary("Tells when a key expires, in seconds since 1970.")
        .since("7.0.0"),
    getter("PEXPIRETIME", pexpiretime)
        .summary("Tells when a key expires, in milliseconds since 1970.")
        .since("7.0.0"),
    command("PERSIST", persist)
        .summary("Takes a key's expiry away.")
        .since("2.2.0")
        .complexity("O(1)")
        .flags(WRITE_FAST)
        .acl(KEYSPACE)
        .keys(UPDATE)
        .args(&[key("key")]),
];

const fn setter(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .complexity("O(1)")
        .history(CONDITIONS_ADDED)
        .flags(WRITE_FAST)
        .acl(KEYSPACE)
        .keys(UPDATE)
}

const fn getter(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .complexity("O(1)")
        .flags(READ_FAST)
        .acl(KEYSPACE)
        .keys(LOOKS)
        .args(ONE_KEY)
}

fn expire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let from_ms = cx.db.now_ms;
    set_expiry(cx, args, 1000, from_ms)
}

fn pexpire(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let from_ms = cx.db.now_ms;
    set_expiry(cx, args, 1, from_ms)
}

fn expireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, 1000, 0)
}

fn pexpireat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiry(cx, args, 1, 0)
}

/// The time given in units of `unit_ms` from `from_ms` on becomes the key's expiry.
fn set_expiry(cx: &mut Cx<'_, '_>, args: Args<'_>, unit_ms: i64, from_ms: i64) -> CmdResult {
    let conditions = Conditions::parse(args)?;
    let amount = args.integer(2)?;
    let at_ms = amount.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from_ms));
    let at_ms = at_ms.ok_or_else(|| error::invalid_expire(&cx.command.name))?;
    let key = args.at(1);
    let is_past = at_ms <= cx.db.now_ms;
    let mut edit = cx.db.edit(key);
    if !edit.exists() || !conditions.allow(edit.expire_at_ms(), at_ms) {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    if is_past {
        edit.remove();
        edit.commit(DELETED);
        cx.db.rewrite(|| vec![OwnedArgs::from([&b"DEL"[..], key])]);
    } else {
        edit.set_expiry(Some(at_ms));
        edit.commit(EXPIRE);
        let text = || at_ms.to_string();
        cx.db.rewrite(|| vec![OwnedArgs::from([&b"PEXPIREAT"[..], key, text().as_bytes()])]);
    }
    cx.reply.integer(1);
    Ok(Outcome::Done)
}

/// What must hold of the present expiry for it to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    /// Reads the words after the time.
    fn parse(args: Args<'_>) -> Result<Conditions, CmdError> {
        let mut conditions = Conditions::default();
        for index in 3..args.len() {
            match () {
                () if args.is(index, "NX") => conditions.nx = true,
                () if args.is(index, "XX") => conditions.xx = true,
                () if args.is(index, "GT") => conditions.gt = true,
                () if args.is(index, "LT") => conditions.lt = true,
                () => {
                    let word = args.lossy(index);
                    return Err(CmdError::text(format!("ERR Unsupported option {word}")));
                }
            }
        }
        let Conditions { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(CmdError::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if gt && lt {
            return Err(CmdError::fixed(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(conditions)
    }

    /// Whether an expiry may become `after_ms`. A key without one counts as never expiring.
    fn allow(self, before_ms: Option<i64>, after_ms: i64) -> bool {
        let refused = (self.nx && before_ms.is_some())
            || (self.xx && before_ms.is_none())
            || (self.gt && before_ms.is_none_or(|before_ms| after_ms <= before_ms))
            || (self.lt && before_ms.is_some_and(|before_ms| after_ms >= before_ms));
        !refused
    }
}

fn ttl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.db.now_ms;
    tell(cx, args, |at_ms| rounded_s(at_ms.saturating_sub(now_ms)))
}

fn pttl(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let now_ms = cx.db.now_ms;
    tell(cx, args, |at_ms| at_ms.saturating_sub(now_ms))
}

fn expiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    tell(cx, args, rounded_s)
}

fn pexpiretime(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    tell(cx, args, |at_ms| at_ms)
}

/// Milliseconds as seconds, halves rounded up. Expiries of live keys are positive.
fn rounded_s(ms: i64) -> i64 {
    ms / 1000 + i64::from(ms % 1000 >= 500)
}

/// Replies with what `form` makes of a key's expiry, -1 without one, -2 without the key.
fn tell(cx: &mut Cx<'_, '_>, args: Args<'_>, form: impl FnOnce(i64) -> i64) -> CmdResult {
    let reply = match look(cx, args.at(1), Entry::expire_at_ms) {
        None => -2,
        Some(None) => -1,
        Some(Some(at_ms)) => form(at_ms),
    };
    cx.reply.integer(reply);
    Ok(Outcome::Done)
}

fn persist(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut edit = cx.db.edit(args.at(1));
    let changed = edit.set_expiry(None);
    if changed {
        edit.commit(PERSIST);
    }
    cx.reply.integer(i64::from(changed));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&[u8]]) -> Result<Conditions, CmdError> {
        let mut args = OwnedArgs::default();
        for word in [&b"EXPIRE"[..], b"key", b"10"].iter().chain(words) {
            args.push(word);
        }
        Conditions::parse(args.as_args())
    }

    #[test]
    fn conditions_exclude_each_other() {
        assert_eq!(parse(&[]), Ok(Conditions::default()));
        assert!(parse(&[b"xx", b"Gt", b"xx"]).is_ok());
        for words in [[&b"nx"[..], b"xx"], [b"lt", b"nx"], [b"gt", b"lt"]] {
            let error = parse(&words).expect_err("they contradict");
            assert!(error.as_str().ends_with("options at the same time are not compatible"));
        }
        let error = parse(&[b"nx", b"xx", b"ab"]).expect_err("no such option");
        assert_eq!(error.as_str(), "ERR Unsupported option ab");
    }

    #[test]
    fn conditions_compare_with_the_present_expiry() {
        let allowed = |words: &[&[u8]], before_ms| {
            let conditions = parse(words).expect("well formed");
            [9, 10, 11].map(|after_ms| conditions.allow(before_ms, after_ms))
        };
        type Allowed = [bool; 3];
        let cases: [(&[&[u8]], Allowed, Allowed); 7] = [
            (&[], [true; 3], [true; 3]),
            (&[b"nx"], [true; 3], [false; 3]),
            (&[b"xx"], [false; 3], [true; 3]),
            (&[b"gt"], [false; 3], [false, false, true]),
            (&[b"lt"], [true; 3], [true, false, false]),
            (&[b"xx", b"gt"], [false; 3], [false, false, true]),
            (&[b"xx", b"lt"], [false; 3], [true, false, false]),
        ];
        for (words, without, with) in cases {
            assert_eq!((allowed(words, None), allowed(words, Some(10))), (without, with));
        }
    }

    #[test]
    fn seconds_are_rounded() {
        let cases = [(1, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)];
        assert!(cases.iter().all(|&(ms, s)| rounded_s(ms) == s));
        assert_eq!(rounded_s(i64::MAX), 9_223_372_036_854_776);
    }
}
