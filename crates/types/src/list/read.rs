//! Commands that only look: LLEN, LRANGE, LINDEX, LPOS.

use super::{READ, View, index_of, magnitude_of, range_of, read, reply_element};
use engine::args::Args;
use engine::command::{
    Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, string,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use structs::list::Side;

pub(super) const COMMANDS: &[Command] = &[
    command("LLEN", llen)
        .summary("Returns the number of elements of a list.")
        .since("1.0.0")
        .group("list")
        .complexity("O(1)")
        .flags(Flags::READONLY.or(Flags::FAST))
        .acl(Categories::LIST)
        .keys(&[KeySpec::one(1, KeyFlags::RO)])
        .args(&[key("key")]),
    command("LRANGE", lrange)
        .summary("Returns the elements of a list between two indexes.")
        .since("1.0.0")
        .group("list")
        .complexity(
            "O(S+N) where N is the number of elements that are returned and S the number of chunks \
             between them and the nearer end",
        )
        .flags(Flags::READONLY)
        .acl(Categories::LIST)
        .keys(READ)
        .args(&[key("key"), integer("start"), integer("stop")]),
    command("LINDEX", lindex)
        .summary("Returns the element of a list at an index.")
        .since("1.0.0")
        .group("list")
        .complexity("O(N) where N is the number of chunks up to the element; O(1) at the ends")
        .flags(Flags::READONLY)
        .acl(Categories::LIST)
        .keys(READ)
        .args(&[key("key"), integer("index")]),
    command("LPOS", lpos)
        .summary("Returns the indexes of elements of a list that equal a text.")
        .since("6.0.6")
        .group("list")
        .complexity("O(N) where N is the number of elements that are looked at")
        .flags(Flags::READONLY)
        .acl(Categories::LIST)
        .keys(READ)
        .args(&[
            key("key"),
            string("element"),
            integer("rank").token("RANK").optional(),
            integer("num-matches").token("COUNT").optional(),
            integer("len").token("MAXLEN").optional(),
        ]),
];

fn llen(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let len = read(cx, args.at(1))?.map_or(0, View::len);
    cx.reply.integer(len as i64);
    Ok(Outcome::Done)
}

fn lrange(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let Some(entry) = cx.db.read(args.at(1)) else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    let view = View::of(entry).ok_or(error::WRONG_TYPE)?;
    let range = range_of(start, stop, view.len());
    cx.reply.array(range.len());
    let elements = view.iter_from(range.start, Side::Left).take(range.len());
    elements.for_each(|element| reply_element(&mut cx.reply, element));
    Ok(Outcome::Done)
}

fn lindex(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let Some(entry) = cx.db.read(args.at(1)) else {
        cx.reply.null();
        return Ok(Outcome::Done);
    };
    let view = View::of(entry).ok_or(error::WRONG_TYPE)?;
    let number = args.integer(2)?;
    let element = match number {
        // The head needs no count of the elements.
        0 => view.get(0),
        _ => index_of(number, view.len()).and_then(|index| view.get(index)),
    };
    match element {
        Some(element) => reply_element(&mut cx.reply, element),
        None => cx.reply.null(),
    }
    Ok(Outcome::Done)
}

const RANK_IS_ZERO: CmdError = CmdError::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
     negative to start from the end of the list",
);
const COUNT_IS_NEGATIVE: CmdError = CmdError::fixed("ERR COUNT can't be negative");
const LEN_IS_NEGATIVE: CmdError = CmdError::fixed("ERR MAXLEN can't be negative");

/// What LPOS looks for.
struct Search {
    side: Side,
    /// Matches to pass over.
    skip: usize,
    /// How many matches are wanted, if an array is.
    count: Option<usize>,
    scan_max: usize,
}

impl Search {
    fn parse(args: Args<'_>, from: usize) -> Result<Search, CmdError> {
        let mut search = Search { side: Side::Left, skip: 0, count: None, scan_max: usize::MAX };
        let no_bound = |number: usize| if number == 0 { usize::MAX } else { number };
        for index in (from..args.len()).step_by(2) {
            let not_negative = |error| {
                let number = args.integer(index + 1).ok();
                number.and_then(|number| usize::try_from(number).ok()).ok_or(error)
            };
            if args.len() == index + 1 {
                return Err(error::SYNTAX);
            } else if args.is(index, "rank") {
                let (from_tail, rank) = magnitude_of(args, index + 1)?;
                search.skip = rank.checked_sub(1).ok_or(RANK_IS_ZERO)?;
                search.side = if from_tail { Side::Right } else { Side::Left };
            } else if args.is(index, "count") {
                search.count = Some(no_bound(not_negative(COUNT_IS_NEGATIVE)?));
            } else if args.is(index, "maxlen") {
                search.scan_max = no_bound(not_negative(LEN_IS_NEGATIVE)?);
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(search)
    }
}

fn lpos(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let search = Search::parse(args, 3)?;
    let found = match read(cx, args.at(1))? {
        None => Vec::new(),
        Some(view) => {
            let wanted = (search.skip, search.count.unwrap_or(1));
            view.positions(args.at(2), search.side, search.scan_max, wanted)
        }
    };
    if search.count.is_some() {
        cx.reply.array(found.len());
        found.into_iter().for_each(|index| cx.reply.integer(index as i64));
    } else {
        match found.first() {
            Some(index) => cx.reply.integer(*index as i64),
            None => cx.reply.null(),
        }
    }
    Ok(Outcome::Done)
}
