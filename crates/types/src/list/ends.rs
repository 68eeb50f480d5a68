//! Commands at the ends of a list: LPUSH, RPUSH, LPUSHX, RPUSHX, LPOP, RPOP.

use super::{GROWN, ListEdit, TAKEN, WRITE_FAST, reply_element};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, Handler, KeySpec, command, integer, key, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::hooks::{Event, EventClass};
use resp::Writer;
use structs::list::Side;

const MANY_ELEMENTS: &[Arg] = &[key("key"), string("element").many()];
const POP_ARGS: &[Arg] = &[key("key"), integer("count").optional().since("6.2.0")];
const GROWN_KEY: &[KeySpec] = &[KeySpec::one(1, GROWN)];
const TAKEN_KEY: &[KeySpec] = &[KeySpec::one(1, TAKEN)];
const SEVERAL: &str = "Takes several `element` arguments.";

const fn push_row(name: &'static str, handler: Handler) -> Command {
    command(name, handler)
        .group("list")
        .complexity("O(1) for each element")
        .flags(WRITE_FAST.or(Flags::DENYOOM))
        .acl(Categories::LIST)
        .keys(GROWN_KEY)
        .args(MANY_ELEMENTS)
}

const fn pop_row(name: &'static str, handler: Handler) -> Command {
    command(name, handler)
        .since("1.0.0")
        .group("list")
        .complexity("O(N) where N is the number of elements that are returned")
        .history(&[("6.2.0", "The argument `count`.")])
        .flags(WRITE_FAST)
        .acl(Categories::LIST)
        .keys(TAKEN_KEY)
        .args(POP_ARGS)
}

pub(super) const COMMANDS: &[Command] = &[
    push_row("LPUSH", lpush)
        .summary("Adds elements at the head of a list, which is created if it does not exist.")
        .since("1.0.0")
        .history(&[("2.4.0", SEVERAL)]),
    push_row("RPUSH", rpush)
        .summary("Adds elements at the tail of a list, which is created if it does not exist.")
        .since("1.0.0")
        .history(&[("2.4.0", SEVERAL)]),
    push_row("LPUSHX", lpushx)
        .summary("Adds elements at the head of a list if it exists.")
        .since("2.2.0")
        .history(&[("4.0.0", SEVERAL)]),
    push_row("RPUSHX", rpushx)
        .summary("Adds elements at the tail of a list if it exists.")
        .since("2.2.0")
        .history(&[("4.0.0", SEVERAL)]),
    pop_row("LPOP", lpop).summary("Removes elements at the head of a list and returns them."),
    pop_row("RPOP", rpop).summary("Removes elements at the tail of a list and returns them."),
];

const LPUSH: Event = Event::new(EventClass::LIST, "lpush");
const RPUSH: Event = Event::new(EventClass::LIST, "rpush");
const LPOP: Event = Event::new(EventClass::LIST, "lpop");
const RPOP: Event = Event::new(EventClass::LIST, "rpop");

/// The event of an addition at an end.
pub(super) fn pushed(side: Side) -> Event {
    if side == Side::Left { LPUSH } else { RPUSH }
}

/// The event of a removal at an end.
pub(super) fn popped(side: Side) -> Event {
    if side == Side::Left { LPOP } else { RPOP }
}

fn lpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    push(cx, args, Side::Left, true)
}

fn rpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    push(cx, args, Side::Right, true)
}

fn lpushx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    push(cx, args, Side::Left, false)
}

fn rpushx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    push(cx, args, Side::Right, false)
}

fn push(cx: &mut Cx<'_, '_>, args: Args<'_>, side: Side, may_create: bool) -> CmdResult {
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    if !may_create && list.view().is_none() {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    }
    let texts = args.from(2);
    list.expect_growth(texts.iter().map(<[u8]>::len).sum(), texts.len());
    list.push(side, texts.iter());
    cx.reply.integer(list.len() as i64);
    list.commit(pushed(side), texts.len() as u64);
    Ok(Outcome::Done)
}

fn lpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop(cx, args, Side::Left)
}

fn rpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop(cx, args, Side::Right)
}

fn pop(cx: &mut Cx<'_, '_>, args: Args<'_>, side: Side) -> CmdResult {
    if args.len() > 3 {
        return Err(error::wrong_arity(if side == Side::Left { "lpop" } else { "rpop" }));
    }
    let count = if args.len() == 3 { Some(count(args, 2)?) } else { None };
    let mut list = ListEdit::open(&mut cx.db, cx.server, args.at(1))?;
    let Some(count) = count else {
        match list.pop(side, |element| reply_element(&mut cx.reply, element)) {
            None => cx.reply.null(),
            Some(()) => {
                list.settle_removal();
                list.commit(popped(side), 1);
            }
        }
        return Ok(Outcome::Done);
    };
    match list.len() {
        0 => cx.reply.null_array(),
        _ if count == 0 => cx.reply.array(0),
        len => pop_many(list, &mut cx.reply, side, count.min(len)),
    }
    Ok(Outcome::Done)
}

/// The word at an index as a count, which may be zero.
fn count(args: Args<'_>, index: usize) -> Result<usize, CmdError> {
    let count = args.integer(index).ok().and_then(|count| usize::try_from(count).ok());
    count.ok_or(error::MUST_BE_POSITIVE)
}

/// Replies with the `count` elements at an end, in the order in which they are popped, and removes
/// them. The list has at least as many, and `count` is above zero.
pub(super) fn pop_many(mut list: ListEdit<'_>, reply: &mut Writer<'_>, side: Side, count: usize) {
    let Some(view) = list.view() else { return };
    let len = view.len();
    let (first, start) = match side {
        Side::Left => (0, 0),
        Side::Right => (len - 1, len - count),
    };
    reply.array(count);
    view.iter_from(first, side).take(count).for_each(|element| reply_element(reply, element));
    list.remove(start, count);
    list.settle_removal();
    list.commit(popped(side), count as u64);
}
