//! WAIT and WAITAOF: how far others have got with a client's writes.
//!
//! There are neither replicas nor a log of writes, so nobody ever acknowledges anything: whoever
//! asks for an acknowledgement waits until the timeout.

use engine::command::{Categories, Command, Flags, command, integer};
use engine::cx::{Job, Step};
use engine::error::{self, CmdError};
use engine::{Args, CmdResult, Cx, Outcome};

const TIPS: &[&str] = &["request_policy:all_shards", "response_policy:agg_min"];

pub(super) const COMMANDS: &[Command] = &[
    command("WAIT", wait)
        .summary("Waits until replicas have this connection's writes.")
        .since("3.0.0")
        .complexity("O(1)")
        .flags(Flags::BLOCKING)
        .acl(Categories::CONNECTION)
        .args(&[integer("numreplicas"), integer("timeout")])
        .tips(TIPS),
    command("WAITAOF", waitaof)
        .summary("Waits until this connection's writes are on disk here, on replicas, or both.")
        .since("7.2.0")
        .complexity("O(1)")
        .flags(Flags::BLOCKING)
        .acl(Categories::CONNECTION)
        .args(&[integer("numlocal"), integer("numreplicas"), integer("timeout")])
        .tips(TIPS),
];

fn wait(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let replicas = args.integer(1)?;
    let until_ms = deadline_ms(args.at(2), cx.db.now_ms)?;
    wait_for(cx, replicas > 0, until_ms, |cx| cx.reply.integer(0))
}

fn waitaof(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    const LOCAL_RANGE: CmdError =
        CmdError::fixed("ERR value is out of range, value must between 0 and 1");
    const NO_LOG: CmdError = CmdError::fixed(
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
    );
    let local = args.integer(1)?;
    if !(0..=1).contains(&local) {
        return Err(LOCAL_RANGE);
    }
    let replicas = args.integer(2).ok().filter(|replicas| *replicas >= 0);
    let replicas = replicas.ok_or(error::MUST_BE_POSITIVE)?;
    let until_ms = deadline_ms(args.at(3), cx.db.now_ms)?;
    if local > 0 {
        return Err(NO_LOG);
    }
    wait_for(cx, replicas > 0, until_ms, |cx| {
        cx.reply.array(2);
        cx.reply.integer(0);
        cx.reply.integer(0);
    })
}

/// When a timeout in milliseconds from now ends; `i64::MAX` for 0, which is none.
fn deadline_ms(timeout: &[u8], now_ms: i64) -> Result<i64, CmdError> {
    const NOT_INTEGER: CmdError = CmdError::fixed("ERR timeout is not an integer or out of range");
    const NEGATIVE: CmdError = CmdError::fixed("ERR timeout is negative");
    const OUT_OF_RANGE: CmdError = CmdError::fixed("ERR timeout is out of range");
    match stdx::num::parse_i64(timeout).ok_or(NOT_INTEGER)? {
        0 => Ok(i64::MAX),
        timeout_ms if timeout_ms < 0 => Err(NEGATIVE),
        timeout_ms => now_ms.checked_add(timeout_ms).ok_or(OUT_OF_RANGE),
    }
}

type Reply = fn(&mut Cx<'_, '_>);

/// Replies at once where nothing is to be waited for or waiting is not allowed, else at the
/// deadline.
fn wait_for(cx: &mut Cx<'_, '_>, waits: bool, until_ms: i64, reply: Reply) -> CmdResult {
    if !waits || cx.is_nested {
        reply(cx);
        return Ok(Outcome::Done);
    }
    cx.session.client.set_blocked(true);
    Ok(Outcome::Job(Box::new(Waiting { until_ms, reply })))
}

struct Waiting {
    until_ms: i64,
    reply: Reply,
}

impl Job for Waiting {
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError> {
        if cx.db.now_ms < self.until_ms {
            return Ok(Step::Until(self.until_ms));
        }
        cx.session.client.set_blocked(false);
        (self.reply)(cx);
        Ok(Step::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        assert_eq!(deadline_ms(b"0", 7), Ok(i64::MAX));
        assert_eq!(deadline_ms(b"5", 7), Ok(12));
        let cases: [(&[u8], &str); 4] = [
            (b"1.5", "ERR timeout is not an integer or out of range"),
            (b"9223372036854775808", "ERR timeout is not an integer or out of range"),
            (b"-1", "ERR timeout is negative"),
            (b"9223372036854775807", "ERR timeout is out of range"),
        ];
        for (text, error) in cases {
            assert_eq!(deadline_ms(text, 7), Err(CmdError::fixed(error)));
        }
    }
}
