//! Strings: bytes, stored as an integer where they are the text of one.
//!
//! The value itself lives in the entry (`keyspace::entry`), so this module is commands only, one
//! file per theme: whole values ([`set`], [`get`], [`many`]), conditions on the present value
//! ([`compare`]), parts of a value ([`range`]), numbers ([`number`], [`increx`]), and the longest
//! common subsequence of two ([`lcs`]).
//!
//! Commands that set a whole value keep numeric text as an integer; commands that edit bytes leave
//! bytes, as OBJECT ENCODING shows.

mod compare;
mod get;
mod increx;
mod lcs;
mod many;
mod number;
mod options;
mod range;
mod set;

use engine::args::OwnedArgs;
use engine::error::CmdError;
use engine::module::{Module, module};
use engine::server::Server;
use keyspace::Str;
use keyspace::hooks::{Event, EventClass};
use resp::Writer;

/// The string commands.
pub const MODULE: Module = module("string").commands(&[
    set::COMMANDS,
    get::COMMANDS,
    many::COMMANDS,
    compare::COMMANDS,
    range::COMMANDS,
    number::COMMANDS,
    increx::COMMANDS,
    lcs::COMMANDS,
]);

/// A whole value was set.
const SET: Event = Event::new(EventClass::STRING, "set");
/// A key was deleted by a command.
const DEL: Event = Event::new(EventClass::GENERIC, "del");
/// A key was given an expiry.
const EXPIRE: Event = Event::new(EventClass::GENERIC, "expire");
/// A key lost its expiry.
const PERSIST: Event = Event::new(EventClass::GENERIC, "persist");

const TOO_LONG: CmdError =
    CmdError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

/// The longest string that an edit may make.
fn len_max(server: &Server) -> usize {
    let len_max = server.config.bytes(server.ids.bulk_len_max);
    usize::try_from(len_max).unwrap_or(usize::MAX).min(keyspace::entry::LEN_MAX)
}

/// The end of `len` bytes from `start` on, if a string may be that long.
fn bounded_end(start: usize, len: usize, len_max: usize) -> Result<usize, CmdError> {
    start.checked_add(len).filter(|end| *end <= len_max).ok_or(TOO_LONG)
}

/// Replies with a string, or null.
#[inline]
fn reply_str(reply: &mut Writer<'_>, value: Option<Str<'_>>) {
    match value {
        Some(Str::Bytes(bytes)) => reply.bulk(bytes),
        Some(Str::Int(number)) => reply.bulk_int(number),
        None => reply.null(),
    }
}

/// A command for the change log.
fn logged(words: &[&[u8]]) -> OwnedArgs {
    let mut args = OwnedArgs::default();
    words.iter().for_each(|word| args.push(word));
    args
}
