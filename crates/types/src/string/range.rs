//! Commands on parts of a value: APPEND, SETRANGE, GETRANGE, SUBSTR, STRLEN.

use super::{bounded_end, len_max};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::CmdError;
use keyspace::hooks::{Event, EventClass};
use keyspace::{Entry, Str, Ttl};
use std::ops::Range;

const APPEND: Event = Event::new(EventClass::STRING, "append");
const SETRANGE: Event = Event::new(EventClass::STRING, "setrange");

const RANGE_COST: &str = "O(N) where N is the length of the returned part";
const READ: KeyFlags = KeyFlags::RO.or(KeyFlags::ACCESS);
const RANGE_ARGS: &[Arg] = &[key("key"), integer("start"), integer("end")];

pub(super) const COMMANDS: &[Command] = &[
    command("APPEND", append)
        .summary("Appends a string to the value of a key, which is created if need be.")
        .since("2.0.0")
        .group("string")
        .complexity("O(1) amortized, for a short argument")
        .flags(Flags::WRITE.or(Flags::DENYOOM).or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::INSERT))])
        .args(&[key("key"), string("value")]),
    command("SETRANGE", setrange)
        .summary("Overwrites a part of the value of a key, which is created if need be.")
        .since("2.2.0")
        .group("string")
        .complexity("O(M) where M is the length of the argument, and the growth of the value")
        .flags(Flags::WRITE.or(Flags::DENYOOM))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::UPDATE))])
        .args(&[key("key"), integer("offset"), string("value")]),
    command("GETRANGE", getrange)
        .summary("Returns a part of the string at a key.")
        .since("2.4.0")
        .group("string")
        .complexity(RANGE_COST)
        .flags(Flags::READONLY)
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, READ)])
        .args(RANGE_ARGS),
    command("SUBSTR", getrange)
        .summary("Returns a part of the string at a key.")
        .since("1.0.0")
        .group("string")
        .complexity(RANGE_COST)
        .deprecated("2.0.0", "`GETRANGE`")
        .flags(Flags::READONLY)
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, READ)])
        .args(RANGE_ARGS),
    command("STRLEN", strlen)
        .summary("Returns the length of the string at a key.")
        .since("2.2.0")
        .group("string")
        .complexity("O(1)")
        .flags(Flags::READONLY.or(Flags::FAST))
        .acl(Categories::STRING)
        .keys(&[KeySpec::one(1, KeyFlags::RO)])
        .args(&[key("key")]),
];

fn append(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let value = args.at(2);
    let mut edit = cx.db.edit_str(args.at(1))?;
    let len = match edit.entry().and_then(Entry::as_str).map(Str::text_len) {
        Some(old_len) => {
            let len = bounded_end(old_len, value.len(), len_max(cx.server))?;
            edit.resize_str(len, |bytes| bytes[old_len..].copy_from_slice(value));
            len
        }
        None => {
            edit.set_str(Str::encode(value), Ttl::Clear);
            value.len()
        }
    };
    edit.commit(APPEND);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

const BAD_OFFSET: CmdError = CmdError::fixed("ERR offset is out of range");

fn setrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let offset = usize::try_from(args.integer(2)?).map_err(|_| BAD_OFFSET)?;
    let value = args.at(3);
    let mut edit = cx.db.edit_str(args.at(1))?;
    let old_len = edit.entry().and_then(Entry::as_str).map_or(0, Str::text_len);
    if value.is_empty() {
        cx.reply.integer(old_len as i64);
        return Ok(Outcome::Done);
    }
    let end = bounded_end(offset, value.len(), len_max(cx.server))?;
    let len = end.max(old_len);
    if !edit.exists() {
        edit.set_str(Str::Bytes(b""), Ttl::Clear);
    }
    edit.resize_str(len, |bytes| bytes[offset..end].copy_from_slice(value));
    edit.commit(SETRANGE);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

fn getrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    match cx.db.read_str(args.at(1))? {
        Some(value) => {
            let text = value.text();
            cx.reply.bulk(&text[slice(text.len(), start, end)]);
        }
        None => cx.reply.bulk(b""),
    }
    Ok(Outcome::Done)
}

/// The bytes from `start` to `end` inclusive of a string of so many; negative places count from the
/// end, places outside are moved to the nearest inside.
fn slice(len: usize, start: i64, end: i64) -> Range<usize> {
    let len = len as i64;
    let place = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    // Two negative places in the wrong order are empty even where both lie before the string.
    let reversed = start < 0 && end < 0 && start > end;
    let (from, to) = (place(start), place(end).min(len - 1));
    if reversed || from > to {
        return 0..0;
    }
    from as usize..to as usize + 1
}

fn strlen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let len = cx.db.read_str(args.at(1))?.map_or(0, Str::text_len);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::slice;

    /// The answers of the reference for "Hello World".
    #[test]
    fn slices_of_the_reference() {
        let text = "Hello World";
        let check = |start, end, part: &str| {
            assert_eq!(&text[slice(text.len(), start, end)], part, "{start} {end}");
        };
        check(0, -1, text);
        check(-3, -1, "rld");
        check(-1, -3, "");
        check(5, 3, "");
        check(-100, -50, "H");
        check(-50, -100, "");
        check(-100, 3, "Hell");
        check(3, 100, "lo World");
        check(11, 11, "");
        check(-1, -11, "");
        check(-100, 0, "H");
        check(i64::MAX, i64::MAX, "");
        check(i64::MIN, i64::MAX, text);
        check(i64::MIN, i64::MIN, "H");
        assert_eq!(slice(0, 0, -1), 0..0);
        assert_eq!(slice(0, i64::MIN, i64::MAX), 0..0);
    }
}
