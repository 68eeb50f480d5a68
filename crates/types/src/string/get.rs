//! Commands that return the whole value of one key: GET, GETEX, GETDEL.

use super::options::{Allowed, EX, EXAT, Expiry, Options, PERSIST as PERSIST_ARG, PX, PXAT};
use super::{DEL, EXPIRE, PERSIST, logged, reply_str};
use engine::args::Args;
use engine::command::{Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, key, one_of};
use engine::cx::{CmdResult, Cx, Outcome};

const GETEX_EXPIRATIONS: &[Arg] = &[EX, PX, EXAT, PXAT, PERSIST_ARG];

const READ_AND_UPDATE: KeyFlags = KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE);

pub(super) const COMMANDS: &[Command] = &[
    command("GET", get)
        .summary("Returns the string at a key.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(Flags::READONLY.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))])
        .args(&[key("key")]),
    command("GETEX", getex)
        .summary("Returns the string at a key and changes when the key expires.")
        .since("6.2.0")
        .group("string")
        .complexity("O(1)")
        .flags(Flags::WRITE.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, READ_AND_UPDATE).notes("RW and UPDATE because it changes the TTL")])
        .args(&[key("key"), one_of("expiration", GETEX_EXPIRATIONS).optional()]),
    command("GETDEL", getdel)
        .summary("Returns the string at a key and deletes the key.")
        .since("6.2.0")
        .group("string")
        .complexity("O(1)")
        .flags(Flags::WRITE.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE))])
        .args(&[key("key")]),
];

fn get(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    reply_str(&mut cx.reply, cx.db.read_str(args.at(1))?);
    Ok(Outcome::Done)
}

/// The options of GETEX.
const ALLOWED: Allowed =
    Allowed { existence: false, comparison: false, keep: false, persist: true };

fn getex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let expiry = Options::parse(args, 2, ALLOWED)?.expiry;
    let (key, now_ms) = (args.at(1), cx.db.now_ms);
    let value = cx.db.read_str(key)?;
    let exists = value.is_some();
    reply_str(&mut cx.reply, value);
    match expiry {
        Expiry::Time { unit, text } if exists => {
            let at_ms = unit.resolve(text, now_ms, "getex")?;
            // A duration is positive, so only a moment can be past.
            if at_ms <= now_ms {
                delete(cx, key);
            } else {
                expire(cx, key, at_ms);
            }
        }
        Expiry::Persist => {
            let mut edit = cx.db.edit(key);
            if edit.set_expiry(None) {
                edit.commit(PERSIST);
                cx.db.rewrite(|| vec![logged(&[b"PERSIST", key])]);
            }
        }
        _ => {}
    }
    Ok(Outcome::Done)
}

fn expire(cx: &mut Cx<'_, '_>, key: &[u8], at_ms: i64) {
    let mut edit = cx.db.edit(key);
    edit.set_expiry(Some(at_ms));
    edit.commit(EXPIRE);
    let at_ms = stdx::num::Decimal::new(at_ms);
    cx.db.rewrite(|| vec![logged(&[b"PEXPIREAT", key, at_ms.as_bytes()])]);
}

fn delete(cx: &mut Cx<'_, '_>, key: &[u8]) {
    let mut edit = cx.db.edit(key);
    if edit.remove() {
        edit.commit(DEL);
        cx.db.rewrite(|| vec![logged(&[b"DEL", key])]);
    }
}

fn getdel(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = args.at(1);
    reply_str(&mut cx.reply, cx.db.read_str(key)?);
    delete(cx, key);
    Ok(Outcome::Done)
}
