//! From text to steps.

use std::time::Duration;

use crate::pattern::{self, Flaw, Pattern};
use crate::quote;
use crate::target::{Family, Identity, parse_version};

/// A parsed script.
pub struct Script {
    pub name: String,
    /// The lines of the file, kept for rewriting it.
    pub lines: Vec<String>,
    pub steps: Vec<Step>,
}

/// One thing to do or to see.
pub struct Step {
    /// The first line of the step in the file, from 0, and the first behind it.
    pub lines: std::ops::Range<usize>,
    pub when: Condition,
    pub action: Action,
}

pub enum Action {
    /// `awaited`: a reply must follow.
    Request {
        args: Vec<Vec<u8>>,
        awaited: bool,
    },
    Raw(Vec<u8>),
    /// The next reply, by protocol; none where a protocol has no such reply.
    Expect {
        resp2: Option<Pattern>,
        resp3: Option<Pattern>,
    },
    Connection(String),
    Disconnect,
    Sleep(Duration),
    Let(String, String),
}

/// Where a step applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    pub server: Option<Server>,
    pub protocol: Option<u8>,
    /// Commands that the server must have, in upper case.
    pub needs: Vec<String>,
}

/// The server that a step was recorded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub family: Family,
    pub version_min: (u32, u32, u32),
}

impl Condition {
    pub fn holds(&self, identity: &Identity, protocol: u8) -> bool {
        let server = self.server.as_ref().is_none_or(|server| {
            identity.family == Family::Cinnabar
                || (identity.family == server.family && identity.version >= server.version_min)
        });
        server && self.protocol.is_none_or(|only| only == protocol)
    }

    /// The commands that the server does not have, if there are any.
    pub fn missing<'a>(&'a self, identity: &'a Identity) -> impl Iterator<Item = &'a String> {
        self.needs.iter().filter(|name| !identity.commands.contains(*name))
    }

    /// What holds in a paragraph, inside a file with its own condition.
    fn within(&self, file: &Condition) -> Condition {
        Condition {
            server: self.server.clone().or_else(|| file.server.clone()),
            protocol: self.protocol.or(file.protocol),
            needs: self.needs.iter().chain(&file.needs).cloned().collect(),
        }
    }
}

impl Script {
    /// Parses a file; the error names the line.
    pub fn parse(name: &str, text: &str) -> Result<Script, String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut parser = Parser { lines: &lines, at: 0, steps: Vec::new(), file: None };
        parser.run().map_err(|text| format!("{name}:{}: {text}", parser.at + 1))?;
        let steps = parser.steps;
        Ok(Script { name: name.to_owned(), lines, steps })
    }
}

struct Parser<'a> {
    lines: &'a [String],
    at: usize,
    steps: Vec<Step>,
    /// The condition of the whole file, settled at its first step.
    file: Option<Condition>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut paragraph = Condition::default();
        while let Some(line) = self.lines.get(self.at) {
            let line = line.trim_end();
            if line.is_empty() {
                // Before the first step the blank line ends nothing: it is still the file's head.
                if self.file.is_some() {
                    paragraph = Condition::default();
                }
                self.at += 1;
                continue;
            }
            if line.starts_with('#') || self.condition(line, &mut paragraph)? {
                self.at += 1;
                continue;
            }
            if self.file.is_none() {
                self.file = Some(std::mem::take(&mut paragraph));
            }
            let when = paragraph.within(self.file.as_ref().unwrap_or(&Condition::default()));
            self.step(line, when)?;
        }
        Ok(())
    }

    /// Takes a line that says where the paragraph applies.
    fn condition(&mut self, line: &str, paragraph: &mut Condition) -> Result<bool, String> {
        let Some(word) = line.strip_prefix('@') else { return Ok(false) };
        if let Some(protocol) = word.strip_prefix("resp ") {
            paragraph.protocol = match protocol {
                "2" => Some(2),
                "3" => Some(3),
                _ => return Err("the protocol is 2 or 3".to_owned()),
            };
            return Ok(true);
        }
        if let Some(names) = word.strip_prefix("needs ") {
            let names = names.split_ascii_whitespace().map(str::to_ascii_uppercase);
            paragraph.needs.extend(names);
            return Ok(true);
        }
        let (family, version) = word.split_once(">=").unwrap_or((word, "0"));
        let family = match family {
            "redis" => Family::Redis,
            "valkey" => Family::Valkey,
            "cinnabar" => Family::Cinnabar,
            _ => return Ok(false),
        };
        paragraph.server = Some(Server { family, version_min: parse_version(version) });
        Ok(true)
    }

    fn step(&mut self, line: &str, when: Condition) -> Result<(), String> {
        let start = self.at;
        let action = if line.starts_with('<') {
            self.expectation()?
        } else {
            self.at += 1;
            action(line).inspect_err(|_| self.at = start)?
        };
        self.steps.push(Step { lines: start..self.at, when, action });
        Ok(())
    }

    /// One expected reply: `<` lines until the pattern is complete, or a `<2` and `<3` pair.
    fn expectation(&mut self) -> Result<Action, String> {
        let (marker, pattern) = self.pattern()?;
        Ok(match marker {
            "<" => Action::Expect { resp2: Some(pattern.clone()), resp3: Some(pattern) },
            "<3" => Action::Expect { resp2: None, resp3: Some(pattern) },
            _ => {
                let next = self.lines.get(self.at).is_some_and(|line| line.starts_with("<3"));
                let resp3 = if next { Some(self.pattern()?.1) } else { None };
                Action::Expect { resp2: Some(pattern), resp3 }
            }
        })
    }

    fn pattern(&mut self) -> Result<(&'static str, Pattern), String> {
        let first = self.at;
        let mut text = String::new();
        let mut marker = None;
        while let Some(line) = self.lines.get(self.at) {
            let (here, rest) = split_marker(line);
            if here.is_none() || (marker.is_some() && here != marker) {
                break;
            }
            marker = here;
            text.push_str(rest);
            text.push('\n');
            self.at += 1;
            match pattern::parse(&text) {
                Ok(pattern) => return Ok((marker.unwrap_or("<"), pattern)),
                Err(Flaw::Incomplete) => {}
                Err(Flaw::Wrong(text)) => {
                    self.at -= 1;
                    return Err(text);
                }
            }
        }
        self.at = first;
        Err("a reply that does not end".to_owned())
    }
}

fn split_marker(line: &str) -> (Option<&'static str>, &str) {
    for marker in ["<2", "<3", "<"] {
        if let Some(rest) = line.strip_prefix(marker) {
            return (Some(marker), rest);
        }
    }
    (None, line)
}

/// The action of a line that is no expectation.
fn action(line: &str) -> Result<Action, String> {
    if let Some(text) = line.strip_prefix(">>") {
        return Ok(Action::Request { args: quote::split(text)?, awaited: false });
    }
    if let Some(text) = line.strip_prefix('>') {
        return Ok(Action::Request { args: quote::split(text)?, awaited: true });
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    match word {
        "@raw" => Ok(Action::Raw(quote::split(rest)?.concat())),
        "@conn" if !rest.is_empty() => Ok(Action::Connection(rest.to_owned())),
        "@disconnect" => Ok(Action::Disconnect),
        "@sleep" => duration(rest)
            .map(Action::Sleep)
            .ok_or_else(|| "how long? A number with ms or s is wanted".to_owned()),
        "@let" => match rest.split_once(' ') {
            Some((name, text)) => Ok(Action::Let(name.to_owned(), text.trim().to_owned())),
            None => Err("a name and its text are wanted".to_owned()),
        },
        _ => Err(format!("an unknown line: {line}")),
    }
}

fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}
