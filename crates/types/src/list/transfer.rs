//! Commands on several lists: LMOVE, RPOPLPUSH, LMOVEM, LMPOP.
//!
//! Both lists are looked at before either changes. The destination is told of its addition before
//! the source of its removal, and a list that is both, is rotated and never gone in between.

use super::ends::{pop_many, popped, pushed};
use super::{ADDS, GROWN, ListEdit, SIDES, TAKEN, View, WHERE, side};
use engine::args::{Args, OwnedArgs};
use engine::command::{
    Arg, Categories, Command, Flags, KeySpec, block, command, integer, key, key_of, one_of, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use structs::list::Side;
use structs::packed::Element;

const SOURCE_AND_DESTINATION: &[KeySpec] = &[KeySpec::one(1, TAKEN), KeySpec::one(2, GROWN)];
const SELECTORS: &[Arg] = &[integer("count").token("COUNT"), integer("exactly").token("EXACTLY")];
const ORDERS: &[Arg] = &[token("obo", "OBO"), token("bulk", "BULK")];
const HOW_MANY: &[Arg] = &[one_of("selector", SELECTORS), one_of("ordering", ORDERS)];

pub(super) const COMMANDS: &[Command] = &[
    command("LMOVE", lmove)
        .summary("Moves an element from an end of a list to an end of another and returns it.")
        .since("6.2.0")
        .group("list")
        .complexity("O(1)")
        .flags(ADDS)
        .acl(Categories::LIST)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[
            key("source"),
            key_of("destination", 1),
            one_of("wherefrom", SIDES),
            one_of("whereto", SIDES),
        ]),
    command("RPOPLPUSH", rpoplpush)
        .summary("Moves the last element of a list to the head of another and returns it.")
        .since("1.2.0")
        .group("list")
        .complexity("O(1)")
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .flags(ADDS)
        .acl(Categories::LIST)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[key("source"), key_of("destination", 1)]),
    command("LMOVEM", lmovem)
        .summary("Moves elements from an end of a list to an end of another and returns them.")
        .since("8.10.0")
        .group("list")
        .complexity("O(N) where N is the number of elements that are moved")
        .flags(ADDS)
        .acl(Categories::LIST)
        .keys(SOURCE_AND_DESTINATION)
        .args(&[
            key("source"),
            key_of("destination", 1),
            one_of("wherefrom", SIDES),
            one_of("whereto", SIDES),
            block("how-many", HOW_MANY).optional(),
        ]),
    command("LMPOP", lmpop)
        .summary("Removes elements at an end of the first list that has any and returns them.")
        .since("7.0.0")
        .group("list")
        .complexity(
            "O(N+M) where N is the number of keys and M the number of elements that are returned",
        )
        .flags(Flags::WRITE)
        .acl(Categories::LIST)
        .keys(&[KeySpec::counted(1, 1, TAKEN)])
        .args(&[
            integer("numkeys"),
            key("key").many(),
            WHERE,
            integer("count").token("COUNT").optional(),
        ]),
];

fn lmove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    move_one(cx, args, from, to)
}

fn rpoplpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    move_one(cx, args, Side::Right, Side::Left)
}

fn move_one(cx: &mut Cx<'_, '_>, args: Args<'_>, from: Side, to: Side) -> CmdResult {
    let moved = Moved { from, to, max: 1, exactly: false, one_by_one: true };
    match moved.run(cx, args.at(1), args.at(2))? {
        None => cx.reply.null(),
        Some(texts) => cx.reply.bulk(&texts[0].text),
    }
    Ok(Outcome::Done)
}

const COUNT_NOT_POSITIVE: CmdError = CmdError::fixed("ERR count should be greater than 0");
const KEYS_NOT_POSITIVE: CmdError = CmdError::fixed("ERR numkeys should be greater than 0");

/// The word at an index as a number above zero.
fn positive(args: Args<'_>, index: usize, error: CmdError) -> Result<usize, CmdError> {
    let number = args.integer(index).ok().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(error)
}

fn lmovem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (from, to) = (side(args, 3)?, side(args, 4)?);
    let mut moved = Moved { from, to, max: 1, exactly: false, one_by_one: true };
    if args.len() > 5 {
        moved.exactly = args.is(5, "exactly");
        moved.one_by_one = args.is(7, "obo");
        let known = (moved.exactly || args.is(5, "count"))
            && (moved.one_by_one || args.is(7, "bulk"))
            && args.len() == 8;
        if !known {
            return Err(error::SYNTAX);
        }
        moved.max = positive(args, 6, COUNT_NOT_POSITIVE)?;
    }
    match moved.run(cx, args.at(1), args.at(2))? {
        None => cx.reply.null_array(),
        Some(texts) => {
            cx.reply.array(texts.len());
            texts.iter().for_each(|moved| cx.reply.bulk(&moved.text));
        }
    }
    Ok(Outcome::Done)
}

/// What moves from one list to another.
struct Moved {
    from: Side,
    to: Side,
    max: usize,
    /// Whether nothing moves where there are fewer than `max`.
    exactly: bool,
    /// Whether each element is moved for itself rather than all in their order.
    one_by_one: bool,
}

/// An element on its way.
struct MovedText {
    text: Vec<u8>,
    is_integer: bool,
}

impl Moved {
    /// Moves the elements and gives them in the order that they have afterwards; `None` where
    /// nothing moves.
    fn run(
        &self,
        cx: &mut Cx<'_, '_>,
        source: &[u8],
        destination: &[u8],
    ) -> Result<Option<Vec<MovedText>>, CmdError> {
        let list = ListEdit::open(&mut cx.db, cx.server, source)?;
        let Some(view) = list.view() else { return Ok(None) };
        let len = view.len();
        let count = self.max.min(len);
        if self.exactly && count < self.max {
            return Ok(None);
        }
        let texts = self.texts(view, len, count);
        drop(list);
        if source == destination {
            self.rotate(cx, source, &texts)?;
            return Ok(Some(texts));
        }
        let mut list = ListEdit::open(&mut cx.db, cx.server, destination)?;
        add(&mut list, self.to, &texts);
        // A move counts once per element, with the removal.
        list.commit(pushed(self.to), 0);
        let mut list = ListEdit::open(&mut cx.db, cx.server, source)?;
        self.take(&mut list, len, count);
        list.settle_removal();
        list.commit(popped(self.from), count as u64);
        Ok(Some(texts))
    }

    /// The elements that move, in the order that they have afterwards.
    fn texts(&self, view: View<'_>, len: usize, count: usize) -> Vec<MovedText> {
        let start = if self.from == Side::Left { 0 } else { len - count };
        let elements = view.iter_from(start, Side::Left).take(count);
        let mut texts: Vec<_> = elements
            .map(|element| MovedText {
                text: element.text().to_vec(),
                is_integer: matches!(element, Element::Int(_)),
            })
            .collect();
        // What leaves an end first lies deepest where it is put at the same end.
        if self.one_by_one && self.from == self.to {
            texts.reverse();
        }
        texts
    }

    fn take(&self, list: &mut ListEdit<'_>, len: usize, count: usize) {
        if count == 1 {
            list.pop(self.from, |_| ());
        } else {
            list.remove(if self.from == Side::Left { 0 } else { len - count }, count);
        }
    }

    /// Moves elements within a list, which keeps its key and its expiry.
    fn rotate(&self, cx: &mut Cx<'_, '_>, key: &[u8], texts: &[MovedText]) -> Result<(), CmdError> {
        let mut list = ListEdit::open(&mut cx.db, cx.server, key)?;
        for _ in texts {
            list.pop(self.from, |_| ());
        }
        add(&mut list, self.to, texts);
        list.settle_removal();
        list.notify(pushed(self.to));
        list.commit(popped(self.from), texts.len() as u64);
        Ok(())
    }
}

/// Adds elements at an end, so that they have this order there. An integer is taken to need no more
/// bytes.
fn add(list: &mut ListEdit<'_>, side: Side, texts: &[MovedText]) {
    let bytes = texts.iter().filter(|moved| !moved.is_integer).map(|moved| moved.text.len()).sum();
    list.expect_growth(bytes, texts.len());
    let in_order = texts.iter().map(|moved| moved.text.as_slice());
    match side {
        Side::Left => list.push(side, in_order.rev()),
        Side::Right => list.push(side, in_order),
    }
}

fn lmpop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let count = positive(args, 1, KEYS_NOT_POSITIVE)?;
    let after = count.checked_add(2).filter(|after| *after < args.len()).ok_or(error::SYNTAX)?;
    let side = side(args, after)?;
    let max = match args.len() - after - 1 {
        0 => 1,
        1 => return Err(error::SYNTAX),
        _ if !args.is(after + 1, "count") => return Err(error::SYNTAX),
        _ => positive(args, after + 2, COUNT_NOT_POSITIVE)?,
    };
    if args.len() > after + 3 {
        return Err(error::SYNTAX);
    }
    for key in args.iter().take(after).skip(2) {
        let list = ListEdit::open(&mut cx.db, cx.server, key)?;
        let taken = list.len().min(max);
        if taken == 0 {
            continue;
        }
        cx.reply.array(2);
        cx.reply.bulk(key);
        pop_many(list, &mut cx.reply, side, taken);
        let name: &[u8] = if side == Side::Left { b"LPOP" } else { b"RPOP" };
        cx.db.rewrite(|| {
            vec![OwnedArgs::from([name, key, stdx::num::Decimal::new(taken as i64).as_bytes()])]
        });
        return Ok(Outcome::Done);
    }
    cx.reply.null_array();
    Ok(Outcome::Done)
}
