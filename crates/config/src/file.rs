//! Reading redis.conf: a directive per line, `#` comments, quotes as in [`crate::split_args`],
//! `include` of other files where it stands. The command line is read by the same code, as text
//! that follows the file's.

use crate::param::{Flags, Reason};
use crate::special::Source;
use crate::split::split_args;
use crate::{Config, store, tables};

/// How deep files may include each other; a file that includes itself must end somewhere.
const DEPTH_MAX: usize = 16;

/// A line that is no parameter: its words, and where it stood for the caller's own errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The words after the directive's name.
    pub args: Vec<String>,
    pub origin: String,
    pub line_number: usize,
    pub line: String,
}

impl Directive {
    /// The line refused by whoever knows what it means.
    pub fn error(&self, reason: impl Into<Reason>) -> LoadError {
        LoadError {
            origin: self.origin.clone(),
            line_number: self.line_number,
            line: self.line.clone(),
            reason: reason.into(),
        }
    }
}

/// Directives that only a file has, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOnly {
    /// `rename-command`: the old and the new name, an empty new name removes the command.
    pub renames: Vec<Directive>,
    /// `user`: a name and rules.
    pub users: Vec<Directive>,
    /// `loadmodule`: a path and arguments.
    pub modules: Vec<Directive>,
}

impl FileOnly {
    /// Adds what another text brought.
    pub fn extend(&mut self, other: FileOnly) {
        self.renames.extend(other.renames);
        self.users.extend(other.users);
        self.modules.extend(other.modules);
    }
}

/// A line that stops the start of the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\n*** FATAL CONFIG FILE ERROR ***\nReading {origin}, at line {line_number}\n>>> '{line}'\n{reason}"
)]
pub struct LoadError {
    /// What was read: the path of a file, or the command line.
    pub origin: String,
    pub line_number: usize,
    pub line: String,
    pub reason: Reason,
}

/// The text behind the word of an `include` line, or why there is none. Patterns are the
/// closure's to expand, by joining the files that match.
type Include<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

impl Config {
    /// Reads a configuration text. Values take effect line by line: an error leaves the lines
    /// before it in force, which is fine because the server does not start then.
    pub fn load(
        &self,
        text: &str,
        origin: &str,
        include: &mut Include<'_>,
    ) -> Result<FileOnly, LoadError> {
        let mut found = FileOnly::default();
        self.load_at(text, origin, include, 0, &mut found)?;
        Ok(found)
    }

    fn load_at(
        &self,
        text: &str,
        origin: &str,
        include: &mut Include<'_>,
        depth: usize,
        found: &mut FileOnly,
    ) -> Result<(), LoadError> {
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut at = Directive {
                args: Vec::new(),
                origin: origin.to_owned(),
                line_number: index + 1,
                line: line.to_owned(),
            };
            let Some(mut words) = split_args(line) else {
                return Err(at.error("Unbalanced quotes in configuration line"));
            };
            if words.is_empty() {
                continue;
            }
            let name = words.remove(0).to_ascii_lowercase();
            at.args = words;
            if name == "include" && at.args.len() == 1 {
                if depth == DEPTH_MAX {
                    return Err(at.error("files include each other too deeply"));
                }
                let path = at.args[0].as_str();
                let text = include(path).map_err(|reason| at.error(reason))?;
                self.load_at(&text, path, include, depth + 1, found)?;
            } else {
                self.load_line(&name, at, found)?;
            }
        }
        Ok(())
    }

    fn load_line(&self, name: &str, at: Directive, found: &mut FileOnly) -> Result<(), LoadError> {
        if let Some(index) = self.find(name) {
            let (id, _) = self.name_at(index);
            return self.load_value(id, &at.args).map_err(|reason| at.error(reason));
        }
        match (name, at.args.len()) {
            ("rename-command", 2) => found.renames.push(at),
            ("user", 1..) => found.users.push(at),
            ("loadmodule", 1..) => found.modules.push(at),
            ("sentinel", _) => {
                return Err(at.error("sentinel directive while not in sentinel mode"));
            }
            (retired, 1) if tables::RETIRED.contains(&retired) => {}
            _ => return Err(at.error("Bad directive or wrong number of arguments")),
        }
        Ok(())
    }

    fn load_value(&self, id: crate::ParamId, words: &[String]) -> Result<(), Reason> {
        let row = self.row(id);
        let args: Vec<&str> = match words {
            [word] if row.flags.has(Flags::MULTI_ARG) => word.split(' ').collect(),
            _ => words.iter().map(String::as_str).collect(),
        };
        let source = Source::Line { first: !self.mentioned(id) };
        let value = store::parse(&row.kind, &args, &self.text(id), source)?;
        self.store(id, value);
        self.mention(id);
        Ok(())
    }
}
