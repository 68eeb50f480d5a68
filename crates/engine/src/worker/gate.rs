//! What stands between a request and its execution, in the order in which Redis asks.

use crate::command::{Flags, InMulti, Scope};
use crate::error::{self, CmdError};
use crate::registry::Registered;
use crate::server::{PauseMode, Server};
use crate::session::{ReplyMode, Session};

/// What becomes of a request.
pub(super) enum Verdict {
    /// It runs.
    Run,
    /// It is queued in the transaction.
    Queue,
    /// It waits until a time in milliseconds since 1970.
    Wait(i64),
    /// It gets an error.
    Refuse(CmdError),
}

/// Whether a command may join a batch: it works on declared keys only, never waits, and nothing
/// about the session asks for more than running it.
#[inline]
pub(super) fn is_plain(session: &Session, command: &Registered) -> bool {
    let row = command.row;
    row.scope == Scope::Keys
        && !row.keys.is_empty()
        && !command.flags.has(Flags::BLOCKING)
        && !command.flags.has(Flags::NOSCRIPT)
        && session.multi.is_none()
        && session.reply_mode == ReplyMode::ON
        && session.user.as_ref().is_some_and(|user| user.unrestricted)
}

/// Judges a resolved request.
pub(super) fn judge(
    server: &Server,
    session: &Session,
    command: &Registered,
    now_ms: i64,
) -> Verdict {
    let flags = command.flags;
    if let Some(param) = command.row.guard
        && !is_enabled_for(session, server.config.int(server.config.require(param)))
    {
        return Verdict::Refuse(not_enabled(command, param));
    }
    if !session.is_authenticated() && !flags.has(Flags::NO_AUTH) {
        return Verdict::Refuse(error::NO_AUTH);
    }
    if session.multi.is_some() && flags.has(Flags::NO_MULTI) {
        return Verdict::Refuse(CmdError::fixed("ERR Command not allowed inside a transaction"));
    }
    if let Some((mode, until_ms)) = server.pause.active(now_ms)
        && is_paused(session, command, mode)
    {
        return Verdict::Wait(until_ms);
    }
    if session.multi.is_some() && command.row.in_multi == InMulti::Queue {
        return Verdict::Queue;
    }
    Verdict::Run
}

fn is_paused(session: &Session, command: &Registered, mode: PauseMode) -> bool {
    if mode == PauseMode::All {
        return true;
    }
    let writes = Flags::WRITE | Flags::MAY_REPLICATE;
    let may_write = |flags: Flags| flags.0 & writes.0 != 0;
    // A transaction is held back as a whole, where it is executed.
    let queue_writes = command.row.in_multi == InMulti::Execute
        && session.multi.as_ref().is_some_and(|multi| multi.writes);
    may_write(command.flags) || queue_writes
}

fn not_enabled(command: &Registered, param: &str) -> CmdError {
    let name = command.name.split('|').next().unwrap_or_default().to_ascii_uppercase();
    CmdError::text(format!(
        "ERR {name} command not allowed. If the {param} option is set to \"local\", you can run it \
         from a local connection, otherwise you need to set this option in the configuration file, \
         and then restart the server."
    ))
}

/// Whether a guarded command (`enable-debug-command`, `enable-module-command`) may be called by a
/// client, given the parameter's value.
pub fn is_enabled_for(session: &Session, choice: i64) -> bool {
    match choice {
        0 => false,
        1 => true,
        _ => session.client.peer.is_local,
    }
}
