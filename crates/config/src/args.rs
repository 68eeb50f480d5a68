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
