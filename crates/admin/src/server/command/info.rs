//! COMMAND and COMMAND INFO: the description that cluster clients and proxies are made for.

use super::super::{Args, CmdResult, Cx, Outcome};
use engine::command::{Begin, Categories, Find, Flags, KeyFlags, KeySpec};
use engine::{Registered, Registry};
use resp::Writer;

pub(super) fn all(cx: &mut Cx, _: Args) -> CmdResult {
    let registry = &cx.server.registry;
    cx.reply.array(registry.top_level().len());
    registry.top_level().for_each(|command| describe(&mut cx.reply, registry, command));
    Ok(Outcome::Done)
}

pub(super) fn some(cx: &mut Cx, args: Args) -> CmdResult {
    let names = args.from(2);
    if names.is_empty() {
        return all(cx, args);
    }
    let registry = &cx.server.registry;
    cx.reply.array(names.len());
    for name in names.iter() {
        match registry.find_full(name) {
            Some(command) => describe(&mut cx.reply, registry, command),
            None => cx.reply.null(),
        }
    }
    Ok(Outcome::Done)
}

fn describe(reply: &mut Writer<'_>, registry: &Registry, command: &Registered) {
    let (first, last, step) = command.legacy_keys;
    reply.array(10);
    reply.bulk(command.name.as_bytes());
    reply.integer(i64::from(command.arity));
    names(reply, Flags::SHOWN.iter().filter(|(flag, _)| command.flags.has(*flag)), "");
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    names(reply, Categories::ALL.iter().filter(|(flag, _)| command.categories.has(*flag)), "@");
    reply.set(command.row.tips.len());
    command.row.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(command.keys().len());
    command.keys().iter().for_each(|spec| key_spec(reply, spec));
    if command.subcommands.is_empty() {
        // Without subcommands the list has the type of the other empty lists.
        return reply.set(0);
    }
    reply.array(command.subcommands.len());
    for index in &command.subcommands {
        describe(reply, registry, registry.get(*index));
    }
}

/// A set of names as simple strings.
pub(super) fn names<'n, F: 'n>(
    reply: &mut Writer<'_>,
    names: impl Iterator<Item = &'n (F, &'static str)>,
    prefix: &str,
) {
    let names: Vec<&str> = names.map(|(_, name)| *name).collect();
    reply.set(names.len());
    names.iter().for_each(|name| reply.simple(&format!("{prefix}{name}")));
}

/// The names of key flags as a set.
pub(super) fn key_flags(reply: &mut Writer<'_>, flags: KeyFlags) {
    names(reply, KeyFlags::SHOWN.iter().filter(|(flag, _)| flags.has(*flag)), "");
}

fn key_spec(reply: &mut Writer<'_>, spec: &KeySpec) {
    reply.map(3 + usize::from(spec.notes.is_some()));
    if let Some(notes) = spec.notes {
        reply.bulk(b"notes");
        reply.bulk(notes.as_bytes());
    }
    reply.bulk(b"flags");
    key_flags(reply, spec.flags);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => search(reply, "index", &[("index", index as i64)]),
        Begin::Keyword(word, from) => {
            search_head(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            number(reply, "startfrom", from as i64);
        }
        Begin::Unknown => search(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let last = ("lastkey", last as i64);
            search(reply, "range", &[last, ("keystep", step as i64), ("limit", limit as i64)]);
        }
        Find::KeyNum { index, first, step } => {
            let index = ("keynumidx", index as i64);
            search(reply, "keynum", &[index, ("firstkey", first as i64), ("keystep", step as i64)]);
        }
        Find::Unknown => search(reply, "unknown", &[]),
    }
}

fn search(reply: &mut Writer<'_>, kind: &str, numbers: &[(&str, i64)]) {
    search_head(reply, kind, numbers.len());
    numbers.iter().for_each(|(name, value)| number(reply, name, *value));
}

fn search_head(reply: &mut Writer<'_>, kind: &str, fields: usize) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(fields);
}

fn number(reply: &mut Writer<'_>, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}
