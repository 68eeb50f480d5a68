//! Commands that set the whole value of one key: SET, SETNX, SETEX, PSETEX, GETSET.

use super::compare::{COMPARISONS, Condition};
use super::options::{Allowed, EX, EXAT, Options, PX, PXAT, Unit};
use super::{EXPIRE, SET, logged, reply_str};
use engine::args::{Args, OwnedArgs};
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, one_of, string,
    token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::CmdError;
use keyspace::{Str, Ttl};

const SET_CONDITIONS: &[Arg] = &[
    token("nx", "NX"),
    token("xx", "XX"),
    COMPARISONS[0].since("8.4.0"),
    COMPARISONS[1].since("8.4.0"),
    COMPARISONS[2].since("8.4.0"),
    COMPARISONS[3].since("8.4.0"),
];

const SET_EXPIRATIONS: &[Arg] = &[
    EX.since("2.6.12"),
    PX.since("2.6.12"),
    EXAT.since("6.2.0"),
    PXAT.since("6.2.0"),
    token("keepttl", "KEEPTTL").since("6.0.0"),
];

const SET_FLAGS: KeyFlags =
    KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE).or(KeyFlags::VARIABLE);
/// SET reads the key only where it gives the old value back.
fn set_flags(args: Args) -> KeyFlags {
    let gets = (3..args.len()).any(|index| args.is(index, "GET"));
    if gets { KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE) } else { OVERWRITE }
}

const OVERWRITE: KeyFlags = KeyFlags::OW.or(KeyFlags::UPDATE);
const WRITES: Flags = Flags::WRITE.or(Flags::DENYOOM);

pub(super) const COMMANDS: &[Command] = &[
    command("SET", set)
        .summary("Sets a key to a string, whatever it held before.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .history(&[
            ("2.6.12", "The options `EX`, `PX`, `NX` and `XX` were added."),
            ("6.0.0", "The option `KEEPTTL` was added."),
            ("6.2.0", "The options `GET`, `EXAT` and `PXAT` were added."),
            ("7.0.0", "`NX` may be combined with `GET`."),
            ("8.4.0", "The options `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE` were added."),
        ])
        .flags(WRITES)
        .acl(Categories::STRING)
        .refine_keys(set_flags)
        .keys(&[
            KeySpec::one(1, SET_FLAGS).notes("RW and ACCESS due to the optional `GET` argument")
        ])
        .args(&[
            key("key"),
            string("value"),
            one_of("condition", SET_CONDITIONS).since("2.6.12").optional(),
            token("get", "GET").since("6.2.0").optional(),
            one_of("expiration", SET_EXPIRATIONS).optional(),
        ]),
    command("SETNX", setnx)
        .summary("Sets a key to a string if the key does not exist.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with the `NX` argument")
        .flags(WRITES.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::OW.or(KeyFlags::INSERT))])
        .args(&[key("key"), string("value")]),
    command("SETEX", setex)
        .summary("Sets a key to a string that expires after some seconds.")
        .since("2.0.0")
        .group("string")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with the `EX` argument")
        .flags(WRITES)
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, OVERWRITE)])
        .args(&[key("key"), integer("seconds"), string("value")]),
    command("PSETEX", psetex)
        .summary("Sets a key to a string that expires after some milliseconds.")
        .since("2.6.0")
        .group("string")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with the `PX` argument")
        .flags(WRITES)
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, OVERWRITE)])
        .args(&[key("key"), integer("milliseconds"), string("value")]),
    command("GETSET", getset)
        .summary("Sets a key to a string and returns the string it held before.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .flags(WRITES.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))])
        .args(&[key("key"), string("value")]),
];

/// The options of SET.
const ALLOWED: Allowed = Allowed { existence: true, comparison: true, keep: true, persist: false };

fn set(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() == 3 {
        let mut edit = cx.db.edit(args.at(1));
        edit.set_str(Str::encode(args.at(2)), Ttl::Clear);
        edit.commit(SET);
        cx.reply.ok();
        return Ok(Outcome::Done);
    }
    set_with(cx, args.at(1), args.at(2), &Options::parse(args, 3, ALLOWED)?)
}

#[cold]
fn set_with(cx: &mut Cx<'_, '_>, key: &[u8], value: &[u8], options: &Options<'_>) -> CmdResult {
    let ttl = options.expiry.resolve(cx.db.now_ms, "set")?;
    if options.get {
        reply_str(&mut cx.reply, cx.db.read_str(key)?);
    }
    let was_set = set_if(cx, key, value, ttl, options.condition)?;
    match (options.get, was_set) {
        (true, _) => {}
        (false, true) => cx.reply.ok(),
        (false, false) => cx.reply.null(),
    }
    Ok(Outcome::Done)
}

/// Sets a value where the condition holds, and says whether it did.
fn set_if(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    value: &[u8],
    ttl: Ttl,
    condition: Option<Condition<'_>>,
) -> Result<bool, CmdError> {
    let mut edit = cx.db.edit(key);
    if let Some(condition) = condition
        && !condition.holds(edit.entry())?
    {
        return Ok(false);
    }
    edit.set_str(Str::encode(value), ttl);
    edit.commit(SET);
    if let Ttl::At(_) = ttl {
        cx.db.fx.notify(EXPIRE, cx.db.index, key);
    }
    cx.db.rewrite(|| vec![logged_set(key, value, ttl)]);
    Ok(true)
}

/// The SET that does what was done, whenever it is replayed.
pub(super) fn logged_set(key: &[u8], value: &[u8], ttl: Ttl) -> OwnedArgs {
    match ttl {
        Ttl::Clear => logged(&[b"SET", key, value]),
        Ttl::Keep => logged(&[b"SET", key, value, b"KEEPTTL"]),
        Ttl::At(at_ms) => {
            let at_ms = stdx::num::Decimal::new(at_ms);
            logged(&[b"SET", key, value, b"PXAT", at_ms.as_bytes()])
        }
    }
}

fn setnx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let was_set = set_if(cx, args.at(1), args.at(2), Ttl::Clear, Some(Condition::Missing))?;
    cx.reply.integer(i64::from(was_set));
    Ok(Outcome::Done)
}

fn setex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiring(cx, args, Unit::Seconds, "setex")
}

fn psetex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    set_expiring(cx, args, Unit::Milliseconds, "psetex")
}

fn set_expiring(cx: &mut Cx<'_, '_>, args: Args<'_>, unit: Unit, command: &str) -> CmdResult {
    let at_ms = unit.resolve(args.at(2), cx.db.now_ms, command)?;
    set_if(cx, args.at(1), args.at(3), Ttl::At(at_ms), None)?;
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn getset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_str(&mut cx.reply, cx.db.read_str(args.at(1))?);
    set_if(cx, args.at(1), args.at(2), Ttl::Clear, None)?;
    Ok(Outcome::Done)
}
