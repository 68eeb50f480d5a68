//! INCREX: add within bounds, and set the expiry, in one step. A rate limiter in one command.
//!
//! A sum outside the bounds changes nothing and is answered with the present value and 0; with
//! SATURATE the value goes to the bound instead. The bounds of the number type count as bounds
//! where none are given. Both kinds of number go through [`bounded`], which knows them by what it
//! needs: order, sum and difference.

use super::number::{self, FLAGS, INCRBY, INCRBYFLOAT, KEYS, NOT_FINITE, OVERFLOW, text_of};
use super::options::{Allowed, EX, EXAT, Expiry, Options, PERSIST as PERSIST_ARG, PX, PXAT};
use super::set::logged_set;
use super::{EXPIRE, PERSIST};
use engine::args::Args;
use engine::command::{
    Arg, Categories, Command, command, double, integer, key, one_of, string, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::{Edit, Ttl};
use stdx::longdouble::LongDouble;

const INCREMENTS: &[Arg] = &[double("float").token("BYFLOAT"), integer("integer").token("BYINT")];
const EXPIRATIONS: &[Arg] = &[EX, PX, EXAT, PXAT, PERSIST_ARG];

pub(super) const COMMANDS: &[Command] = &[command("INCREX", increx)
    .summary("Adds a number to the number at a key within bounds and sets the key's expiry.")
    .since("8.8.0")
    .group("string")
    .complexity("O(1)")
    .flags(FLAGS)
    .acl(Categories::STRING)
    .keys(KEYS)
    .args(&[
        key("key"),
        one_of("increment", INCREMENTS).optional(),
        token("saturate", "SATURATE").optional(),
        string("lowerbound").token("LBOUND").optional(),
        string("upperbound").token("UBOUND").optional(),
        one_of("expiration", EXPIRATIONS).optional(),
        token("enx", "ENX").optional(),
    ])];

/// What to add.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Increment<'a> {
    /// One.
    Unsaid,
    Int(&'a [u8]),
    Float(&'a [u8]),
}

/// The call as it was written.
#[derive(Debug, PartialEq)]
struct Call<'a> {
    increment: Increment<'a>,
    lower: Option<&'a [u8]>,
    upper: Option<&'a [u8]>,
    saturates: bool,
    expiry: Expiry<'a>,
    /// Whether an expiry that is there stays.
    keeps_expiry: bool,
}

const NEEDS_EXPIRY: CmdError = CmdError::fixed("ERR ENX flag requires an expiration");
const ALLOWED: Allowed =
    Allowed { existence: false, comparison: false, keep: false, persist: true };

impl<'a> Call<'a> {
    fn parse(args: Args<'a>) -> Result<Call<'a>, CmdError> {
        let mut options = Options::NONE;
        let (mut increment, mut lower, mut upper) = (Increment::Unsaid, None, None);
        let (mut saturates, mut keeps_expiry) = (false, false);
        let mut index = 2;
        while index < args.len() {
            let operand = args.get(index + 1);
            let taken = match operand {
                _ if args.is(index, "SATURATE") => {
                    saturates = true;
                    1
                }
                _ if args.is(index, "ENX") => {
                    keeps_expiry = true;
                    1
                }
                Some(text) if args.is(index, "BYINT") && increment == Increment::Unsaid => {
                    increment = Increment::Int(text);
                    2
                }
                Some(text) if args.is(index, "BYFLOAT") && increment == Increment::Unsaid => {
                    increment = Increment::Float(text);
                    2
                }
                Some(text) if args.is(index, "LBOUND") => {
                    lower = Some(text);
                    2
                }
                Some(text) if args.is(index, "UBOUND") => {
                    upper = Some(text);
                    2
                }
                _ => options.take_expiry(args, index, ALLOWED),
            };
            if taken == 0 {
                return Err(error::SYNTAX);
            }
            index += taken;
        }
        match options.expiry {
            Expiry::Persist if keeps_expiry => return Err(error::SYNTAX),
            Expiry::Unsaid if keeps_expiry => return Err(NEEDS_EXPIRY),
            _ => {}
        }
        let expiry = options.expiry;
        Ok(Call { increment, lower, upper, saturates, expiry, keeps_expiry })
    }

    /// What becomes of an expiry that the key has, if it has one.
    fn ttl(&self, now_ms: i64) -> Result<Ttl, CmdError> {
        match self.expiry {
            Expiry::Unsaid => Ok(Ttl::Keep),
            expiry => expiry.resolve(now_ms, "increx"),
        }
    }
}

fn increx(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let call = Call::parse(args)?;
    match call.increment {
        Increment::Unsaid => add_int(cx, args.at(1), 1, &call),
        Increment::Int(text) => add_int(cx, args.at(1), read_int(text)?, &call),
        Increment::Float(text) => add_float(cx, args.at(1), read_float(text)?, &call),
    }
}

fn read_int(text: &[u8]) -> Result<i64, CmdError> {
    stdx::num::parse_i64(text).ok_or(error::NOT_INTEGER)
}

fn read_float(text: &[u8]) -> Result<LongDouble, CmdError> {
    LongDouble::parse(text).ok_or(error::NOT_FLOAT)
}

fn add_int(cx: &mut Cx<'_, '_>, key: &[u8], increment: i64, call: &Call<'_>) -> CmdResult {
    let bounds = bounds(call, read_int, (i64::MIN, i64::MAX))?;
    let ttl = call.ttl(cx.db.now_ms)?;
    let mut edit = cx.db.edit_str(key)?;
    let old = number::int_of(edit.entry())?;
    let new = bounded(old.checked_add(increment), increment < 0, bounds, call.saturates);
    let delta = match new {
        Some(new) => new.checked_sub(old).ok_or(OVERFLOW)?,
        None => 0,
    };
    if let Some(new) = new {
        edit.set_int(new);
        let ttl = settle_expiry(&mut edit, ttl, call.keeps_expiry);
        edit.commit(INCRBY);
        let text = stdx::num::Decimal::new(new);
        finish(cx, key, text.as_bytes(), ttl);
    }
    cx.reply.array(2);
    cx.reply.integer(new.unwrap_or(old));
    cx.reply.integer(delta);
    Ok(Outcome::Done)
}

fn add_float(cx: &mut Cx<'_, '_>, key: &[u8], increment: LongDouble, call: &Call<'_>) -> CmdResult {
    let bounds = bounds(call, read_float, (-LongDouble::MAX, LongDouble::MAX))?;
    let ttl = call.ttl(cx.db.now_ms)?;
    let mut edit = cx.db.edit_str(key)?;
    let old = number::float_of(edit.entry())?;
    if old.is_infinite() || increment.is_infinite() {
        return Err(NOT_FINITE);
    }
    let sum = Some(old + increment).filter(|sum| !sum.is_infinite());
    let is_within = sum.is_some_and(|sum| bounds.0 <= sum && sum <= bounds.1);
    let new = bounded(sum, increment < LongDouble::ZERO, bounds, call.saturates);
    let delta = match new {
        Some(_) if is_within => increment,
        Some(new) => new + -old,
        None => LongDouble::ZERO,
    };
    if delta.is_infinite() {
        return Err(NOT_FINITE);
    }
    if let Some(new) = new {
        let text = text_of(new);
        edit.set_bytes(&text);
        let ttl = settle_expiry(&mut edit, ttl, call.keeps_expiry);
        edit.commit(INCRBYFLOAT);
        finish(cx, key, &text, ttl);
    }
    cx.reply.array(2);
    cx.reply.double_text(&text_of(new.unwrap_or(old)));
    cx.reply.double_text(&text_of(delta));
    Ok(Outcome::Done)
}

const BOUNDS_CROSS: CmdError = CmdError::fixed("ERR LBOUND can't be greater than UBOUND");

/// The bounds of a call, given those of the type.
fn bounds<T: PartialOrd>(
    call: &Call<'_>,
    read: impl Fn(&[u8]) -> Result<T, CmdError>,
    of_type: (T, T),
) -> Result<(T, T), CmdError> {
    let lower = call.lower.map(&read).transpose()?.unwrap_or(of_type.0);
    let upper = call.upper.map(&read).transpose()?.unwrap_or(of_type.1);
    if lower > upper {
        return Err(BOUNDS_CROSS);
    }
    Ok((lower, upper))
}

/// The value after an addition: the sum where it is within the bounds, else the bound it passed, or
/// nothing without saturation. A missing sum is one outside the type, on the side of the increment.
fn bounded<T: PartialOrd>(
    sum: Option<T>,
    decreases: bool,
    (lower, upper): (T, T),
    saturates: bool,
) -> Option<T> {
    let is_below = match sum {
        Some(sum) if lower <= sum && sum <= upper => return Some(sum),
        Some(sum) => sum < lower,
        None => decreases,
    };
    saturates.then_some(if is_below { lower } else { upper })
}

/// Gives a changed key its expiry; returns what was done to it.
fn settle_expiry(edit: &mut Edit<'_>, ttl: Ttl, keeps_expiry: bool) -> Ttl {
    let has_expiry = edit.expire_at_ms().is_some();
    match ttl {
        Ttl::At(at_ms) if !(keeps_expiry && has_expiry) => {
            edit.set_expiry(Some(at_ms));
            ttl
        }
        Ttl::Clear if edit.set_expiry(None) => ttl,
        _ => Ttl::Keep,
    }
}

/// Raises the event of the expiry, and logs what was done.
fn finish(cx: &mut Cx<'_, '_>, key: &[u8], text: &[u8], ttl: Ttl) {
    match ttl {
        Ttl::At(_) => cx.db.fx.notify(EXPIRE, cx.db.index, key),
        Ttl::Clear => cx.db.fx.notify(PERSIST, cx.db.index, key),
        Ttl::Keep => {}
    }
    cx.db.rewrite(|| vec![logged_set(key, text, ttl)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::args::OwnedArgs;

    fn parse(text: &str) -> Result<(bool, bool), CmdError> {
        let mut args = OwnedArgs::default();
        text.split_whitespace().for_each(|word| args.push(word.as_bytes()));
        Call::parse(args.as_args()).map(|call| (call.saturates, call.keeps_expiry))
    }

    #[test]
    fn calls_and_their_contradictions() {
        assert_eq!(parse("INCREX k"), Ok((false, false)));
        let long = "INCREX k enx UBOUND 9 byint 3 SATURATE ex 10 LBOUND 1";
        assert_eq!(parse(long), Ok((true, true)));
        for tail in ["FOO", "BYINT", "BYINT 1 BYFLOAT 1", "LBOUND", "PERSIST EX 1", "ENX PERSIST"] {
            assert_eq!(parse(&format!("INCREX k {tail}")), Err(error::SYNTAX), "{tail}");
        }
        assert_eq!(parse("INCREX k ENX"), Err(NEEDS_EXPIRY));
    }

    #[test]
    fn sums_go_to_the_bound_they_pass() {
        let check = |sum, decreases, saturates| bounded(sum, decreases, (-10, 10), saturates);
        assert_eq!(check(Some(10), false, false), Some(10));
        assert_eq!(check(Some(11), false, false), None);
        assert_eq!(check(Some(11), false, true), Some(10));
        assert_eq!(check(Some(-11), true, true), Some(-10));
        // From far above the range, a decrease may still end above it.
        assert_eq!(check(Some(50), true, true), Some(10));
        assert_eq!(check(None, false, true), Some(10));
        assert_eq!(check(None, true, true), Some(-10));
        assert_eq!(check(None, true, false), None);
    }
}
