//! Values as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
//!
//! Integers are stored as such. Floating-point sums are long doubles and stored as their text, as
//! the reference shows them: a sum that is whole is still bytes.

use super::set::logged_set;
use engine::args::Args;
use engine::command::{
    Categories, Command, Flags, KeyFlags, KeySpec, command, double, integer, key,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::{Event, EventClass};
use keyspace::{Entry, Str, Ttl};
use stdx::longdouble::LongDouble;

/// An integer was added.
pub(super) const INCRBY: Event = Event::new(EventClass::STRING, "incrby");
/// A floating-point number was added.
pub(super) const INCRBYFLOAT: Event = Event::new(EventClass::STRING, "incrbyfloat");

/// The sum is no 64-bit integer.
pub(super) const OVERFLOW: CmdError = CmdError::fixed("ERR increment or decrement would overflow");
/// The sum is no finite number.
pub(super) const NOT_FINITE: CmdError =
    CmdError::fixed("ERR increment would produce NaN or Infinity");

/// Flags of all of these.
pub(super) const FLAGS: Flags = Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST);
/// The key of all of these.
pub(super) const KEYS: &[KeySpec] =
    &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))];

pub(super) const COMMANDS: &[Command] = &[
    command("INCR", incr)
        .summary("Adds one to the integer at a key; a missing key counts as 0.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::STRING)
        .keys(KEYS)
        .args(&[key("key")]),
    command("DECR", decr)
        .summary("Takes one from the integer at a key; a missing key counts as 0.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::STRING)
        .keys(KEYS)
        .args(&[key("key")]),
    command("INCRBY", incrby)
        .summary("Adds a number to the integer at a key; a missing key counts as 0.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::STRING)
        .keys(KEYS)
        .args(&[key("key"), integer("increment")]),
    command("DECRBY", decrby)
        .summary("Takes a number from the integer at a key; a missing key counts as 0.")
        .since("1.0.0")
        .group("string")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::STRING)
        .keys(KEYS)
        .args(&[key("key"), integer("decrement")]),
    command("INCRBYFLOAT", incrbyfloat)
        .summary("Adds a number to the floating-point number at a key; a missing key counts as 0.")
        .since("2.6.0")
        .group("string")
        .complexity("O(1)")
        .flags(FLAGS)
        .acl(Categories::STRING)
        .keys(KEYS)
        .args(&[key("key"), double("increment")]),
];

fn incr(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, args.at(1), 1)
}

fn decr(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, args.at(1), -1)
}

fn incrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    add(cx, args.at(1), args.integer(2)?)
}

const NO_OPPOSITE: CmdError = CmdError::fixed("ERR decrement would overflow");

fn decrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let increment = args.integer(2)?.checked_neg().ok_or(NO_OPPOSITE)?;
    add(cx, args.at(1), increment)
}

fn add(cx: &mut Cx<'_, '_>, key: &[u8], increment: i64) -> CmdResult {
    let mut edit = cx.db.edit_str(key)?;
    let old = int_of(edit.entry())?;
    let sum = old.checked_add(increment).ok_or(OVERFLOW)?;
    edit.set_int(sum);
    edit.commit(INCRBY);
    cx.reply.integer(sum);
    Ok(Outcome::Done)
}

/// The integer that an entry holds; a missing one counts as 0.
pub(super) fn int_of(entry: Option<&Entry>) -> Result<i64, CmdError> {
    match entry.and_then(Entry::as_str) {
        None => Ok(0),
        Some(value) => value.as_int().ok_or(error::NOT_INTEGER),
    }
}

fn incrbyfloat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = args.at(1);
    // The type of the value comes before the form of the argument, as in the reference.
    let mut edit = cx.db.edit_str(key)?;
    let old = float_of(edit.entry())?;
    let increment = LongDouble::parse(args.at(2)).ok_or(error::NOT_FLOAT)?;
    let sum = old + increment;
    if sum.is_nan() || sum.is_infinite() {
        return Err(NOT_FINITE);
    }
    let text = text_of(sum);
    edit.set_bytes(&text);
    edit.commit(INCRBYFLOAT);
    cx.db.rewrite(|| vec![logged_set(key, &text, Ttl::Keep)]);
    cx.reply.bulk(&text);
    Ok(Outcome::Done)
}

/// The number that an entry holds; a missing one counts as 0.
pub(super) fn float_of(entry: Option<&Entry>) -> Result<LongDouble, CmdError> {
    match entry.and_then(Entry::as_str).map(Str::text) {
        None => Ok(LongDouble::ZERO),
        Some(text) => LongDouble::parse(&text).ok_or(error::NOT_FLOAT),
    }
}

/// A number as it is stored.
pub(super) fn text_of(number: LongDouble) -> Vec<u8> {
    let mut text = Vec::new();
    number.write(&mut text);
    text
}
