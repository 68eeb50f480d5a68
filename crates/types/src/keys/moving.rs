//! Keys under another name or in another database.
//!
//! Source and destination are opened one after the other, each told to its own watchers; the change
//! as a whole is counted once, and its events come last, in the order that Redis documents.

use super::{KEYSPACE, WRITE_FAST, database};
use engine::command::{Command, Flags, KeyFlags, KeySpec, command, integer, key, key_of, token};
use engine::error::{self, CmdError};
use engine::{Args, CmdResult, Cx, Outcome};
use keyspace::{Entry, Event, EventClass, TypeId, hooks};

const RENAME_FROM: Event = Event::new(EventClass::GENERIC, "rename_from");
const RENAME_TO: Event = Event::new(EventClass::GENERIC, "rename_to");
const MOVE_FROM: Event = Event::new(EventClass::GENERIC, "move_from");
const MOVE_TO: Event = Event::new(EventClass::GENERIC, "move_to");
const COPY_TO: Event = Event::new(EventClass::GENERIC, "copy_to");

const TAKEN: KeyFlags = KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE);
const OVERWRITTEN: KeyFlags = KeyFlags::OW.or(KeyFlags::UPDATE);

pub(super) const COMMANDS: &[Command] = &[
    command("RENAME", rename)
        .summary("Gives a key another name, replacing what had it.")
        .since("1.0.0")
        .complexity("O(1); a replaced value of M elements adds O(M), done away from clients.")
        .flags(Flags::WRITE)
        .acl(KEYSPACE)
        .keys(&[KeySpec::one(1, TAKEN), KeySpec::one(2, OVERWRITTEN)])
        .args(&[key("key"), key_of("newkey", 1)]),
    command("RENAMENX", renamenx)
        .summary("Gives a key another name if no key has it.")
        .since("1.0.0")
        .complexity("O(1)")
        .history(&[("3.2.0", "The same name twice is no longer an error.")])
        .flags(WRITE_FAST)
        .acl(KEYSPACE)
        .keys(&[KeySpec::one(1, TAKEN), KeySpec::one(2, KeyFlags::OW.or(KeyFlags::INSERT))])
        .args(&[key("key"), key_of("newkey", 1)]),
    command("COPY", copy)
        .summary("Copies a key's value and expiry to another key.")
        .since("6.2.0")
        .complexity("O(N) with N the number of elements; O(1) for strings.")
        .flags(Flags::WRITE.or(Flags::DENYOOM))
        .acl(KEYSPACE)
        .keys(&[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS)), KeySpec::one(2, OVERWRITTEN)])
        .args(&[
            key("source"),
            key_of("destination", 1),
            integer("destination-db").token("DB").optional(),
            token("replace", "REPLACE").optional(),
        ]),
    command("MOVE", move_)
        .summary("Moves a key to another database.")
        .since("1.0.0")
        .complexity("O(1)")
        .flags(WRITE_FAST)
        .acl(KEYSPACE)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))])
        .args(&[key("key"), integer("db")]),
];

fn rename(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (args.at(1), args.at(2));
    if !cx.db.edit(from).exists() {
        return Err(error::NO_SUCH_KEY);
    }
    if from != to {
        let db = cx.db.index;
        relocate(cx, (db, from), (db, to), [RENAME_FROM, RENAME_TO]);
    }
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn renamenx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (args.at(1), args.at(2));
    if !cx.db.edit(from).exists() {
        return Err(error::NO_SUCH_KEY);
    }
    let is_free = from != to && !cx.db.edit(to).exists();
    if is_free {
        let db = cx.db.index;
        relocate(cx, (db, from), (db, to), [RENAME_FROM, RENAME_TO]);
    }
    cx.reply.integer(i64::from(is_free));
    Ok(Outcome::Done)
}

fn move_(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, from) = (args.at(1), cx.db.index);
    let to = database(cx, args, 2)?;
    if from == to {
        return Err(error::SAME_OBJECT);
    }
    let can = cx.db.edit(key).exists() && !cx.db.edit_in(to, key).exists();
    if can {
        relocate(cx, (from, key), (to, key), [MOVE_FROM, MOVE_TO]);
    }
    cx.reply.integer(i64::from(can));
    Ok(Outcome::Done)
}

/// Takes an existing entry from one place to another, expiry included.
fn relocate(
    cx: &mut Cx<'_, '_>,
    (from_db, from): (u16, &[u8]),
    (to_db, to): (u16, &[u8]),
    [left, arrived]: [Event; 2],
) {
    let mut edit = cx.db.edit_in(from_db, from);
    let Some(entry) = edit.take() else { return };
    edit.commit_part();
    let expire_at_ms = entry.expire_at_ms();
    let entry = entry.rekeyed(to, expire_at_ms);
    let type_id = entry.type_id();
    let replaced = settle_at(cx, to_db, to, entry);
    cx.db.fx.notify(left, from_db, from);
    cx.db.fx.notify(arrived, to_db, to);
    tell_replaced(cx, to_db, to, type_id, replaced);
}

/// Puts an entry under a key, counts the change, and returns the type of what it replaced.
fn settle_at(cx: &mut Cx<'_, '_>, db: u16, key: &[u8], entry: Entry) -> Option<TypeId> {
    let mut edit = cx.db.edit_in(db, key);
    let replaced = edit.type_id();
    edit.remove();
    edit.place_entry(entry);
    edit.commit_part();
    cx.db.fx.dirty += 1;
    replaced
}

fn tell_replaced(
    cx: &mut Cx<'_, '_>,
    db: u16,
    key: &[u8],
    type_id: TypeId,
    replaced: Option<TypeId>,
) {
    let Some(replaced) = replaced else { return };
    cx.db.fx.notify(hooks::OVERWRITTEN, db, key);
    if replaced != type_id {
        cx.db.fx.notify(hooks::TYPE_CHANGED, db, key);
    }
}

fn copy(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (args.at(1), args.at(2));
    let (to_db, replace) = copy_options(cx, args)?;
    if from == to && to_db == cx.db.index {
        return Err(error::SAME_OBJECT);
    }
    if cx.db.read(from).is_none() || (!replace && cx.db.edit_in(to_db, to).exists()) {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    let access = cx.db.fx.policy.fresh();
    let source = cx.db.peek(from);
    let copied = source.map(|entry| entry.copied(to, entry.expire_at_ms(), access));
    if let Some(entry) = copied {
        let type_id = entry.type_id();
        let replaced = settle_at(cx, to_db, to, entry);
        cx.db.fx.notify(COPY_TO, to_db, to);
        tell_replaced(cx, to_db, to, type_id, replaced);
    }
    cx.reply.integer(1);
    Ok(Outcome::Done)
}

/// The destination's database and whether it may be replaced.
fn copy_options(cx: &Cx<'_, '_>, args: Args<'_>) -> Result<(u16, bool), CmdError> {
    let (mut db, mut replace) = (cx.db.index, false);
    let mut index = 3;
    while index < args.len() {
        if args.is(index, "REPLACE") {
            replace = true;
        } else if args.is(index, "DB") && index + 1 < args.len() {
            index += 1;
            db = database(cx, args, index)?;
        } else {
            return Err(error::SYNTAX);
        }
        index += 1;
    }
    Ok((db, replace))
}
