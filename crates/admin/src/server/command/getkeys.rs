//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of a request that is given, not run.

use super::super::{Args, CmdError, CmdResult, Cx, Outcome};
use super::info::key_flags;
use engine::command::KeyFlags;
use engine::{Registry, keys};

const UNKNOWN: CmdError = CmdError::fixed("ERR Invalid command specified");
const NO_KEYS: CmdError = CmdError::fixed("ERR The command has no key arguments");
const ARITY: CmdError = CmdError::fixed("ERR Invalid number of arguments specified for command");
const INVALID: CmdError = CmdError::fixed("ERR Invalid arguments specified for command");

pub(super) fn getkeys(cx: &mut Cx, args: Args) -> CmdResult {
    let found = find(&cx.server.registry, args.from(2))?;
    cx.reply.array(found.len());
    found.iter().for_each(|(key, _)| cx.reply.bulk(key));
    Ok(Outcome::Done)
}

pub(super) fn getkeysandflags(cx: &mut Cx, args: Args) -> CmdResult {
    let found = find(&cx.server.registry, args.from(2))?;
    cx.reply.array(found.len());
    for (key, flags) in found {
        cx.reply.array(2);
        cx.reply.bulk(key);
        key_flags(&mut cx.reply, flags);
    }
    Ok(Outcome::Done)
}

fn find<'a>(registry: &Registry, request: Args<'a>) -> Result<Vec<(&'a [u8], KeyFlags)>, CmdError> {
    let command = registry.find(request.at(0)).ok_or(UNKNOWN)?;
    let command = match request.get(1) {
        Some(word) if !command.subcommands.is_empty() => {
            registry.subcommand(command, word).ok_or(UNKNOWN)?
        }
        _ => command,
    };
    if command.keys().iter().all(|spec| spec.flags.has(KeyFlags::NOT_KEY)) {
        return Err(NO_KEYS);
    }
    if !command.accepts(request.len()) {
        return Err(ARITY);
    }
    let refined = command.row.refine_keys.map(|refine| refine(request));
    let mut found = Vec::new();
    let visited = keys::for_each_key(command.keys(), request, &mut |index, flags| {
        let refined = refined.filter(|_| flags.has(KeyFlags::VARIABLE));
        if !flags.has(KeyFlags::NOT_KEY) {
            found.push((request.at(index), refined.unwrap_or(flags)));
        }
    });
    visited.map_err(|_| INVALID)?;
    Ok(found)
}
