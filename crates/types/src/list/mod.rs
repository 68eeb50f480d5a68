//! Lists: elements in order, cheap at both ends.
//!
//! Reading order: [`value`] (how a list is stored), [`edit`] (how it changes), then the commands by
//! theme: [`ends`] (push and pop), [`read`], [`change`] (elements in the middle), [`transfer`]
//! (from list to list), and [`blocking`] (those that wait).

mod blocking;
mod change;
mod edit;
mod ends;
mod read;
mod transfer;
mod value;

pub use value::ListValue;

use edit::ListEdit;
use engine::args::Args;
use engine::command::{Arg, Flags, KeyFlags, KeySpec, one_of, token};
use engine::cx::Cx;
use engine::error::{self, CmdError};
use engine::module::{Module, module};
use keyspace::value::TypeInfo;
use std::ops::Range;
use structs::list::Side;
use value::{View, reply_element};

/// The list commands.
pub const MODULE: Module = module("list").types(&[TypeInfo::of::<ListValue>()]).commands(&[
    ends::COMMANDS,
    read::COMMANDS,
    change::COMMANDS,
    transfer::COMMANDS,
    blocking::COMMANDS,
]);

const READ: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))];
const TAKEN: KeyFlags = KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE);
const GROWN: KeyFlags = KeyFlags::RW.or(KeyFlags::INSERT);
const WRITE_FAST: Flags = Flags::WRITE.or(Flags::FAST);
const ADDS: Flags = Flags::WRITE.or(Flags::DENYOOM);

const SIDES: &[Arg] = &[token("left", "LEFT"), token("right", "RIGHT")];
const WHERE: Arg = one_of("where", SIDES);

/// The word at an index as an end of a list.
fn side(args: Args<'_>, index: usize) -> Result<Side, CmdError> {
    match index {
        _ if args.is(index, "left") => Ok(Side::Left),
        _ if args.is(index, "right") => Ok(Side::Right),
        _ => Err(error::SYNTAX),
    }
}

/// Reads a list.
fn read<'d>(cx: &'d mut Cx<'_, '_>, key: &[u8]) -> Result<Option<View<'d>>, CmdError> {
    match cx.db.read(key) {
        None => Ok(None),
        Some(entry) => View::of(entry).map(Some).ok_or(error::WRONG_TYPE),
    }
}

/// The index that a number means, counted from the end where it is negative.
fn index_of(number: i64, len: usize) -> Option<usize> {
    let number = if number < 0 { number + len as i64 } else { number };
    usize::try_from(number).ok().filter(|index| *index < len)
}

/// The indexes between two inclusive ones, either counted from the end where it is negative.
fn range_of(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_start = |number: i64| if number < 0 { number + len as i64 } else { number };
    let start = usize::try_from(from_start(start)).unwrap_or(0);
    let end = usize::try_from(from_start(stop)).map_or(0, |stop| stop.saturating_add(1).min(len));
    if start < end { start..end } else { 0..0 }
}

const OUT_OF_RANGE: CmdError = CmdError::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// The word at an index as a number whose sign says from which end, negative for the tail.
fn magnitude_of(args: Args<'_>, index: usize) -> Result<(bool, usize), CmdError> {
    let number = args.integer(index)?;
    let magnitude = number.checked_abs().ok_or(OUT_OF_RANGE)?;
    Ok((number < 0, usize::try_from(magnitude).unwrap_or(usize::MAX)))
}
