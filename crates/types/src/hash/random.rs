//! HRANDFIELD.

use super::value::View;
use super::{HASH, READS, read};
use crate::element::{reply_element, reply_optional};
use crate::sample::{self, Count};
use engine::args::Args;
use engine::command::{Command, Flags, block, command, integer, key, token};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use resp::Writer;
use structs::records::{self, Record};

pub(super) const COMMANDS: &[Command] = &[command("HRANDFIELD", hrandfield)
    .summary("Returns random fields of a hash.")
    .since("6.2.0")
    .group("hash")
    .complexity("O(N) where N is the number of fields returned")
    .flags(Flags::READONLY)
    .acl(HASH)
    .tips(&["nondeterministic_output"])
    .keys(READS)
    .args(&[
        key("key"),
        block("options", &[integer("count"), token("withvalues", "WITHVALUES").optional()])
            .optional(),
    ])];

fn hrandfield(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    if args.len() == 2 {
        let hash = read(&mut cx.db, args.at(1))?;
        let record = hash.and_then(|hash| hash.random(cx.rng));
        reply_optional(&mut cx.reply, record.map(|record| record.key));
        return Ok(Outcome::Done);
    }
    let count = Count::parse(args, 2)?;
    let with_values = args.len() > 3;
    if args.len() > 4 || with_values && !args.is(3, "WITHVALUES") {
        return Err(error::SYNTAX);
    }
    if with_values && count.number > i64::MAX as u64 / 2 {
        return Err(CmdError::fixed("ERR value is out of range"));
    }
    let Some(hash) = read(&mut cx.db, args.at(1))? else {
        cx.reply.array(0);
        return Ok(Outcome::Done);
    };
    if count.repeats {
        begin(&mut cx.reply, count.number as usize, with_values);
        for _ in 0..count.number {
            let record = hash.random(cx.rng);
            record.into_iter().for_each(|record| field(&mut cx.reply, record, with_values));
        }
        return Ok(Outcome::Done);
    }
    let chosen = match hash {
        View::Table(table) => table.random_distinct(count.of(table.len()), cx.rng),
        View::Packed(bytes) => {
            let all: Vec<Record<'_>> = records::iter::<2>(bytes).collect();
            let indexes = sample::indexes(all.len(), count.of(all.len()), cx.rng);
            indexes.into_iter().map(|index| all[index]).collect()
        }
    };
    begin(&mut cx.reply, chosen.len(), with_values);
    chosen.into_iter().for_each(|record| field(&mut cx.reply, record, with_values));
    Ok(Outcome::Done)
}

/// Begins a reply of some fields: pairs in RESP3, all words in a row in RESP2.
fn begin(reply: &mut Writer<'_>, count: usize, with_values: bool) {
    let is_flat = with_values && !reply.resp3;
    reply.array(if is_flat { count * 2 } else { count });
}

fn field(reply: &mut Writer<'_>, record: Record<'_>, with_values: bool) {
    if with_values && reply.resp3 {
        reply.array(2);
    }
    reply_element(reply, record.key);
    if with_values {
        reply_element(reply, record.value);
    }
}
