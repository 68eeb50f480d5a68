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
    "\n*** FATAL CONFIG FILE ERROR ***\n\
     Reading the configuration file, at line {line_number} of {origin}\n\
     >>> '{line}'\n{reason}"
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new(tables::ALL)
    }

    fn load(config: &Config, text: &str) -> Result<FileOnly, LoadError> {
        config.load(text, "c.conf", &mut |path| match path {
            "self" => Ok("include self".into()),
            "more" => Ok("hz 33\nuser carol on".into()),
            "broken" => Ok("\nhz x".into()),
            _ => Err("No such file or directory".into()),
        })
    }

    #[test]
    fn refused_lines() {
        let directive = "Bad directive or wrong number of arguments";
        let count = "wrong number of arguments";
        for (line, want) in [
            ("hz", count),
            ("hz 1 2", count),
            ("hz abc", "argument couldn't be parsed into an integer"),
            ("HZ abc", "argument couldn't be parsed into an integer"),
            ("loglevel a b", count),
            ("save \"a", "Unbalanced quotes in configuration line"),
            ("hz \"5\"6", "Unbalanced quotes in configuration line"),
            ("save 1", "Invalid save parameters"),
            (
                "client-output-buffer-limit normal 1",
                "Wrong number of arguments in buffer limit configuration.",
            ),
            ("replicaof a", count),
            ("replicaof a b", "Invalid master port"),
            ("replicaof a 70000", "Invalid master port"),
            ("oom-score-adj-values 1 2", count),
            ("notify-keyspace-events E x", count),
            (
                "shutdown-on-sigterm",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            ("appendfilename \"\"", "appendfilename can't be empty"),
            ("appendfilename a/b", "appendfilename can't be a path, just a filename"),
            ("appenddirname \"\"", "appenddirname can't be empty"),
            ("appenddirname a/b", "appenddirname can't be a path, just a dirname"),
            ("databases 0", "argument must be between 1 and 2147483647 inclusive"),
            ("unixsocketperm 778", "argument couldn't be parsed as an octal number"),
            ("unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
            ("io-threads 129", "argument must be between 1 and 128 inclusive"),
            ("tcp-backlog -1", "argument must be between 0 and 2147483647 inclusive"),
            ("socket-mark-id -1", "argument must be greater or equal to 0"),
            ("socket-mark-id 4294967296", "argument must be between 0 and 4294967295 inclusive"),
            ("cluster-port 70000", "argument must be between 0 and 65535 inclusive"),
            (
                "supervised x",
                "argument(s) must be one of the following: upstart, systemd, auto, no",
            ),
            ("nosuch 1", directive),
            ("include", directive),
            ("user", directive),
            ("loadmodule", directive),
            ("rename-command get", directive),
            ("sentinel x y", "sentinel directive while not in sentinel mode"),
            ("include nowhere", "No such file or directory"),
        ] {
            let text = format!("# comment\n\n \t{line} \r\n");
            let error = load(&config(), &text).expect_err(line);
            assert_eq!((error.line_number, error.line.as_str()), (3, line));
            assert_eq!(error.reason, want, "{line}");
        }
    }

    #[test]
    fn the_error_names_the_place() {
        let error = load(&config(), "hz 1\ninclude broken").expect_err("hz x");
        assert_eq!(
            error.to_string(),
            "\n*** FATAL CONFIG FILE ERROR ***\n\
             Reading the configuration file, at line 2 of broken\n\
             >>> 'hz x'\n\
             argument couldn't be parsed into an integer"
        );
        let error = load(&config(), "include self").expect_err("endless");
        assert_eq!(error.reason, "files include each other too deeply");
    }

    #[test]
    fn lines_take_effect_in_their_order() {
        let config = config();
        let found = load(
            &config,
            "hz 5\ninclude more\nrename-command FLUSHALL \"\"\nuser bob on >x\n\
             loadmodule m.so a b\nlist-max-ziplist-entries 5\nmaxmemory 1gb\n\
             hash-max-listpack-entries 20\nhash-max-ziplist-entries 21\nlogfile \"a b\"",
        )
        .expect("valid");
        for (name, want) in [
            ("hz", "33"),
            ("maxmemory", "1073741824"),
            ("hash-max-listpack-entries", "21"),
            ("logfile", "a b"),
        ] {
            assert_eq!(config.print(config.require(name)), want);
        }
        assert_eq!(found.renames[0].args, ["FLUSHALL", ""]);
        let users: Vec<_> = found.users.iter().map(|user| user.args[0].as_str()).collect();
        assert_eq!(users, ["carol", "bob"]);
        assert_eq!(found.modules[0].args, ["m.so", "a", "b"]);
        let error = found.renames[0].error("No such command in rename-command");
        assert_eq!((error.line_number, error.line.as_str()), (3, "rename-command FLUSHALL \"\""));
    }

    #[test]
    fn save_lines_add_up() {
        for (text, want) in [
            ("", "3600 1 300 100 60 10000"),
            ("save 100 100", "100 100"),
            ("save 900 1\nsave 300 10", "900 1 300 10"),
            ("save 900 1 300 10", "900 1 300 10"),
            ("save \"900 1\"", "900 1"),
            ("save \"\"", ""),
            ("save 900 1\nsave \"\"", ""),
            ("save \"\"\nsave 900 1", "900 1"),
        ] {
            let config = config();
            load(&config, text).expect(text);
            assert_eq!(config.print(config.require("save")), want, "{text}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let pieces = ["save", " ", "\"", "'", "\\", "\n", "1", "-", "é", "\0", "include self", "#"];
        let mut state = 1u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let _ = load(&SHARED, &text);
        }
    }

    static SHARED: std::sync::LazyLock<Config> = std::sync::LazyLock::new(config);
}
