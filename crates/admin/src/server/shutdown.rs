//! SHUTDOWN.

use super::{Args, CmdError, CmdResult, Cx, OPERATOR, Outcome};
use engine::command::{Command, Flags, command, one_of, token};
use engine::error;
use engine::port::Shutdown;

pub(super) const SHUTDOWN: Command = command("SHUTDOWN", shutdown)
    .summary("Stops the server, after saving the data where that is configured or asked for.")
    .since("1.0.0")
    .group("server")
    .complexity("O(N) for N keys where it saves, else O(1)")
    .history(&[("7.0.0", "The options `NOW`, `FORCE` and `ABORT` exist.")])
    .flags(OPERATOR.or(Flags::NO_MULTI).or(Flags::ALLOW_BUSY))
    .args(&[
        one_of("save-selector", &[token("nosave", "NOSAVE"), token("save", "SAVE")]).optional(),
        token("now", "NOW").optional().since("7.0.0"),
        token("force", "FORCE").optional().since("7.0.0"),
        token("abort", "ABORT").optional().since("7.0.0"),
    ]);

/// What the words ask for; `None` is to take a stop back.
fn parse(args: Args) -> Result<Option<Shutdown>, CmdError> {
    let mut how = Shutdown::default();
    let mut abort = false;
    for index in 1..args.len() {
        if args.is(index, "NOSAVE") && how.save != Some(true) {
            how.save = Some(false);
        } else if args.is(index, "SAVE") && how.save != Some(false) {
            how.save = Some(true);
        } else if args.is(index, "NOW") {
            how.now = true;
        } else if args.is(index, "FORCE") {
            how.force = true;
        } else if args.is(index, "ABORT") {
            abort = true;
        } else {
            return Err(error::SYNTAX);
        }
    }
    match (abort, how == Shutdown::default()) {
        (false, _) => Ok(Some(how)),
        (true, true) => Ok(None),
        (true, false) => Err(error::SYNTAX),
    }
}

fn shutdown(cx: &mut Cx, args: Args) -> CmdResult {
    const NONE: CmdError = CmdError::fixed("ERR No shutdown in progress.");
    match parse(args)? {
        None if cx.server.host.abort_shutdown() => cx.reply.ok(),
        None => return Err(NONE),
        Some(how) => {
            cx.server.host.shutdown(how).map_err(CmdError::text)?;
            // The client learns of it by the end of the connection.
            cx.session.close_after_reply = true;
        }
    }
    Ok(Outcome::Done)
}
