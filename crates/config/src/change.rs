//! CONFIG SET in three steps: [`Config::prepare`] reads and validates every pair and changes
//! nothing, [`Config::apply`] stores the new values, [`Config::revert`] brings the old ones back
//! when something outside (a port that is taken) refuses.

use std::borrow::Cow;

use crate::Config;
use crate::param::{Flags, Kind, ParamId, Reason};
use crate::special::Source;
use crate::store::{self, Value};

/// What the client may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// `enable-protected-configs` holds for this client.
    pub protected_ok: bool,
    /// The data set is being loaded.
    pub loading: bool,
}

/// Why CONFIG SET changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{0}'")]
    Unknown(String),
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    Refused { name: String, reason: Reason },
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
}

impl SetError {
    /// The refusal of a hook that ran after [`Config::apply`].
    pub fn refused(name: &str, reason: impl Into<Cow<'static, str>>) -> SetError {
        SetError::Refused { name: name.to_owned(), reason: reason.into() }
    }

    /// The error line as the client sees it, without the leading `-`.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

/// Validated changes, in the order given.
#[derive(Clone, Debug)]
#[must_use = "nothing changes before it is applied"]
pub struct ChangeSet {
    changes: Vec<Planned>,
}

#[derive(Clone, Debug)]
struct Planned {
    id: ParamId,
    name: &'static str,
    value: Value,
}

impl ChangeSet {
    /// The rows to change, for hooks that want to look before the change.
    pub fn ids(&self) -> impl Iterator<Item = ParamId> + '_ {
        self.changes.iter().map(|change| change.id)
    }
}

/// One applied change.
#[derive(Clone, Debug)]
pub struct Change {
    pub id: ParamId,
    /// The name the client used, in the table's spelling: what an error must say.
    pub name: &'static str,
    /// The value differs from the one before, or is [`Flags::VOLATILE`].
    pub changed: bool,
    old: Value,
}

/// Applied changes with what is needed to take them back.
#[derive(Clone, Debug)]
pub struct Applied {
    pub changes: Vec<Change>,
}

impl Config {
    /// Validates pairs of names and values. The errors come in the order of the original: first
    /// every name is looked up and its rights checked, then every value is read.
    pub fn prepare(&self, pairs: &[(&[u8], &[u8])], rights: Rights) -> Result<ChangeSet, SetError> {
        let mut names = Vec::with_capacity(pairs.len());
        // An unknown name outranks a refusal only when it comes first; the first problem ends it.
        for (typed, _) in pairs {
            let name = self.permitted(typed, rights, &names)?;
            names.push(name);
        }
        let mut changes: Vec<Planned> = Vec::with_capacity(pairs.len());
        for (index, (_, value)) in names.iter().zip(pairs) {
            let (id, name) = self.name_at(*index);
            // A row named twice (by its name and by its alias) builds on its first change.
            let earlier = changes.iter().rev().find(|change| change.id == id);
            let old = match earlier {
                Some(change) => change.value.text.clone().unwrap_or_default(),
                None => self.text(id),
            };
            let value = self.read(id, value, &old);
            let value = value.map_err(|reason| SetError::refused(name, reason))?;
            changes.push(Planned { id, name, value });
        }
        Ok(ChangeSet { changes })
    }

    fn permitted(&self, typed: &[u8], rights: Rights, seen: &[usize]) -> Result<usize, SetError> {
        let shown = || String::from_utf8_lossy(typed).into_owned();
        let found = std::str::from_utf8(typed).ok().and_then(|name| self.find(name));
        let index = found.ok_or_else(|| SetError::Unknown(shown()))?;
        let flags = self.row(self.name_at(index).0).flags;
        let reason = if flags.has(Flags::IMMUTABLE) {
            "can't set immutable config"
        } else if flags.has(Flags::PROTECTED) && !rights.protected_ok {
            "can't set protected config"
        } else if flags.has(Flags::DENY_LOADING) && rights.loading {
            return Err(SetError::Loading);
        } else if seen.contains(&index) {
            "duplicate parameter"
        } else {
            return Ok(index);
        };
        Err(SetError::refused(&shown(), reason))
    }

    pub(crate) fn read(&self, id: ParamId, value: &[u8], old: &str) -> Result<Value, Reason> {
        let row = self.row(id);
        let text = std::str::from_utf8(value).map_err(|_| match row.kind {
            Kind::Text(_) | Kind::Special(_) => Cow::from("argument must be valid UTF-8"),
            _ => store::parse(&row.kind, &["\u{fffd}"], "", Source::Set)
                .err()
                .unwrap_or("argument must be valid UTF-8".into()),
        })?;
        let args: Vec<&str> =
            if row.flags.has(Flags::MULTI_ARG) { text.split(' ').collect() } else { vec![text] };
        store::parse(&row.kind, &args, old, Source::Set)
    }

    /// Stores the prepared values.
    pub fn apply(&self, set: ChangeSet) -> Applied {
        let store = |planned: Planned| {
            let Planned { id, name, value } = planned;
            let old = self.value(id);
            let changed = old != value || self.row(id).flags.has(Flags::VOLATILE);
            self.store(id, value);
            Change { id, name, changed, old }
        };
        Applied { changes: set.changes.into_iter().map(store).collect() }
    }

    /// Restores the values from before [`Config::apply`].
    pub fn revert(&self, applied: &Applied) {
        for change in applied.changes.iter().rev() {
            self.store(change.id, change.old.clone());
        }
    }
}
