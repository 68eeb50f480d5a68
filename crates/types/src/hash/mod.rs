//! Hashes: values by field.
//!
//! Reading order: [`value`] (how a hash is stored), [`edit`] (how it changes), then the commands by
//! theme: [`fields`] (single fields), [`whole`] (all of them), [`number`], [`random`].

mod edit;
mod fields;
mod number;
mod random;
mod value;
mod whole;

pub use value::HashValue;

use engine::command::{Categories, Flags, KeyFlags, KeySpec};
use engine::cx::Db;
use engine::error::{self, CmdError};
use engine::module::{Module, module};
use keyspace::hooks::{Event, EventClass};
use keyspace::value::TypeInfo;
use value::View;

/// The hash commands.
pub const MODULE: Module = module("hash").types(&[TypeInfo::of::<HashValue>()]).commands(&[
    fields::COMMANDS,
    whole::COMMANDS,
    number::COMMANDS,
    random::COMMANDS,
]);

const HASH: Categories = Categories::HASH;
const READ_FAST: Flags = Flags::READONLY.or(Flags::FAST);
const ADDS: Flags = Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST);
/// The key is only looked at.
const LOOKS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO)];
/// The key's fields or values are returned.
const READS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))];
const UPDATES: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::UPDATE))];

/// Fields were set.
const HSET: Event = Event::new(EventClass::HASH, "hset");

/// Reads a hash.
#[inline]
fn read<'d>(db: &'d mut Db<'_, '_>, key: &[u8]) -> Result<Option<View<'d>>, CmdError> {
    match db.read(key) {
        None => Ok(None),
        Some(entry) => View::of(entry).map(Some).ok_or(error::WRONG_TYPE),
    }
}
