//! HELP of a container command, computed from the rows of its subcommands.

use crate::args::Args;
use crate::command::{Arg, ArgKind};
use crate::cx::{CmdResult, Cx, Outcome};
use crate::error;

/// The handler of every HELP row: replies what the container of the running row offers.
pub fn reply(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let registry = &cx.server.registry;
    let own = cx.command.index;
    let container = registry.all().iter().find(|row| row.subcommands.contains(&own));
    let container = container.ok_or(error::SYNTAX)?;
    let mut lines = vec![format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        container.row.name
    )];
    let subs = container.subcommands.iter().filter(|sub| **sub != own);
    for sub in subs.map(|sub| registry.get(*sub).row) {
        let syntax = syntax(sub.args);
        lines.push(format!("{} {syntax}", sub.name).trim_end().to_owned());
        lines.push(format!("    {}", sub.summary));
    }
    lines.push("HELP".to_owned());
    lines.push("    Print this help.".to_owned());
    cx.reply.array(lines.len());
    lines.iter().for_each(|line| cx.reply.simple(line));
    Ok(Outcome::Done)
}

/// The grammar of a row's arguments in one line: `<value>`, `TOKEN`, `[optional]`, `(one|of)`, and
/// dots behind what may be repeated.
pub fn syntax(args: &[Arg]) -> String {
    args.iter().map(argument).collect::<Vec<_>>().join(" ")
}

fn argument(arg: &Arg) -> String {
    let value = match arg.kind {
        ArgKind::Token => String::new(),
        ArgKind::Block(of) => syntax(of),
        ArgKind::OneOf(of) => {
            let choices: Vec<String> = of.iter().map(argument).collect();
            let choices = choices.join("|");
            // The brackets of an optional choice already hold it together.
            if arg.optional && arg.token.is_none() { choices } else { format!("({choices})") }
        }
        _ => format!("<{}>", arg.display.unwrap_or(arg.name)),
    };
    let once = match (arg.token, value.is_empty()) {
        (Some(token), true) => token.to_owned(),
        (Some(token), false) => format!("{token} {value}"),
        (None, _) => value.clone(),
    };
    let all = match (arg.multiple, arg.multiple_token) {
        (false, _) => once,
        (true, true) => format!("{once} [{once} ...]"),
        (true, false) => format!("{once} [{value} ...]"),
    };
    if arg.optional { format!("[{all}]") } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{block, integer, one_of, string, token};

    #[test]
    fn grammars_become_one_line() {
        const YES_NO: &[Arg] = &[token("yes", "YES"), token("no", "NO")];
        const PAIR: &[Arg] = &[string("user"), string("password")];
        let check = |args: &[Arg], expected: &str| assert_eq!(syntax(args), expected);
        check(&[], "");
        check(&[integer("timeout"), one_of("mode", YES_NO).optional()], "<timeout> [YES|NO]");
        check(&[one_of("mode", YES_NO)], "(YES|NO)");
        check(&[one_of("skipme", YES_NO).token("SKIPME").optional()], "[SKIPME (YES|NO)]");
        check(&[block("auth", PAIR).token("AUTH").optional()], "[AUTH <user> <password>]");
        check(&[integer("id").token("ID").many()], "ID <id> [<id> ...]");
        check(&[string("prefix").token("PREFIX").many_tokens()], {
            "PREFIX <prefix> [PREFIX <prefix> ...]"
        });
        check(&[string("addr").display("ip:port")], "<ip:port>");
    }
}
