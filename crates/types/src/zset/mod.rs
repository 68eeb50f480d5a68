//! Sorted sets: members with scores, ordered by score and then by member.
//!
//! A small set is packed into the key's own block ([`small`]); one that outgrows
//! `zset-max-listpack-entries` or `zset-max-listpack-value` becomes an ordered set with ranks
//! (`structs::ordered`) and stays one. Every range, by rank, score or member, becomes a range of
//! ranks first; so counting, reading, removing and storing it are the same for all.
//!
//! Reading order: [`value`], [`edit`], [`bounds`] (the ends of ranges), then the commands: [`add`],
//! [`score`], [`range`], [`remove`], [`pop`], [`random`], [`scan`], [`combine`].

mod add;
mod bounds;
mod combine;
mod edit;
mod pop;
mod random;
mod range;
mod remove;
mod scan;
mod score;
mod small;
mod value;

use engine::command::{Flags, KeyFlags, KeySpec};
use engine::module::{Module, module};
use keyspace::hooks::{Event, EventClass};
use keyspace::value::TypeInfo;
use resp::Writer;

/// The sorted set commands.
pub const MODULE: Module = module("zset")
    .commands(&[
        add::COMMANDS,
        score::COMMANDS,
        range::COMMANDS,
        range::OLD_COMMANDS,
        remove::COMMANDS,
        pop::COMMANDS,
        random::COMMANDS,
        scan::COMMANDS,
        combine::COMMANDS,
    ])
    .types(&[TypeInfo::of::<value::ZSet>()]);

/// A key was deleted by a command.
const DEL: Event = Event::new(EventClass::GENERIC, "del");

const fn event(name: &'static str) -> Event {
    Event::new(EventClass::SORTED_SET, name)
}

const READ_FAST: Flags = Flags::READONLY.or(Flags::FAST);
/// The key that is read.
const READ: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.or(KeyFlags::ACCESS))];
/// The key that loses members.
const REMOVE: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.or(KeyFlags::DELETE))];

/// Begins a reply of so many members, with scores or without.
#[inline]
fn reply_len(reply: &mut Writer<'_>, len: usize, with_scores: bool) {
    reply.array(if with_scores && !reply.resp3 { 2 * len } else { len });
}

/// One member of such a reply. With its score it is a pair where the protocol has doubles.
#[inline]
fn reply_element(reply: &mut Writer<'_>, member: &[u8], score: Option<f64>) {
    let Some(score) = score else { return reply.bulk(member) };
    if reply.resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    reply.double(score);
}
