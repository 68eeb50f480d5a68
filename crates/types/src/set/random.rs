//! Random members: SPOP, SRANDMEMBER.

use super::build::Limits;
use super::edit::SetEdit;
use super::value::View;
use super::{READS, SET, TAKES, read};
use crate::element::{reply_element, reply_optional};
use crate::sample::Count;
use engine::args::{Args, OwnedArgs};
use engine::command::{Command, Flags, KeySpec, command, integer, key};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error;
use keyspace::edit::DELETED;
use keyspace::hooks::{Event, EventClass};
use structs::packed::Element;

/// Random members were removed.
const SPOP: Event = Event::new(EventClass::SET, "spop");

pub(super) const COMMANDS: &[Command] = &[
    command("SPOP", spop)
        .summary("Removes random members of a set and returns them.")
        .since("1.0.0")
        .group("set")
        .complexity("O(1) without a count, else O(N) where N is the count")
        .history(&[("3.2.0", "The argument `count`.")])
        .flags(Flags::WRITE.or(Flags::FAST))
        .acl(SET)
        .tips(&["nondeterministic_output"])
        .keys(&[KeySpec::one(1, TAKES)])
        .args(&[key("key"), integer("count").optional().since("3.2.0")]),
    command("SRANDMEMBER", srandmember)
        .summary("Returns random members of a set.")
        .since("1.0.0")
        .group("set")
        .complexity("O(1) without a count, else O(N) where N is the magnitude of the count")
        .history(&[("2.6.0", "The argument `count`.")])
        .flags(Flags::READONLY)
        .acl(SET)
        .tips(&["nondeterministic_output"])
        .keys(READS)
        .args(&[key("key"), integer("count").optional().since("2.6.0")]),
];

fn spop(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let key = args.at(1);
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    let count = match args.get(2) {
        None => None,
        Some(_) => {
            let number = args.integer(2).ok().and_then(|number| usize::try_from(number).ok());
            Some(number.ok_or(error::MUST_BE_POSITIVE)?)
        }
    };
    let limits = Limits::now(cx);
    let mut edit = SetEdit::open(&mut cx.db, key, limits)?;
    let popped: Vec<Vec<u8>> = match edit.view() {
        Some(set) => {
            let chosen = set.random_distinct(count.unwrap_or(1), cx.rng);
            chosen.into_iter().map(|member| member.text().to_vec()).collect()
        }
        None => Vec::new(),
    };
    match (count, &popped[..]) {
        (None, []) => cx.reply.null(),
        (None, [member, ..]) => cx.reply.bulk(member),
        (Some(_), members) => {
            cx.reply.set(members.len());
            members.iter().for_each(|member| cx.reply.bulk(member));
        }
    }
    if popped.is_empty() {
        return Ok(Outcome::Done);
    }
    let empties = edit.view().is_some_and(|set| set.len() == popped.len());
    if empties {
        // A whole set is given up at once, so that freeing a large one is left to others.
        edit.edit.notify(SPOP);
        edit.edit.remove();
        edit.commit_many(DELETED, popped.len());
    } else {
        popped.iter().for_each(|member| {
            edit.remove(Element::of(member));
        });
        edit.commit_many(SPOP, popped.len());
    }
    cx.db.rewrite(|| vec![logged(key, &popped, empties)]);
    Ok(Outcome::Done)
}

/// What the log gets: which members went, not how many.
fn logged(key: &[u8], popped: &[Vec<u8>], empties: bool) -> OwnedArgs {
    if empties {
        return OwnedArgs::from([&b"DEL"[..], key]);
    }
    let mut args = OwnedArgs::from([&b"SREM"[..], key]);
    popped.iter().for_each(|member| args.push(member));
    args
}

fn srandmember(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() > 3 {
        return Err(error::SYNTAX);
    }
    if args.len() == 2 {
        let set = read(&mut cx.db, args.at(1))?;
        reply_optional(&mut cx.reply, set.and_then(|set| set.random(cx.rng)));
        return Ok(Outcome::Done);
    }
    let count = Count::parse(args, 2)?;
    let Some(set) = read(&mut cx.db, args.at(1))? else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    if count.repeats {
        cx.reply.array(count.number as usize);
        let draws = (0..count.number).filter_map(|_| set.random(cx.rng));
        draws.for_each(|member| reply_element(&mut cx.reply, member));
        return Ok(Outcome::Done);
    }
    let chosen = set.random_distinct(count.of(View::len(set)), cx.rng);
    cx.reply.array(chosen.len());
    chosen.into_iter().for_each(|member| reply_element(&mut cx.reply, member));
    Ok(Outcome::Done)
}
