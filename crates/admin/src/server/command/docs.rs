//! COMMAND DOCS: the documentation that redis-cli shows as hints.

use super::super::{Args, CmdResult, Cx, Outcome};
use super::info::names;
use engine::command::{Arg, ArgKind};
use engine::{Registered, Registry};
use resp::Writer;

pub(super) fn docs(cx: &mut Cx, args: Args) -> CmdResult {
    let registry = &cx.server.registry;
    let wanted = args.from(2);
    let commands: Vec<&Registered> = if wanted.is_empty() {
        registry.top_level().collect()
    } else {
        wanted.iter().filter_map(|name| registry.find_full(name)).collect()
    };
    cx.reply.map(commands.len());
    commands.iter().for_each(|command| document(&mut cx.reply, registry, command));
    Ok(Outcome::Done)
}

/// A command's name and the map about it.
fn document(reply: &mut Writer<'_>, registry: &Registry, command: &Registered) {
    let row = command.row;
    let module = registry.extension_of(command);
    let doc_flags: Vec<(bool, &str)> =
        [(row.deprecated.is_some(), "deprecated"), (row.internal, "syscmd")]
            .into_iter()
            .filter(|(set, _)| *set)
            .collect();
    let optional = [
        !row.complexity.is_empty(),
        module.is_some(),
        !doc_flags.is_empty(),
        row.deprecated.is_some(),
        row.deprecated.is_some(),
        !row.history.is_empty(),
        !row.args.is_empty(),
        !command.subcommands.is_empty(),
    ];
    reply.bulk(command.name.as_bytes());
    reply.map(3 + optional.into_iter().filter(|present| *present).count());
    text(reply, "summary", Some(row.summary));
    text(reply, "since", Some(row.since));
    text(reply, "group", Some(row.group));
    text(reply, "complexity", Some(row.complexity).filter(|text| !text.is_empty()));
    text(reply, "module", module);
    if !doc_flags.is_empty() {
        reply.bulk(b"doc_flags");
        names(reply, doc_flags.iter(), "");
    }
    if let Some((since, by)) = row.deprecated {
        text(reply, "deprecated_since", Some(since));
        text(reply, "replaced_by", Some(by));
    }
    if !row.history.is_empty() {
        reply.bulk(b"history");
        reply.set(row.history.len());
        for (version, change) in row.history {
            reply.array(2);
            reply.bulk(version.as_bytes());
            reply.bulk(change.as_bytes());
        }
    }
    arguments(reply, row.args);
    if !command.subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(command.subcommands.len());
        let subcommands = command.subcommands.iter().map(|index| registry.get(*index));
        subcommands.for_each(|sub| document(reply, registry, sub));
    }
}

fn arguments(reply: &mut Writer<'_>, args: &[Arg]) {
    if !args.is_empty() {
        reply.bulk(b"arguments");
        reply.array(args.len());
        args.iter().for_each(|arg| argument(reply, arg));
    }
}

fn argument(reply: &mut Writer<'_>, arg: &Arg) {
    let (kind, key_spec, inner) = match arg.kind {
        ArgKind::Str => ("string", None, None),
        ArgKind::Integer => ("integer", None, None),
        ArgKind::Double => ("double", None, None),
        ArgKind::Key(spec) => ("key", Some(spec), None),
        ArgKind::Pattern => ("pattern", None, None),
        ArgKind::UnixTime => ("unix-time", None, None),
        ArgKind::Token => ("pure-token", None, None),
        ArgKind::OneOf(of) => ("oneof", None, Some(of)),
        ArgKind::Block(of) => ("block", None, Some(of)),
    };
    let flags: Vec<(bool, &str)> = [
        (arg.optional, "optional"),
        (arg.multiple, "multiple"),
        (arg.multiple_token, "multiple_token"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .collect();
    // A group has no text of its own: what it shows are its parts.
    let display = inner.is_none().then(|| arg.display.unwrap_or(arg.name));
    let optional = [
        display.is_some(),
        key_spec.is_some(),
        arg.token.is_some(),
        arg.since.is_some(),
        arg.deprecated_since.is_some(),
        !flags.is_empty(),
        inner.is_some_and(|of| !of.is_empty()),
    ];
    reply.map(2 + optional.into_iter().filter(|present| *present).count());
    text(reply, "name", Some(arg.name));
    text(reply, "type", Some(kind));
    text(reply, "display_text", display);
    if let Some(spec) = key_spec {
        reply.bulk(b"key_spec_index");
        reply.integer(spec as i64);
    }
    text(reply, "token", arg.token);
    text(reply, "since", arg.since);
    text(reply, "deprecated_since", arg.deprecated_since);
    if !flags.is_empty() {
        reply.bulk(b"flags");
        names(reply, flags.iter(), "");
    }
    arguments(reply, inner.unwrap_or_default());
}

fn text(reply: &mut Writer<'_>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
}
