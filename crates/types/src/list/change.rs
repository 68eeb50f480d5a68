//! Commands that change elements anywhere in a list: LSET, LINSERT, LREM, LTRIM.

use super::{ADDS, GROWN, ListEdit, index_of, magnitude_of, range_of};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, one_of, string,
    token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::{Event, EventClass};
use structs::list::Side;

const POSITIONS: &[Arg] = &[token("before", "BEFORE"), token("after", "AFTER")];
const SHORTENED: KeyFlags = KeyFlags::RW.or(KeyFlags::DELETE);

pub(super) const COMMANDS: &[Command] = &[
    command("LSET", lset)
        .summary("Replaces the element of a list at an index.")
        .since("1.0.0")
        .group("list")
        .complexity("O(N) where N is the number of chunks up to the element; O(1) at the ends")
        .flags(ADDS)
        .acl(Categories::LIST)
        .keys(&[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::UPDATE))])
        .args(&[key("key"), integer("index"), string("element")]),
    command("LINSERT", linsert)
        .summary("Inserts an element before or after the first one that equals a text.")
        .since("2.2.0")
        .group("list")
        .complexity("O(N) where N is the number of elements up to the one that is looked for")
        .flags(ADDS)
        .acl(Categories::LIST)
        .keys(&[KeySpec::one(1, GROWN)])
        .args(&[key("key"), one_of("where", POSITIONS), string("pivot"), string("element")]),
    command("LREM", lrem)
        .summary("Removes elements of a list that equal a text.")
        .since("1.0.0")
        .group("list")
        .complexity("O(N) where N is the number of elements of the list")
        .flags(Flags::WRITE)
        .acl(Categories::LIST)
        .keys(&[KeySpec::one(1, SHORTENED)])
        .args(&[key("key"), integer("count"), string("element")]),
    command("LTRIM", ltrim)
        .summary("Removes all elements of a list but those between two indexes.")
        .since("1.0.0")
        .group("list")
        .complexity("O(N) where N is the number of elements that are removed")
        .flags(Flags::WRITE)
        .acl(Categories::LIST)
        .keys(&[KeySpec::one(1, SHORTENED)])
        .args(&[key("key"), integer("start"), integer("stop")]),
];

const LSET: Event = Event::new(EventClass::LIST, "lset");
const LINSERT: Event = Event::new(EventClass::LIST, "linsert");
const LREM: Event = Event::new(EventClass::LIST, "lrem");
const LTRIM: Event = Event::new(EventClass::LIST, "ltrim");

const INDEX_RANGE: CmdError = CmdError::fixed("ERR index out of range");

fn lset(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    if list.view().is_none() {
        return Err(error::NO_SUCH_KEY);
    }
    let (number, text) = (args.integer(2)?, args.at(3));
    list.expect_growth(text.len(), 1);
    let len = list.len();
    // Redis looks at the lowest 32 bits of the index: what is far outside may be an element there.
    let index = index_of(number, len).or_else(|| index_of(i64::from(number as i32), len));
    if !index.is_some_and(|index| list.set(index, text)) {
        list.commit_unchanged();
        return Err(INDEX_RANGE);
    }
    list.settle_removal();
    list.commit(LSET, 1);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn linsert(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let after = match () {
        () if args.is(2, "after") => true,
        () if args.is(2, "before") => false,
        () => return Err(error::SYNTAX),
    };
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    if list.view().is_none() {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    let (pivot, text) = (args.at(3), args.at(4));
    list.expect_growth(text.len(), 1);
    if list.insert(pivot, after, text) {
        cx.reply.integer(list.len() as i64);
        list.commit(LINSERT, 1);
    } else {
        cx.reply.integer(-1);
        list.commit_unchanged();
    }
    Ok(Outcome::Done)
}

fn lrem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from_tail, count) = magnitude_of(args, 2)?;
    let max = if count == 0 { usize::MAX } else { count };
    let side = if from_tail { Side::Right } else { Side::Left };
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    let removed = list.remove_equal(args.at(3), side, max);
    cx.reply.integer(removed as i64);
    if removed == 0 {
        list.commit_unchanged();
    } else {
        list.settle_removal();
        list.commit(LREM, removed as u64);
    }
    Ok(Outcome::Done)
}

fn ltrim(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    cx.reply.ok();
    if list.view().is_none() {
        return Ok(Outcome::Done);
    }
    let len = list.len();
    let kept = range_of(start, stop, len);
    if kept.is_empty() {
        list.remove(0, len);
    } else {
        if kept.end < len {
            list.remove(kept.end, len - kept.end);
        }
        if kept.start > 0 {
            list.remove(0, kept.start);
        }
        list.settle_removal();
    }
    list.commit(LTRIM, (len - kept.len()) as u64);
    Ok(Outcome::Done)
}
