//! ZSCAN.
//!
//! A small set is returned at once. A large one is walked by the hashes of its members, whose order
//! nothing that happens between two calls changes: a member that stays is returned exactly once.

use super::READ;
use super::value::View;
use crate::keys::{KeyPattern, parse_cursor};
use engine::args::Args;
use engine::command::{Categories, Command, Flags, command, integer, key, pattern};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use resp::Writer;

/// Elements that a call returns where it does not say, about.
const COUNT_DEFAULT: usize = 10;
/// A call looks at so many times as many elements as it may return.
const LOOKS: usize = 10;

pub(super) const COMMANDS: &[Command] = &[command("ZSCAN", zscan)
    .summary("Walks over the members and scores of a sorted set, some at a time.")
    .since("2.8.0")
    .group("sorted-set")
    .complexity("O(1) per call, O(N) for a whole walk over N members.")
    .flags(Flags::READONLY)
    .acl(Categories::SORTEDSET)
    .keys(READ)
    .tips(&["nondeterministic_output"])
    .args(&[
        key("key"),
        integer("cursor"),
        pattern("pattern").token("MATCH").optional(),
        integer("count").token("COUNT").optional(),
    ])];

fn zscan(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let cursor = parse_cursor(args.at(2)).ok_or(CmdError::fixed("ERR invalid cursor"))?;
    let view = View::read(&mut cx.db, args.at(1))?;
    if view.is_empty() {
        // The options of a walk over nothing are not looked at.
        reply_walk(&mut cx.reply, 0, 0, &[]);
        return Ok(Outcome::Done);
    }
    let (wanted, count_max) = options(args)?;
    let (mut found, mut count) = (Vec::new(), 0);
    let mut add = |member: &[u8], write_score: &dyn Fn(&mut Vec<u8>)| {
        if wanted.matches(member) {
            let mut out = Writer::new(&mut found, false);
            out.bulk(member);
            let mut text = Vec::with_capacity(24);
            write_score(&mut text);
            out.bulk(&text);
            count += 1;
        }
        count
    };
    let mut next = None;
    match view {
        View::Packed(_) => view.iter().for_each(|(member, score)| {
            add(&member, &|out| stdx::num::write_f64(out, score));
        }),
        View::Tree(set) => {
            let (mut looked, mut have) = (0, 0);
            next = Some(cursor);
            while let Some(position) = next
                && have < count_max
                && looked < count_max.saturating_mul(LOOKS)
            {
                next = set.scan(position, count_max - have, |member, score| {
                    looked += 1;
                    have = add(member, &|out| write_17_digits(out, score));
                });
            }
        }
    }
    reply_walk(&mut cx.reply, next.unwrap_or(0), count, &found);
    Ok(Outcome::Done)
}

/// Replies with a cursor and so many members with their scores, encoded already.
fn reply_walk(reply: &mut Writer<'_>, cursor: u64, count: usize, found: &[u8]) {
    reply.array(2);
    reply.bulk(cursor.to_string().as_bytes());
    reply.array(2 * count);
    reply.out.extend_from_slice(found);
}

/// Which members are wanted, and how many about.
fn options(args: Args<'_>) -> Result<(KeyPattern, usize), CmdError> {
    const HASH_ONLY: CmdError = CmdError::fixed("ERR NOVALUES option can only be used in HSCAN");
    let (mut wanted, mut count) = (KeyPattern::Any, COUNT_DEFAULT);
    let mut index = 3;
    while index < args.len() {
        match args.get(index + 1) {
            Some(_) if args.is(index, "COUNT") => {
                let number = args.integer(index + 1)?;
                let number = usize::try_from(number).ok().filter(|number| *number > 0);
                count = number.ok_or(error::SYNTAX)?;
            }
            Some(pattern) if args.is(index, "MATCH") => wanted = KeyPattern::new(pattern),
            _ if args.is(index, "NOVALUES") => return Err(HASH_ONLY),
            _ => return Err(error::SYNTAX),
        }
        index += 2;
    }
    Ok((wanted, count))
}

/// Appends a double as C's `%.17g` prints it, which is how the reference shows the scores of a
/// large set here and nowhere else.
fn write_17_digits(out: &mut Vec<u8>, value: f64) {
    const DIGITS: i32 = 17;
    if !value.is_finite() {
        return stdx::num::write_f64(out, value);
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..DIGITS).contains(&exponent) {
        let (mantissa, sign) = (trimmed(mantissa), if exponent < 0 { '-' } else { '+' });
        let text = format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs());
        return out.extend_from_slice(text.as_bytes());
    }
    let decimals = (DIGITS - 1 - exponent) as usize;
    out.extend_from_slice(trimmed(&format!("{value:.decimals$}")).as_bytes());
}

/// A decimal without the zeros at its end.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventeen_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.10000000000000001"),
            (1.5, "1.5"),
            (-3.0, "-3"),
            (1e15, "1000000000000000"),
            (9_007_199_254_740_994.0, "9007199254740994"),
            (1e17, "1e+17"),
            (1e300, "1.0000000000000001e+300"),
            (9_223_372_036_854_775_807.0, "9.2233720368547758e+18"),
            (123_456_789.123_456_79, "123456789.12345679"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            let mut out = Vec::new();
            write_17_digits(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
