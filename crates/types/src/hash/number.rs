//! Values as numbers: HINCRBY, HINCRBYFLOAT.

use super::edit::{HashEdit, Limits, Time};
use super::{ADDS, HASH};
use engine::args::{Args, OwnedArgs};
use engine::command::{Command, Handler, KeyFlags, KeySpec, command, double, integer, key, string};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::{Event, EventClass};
use stdx::longdouble::LongDouble;
use stdx::num::Decimal;
use structs::packed::Element;

const KEYS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::UPDATE))];

/// An integer was added to a field.
const HINCRBY: Event = Event::new(EventClass::HASH, "hincrby");
/// A floating-point number was added to a field.
const HINCRBYFLOAT: Event = Event::new(EventClass::HASH, "hincrbyfloat");

const VALUE_NOT_INTEGER: CmdError = CmdError::fixed("ERR hash value is not an integer");
const VALUE_NOT_FLOAT: CmdError = CmdError::fixed("ERR hash value is not a float");
const OVERFLOW: CmdError = CmdError::fixed("ERR increment or decrement would overflow");
const INFINITE: CmdError = CmdError::fixed("ERR value is NaN or Infinity");
const NOT_FINITE: CmdError = CmdError::fixed("ERR increment would produce NaN or Infinity");

pub(super) const COMMANDS: &[Command] = &[
    row("HINCRBY", hincrby)
        .summary("Adds a number to the integer in a field of a hash; a missing field counts as 0.")
        .since("2.0.0")
        .args(&[key("key"), string("field"), integer("increment")]),
    row("HINCRBYFLOAT", hincrbyfloat)
        .summary(
            "Adds a number to the floating-point number in a field of a hash; a missing field \
             counts as 0.",
        )
        .since("2.6.0")
        .args(&[key("key"), string("field"), double("increment")]),
];

const fn row(name: &'static str, handler: Handler) -> Command {
    command(name, handler).group("hash").complexity("O(1)").flags(ADDS).acl(HASH).keys(KEYS)
}

fn hincrby(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let increment = args.integer(3)?;
    let limits = Limits::now(cx);
    let mut edit = HashEdit::open(&mut cx.db, args.at(1), limits)?;
    let old = match edit.get(args.at(2)) {
        None => 0,
        Some(Element::Int(number)) => number,
        Some(Element::Bytes(_)) => return Err(VALUE_NOT_INTEGER),
    };
    let sum = old.checked_add(increment).ok_or(OVERFLOW)?;
    edit.put(args.at(2), Decimal::new(sum).as_bytes(), Time::Keep);
    edit.commit(HINCRBY);
    cx.reply.integer(sum);
    Ok(Outcome::Done)
}

fn hincrbyfloat(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (key, field) = (args.at(1), args.at(2));
    let increment = LongDouble::parse(args.at(3)).ok_or(error::NOT_FLOAT)?;
    if increment.is_nan() || increment.is_infinite() {
        return Err(INFINITE);
    }
    let limits = Limits::now(cx);
    let mut edit = HashEdit::open(&mut cx.db, key, limits)?;
    let old = match edit.get(field) {
        None => LongDouble::ZERO,
        Some(value) => LongDouble::parse(&value.text()).ok_or(VALUE_NOT_FLOAT)?,
    };
    let sum = old + increment;
    if sum.is_nan() || sum.is_infinite() {
        return Err(NOT_FINITE);
    }
    let mut text = Vec::new();
    sum.write(&mut text);
    edit.put(field, &text, Time::Keep);
    edit.commit(HINCRBYFLOAT);
    // The log gets the sum, so that it does not depend on how a reader adds.
    cx.db.rewrite(|| vec![OwnedArgs::from([&b"HSET"[..], key, field, &text])]);
    cx.reply.bulk(&text);
    Ok(Outcome::Done)
}
