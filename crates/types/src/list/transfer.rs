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
use std::ops::Range;
use stdx::num::Decimal;
use structs::list::Side;
use structs::packed::Element;

pub(super) const SOURCE_AND_DESTINATION: &[KeySpec] =
    &[KeySpec::one(1, TAKEN), KeySpec::one(2, GROWN)];
const SELECTORS: &[Arg] = &[integer("count").token("COUNT"), integer("exactly").token("EXACTLY")];
const ORDERS: &[Arg] = &[token("obo", "OBO"), token("bulk", "BULK")];
pub(super) const HOW_MANY: &[Arg] = &[one_of("selector", SELECTORS), one_of("ordering", ORDERS)];

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
    if !move_one(cx, args, from, to)? {
        cx.reply.null();
    }
    Ok(Outcome::Done)
}

fn rpoplpush(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if !move_one(cx, args, Side::Right, Side::Left)? {
        cx.reply.null();
    }
    Ok(Outcome::Done)
}

/// Moves one element and replies with it; false, and no reply, where there is none.
pub(super) fn move_one(
    cx: &mut Cx<'_, '_>,
    args: Args<'_>,
    from: Side,
    to: Side,
) -> Result<bool, CmdError> {
    let moved = Moved { from, to, max: 1, exactly: false, one_by_one: true };
    let texts = moved.run(cx, args.at(1), args.at(2))?;
    if let Some(moved) = texts.as_deref().and_then(<[_]>::first) {
        cx.reply.bulk(&moved.text);
    }
    Ok(texts.is_some())
}

const COUNT_NOT_POSITIVE: CmdError = CmdError::fixed("ERR count should be greater than 0");
const KEYS_NOT_POSITIVE: CmdError = CmdError::fixed("ERR numkeys should be greater than 0");

/// The word at an index as a number above zero.
fn positive(args: Args<'_>, index: usize, error: CmdError) -> Result<usize, CmdError> {
    let number = args.integer(index).ok().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| *number > 0).ok_or(error)
}

fn lmovem(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let moved = Moved::parse(args, 5)?;
    if !moved.run_and_reply(cx, args)? {
        cx.reply.null_array();
    }
    Ok(Outcome::Done)
}

/// What moves from one list to another.
pub(super) struct Moved {
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
    /// Reads the ends, and how many elements move from the words at an index on.
    pub fn parse(args: Args<'_>, index: usize) -> Result<Moved, CmdError> {
        let (from, to) = (side(args, 3)?, side(args, 4)?);
        let mut moved = Moved { from, to, max: 1, exactly: false, one_by_one: true };
        if args.len() > index {
            moved.exactly = args.is(index, "exactly");
            moved.one_by_one = args.is(index + 2, "obo");
            let known = (moved.exactly || args.is(index, "count"))
                && (moved.one_by_one || args.is(index + 2, "bulk"))
                && args.len() == index + 3;
            if !known {
                return Err(error::SYNTAX);
            }
            moved.max = positive(args, index + 1, COUNT_NOT_POSITIVE)?;
        }
        Ok(moved)
    }

    /// Moves the elements and replies with them; false, and no reply, where nothing moves.
    pub fn run_and_reply(&self, cx: &mut Cx<'_, '_>, args: Args<'_>) -> Result<bool, CmdError> {
        let Some(texts) = self.run(cx, args.at(1), args.at(2))? else { return Ok(false) };
        cx.reply.array(texts.len());
        texts.iter().for_each(|moved| cx.reply.bulk(&moved.text));
        Ok(true)
    }

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
    let taken = Taken::parse(args, 1)?;
    if !taken.run(cx)? {
        cx.reply.null_array();
    }
    Ok(Outcome::Done)
}

/// What is taken from the first list that has any.
pub(super) struct Taken<'a> {
    args: Args<'a>,
    /// The words that are keys.
    keys: Range<usize>,
    side: Side,
    max: usize,
}

impl<'a> Taken<'a> {
    /// Reads the words from the count of the keys on.
    pub fn parse(args: Args<'a>, index: usize) -> Result<Taken<'a>, CmdError> {
        let count = positive(args, index, KEYS_NOT_POSITIVE)?;
        let after = count.checked_add(index + 1).filter(|after| *after < args.len());
        let after = after.ok_or(error::SYNTAX)?;
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
        Ok(Taken { args, keys: index + 1..after, side, max })
    }

    /// The keys in the order in which they are tried.
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        let args = self.args;
        self.keys.clone().map(move |index| args.at(index))
    }

    /// Replies with the key and the elements of the first list that has any, and takes them; false,
    /// and no reply, where none has.
    pub fn run(&self, cx: &mut Cx<'_, '_>) -> Result<bool, CmdError> {
        for key in self.keys() {
            let list = ListEdit::open(&mut cx.db, cx.server, key)?;
            let count = list.len().min(self.max);
            if count == 0 {
                continue;
            }
            cx.reply.array(2);
            cx.reply.bulk(key);
            pop_many(list, &mut cx.reply, self.side, count);
            log_pop(cx, self.side, key, Some(count));
            return Ok(true);
        }
        Ok(false)
    }
}

/// Says which plain removal a command came down to.
pub(super) fn log_pop(cx: &mut Cx<'_, '_>, side: Side, key: &[u8], count: Option<usize>) {
    cx.db.rewrite(|| {
        let mut words = OwnedArgs::default();
        words.push(if side == Side::Left { b"LPOP" } else { b"RPOP" });
        words.push(key);
        if let Some(count) = count {
            words.push(Decimal::new(count as i64).as_bytes());
        }
        vec![words]
    });
}
