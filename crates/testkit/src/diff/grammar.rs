//! The grammar of commands, as a server tells it: COMMAND DOCS for the arguments, COMMAND INFO
//! for the flags and tips.

use std::collections::{HashMap, HashSet};
use std::io;

use super::compare::Rule;
use super::pair::Pair;
use crate::target::Client;
use crate::value::{Look, Value};

/// Commands that can be generated.
pub struct Grammar {
    pub commands: Vec<Command>,
    /// Whether runs of commands are put into transactions.
    pub transactions: bool,
}

/// One command or subcommand.
#[derive(Clone)]
pub struct Command {
    /// `SET`, or `OBJECT|ENCODING`.
    pub name: String,
    pub group: String,
    pub flags: HashSet<String>,
    pub arguments: Vec<Argument>,
    /// How its replies are compared.
    pub rule: Rule,
    /// How often it is drawn, against the others.
    pub weight: u32,
}

#[derive(Clone, Debug)]
pub struct Argument {
    pub name: String,
    pub kind: Kind,
    pub token: Option<String>,
    pub optional: bool,
    pub multiple: bool,
    /// The token is repeated with every value.
    pub multiple_token: bool,
    /// Of a block or a choice.
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Key,
    Text,
    Integer,
    Double,
    Pattern,
    UnixTime,
    Token,
    Choice,
    Block,
}

/// Groups that are generated unless told otherwise, and single commands of other groups.
const DEFAULT_GROUPS: &[&str] = &["string", "generic", TRANSACTIONS];
const TRANSACTIONS: &str = "transactions";

/// Single commands of other groups, whatever their flags: these are harmless.
const DEFAULT_EXTRA: &[&str] = &[
    "CLIENT|CACHING",
    "CLIENT|GETNAME",
    "CLIENT|GETREDIR",
    "CLIENT|ID",
    "CLIENT|INFO",
    "CLIENT|LIST",
    "CLIENT|NO-EVICT",
    "CLIENT|NO-TOUCH",
    "CLIENT|SETINFO",
    "CLIENT|SETNAME",
    "CLIENT|TRACKINGINFO",
    "CLIENT|UNBLOCK",
    "CLIENT|UNPAUSE",
    "COMMAND|GETKEYS",
    "COMMAND|GETKEYSANDFLAGS",
    "COMMAND|INFO",
    "CONFIG|RESETSTAT",
    "DBSIZE",
    "ECHO",
    "FLUSHALL",
    "FLUSHDB",
    "HELLO",
    "INFO",
    "LATENCY|DOCTOR",
    "LATENCY|GRAPH",
    "LATENCY|HISTORY",
    "LATENCY|LATEST",
    "LATENCY|RESET",
    "MEMORY|USAGE",
    "PING",
    "RESET",
    "SELECT",
    "SLOWLOG|GET",
    "SLOWLOG|LEN",
    "SLOWLOG|RESET",
    "SWAPDB",
    "TIME",
];

/// Flags of commands that would disturb the run: they block, stop or reconfigure the server, or
/// send messages that answer nothing.
const EXCLUDED_FLAGS: &[&str] = &["admin", "blocking", "noscript", "pubsub"];

/// Commands that no flag excludes and that cannot be compared all the same.
const EXCLUDED: &[(&str, &str)] = &[
    ("QUIT", "closes the connection"),
    ("MIGRATE", "talks to other servers"),
    ("DUMP", "the payload depends on the version of the format"),
    ("RESTORE", "needs a payload"),
    ("RESTORE-ASKING", "needs a payload"),
    ("SYNC", "turns the connection into a replica's"),
];

impl Grammar {
    /// Asks our server for its grammar and keeps what the reference knows too.
    pub fn fetch(pair: &mut Pair) -> io::Result<Grammar> {
        let (our_docs, their_docs) = pair.call(&["COMMAND", "DOCS"])?;
        let (ours, theirs) = pair.call(&["COMMAND"])?;
        let (ours, theirs) = (traits(&ours), traits(&theirs));
        let mut their_arguments = HashMap::new();
        each_doc("", &their_docs, &mut |name, doc| {
            their_arguments.insert(name, arguments(doc));
        });
        let mut commands = Vec::new();
        each_doc("", &our_docs, &mut |name, doc| {
            let known = ours.get(&name).zip(theirs.get(&name));
            if let Some(((a, b), theirs)) = known.zip(their_arguments.get(&name)) {
                let mut command = command(name, doc, a, b);
                keep_common(&mut command.arguments, theirs, false);
                drop_logins(&mut command.arguments);
                commands.push(command);
            }
        });
        Ok(Grammar::new(commands))
    }

    /// Asks a server for its grammar.
    pub fn of(client: &mut Client) -> io::Result<Grammar> {
        client.call(&["HELLO", "3"])?;
        let docs = client.call(&["COMMAND", "DOCS"])?;
        let traits = traits(&client.call(&["COMMAND"])?);
        let mut commands = Vec::new();
        each_doc("", &docs, &mut |name, doc| {
            if let Some(traits) = traits.get(&name) {
                commands.push(command(name, doc, traits, traits));
            }
        });
        Ok(Grammar::new(commands))
    }

    fn new(mut commands: Vec<Command>) -> Grammar {
        commands.sort_by(|a, b| a.name.cmp(&b.name));
        let transactions = commands.iter().any(|command| command.name == "MULTI");
        Grammar { commands, transactions }
    }

    /// Keeps the commands that were asked for, by name, else by group, else the default.
    pub fn select(mut self, names: &[String], groups: &[String]) -> Grammar {
        let is = |list: &[String], text: &str| list.iter().any(|l| l.eq_ignore_ascii_case(text));
        let is_default = names.is_empty() && groups.is_empty();
        self.transactions &= is_default || is(groups, TRANSACTIONS);
        self.commands.retain(|command| {
            if !names.is_empty() {
                return is(names, &command.name);
            }
            if is_default && DEFAULT_EXTRA.contains(&command.name.as_str()) {
                return true;
            }
            let harmless = !EXCLUDED_FLAGS.iter().any(|flag| command.flags.contains(*flag))
                && !EXCLUDED.iter().any(|(name, _)| *name == command.name);
            let wanted = match groups.is_empty() {
                true => DEFAULT_GROUPS.contains(&command.group.as_str()),
                false => is(groups, &command.group),
            };
            wanted && harmless
        });
        self
    }
}

/// Flags and tips of every command and subcommand of a COMMAND reply.
fn traits(table: &Value) -> HashMap<String, Traits> {
    let mut all = HashMap::new();
    add_traits(table, &mut all);
    all
}

struct Traits {
    flags: HashSet<String>,
    tips: Vec<String>,
}

fn add_traits(table: &Value, all: &mut HashMap<String, Traits>) {
    for row in table.items().unwrap_or_default() {
        let column = |index: usize| row.items().and_then(|columns| columns.get(index));
        let texts = |index: usize| {
            let items = column(index).and_then(Value::items).unwrap_or_default();
            items.iter().map(|item| text(Some(item))).collect::<Vec<_>>()
        };
        let name = text(column(0)).to_ascii_uppercase();
        let flags = texts(2).into_iter().collect();
        all.insert(name, Traits { flags, tips: texts(7) });
        if let Some(subcommands) = column(9) {
            add_traits(subcommands, all);
        }
    }
}

/// Visits the commands of a COMMAND DOCS reply; a container counts by its subcommands only.
fn each_doc(container: &str, docs: &Value, visit: &mut impl FnMut(String, &Value)) {
    let Value::Map(pairs) = docs else { return };
    for (name, doc) in pairs {
        let name = text(Some(name)).to_ascii_uppercase();
        let full = match name.contains('|') || container.is_empty() {
            true => name,
            false => format!("{container}|{name}"),
        };
        match doc.get("subcommands") {
            Some(subcommands) => each_doc(&full, subcommands, visit),
            None => visit(full, doc),
        }
    }
}

/// Drops options, or `alternatives` of a choice, that the reference does not have: it may be the
/// older server.
fn keep_common(ours: &mut Vec<Argument>, theirs: &[Argument], alternatives: bool) {
    let counterpart = |a: &Argument| match &a.token {
        Some(token) => theirs.iter().find(|b| b.token.as_ref() == Some(token)),
        None => theirs.iter().find(|b| b.token.is_none() && b.name == a.name),
    };
    ours.retain(|a| counterpart(a).is_some() || !(a.optional || alternatives));
    for argument in ours.iter_mut() {
        if let Some(theirs) = counterpart(argument) {
            let is_choice = argument.kind == Kind::Choice;
            keep_common(&mut argument.arguments, &theirs.arguments, is_choice);
        }
    }
}

/// Drops the option of HELLO that logs in. Neither it nor AUTH can be compared in a pipeline: Redis
/// 8.2.3 loses the reply to a login that fails right behind another.
fn drop_logins(arguments: &mut Vec<Argument>) {
    arguments.retain(|argument| argument.token.as_deref() != Some("AUTH"));
    arguments.iter_mut().for_each(|argument| drop_logins(&mut argument.arguments));
}

fn arguments(doc: &Value) -> Vec<Argument> {
    let arguments = doc.get("arguments").and_then(Value::items).unwrap_or_default();
    arguments.iter().map(argument).collect()
}

fn command(name: String, doc: &Value, ours: &Traits, theirs: &Traits) -> Command {
    let tips: Vec<&str> = ours.tips.iter().chain(&theirs.tips).map(String::as_str).collect();
    Command {
        rule: Rule::of(&name, &tips),
        weight: weight(&name),
        group: text(doc.get("group")),
        flags: &ours.flags | &theirs.flags,
        arguments: arguments(doc),
        name,
    }
}

fn argument(doc: &Value) -> Argument {
    let flags = doc.get("flags").and_then(Value::items).unwrap_or_default();
    let has = |flag: &str| flags.iter().any(|f| f.text() == Some(flag.as_bytes()));
    Argument {
        name: text(doc.get("name")),
        kind: kind(&text(doc.get("type"))),
        token: doc.get("token").map(|token| text(Some(token))),
        optional: has("optional"),
        multiple: has("multiple"),
        multiple_token: has("multiple_token"),
        arguments: arguments(doc),
    }
}

fn kind(name: &str) -> Kind {
    match name {
        "key" => Kind::Key,
        "integer" => Kind::Integer,
        "double" => Kind::Double,
        "pattern" => Kind::Pattern,
        "unix-time" => Kind::UnixTime,
        "pure-token" => Kind::Token,
        "oneof" => Kind::Choice,
        "block" => Kind::Block,
        _ => Kind::Text,
    }
}

/// Commands that empty or shuffle everything come seldom, those that make keys often.
fn weight(name: &str) -> u32 {
    match name {
        "FLUSHALL" | "FLUSHDB" => 1,
        "SWAPDB" | "SELECT" | "MOVE" => 10,
        "LCS" | "KEYS" | "SCAN" | "RANDOMKEY" | "DBSIZE" | "PING" | "ECHO" => 20,
        name if name.ends_with("|HELP") => 2,
        name if name.contains('|') && !name.starts_with("OBJECT") => 10,
        "AUTH" | "HELLO" | "INFO" | "RESET" | "TIME" => 5,
        "DEL" | "UNLINK" | "GETDEL" => 40,
        "SET" => 400,
        "MSET" | "APPEND" | "COPY" => 150,
        _ => 100,
    }
}

fn text(value: Option<&Value>) -> String {
    let bytes = value.and_then(Value::text).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(token: &str, kind: Kind, arguments: Vec<Argument>) -> Argument {
        let name = token.to_ascii_lowercase();
        let token = (kind != Kind::Choice).then(|| token.to_owned());
        let (optional, multiple, multiple_token) = (true, false, false);
        Argument { name, kind, token, optional, multiple, multiple_token, arguments }
    }

    #[test]
    fn only_what_both_have_is_generated() {
        let token = |name| option(name, Kind::Token, Vec::new());
        let choice = |children| option("CONDITION", Kind::Choice, children);
        let mut ours = vec![choice(vec![token("NX"), token("IFEQ")]), token("GET"), token("NEW")];
        let theirs = vec![choice(vec![token("NX"), token("XX")]), token("GET")];
        keep_common(&mut ours, &theirs, false);
        assert_eq!(ours.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["condition", "get"]);
        assert_eq!(ours[0].arguments.len(), 1);
        assert_eq!(ours[0].arguments[0].name, "nx");
    }
}
