//! Commands that wait until a list has an element: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH,
//! BLMOVEM.
//!
//! Each does what its plain form does. Where that finds nothing it waits for the keys it may take
//! from, and is run again when one of them has become a list.

use super::ends::popped;
use super::transfer::{HOW_MANY, Moved, SOURCE_AND_DESTINATION, Taken, log_pop, move_one};
use super::{ListEdit, ListValue, SIDES, TAKEN, WHERE, reply_element, side};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, Flags, Handler, KeySpec, block, command, double, integer, key,
    key_of, one_of,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::waiters::Wait;
use keyspace::ValueType;
use structs::list::Side;

const TAKES: Flags = Flags::WRITE.or(Flags::BLOCKING);
const MOVES: Flags = TAKES.or(Flags::DENYOOM);
const TIMEOUT: Arg = double("timeout");
const FRACTIONS: &[(&str, &str)] =
    &[("6.0.0", "The argument `timeout` is a double, not an integer.")];
const POP_KEYS: &[KeySpec] = &[KeySpec::range(1, -2, 1, TAKEN)];
const POP_ARGS: &[Arg] = &[key("key").many(), TIMEOUT];

const fn row(name: &'static str, handler: Handler) -> Command {
    command(name, handler).group("list").acl(Categories::LIST)
}

const fn pop_row(name: &'static str, handler: Handler) -> Command {
    row(name, handler)
        .since("2.0.0")
        .complexity("O(N) where N is the number of keys")
        .history(FRACTIONS)
        .flags(TAKES)
        .keys(POP_KEYS)
        .args(POP_ARGS)
}

pub(super) const COMMANDS: &[Command] = &[
    pop_row("BLPOP", blpop).summary(
        "Removes the element at the head of the first list that has any and returns it, waiting \
         for one if need be.",
    ),
    pop_row("BRPOP", brpop).summary(
        "Removes the element at the tail of the first list that has any and returns it, waiting \
         for one if need be.",
    ),
    row("BLMPOP", blmpop)
        .summary(
            "Removes elements at an end of the first list that has any and returns them, waiting \
             for one if need be.",
        )
        .since("7.0.0")
        .complexity(
            "O(N+M) where N is the number of keys and M the number of elements that are returned",
        )
        .flags(TAKES)
        .keys(&[KeySpec::counted(2, 1, TAKEN)])
        .args(&[
            TIMEOUT,
            integer("numkeys"),
            key("key").many(),
            WHERE,
            integer("count").token("COUNT").optional(),
        ]),
    row("BLMOVE", blmove)
        .summary(
            "Moves an element from an end of a list to an end of another and returns it, waiting \
             for one if need be.",
        )
        .since("6.2.0")
        .complexity("O(1)")
        .flags(MOVES)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[
            key("source"),
            key_of("destination", 1),
            one_of("wherefrom", SIDES),
            one_of("whereto", SIDES),
            TIMEOUT,
        ]),
    row("BRPOPLPUSH", brpoplpush)
        .summary(
            "Moves the last element of a list to the head of another and returns it, waiting for \
             one if need be.",
        )
        .since("2.2.0")
        .complexity("O(1)")
        .history(FRACTIONS)
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
        .flags(MOVES)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[key("source"), key_of("destination", 1), TIMEOUT]),
    row("BLMOVEM", blmovem)
        .summary(
            "Moves elements from an end of a list to an end of another and returns them, waiting \
             for enough if need be.",
        )
        .since("8.10.0")
        .complexity("O(N) where N is the number of elements that are moved")
        .flags(MOVES)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[
            key("source"),
            key_of("destination", 1),
            one_of("wherefrom", SIDES),
            one_of("whereto", SIDES),
            TIMEOUT,
            block("how-many", HOW_MANY).optional(),
        ]),
];

fn blpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop(cx, args, Side::Left)
}

fn brpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    pop(cx, args, Side::Right)
}

fn pop(cx: &mut Cx<'_, '_>, args: Args<'_>, side: Side) -> CmdResult {
    let deadline_ms = args.deadline_ms(args.len() - 1, cx.db.now_ms)?;
    let keys = || args.iter().take(args.len() - 1).skip(1);
    for key in keys() {
        let mut list = ListEdit::open(&mut cx.db, cx.server, key)?;
        let reply = &mut cx.reply;
        let taken = list.pop(side, |element| {
            reply.array(2);
            reply.bulk(key);
            reply_element(reply, element);
        });
        if taken.is_some() {
            list.settle_removal();
            list.commit(popped(side), 1);
            log_pop(cx, side, key, None);
            return Ok(Outcome::Done);
        }
    }
    wait(cx, keys(), deadline_ms)
}

fn blmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let taken = Taken::parse(args, 2)?;
    let deadline_ms = args.deadline_ms(1, cx.db.now_ms)?;
    if taken.run(cx)? {
        return Ok(Outcome::Done);
    }
    wait(cx, taken.keys(), deadline_ms)
}

fn blmove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    move_or_wait(cx, args, (from, to), 5)
}

fn brpoplpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    move_or_wait(cx, args, (Side::Right, Side::Left), 3)
}

fn move_or_wait(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    (from, to): (Side, Side),
    timeout_at: usize,
) -> CmdResult {
    let deadline_ms = args.deadline_ms(timeout_at, cx.db.now_ms)?;
    if move_one(cx, args, from, to)? {
        return Ok(Outcome::Done);
    }
    if cx.is_nested {
        // A transaction gets the reply of the plain command, which differs from that of a time
        // that is over.
        cx.reply.null();
        return Ok(Outcome::Done);
    }
    wait(cx, [args.at(1)].into_iter(), deadline_ms)
}

fn blmovem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let moved = Moved::parse(args, 6)?;
    let deadline_ms = args.deadline_ms(5, cx.db.now_ms)?;
    if moved.run_and_reply(cx, args)? {
        return Ok(Outcome::Done);
    }
    wait(cx, [args.at(1)].into_iter(), deadline_ms)
}

/// Waits until one of these keys has become a list.
fn wait<'a>(
    cx: &mut Cx<'_, '_>,
    keys: impl Iterator<Item = &'a [u8]>,
    deadline_ms: Option<i64>,
) -> CmdResult {
    cx.block(Wait {
        keys: keys.map(Box::from).collect(),
        type_id: ListValue::ID,
        deadline_ms,
        on_timeout: |reply| reply.null_array(),
    })
}
