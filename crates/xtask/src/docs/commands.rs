//! A page for each command, with its subcommands, and the index of them.

use engine::command::{Begin, Categories, Find, Flags, KeyFlags, KeySpec};
use engine::{Registered, Registry, help};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The page of a top-level command.
pub fn page(registry: &Registry, command: &Registered) -> String {
    let mut text = String::new();
    entry(&mut text, "#", command);
    for sub in &command.subcommands {
        text.push('\n');
        entry(&mut text, "##", registry.get(*sub));
    }
    text
}

/// All commands by group.
pub fn index(registry: &Registry) -> String {
    let mut groups: BTreeMap<&str, Vec<&Registered>> = BTreeMap::new();
    for command in registry.top_level() {
        groups.entry(command.row.group).or_default().push(command);
    }
    let mut text =
        "# Commands\n\nWritten by `cargo xtask docs` from the rows of the commands.\n".to_owned();
    for (group, mut commands) in groups {
        commands.sort_by_key(|command| &command.name);
        line(&mut text, format_args!("\n## {group}\n"));
        line(&mut text, format_args!("| command | |\n|---|---|"));
        for command in commands {
            let (name, row) = (&command.name, command.row);
            line(&mut text, format_args!("| [{}]({name}.md) | {} |", row.name, row.summary));
        }
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

fn entry(text: &mut String, heading: &str, command: &Registered) {
    let row = command.row;
    let name = command.name.replace('|', " ").to_ascii_uppercase();
    line(text, format_args!("{heading} {name}\n\n{}\n", row.summary));
    if command.subcommands.is_empty() || command.arity == -1 {
        let syntax = format!("{name} {}", help::syntax(row.args));
        line(text, format_args!("```\n{}\n```\n", syntax.trim_end()));
    }
    line(text, format_args!("| | |\n|---|---|"));
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            line(text, format_args!("| {name} | {value} |"));
        }
    };
    field("Since", row.since);
    field("Complexity", row.complexity);
    if let Some((since, by)) = row.deprecated {
        field("Deprecated", &format!("since {since}, replaced by {by}"));
    }
    field("Arity", &command.arity.to_string());
    field("Flags", &names(Flags::SHOWN, |flag| command.flags.has(flag), ""));
    field("ACL categories", &names(Categories::ALL, |flag| command.categories.has(flag), "@"));
    let keys: Vec<String> = command.keys().iter().map(key_spec).collect();
    field("Keys", &keys.join("; "));
    field("Hints", &row.tips.join(", "));
    if let Some(param) = row.guard {
        field("Guarded by", &format!("`{param}`"));
    }
    if !row.history.is_empty() {
        line(text, format_args!("\nHistory:\n"));
        for (version, change) in row.history {
            line(text, format_args!("- {version}: {change}"));
        }
    }
}

fn names<F: Copy>(all: &[(F, &str)], has: impl Fn(F) -> bool, prefix: &str) -> String {
    let named = all.iter().filter(|(flag, _)| has(*flag));
    named.map(|(_, name)| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ")
}

/// Where the keys are and what happens to them, in words.
fn key_spec(spec: &KeySpec) -> String {
    let start = match spec.begin {
        Begin::Index(index) => format!("argument {index}"),
        Begin::Keyword(word, _) => format!("after `{word}`"),
        Begin::Unknown => "anywhere".to_owned(),
    };
    let extent = match spec.find {
        Find::Range { last: 0, .. } | Find::Unknown => String::new(),
        Find::Range { last, step, limit } => {
            let end = match last {
                1.. => format!(" and {last} more"),
                -1 => " to the last".to_owned(),
                _ => format!(" to the last but {}", last.unsigned_abs() - 1),
            };
            let stride = if step > 1 { format!(", every {step}.") } else { String::new() };
            let part = if limit > 1 { format!(", the first 1/{limit}") } else { String::new() };
            format!("{end}{stride}{part}")
        }
        Find::KeyNum { index, first, .. } => {
            format!(", a count {index} further on, then the keys from {first} further on")
        }
    };
    let flags = names(KeyFlags::SHOWN, |flag| spec.flags.has(flag), "");
    format!("{start}{extent} ({flags})")
}
