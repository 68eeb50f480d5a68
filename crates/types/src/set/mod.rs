//! Sets: distinct members in no order.
//!
//! Reading order: [`value`] (how a set is stored), [`build`] (when a set changes its form),
//! [`edit`] (how it changes in its key), then the commands by theme: [`single`] (members of one
//! set), [`random`], [`transfer`] (from set to set), [`algebra`] (intersection, union, difference).

mod algebra;
mod build;
mod edit;
mod random;
mod single;
mod transfer;
mod value;

pub use value::SetValue;

use engine::command::{Categories, Flags, KeyFlags, KeySpec};
use engine::cx::Db;
use engine::error::{self, CmdError};
use engine::module::{Module, module};
use keyspace::hooks::{Event, EventClass};
use keyspace::value::TypeInfo;
use value::View;

/// The set commands.
pub const MODULE: Module = module("set").types(&[TypeInfo::of::<SetValue>()]).commands(&[
    single::COMMANDS,
    random::COMMANDS,
    transfer::COMMANDS,
    algebra::COMMANDS,
]);

const SET: Categories = Categories::SET;
const READ_FAST: Flags = Flags::READONLY.or(Flags::FAST);
/// The key's members are returned.
const READS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))];
/// Members are returned and removed.
const TAKES: KeyFlags = KeyFlags::RW.or(KeyFlags::ACCESS).or(KeyFlags::DELETE);

/// Members were added.
const SADD: Event = Event::new(EventClass::SET, "sadd");
/// Members were removed.
const SREM: Event = Event::new(EventClass::SET, "srem");

/// Reads a set.
#[inline]
fn read<'d>(db: &'d mut Db<'_, '_>, key: &[u8]) -> Result<Option<View<'d>>, CmdError> {
    match db.read(key) {
        None => Ok(None),
        Some(entry) => View::of(entry).map(Some).ok_or(error::WRONG_TYPE),
    }
}
