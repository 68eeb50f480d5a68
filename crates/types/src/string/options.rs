//! The options that string commands share: expiry, condition, GET.
//!
//! Options come in any order. Parsing is in two steps because the reference answers so: a wrong
//! word is a syntax error before the key is looked at, a bad time is an error that some commands
//! give only after it ([`Expiry::resolve`]).

use super::compare::Condition;
use engine::args::Args;
use engine::command::{Arg, integer, token, unix_time};
use engine::error::{self, CmdError};
use keyspace::Ttl;

/// What a command does to the expiry, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry<'a> {
    /// Nothing was said.
    Unsaid,
    /// The present one stays.
    Keep,
    /// The key no longer expires.
    Persist,
    /// A time, not yet read.
    Time { unit: Unit, text: &'a [u8] },
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// From now on.
    Seconds,
    /// From now on.
    Milliseconds,
    /// Since 1970.
    UnixSeconds,
    /// Since 1970.
    UnixMilliseconds,
}

impl Unit {
    /// Whether the time counts from 1970.
    pub(super) fn is_absolute(self) -> bool {
        matches!(self, Unit::UnixSeconds | Unit::UnixMilliseconds)
    }

    fn of(word: &[u8]) -> Option<Unit> {
        const WORDS: [(&str, Unit); 4] = [
            ("EX", Unit::Seconds),
            ("PX", Unit::Milliseconds),
            ("EXAT", Unit::UnixSeconds),
            ("PXAT", Unit::UnixMilliseconds),
        ];
        let found = WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|(_, unit)| *unit)
    }

    /// Reads a time: the moment in milliseconds since 1970 that it means. It must be positive and
    /// the moment must be representable; it may be past.
    pub(super) fn resolve(self, text: &[u8], now_ms: i64, command: &str) -> Result<i64, CmdError> {
        let time = stdx::num::parse_i64(text).ok_or(error::NOT_INTEGER)?;
        let time_ms = match self {
            Unit::Seconds | Unit::UnixSeconds => time.checked_mul(1000),
            Unit::Milliseconds | Unit::UnixMilliseconds => Some(time),
        };
        let base_ms = if self.is_absolute() { 0 } else { now_ms };
        let at_ms = time_ms.filter(|ms| *ms > 0).and_then(|ms| ms.checked_add(base_ms));
        at_ms.ok_or_else(|| error::invalid_expire(command))
    }
}

impl Expiry<'_> {
    /// What becomes of the expiry of a key that is set as a whole.
    pub(super) fn resolve(self, now_ms: i64, command: &str) -> Result<Ttl, CmdError> {
        match self {
            Expiry::Unsaid | Expiry::Persist => Ok(Ttl::Clear),
            Expiry::Keep => Ok(Ttl::Keep),
            Expiry::Time { unit, text } => unit.resolve(text, now_ms, command).map(Ttl::At),
        }
    }
}

/// Which options a command has besides EX, PX, EXAT and PXAT.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    /// NX and XX.
    pub(super) existence: bool,
    /// IFEQ, IFNE, IFDEQ, IFDNE, GET.
    pub(super) comparison: bool,
    /// KEEPTTL.
    pub(super) keep: bool,
    /// PERSIST.
    pub(super) persist: bool,
}

/// What the options said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Options<'a> {
    pub(super) condition: Option<Condition<'a>>,
    /// Whether the old value is the reply.
    pub(super) get: bool,
    pub(super) expiry: Expiry<'a>,
}

impl<'a> Options<'a> {
    /// No option at all.
    pub(super) const NONE: Options<'static> =
        Options { condition: None, get: false, expiry: Expiry::Unsaid };

    /// Reads the words from an index on. An option may be said twice (the last one counts) unless
    /// it compares; options that contradict each other are a syntax error.
    pub(super) fn parse(
        args: Args<'a>,
        from: usize,
        allowed: Allowed,
    ) -> Result<Options<'a>, CmdError> {
        let mut options = Options::NONE;
        let mut index = from;
        while index < args.len() {
            let taken = match options.take_expiry(args, index, allowed) {
                0 => options.take_condition(args, index, allowed)?,
                taken => taken,
            };
            if taken == 0 {
                return Err(error::SYNTAX);
            }
            index += taken;
        }
        Ok(options)
    }

    /// Takes an expiry at an index. Returns the words it has; 0: there is none, or it contradicts
    /// what was said before.
    pub(super) fn take_expiry(&mut self, args: Args<'a>, index: usize, allowed: Allowed) -> usize {
        if allowed.keep && args.is(index, "KEEPTTL") {
            return self.agree(Expiry::Keep, 1);
        }
        if allowed.persist && args.is(index, "PERSIST") {
            return self.agree(Expiry::Persist, 1);
        }
        match (Unit::of(args.at(index)), args.get(index + 1)) {
            (Some(unit), Some(text)) => self.agree(Expiry::Time { unit, text }, 2),
            _ => 0,
        }
    }

    fn agree(&mut self, expiry: Expiry<'a>, words: usize) -> usize {
        let agrees = match (self.expiry, expiry) {
            (Expiry::Unsaid, _) => true,
            (Expiry::Time { unit: before, .. }, Expiry::Time { unit, .. }) => before == unit,
            (before, now) => before == now,
        };
        if !agrees {
            return 0;
        }
        self.expiry = expiry;
        words
    }

    fn take_condition(
        &mut self,
        args: Args<'a>,
        index: usize,
        allowed: Allowed,
    ) -> Result<usize, CmdError> {
        let existence = match () {
            () if !allowed.existence => None,
            () if args.is(index, "NX") => Some(Condition::Missing),
            () if args.is(index, "XX") => Some(Condition::Exists),
            () => None,
        };
        if existence.is_some() {
            if self.condition.is_some() && self.condition != existence {
                return Err(error::SYNTAX);
            }
            self.condition = existence;
            return Ok(1);
        }
        if !allowed.comparison {
            return Ok(0);
        }
        if args.is(index, "GET") {
            self.get = true;
            return Ok(1);
        }
        let Some(condition) = Condition::parse(args, index)? else { return Ok(0) };
        if self.condition.is_some() {
            return Err(error::SYNTAX);
        }
        self.condition = Some(condition);
        Ok(2)
    }
}

/// The grammar of EX, PX, EXAT and PXAT.
pub(super) const EX: Arg = integer("seconds").token("EX");
/// See [`EX`].
pub(super) const PX: Arg = integer("milliseconds").token("PX");
/// See [`EX`].
pub(super) const EXAT: Arg = unix_time("unix-time-seconds").token("EXAT");
/// See [`EX`].
pub(super) const PXAT: Arg = unix_time("unix-time-milliseconds").token("PXAT");
/// The grammar of PERSIST.
pub(super) const PERSIST: Arg = token("persist", "PERSIST");

#[cfg(test)]
mod tests;
