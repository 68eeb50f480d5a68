//! The command line of redis-server: `[FILE | -] [--option value ...]...`, turned into the text
//! of a configuration file, so that it means what the same lines at the end of the file would.

use crate::split::{quote, split_args};
use crate::{Config, FileOnly, LoadError};

/// A command line taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The configuration file, when the first argument is no option; `-` also sets `stdin`.
    pub file: Option<String>,
    /// A lone `-`: more configuration comes from standard input.
    pub stdin: bool,
    /// The options as lines of a configuration file, to be read after it.
    pub options: String,
}

impl CommandLine {
    /// Takes the arguments after the program's name apart. An option takes every argument up to
    /// the next `--option`, and at least one, whatever it looks like; `--save` alone is the
    /// exception that means `--save ""`. An option and its value may also share an argument.
    pub fn parse(args: &[String]) -> CommandLine {
        let mut line = CommandLine::default();
        let mut rest = args;
        if let Some((first, after)) = args.split_first()
            && !first.starts_with("--")
        {
            rest = after;
            if first == "-" {
                line.stdin = true;
            } else {
                line.file = Some(first.clone());
            }
        }
        let mut wants_value = false;
        for (index, arg) in rest.iter().enumerate() {
            if arg == "-" && !wants_value && index + 1 == rest.len() && !line.stdin {
                line.stdin = true;
                continue;
            }
            let Some(option) = arg.strip_prefix("--").filter(|_| !wants_value) else {
                line.options.push(' ');
                line.options.push_str(&quote(arg));
                wants_value = false;
                continue;
            };
            line.options.push('\n');
            line.options.push_str(option);
            let alone = split_args(arg).is_none_or(|words| words.len() <= 1);
            let next_is_option = rest.get(index + 1).is_none_or(|next| next.starts_with("--"));
            if option.eq_ignore_ascii_case("save") && next_is_option {
                line.options.push_str(" \"\"");
            } else {
                wants_value = alone;
            }
        }
        line.options = line.options.trim_start().to_owned();
        line
    }
}

impl Config {
    /// Reads the options of a command line; call it after the file was loaded. `include` serves
    /// an `--include` option.
    pub fn load_args(
        &self,
        line: &CommandLine,
        include: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<FileOnly, LoadError> {
        self.load(&line.options, "the command line", include)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;

    fn parse(args: &[&str]) -> CommandLine {
        CommandLine::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    fn load(args: &[&str]) -> Result<Config, LoadError> {
        let config = Config::new(tables::ALL);
        config.load_args(&parse(args), &mut |_| Err("no file".into())).map(|_| config)
    }

    #[test]
    fn file_and_standard_input() {
        assert_eq!(parse(&[]), CommandLine::default());
        let line = parse(&["a.conf", "--port", "1", "-"]);
        assert_eq!((line.file.as_deref(), line.stdin), (Some("a.conf"), true));
        assert_eq!(line.options, "port \"1\"");
        let line = parse(&["-", "--bind", "a", "b"]);
        assert_eq!((line.file, line.stdin), (None, true));
        assert_eq!(line.options, "bind \"a\" \"b\"");
        let line = parse(&["--logfile", "-"]);
        assert_eq!((line.stdin, line.options.as_str()), (false, "logfile \"-\""));
    }

    #[test]
    fn accepted() {
        let both = &[("save", ""), ("loglevel", "verbose")];
        for (args, want) in [
            (
                vec!["--port", "7000", "--appendonly", "yes"],
                &[("port", "7000"), ("appendonly", "yes")][..],
            ),
            (vec!["--save", "3600", "1", "300", "10"], &[("save", "3600 1 300 10")]),
            (vec!["--save", "--loglevel", "verbose"], both),
            (vec!["--loglevel", "verbose", "--save"], both),
            (vec!["--save", "", "--loglevel", "verbose"], both),
            (vec!["--loglevel", "verbose", "--save", ""], both),
            (
                vec!["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"],
                &[("proc-title-template", "--save"), ("save", ""), ("loglevel", "verbose")],
            ),
            (
                vec!["--proc-title-template --my--title", "--loglevel verbose"],
                &[("proc-title-template", "--my--title"), ("loglevel", "verbose")],
            ),
            (
                vec!["c.conf", "loglevel", "verbose", "--maxmemory '700mb'"],
                &[("loglevel", "verbose"), ("maxmemory", "734003200")],
            ),
            (
                vec![
                    "--shutdown-on-sigint",
                    "nosave",
                    "force",
                    "now",
                    "--shutdown-on-sigterm",
                    "nosave force",
                ],
                &[
                    ("shutdown-on-sigint", "nosave now force"),
                    ("shutdown-on-sigterm", "nosave force"),
                ],
            ),
            (
                vec!["--bind", "127.0.0.1", "-::1", "--port", "0"],
                &[("bind", "127.0.0.1 -::1"), ("port", "0")],
            ),
            (vec!["--PORT", "7"], &[("port", "7")]),
        ] {
            let config = load(&args).unwrap_or_else(|error| panic!("{args:?}: {error}"));
            for (name, value) in want {
                assert_eq!(config.print(config.require(name)), *value, "{args:?}");
            }
        }
    }

    #[test]
    fn refused() {
        let count = "wrong number of arguments";
        let shutdown =
            "argument(s) must be one of the following: default, save, nosave, now, force";
        for (args, line, reason) in [
            (vec!["--invalid"], "invalid", "Bad directive or wrong number of arguments"),
            (vec!["--port"], "port", count),
            (vec!["--port", "6380", "--loglevel"], "loglevel", count),
            (vec!["--port", "6379", "6380"], "port \"6379\" \"6380\"", count),
            (vec!["--port", "--loglevel", "verbose"], "port \"--loglevel\" \"verbose\"", count),
            (
                vec!["--port", "--bla", "--loglevel", "verbose"],
                "port \"--bla\"",
                "argument couldn't be parsed into an integer",
            ),
            (vec!["--shutdown-on-sigint"], "shutdown-on-sigint", shutdown),
            (
                vec!["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
                "shutdown-on-sigterm",
                shutdown,
            ),
            (
                vec!["--replicaof", "--127.0.0.1", "abc"],
                "replicaof \"--127.0.0.1\" \"abc\"",
                "Invalid master port",
            ),
            (vec!["--replicaof", "--127.0.0.1", "--abc"], "replicaof \"--127.0.0.1\"", count),
        ] {
            let error = load(&args).err().unwrap_or_else(|| panic!("{args:?}"));
            assert_eq!((error.line.as_str(), &*error.reason), (line, reason), "{args:?}");
        }
    }

    #[test]
    fn options_follow_the_file() {
        let config = Config::new(tables::ALL);
        let none = &mut |_: &str| Err(String::new());
        config.load("save 900 1\nhz 20", "c.conf", none).expect("valid");
        let line = parse(&["c.conf", "--save", "100", "100", "--hz", "30"]);
        config.load_args(&line, none).expect("valid");
        assert_eq!(config.print(config.require("save")), "900 1 100 100");
        assert_eq!(config.print(config.require("hz")), "30");
    }
}
