//! The row of a parameter and the const builders the tables are written with.

use std::borrow::Cow;

/// Why a value was refused, in the words CONFIG SET puts after the parameter's name.
pub type Reason = Cow<'static, str>;

/// The index of a row in a [`crate::Config`]; valid for that `Config` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParamId(pub(crate) u16);

/// Rights and habits of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Flags(u8);

impl Flags {
    /// No special right or habit.
    pub const NONE: Flags = Flags(0);
    /// Only a file or the command line may set it.
    pub const IMMUTABLE: Flags = Flags(1);
    /// The value must not reach logs, MONITOR or SLOWLOG.
    pub const SENSITIVE: Flags = Flags(2);
    /// CONFIG SET needs `enable-protected-configs`.
    pub const PROTECTED: Flags = Flags(4);
    /// Answers only to its exact name, never to a pattern.
    pub const HIDDEN: Flags = Flags(8);
    /// Takes a list of arguments; a single argument is split at spaces.
    pub const MULTI_ARG: Flags = Flags(16);
    /// CONFIG SET is refused while the data set loads.
    pub const DENY_LOADING: Flags = Flags(32);
    /// CONFIG SET of the current value still runs the hook, because something outside the
    /// configuration (a file's content) may have changed.
    pub const VOLATILE: Flags = Flags(64);

    /// Both sets.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// True when every flag of `other` is set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The bounds of a number.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub min: i64,
    pub max: i64,
    /// Redis keeps the value in an unsigned type, which shows in the error for a negative one.
    pub unsigned: bool,
    /// Accepted values outside are silently moved to the nearest bound.
    pub clamp: (i64, i64),
    /// The value must be a multiple of this.
    pub step: i64,
}

/// What values a parameter takes.
#[derive(Clone, Copy)]
pub enum Kind {
    Bool,
    Int(Range),
    /// An integer written in octal.
    Octal(Range),
    /// A byte count with units; `percent` also allows a share of `maxmemory`, kept negative.
    Memory {
        range: Range,
        percent: bool,
    },
    /// One of the names; two names may share a value, the first one is printed.
    Enum {
        names: &'static [(&'static str, i64)],
        newer: &'static [(&'static str, i64)],
    },
    /// Any number of the names, their values or-ed; the name of value 0 prints the empty set.
    Bits(&'static [(&'static str, i64)]),
    /// A real number strictly between the bounds.
    Real {
        above: f64,
        below: f64,
    },
    Text(fn(&str) -> Result<(), Reason>),
    Special(&'static crate::special::Special),
}

/// One row of a parameter table.
#[derive(Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub alias: Option<&'static str>,
    pub kind: Kind,
    pub default: &'static str,
    pub flags: Flags,
}

pub(crate) const I32_MAX: i64 = i32::MAX as i64;
pub(crate) const I32_MIN: i64 = i32::MIN as i64;
pub(crate) const U32_MAX: i64 = u32::MAX as i64;

const fn row(name: &'static str, default: &'static str, kind: Kind) -> Param {
    Param { name, alias: None, kind, default, flags: Flags::NONE }
}

const fn range(min: i64, max: i64) -> Range {
    Range { min, max, unsigned: false, clamp: (i64::MIN, i64::MAX), step: 1 }
}

/// A yes/no parameter.
pub const fn boolean(name: &'static str, default: &'static str) -> Param {
    row(name, default, Kind::Bool)
}

/// An integer between two bounds, both allowed.
pub const fn int(name: &'static str, default: &'static str, min: i64, max: i64) -> Param {
    row(name, default, Kind::Int(range(min, max)))
}

/// A number written in octal, such as file permissions.
pub const fn octal(name: &'static str, default: &'static str, min: i64, max: i64) -> Param {
    row(name, default, Kind::Octal(range(min, max)))
}

/// A byte count that Redis keeps unsigned.
pub const fn memory(name: &'static str, default: &'static str, min: i64) -> Param {
    memory_range(name, default, min, i64::MAX, false)
}

/// A byte count with an upper bound, or one that also takes a percentage.
pub const fn memory_range(
    name: &'static str,
    default: &'static str,
    min: i64,
    max: i64,
    percent: bool,
) -> Param {
    let mut range = range(min, max);
    range.unsigned = !percent;
    row(name, default, Kind::Memory { range, percent })
}

/// One of several names.
pub const fn choice(
    name: &'static str,
    default: &'static str,
    names: &'static [(&'static str, i64)],
) -> Param {
    row(name, default, Kind::Enum { names, newer: &[] })
}

/// A set of names.
pub const fn bits(
    name: &'static str,
    default: &'static str,
    names: &'static [(&'static str, i64)],
) -> Param {
    row(name, default, Kind::Bits(names)).with(Flags::MULTI_ARG)
}

/// A real number strictly between two bounds.
pub const fn real(name: &'static str, default: &'static str, above: f64, below: f64) -> Param {
    row(name, default, Kind::Real { above, below })
}

/// A free text.
pub const fn text(name: &'static str, default: &'static str) -> Param {
    row(name, default, Kind::Text(anything))
}

/// A text with a rule.
pub const fn text_where(
    name: &'static str,
    default: &'static str,
    rule: fn(&str) -> Result<(), Reason>,
) -> Param {
    row(name, default, Kind::Text(rule))
}

/// A parameter with a grammar of its own.
pub const fn special(
    name: &'static str,
    default: &'static str,
    special: &'static crate::special::Special,
) -> Param {
    row(name, default, Kind::Special(special))
}

fn anything(_: &str) -> Result<(), Reason> {
    Ok(())
}

impl Param {
    /// A second name for the same value.
    pub const fn alias(mut self, alias: &'static str) -> Param {
        self.alias = Some(alias);
        self
    }

    /// Adds flags.
    pub const fn with(mut self, flags: Flags) -> Param {
        self.flags = self.flags.and(flags);
        self
    }

    /// Settable at start only.
    pub const fn immutable(self) -> Param {
        self.with(Flags::IMMUTABLE)
    }

    /// Not found by patterns.
    pub const fn hidden(self) -> Param {
        self.with(Flags::HIDDEN)
    }

    /// A negative number is refused with the words for unsigned types.
    pub const fn unsigned(self) -> Param {
        self.sign(true)
    }

    /// A byte count past the positive range is refused with the words for signed types.
    pub const fn signed(self) -> Param {
        self.sign(false)
    }

    const fn sign(mut self, unsigned: bool) -> Param {
        match &mut self.kind {
            Kind::Int(range) | Kind::Octal(range) | Kind::Memory { range, .. } => {
                range.unsigned = unsigned;
            }
            _ => panic!("only numbers have a sign"),
        }
        self
    }

    /// Values are moved into these bounds after they were accepted.
    pub const fn clamp(mut self, low: i64, high: i64) -> Param {
        match &mut self.kind {
            Kind::Int(range) | Kind::Octal(range) | Kind::Memory { range, .. } => {
                range.clamp = (low, high);
            }
            _ => panic!("only numbers have bounds"),
        }
        self
    }

    /// Only multiples of `step` are accepted.
    pub const fn multiple_of(mut self, step: i64) -> Param {
        match &mut self.kind {
            Kind::Int(range) => range.step = step,
            _ => panic!("only integers have steps"),
        }
        self
    }

    /// Names that are accepted beside those the error text lists, because a newer release has
    /// them.
    pub const fn newer(mut self, names: &'static [(&'static str, i64)]) -> Param {
        match &mut self.kind {
            Kind::Enum { newer, .. } => *newer = names,
            _ => panic!("only enums have names"),
        }
        self
    }

    /// True for kinds whose value is a text rather than a number.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Special(_) | Kind::Real { .. })
    }
}
