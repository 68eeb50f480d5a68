//! The values of every row, the lookup by name, CONFIG GET.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::number;
use crate::param::{Flags, Kind, Param, ParamId, Reason};
use crate::special::Source;

/// The value of one row: a number for the kinds that have one, a text for the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub number: i64,
    pub text: Option<Arc<str>>,
}

struct Slot {
    number: AtomicI64,
    text: RwLock<Arc<str>>,
    /// A file, the command line or CONFIG SET gave the value.
    mentioned: AtomicBool,
}

struct Name {
    id: ParamId,
    text: &'static str,
}

/// A byte count or a share of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Bytes(u64),
    Percent(u8),
}

/// All parameters and their values. Shared between threads; readers never wait for each other.
pub struct Config {
    rows: Vec<&'static Param>,
    defaults: Vec<Value>,
    slots: Vec<Slot>,
    /// In the order of the tables, an alias after its name.
    names: Vec<Name>,
    /// From lower-case name to the index in `names`.
    by_name: HashMap<&'static str, usize>,
}

impl Config {
    /// Joins tables. Panics when two rows share a name or a default does not fit its own row:
    /// both are mistakes of a table's author and show at the first start.
    pub fn new(tables: &[&'static [Param]]) -> Config {
        let rows: Vec<&'static Param> = tables.iter().flat_map(|table| table.iter()).collect();
        let mut config = Config {
            defaults: Vec::with_capacity(rows.len()),
            slots: Vec::with_capacity(rows.len()),
            names: Vec::with_capacity(rows.len() * 2),
            by_name: HashMap::with_capacity(rows.len() * 2),
            rows: Vec::new(),
        };
        assert!(rows.len() <= usize::from(u16::MAX), "too many parameters");
        for (index, row) in rows.iter().enumerate() {
            let id = ParamId(index as u16);
            for text in [Some(row.name), row.alias].into_iter().flatten() {
                let taken = config.by_name.insert(text, config.names.len());
                assert!(taken.is_none(), "two parameters are named {text}");
                config.names.push(Name { id, text });
            }
            let value = default_value(row, row.default);
            config.slots.push(Slot {
                number: AtomicI64::new(value.number),
                text: RwLock::new(value.text.clone().unwrap_or_default()),
                mentioned: AtomicBool::new(false),
            });
            config.defaults.push(value);
        }
        config.rows = rows;
        config
    }

    /// Replaces a default by one that is known at start only: the working directory, the number
    /// of cores. The value follows. Panics when the text does not fit the row.
    pub fn set_default(&mut self, name: &str, text: &str) {
        let id = self.require(name);
        let value = default_value(self.row(id), text);
        self.defaults[usize::from(id.0)] = value.clone();
        self.store(id, value);
    }

    /// The row of a name that a table is known to have. Panics without it: a typing mistake in
    /// the caller, found at the first start.
    pub fn require(&self, name: &str) -> ParamId {
        self.id(name).unwrap_or_else(|| panic!("no parameter {name}"))
    }

    /// Sets a value from inside, whatever the row's rights: REPLICAOF, the resolved `dir`, a
    /// DEBUG command. The value is validated like one of CONFIG SET.
    pub fn assign(&self, id: ParamId, value: &str) -> Result<(), Reason> {
        let value = self.read(id, value.as_bytes(), &self.text(id))?;
        self.store(id, value);
        Ok(())
    }

    /// The row's index; names and aliases, in any case.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.find(name).map(|index| self.names[index].id)
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name.to_ascii_lowercase().as_str()).copied()
    }

    /// The name at an index [`Config::find`] gave: its row and the spelling of the table.
    pub(crate) fn name_at(&self, index: usize) -> (ParamId, &'static str) {
        (self.names[index].id, self.names[index].text)
    }

    /// The row.
    pub fn row(&self, id: ParamId) -> &'static Param {
        self.rows[usize::from(id.0)]
    }

    /// All rows in the order of their tables.
    pub fn ids(&self) -> impl Iterator<Item = ParamId> + '_ {
        (0..self.rows.len()).map(|index| ParamId(index as u16))
    }

    /// The number of an integer, byte count, enum, set of bits or special row.
    pub fn int(&self, id: ParamId) -> i64 {
        // Ordering: a value stands alone, no reader infers another write from it.
        self.slots[usize::from(id.0)].number.load(Ordering::Relaxed)
    }

    /// A yes/no value.
    pub fn flag(&self, id: ParamId) -> bool {
        self.int(id) != 0
    }

    /// A byte count; a percentage reads as 0, see [`Config::amount`].
    pub fn bytes(&self, id: ParamId) -> u64 {
        u64::try_from(self.int(id)).unwrap_or(0)
    }

    /// A byte count or percentage.
    pub fn amount(&self, id: ParamId) -> Amount {
        let number = self.int(id);
        match u64::try_from(number) {
            Ok(bytes) => Amount::Bytes(bytes),
            Err(_) => Amount::Percent(u8::try_from(number.unsigned_abs()).unwrap_or(100)),
        }
    }

    /// The value of an enum's name.
    pub fn choice(&self, id: ParamId) -> usize {
        usize::try_from(self.int(id)).unwrap_or(0)
    }

    /// A text.
    pub fn text(&self, id: ParamId) -> Arc<str> {
        let slot = &self.slots[usize::from(id.0)];
        slot.text.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value as CONFIG GET prints it.
    pub fn print(&self, id: ParamId) -> String {
        print(&self.row(id).kind, &self.value(id))
    }

    /// CONFIG GET: every parameter that a pattern matches, each once, sorted by name. A word
    /// without pattern symbols finds hidden parameters too and is answered under the spelling asked
    /// for.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, String)> {
        let mut seen = vec![false; self.names.len()];
        let mut found = Vec::new();
        for pattern in patterns {
            let exact = !pattern.iter().any(|byte| b"*?[".contains(byte));
            if exact {
                let Ok(word) = std::str::from_utf8(pattern) else { continue };
                let Some(index) = self.find(word) else { continue };
                if !std::mem::replace(&mut seen[index], true) {
                    found.push((word.to_owned(), self.print(self.names[index].id)));
                }
                continue;
            }
            for (index, name) in self.names.iter().enumerate() {
                let hidden = self.row(name.id).flags.has(Flags::HIDDEN);
                if hidden
                    || seen[index]
                    || !stdx::glob::matches(pattern, name.text.as_bytes(), true)
                {
                    continue;
                }
                seen[index] = true;
                found.push((name.text.to_owned(), self.print(name.id)));
            }
        }
        found.sort_unstable();
        found
    }

    pub(crate) fn value(&self, id: ParamId) -> Value {
        let text = self.row(id).is_text().then(|| self.text(id));
        Value { number: self.int(id), text }
    }

    pub(crate) fn default_of(&self, id: ParamId) -> &Value {
        &self.defaults[usize::from(id.0)]
    }

    pub(crate) fn store(&self, id: ParamId, value: Value) {
        let slot = &self.slots[usize::from(id.0)];
        if let Some(text) = value.text {
            *slot.text.write().unwrap_or_else(PoisonError::into_inner) = text;
        }
        slot.number.store(value.number, Ordering::Relaxed);
    }

    /// True once something other than the default gave the value.
    pub(crate) fn mentioned(&self, id: ParamId) -> bool {
        self.slots[usize::from(id.0)].mentioned.load(Ordering::Relaxed)
    }

    pub(crate) fn mention(&self, id: ParamId) {
        self.slots[usize::from(id.0)].mentioned.store(true, Ordering::Relaxed);
    }
}

fn default_value(row: &Param, text: &str) -> Value {
    let args: Vec<&str> =
        if row.flags.has(Flags::MULTI_ARG) { text.split(' ').collect() } else { vec![text] };
    if row.is_text() && text.is_empty() {
        return Value { number: 0, text: Some("".into()) };
    }
    parse(&row.kind, &args, "", Source::Set)
        .unwrap_or_else(|reason| panic!("default of {}: {reason}", row.name))
}

/// Reads a value; nothing is stored.
pub(crate) fn parse(
    kind: &Kind,
    args: &[&str],
    old: &str,
    source: Source,
) -> Result<Value, Reason> {
    let number = |number| Value { number, text: None };
    let text = |text: &str| Value { number: 0, text: Some(text.into()) };
    match kind {
        Kind::Special(special) => {
            let canonical = (special.parse)(args, old, source)?;
            Ok(Value { number: (special.number)(&canonical), text: Some(canonical.into()) })
        }
        Kind::Bits(names) => bits(names, args).map(number),
        _ => {
            let &[arg] = args else {
                return Err("wrong number of arguments".into());
            };
            match kind {
                Kind::Text(rule) => rule(arg).map(|()| text(arg)),
                Kind::Real { above, below } => real(arg, *above, *below).map(|()| text(arg)),
                _ => single(kind, arg).map(number),
            }
        }
    }
}

/// The kinds that are one word and one number.
fn single(kind: &Kind, arg: &str) -> Result<i64, Reason> {
    match kind {
        Kind::Bool if arg.eq_ignore_ascii_case("yes") => Ok(1),
        Kind::Bool if arg.eq_ignore_ascii_case("no") => Ok(0),
        Kind::Bool => Err("argument must be 'yes' or 'no'".into()),
        Kind::Enum { names, newer } => {
            named(names, arg).or_else(|| named(newer, arg)).ok_or_else(|| expected(names))
        }
        Kind::Int(range) => {
            let value =
                number::integer(arg).ok_or("argument couldn't be parsed into an integer")?;
            Ok(number::check(value, range, false)?)
        }
        Kind::Octal(range) => {
            let value =
                number::octal(arg).ok_or("argument couldn't be parsed as an octal number")?;
            Ok(number::check(value, range, true)?)
        }
        Kind::Memory { range, percent: false } => {
            let value = number::memory(arg).ok_or("argument must be a memory value")?;
            Ok(number::check(value as i64, range, false)?)
        }
        Kind::Memory { range, percent: true } => {
            let value = percent(arg).ok_or("argument must be a memory or percent value")?;
            // A count past 63 bits turns negative, which is how a percentage is kept.
            const PERCENT_MIN: i64 = -100;
            if value < PERCENT_MIN {
                return Err("percentage argument must be less or equal to 100".into());
            }
            if value < 0 { Ok(value) } else { Ok(number::check(value, range, false)?) }
        }
        Kind::Bits(_) | Kind::Real { .. } | Kind::Text(_) | Kind::Special(_) => {
            unreachable!("kinds with texts or several words were handled before")
        }
    }
}

fn percent(arg: &str) -> Option<i64> {
    match arg.strip_suffix('%') {
        Some(share) => number::integer(share).filter(|&n| n >= 0).map(|n| -n),
        None => number::memory(arg).map(|bytes| bytes as i64),
    }
}

fn real(arg: &str, above: f64, below: f64) -> Result<(), Reason> {
    let value = arg.parse::<f64>().ok();
    let value = value.ok_or("argument couldn't be parsed into a number")?;
    if value > above && value < below {
        Ok(())
    } else {
        Err(format!("argument must be between {above} and {below} exclusive").into())
    }
}

fn named(names: &[(&str, i64)], arg: &str) -> Option<i64> {
    names.iter().find(|(name, _)| name.eq_ignore_ascii_case(arg)).map(|&(_, value)| value)
}

fn expected(names: &[(&str, i64)]) -> Reason {
    let list: Vec<&str> = names.iter().map(|&(name, _)| name).collect();
    format!("argument(s) must be one of the following: {}", list.join(", ")).into()
}

fn bits(names: &'static [(&'static str, i64)], args: &[&str]) -> Result<i64, Reason> {
    let mut set = 0;
    for arg in args {
        set |= named(names, arg).ok_or_else(|| expected(names))?;
    }
    if args.is_empty() {
        return Err(expected(names));
    }
    if set & crate::tables::shutdown::CONFLICT == crate::tables::shutdown::CONFLICT {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    Ok(set)
}

/// The printed form of a value.
pub(crate) fn print(kind: &Kind, value: &Value) -> String {
    match kind {
        Kind::Bool => if value.number != 0 { "yes" } else { "no" }.to_owned(),
        Kind::Int(_) => value.number.to_string(),
        Kind::Octal(_) => format!("{:o}", value.number),
        Kind::Memory { .. } if value.number < 0 => {
            format!("{}%", value.number.unsigned_abs())
        }
        Kind::Memory { .. } => value.number.to_string(),
        Kind::Enum { names, newer } => {
            let found = names.iter().chain(*newer).find(|(_, known)| *known == value.number);
            found.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
        }
        Kind::Bits(names) => {
            let set = names.iter().filter(|(_, bit)| match value.number {
                0 => *bit == 0,
                set => set & bit != 0,
            });
            set.map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
        }
        Kind::Real { .. } | Kind::Text(_) | Kind::Special(_) => {
            value.text.as_deref().unwrap_or_default().to_owned()
        }
    }
}
