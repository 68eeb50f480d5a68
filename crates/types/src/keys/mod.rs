//! Commands on keys, whatever their type.
//!
//! Reading order: [`presence`] (is it there, delete it), [`expiry`], [`moving`] (rename, copy,
//! move), [`walk`] (KEYS and SCAN) over [`pattern`], [`databases`] (whole databases), [`object`],
//! [`wait`].

mod databases;
mod expiry;
mod moving;
mod object;
mod pattern;
mod presence;
mod wait;
mod walk;

pub(crate) use pattern::KeyPattern;
pub(crate) use walk::parse_cursor;

use engine::Args;
use engine::command::{Categories, Flags, KeyFlags, KeySpec};
use engine::cx::Cx;
use engine::error::{self, CmdError};
use engine::module::{Module, module};
use keyspace::{Entry, hooks};

/// The generic commands.
pub const MODULE: Module = module("keys").commands(&[
    presence::COMMANDS,
    expiry::COMMANDS,
    moving::COMMANDS,
    walk::COMMANDS,
    databases::COMMANDS,
    object::COMMANDS,
    wait::COMMANDS,
]);

const KEYSPACE: Categories = Categories::KEYSPACE;
const READ_FAST: Flags = Flags::READONLY.or(Flags::FAST);
const WRITE_FAST: Flags = Flags::WRITE.or(Flags::FAST);
const READ_ACCESS: KeyFlags = KeyFlags::RO.or(KeyFlags::ACCESS);
const UPDATE: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::UPDATE))];

/// Hints for proxies: keys may be spread over shards, the counts are added up.
const SUMMED: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// Looks at a key as commands do that only ask about it: a hit or a miss is counted and a miss is
/// an event, but the access bits stay as they are.
fn look<R>(cx: &mut Cx<'_, '_>, key: &[u8], see: impl FnOnce(&Entry) -> R) -> Option<R> {
    let seen = count(cx, key, see);
    if seen.is_none() {
        cx.db.fx.notify(hooks::KEY_MISS, cx.db.index, key);
    }
    seen
}

/// Like [`look`], without an event.
fn count<R>(cx: &mut Cx<'_, '_>, key: &[u8], see: impl FnOnce(&Entry) -> R) -> Option<R> {
    let seen = cx.db.peek(key).map(see);
    match seen {
        Some(_) => cx.db.fx.hits += 1,
        None => cx.db.fx.misses += 1,
    }
    seen
}

/// The word at an index as the number of an existing database.
fn database(cx: &Cx<'_, '_>, args: Args<'_>, index: usize) -> Result<u16, CmdError> {
    const OUT_OF_I32: CmdError =
        CmdError::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");
    let number = i32::try_from(args.integer(index)?).map_err(|_| OUT_OF_I32)?;
    existing_database(cx, number)
}

fn existing_database(cx: &Cx<'_, '_>, number: i32) -> Result<u16, CmdError> {
    let number = u16::try_from(number).ok().filter(|db| *db < cx.db.keyspace.databases());
    number.ok_or(error::DB_RANGE)
}
