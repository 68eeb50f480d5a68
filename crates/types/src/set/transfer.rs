//! SMOVE.

use super::build::Limits;
use super::edit::SetEdit;
use super::{SADD, SET, SREM, TAKES};
use engine::args::Args;
use engine::command::{Command, Flags, KeyFlags, KeySpec, command, key_of, string};
use engine::cx::{CmdResult, Cx, Outcome};
use structs::packed::Element;

pub(super) const COMMANDS: &[Command] = &[command("SMOVE", smove)
    .summary("Moves a member from one set to another.")
    .since("1.0.0")
    .group("set")
    .complexity("O(1)")
    .flags(Flags::WRITE.or(Flags::FAST))
    .acl(SET)
    .keys(&[KeySpec::one(1, TAKES), KeySpec::one(2, KeyFlags::RW.or(KeyFlags::INSERT))])
    .args(&[key_of("source", 0), key_of("destination", 1), string("member")])];

fn smove(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let (source, destination, member) = (args.at(1), args.at(2), Element::of(args.at(3)));
    let limits = Limits::now(cx);
    let from = SetEdit::open(&mut cx.db, source, limits)?;
    let Some(set) = from.view() else {
        cx.reply.integer(0);
        return Ok(Outcome::Done);
    };
    let is_there = set.contains(member);
    drop(from);
    // Checks the type of the destination.
    SetEdit::open(&mut cx.db, destination, limits)?;
    if is_there && source != destination {
        let mut edit = SetEdit::open(&mut cx.db, source, limits)?;
        edit.remove(member);
        edit.commit_many(SREM, 1);
        let mut edit = SetEdit::open(&mut cx.db, destination, limits)?;
        if edit.add(member) {
            edit.commit_many(SADD, 1);
        }
    }
    cx.reply.integer(i64::from(is_there));
    Ok(Outcome::Done)
}
