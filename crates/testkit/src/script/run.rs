//! Running a script against a target.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;

use super::{Action, Script, Step};
use crate::pattern::{Bindings, Mismatch, Pattern};
use crate::quote;
use crate::target::{Client, Identity, Received, Target, request};

/// How long a reply may take before it counts as missing.
const REPLY_PATIENCE: Duration = Duration::from_secs(10);
/// How long a raw send is listened to while recording.
const RAW_PATIENCE: Duration = Duration::from_millis(200);
/// How long the end of a script waits for replies that nobody expects.
const LEFTOVER_PATIENCE: Duration = Duration::from_millis(1);

/// A reply that was not the expected one.
#[derive(Clone, Debug)]
pub struct Failure {
    /// `file:line`.
    pub place: String,
    pub protocol: u8,
    pub request: String,
    pub mismatch: Mismatch,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} (RESP{})", self.place, self.protocol)?;
        writeln!(f, "  request   {}", self.request)?;
        let Mismatch { path, expected, received } = &self.mismatch;
        if !path.is_empty() {
            writeln!(f, "  at        {path}")?;
        }
        writeln!(f, "  expected  {expected}")?;
        write!(f, "  received  {received}")
    }
}

/// What a run of one script in one protocol came to.
#[derive(Default)]
pub struct Report {
    pub replies: usize,
    pub failures: Vec<Failure>,
    /// Requests left out, by the command that the server lacks.
    pub skipped: BTreeMap<String, usize>,
    /// What arrived, by step: for an expectation its reply; for a request without one, what it
    /// was answered with.
    pub recorded: HashMap<usize, Vec<Received>>,
}

/// Runs a script in one protocol. With `recording`, requests that have no expectation yet are
/// answered too.
pub fn run(
    script: &Script,
    target: &mut dyn Target,
    identity: &Identity,
    protocol: u8,
    recording: bool,
) -> io::Result<Report> {
    Client::connect(target)?.call(&["FLUSHALL"])?;
    let mut runner = Runner {
        script,
        target,
        protocol,
        recording,
        clients: HashMap::new(),
        current: "1".to_owned(),
        bindings: Bindings::default(),
        request: String::new(),
        report: Report::default(),
    };
    let skipped = &mut runner.report.skipped;
    let steps: Vec<(usize, &Step)> = script
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.when.holds(identity, protocol))
        .filter(|(_, step)| !is_skipped(step, identity, skipped))
        .collect();
    for (position, (index, step)) in steps.iter().enumerate() {
        let next = steps.get(position + 1).map(|(_, step)| &step.action);
        let answered = matches!(next, Some(Action::Expect { .. }));
        if !runner.step(*index, step, answered)? {
            return Ok(runner.report);
        }
    }
    runner.leftovers()?;
    Ok(runner.report)
}

/// Whether the server lacks a command that the step needs; a request is counted.
fn is_skipped(step: &Step, identity: &Identity, skipped: &mut BTreeMap<String, usize>) -> bool {
    let Some(name) = step.when.missing(identity).next() else { return false };
    if matches!(step.action, Action::Request { .. } | Action::Raw(_)) {
        *skipped.entry(name.clone()).or_default() += 1;
    }
    true
}

struct Runner<'a> {
    script: &'a Script,
    target: &'a mut dyn Target,
    protocol: u8,
    recording: bool,
    clients: HashMap<String, Client>,
    current: String,
    bindings: Bindings,
    /// The last request, for the report.
    request: String,
    report: Report,
}

impl Runner<'_> {
    /// Does one step; false if there is no point in going on.
    fn step(&mut self, index: usize, step: &Step, answered: bool) -> io::Result<bool> {
        match &step.action {
            Action::Request { args, awaited } => {
                let line = step.lines.start;
                let args = match self.substitute(args) {
                    Ok(args) => args,
                    Err(name) => {
                        self.fail(
                            line,
                            "a bound name".to_owned(),
                            format!("${{{name}}} is unbound"),
                        );
                        return Ok(false);
                    }
                };
                self.request =
                    args.iter().map(|a| quote::argument(a)).collect::<Vec<_>>().join(" ");
                self.client()?.send(&request(&args))?;
                if *awaited && !answered {
                    return self.unexpected(index, step);
                }
            }
            Action::Raw(bytes) => {
                self.request = format!("@raw {}", quote::string(bytes));
                self.client()?.send(bytes)?;
                if self.recording && !answered {
                    self.record_all(index)?;
                }
            }
            Action::Expect { resp2, resp3 } => {
                let pattern = if self.protocol == 2 { resp2 } else { resp3 };
                if let Some(pattern) = pattern {
                    return self.expect(index, step, pattern);
                }
            }
            Action::Connection(name) => self.current.clone_from(name),
            Action::Disconnect => drop(self.clients.remove(&self.current)),
            Action::Sleep(time) => self.target.sleep(*time),
            Action::Let(name, text) => {
                let text = self.clock(text).unwrap_or_else(|| text.clone());
                self.bindings.insert(name.clone(), text);
            }
        }
        Ok(true)
    }

    fn client(&mut self) -> io::Result<&mut Client> {
        if !self.clients.contains_key(&self.current) {
            let mut client = Client::connect(self.target)?;
            if self.protocol == 3 {
                client.call(&["HELLO", "3"])?;
            }
            self.clients.insert(self.current.clone(), client);
        }
        self.clients.get_mut(&self.current).ok_or_else(|| io::Error::other("no connection"))
    }

    fn expect(&mut self, index: usize, step: &Step, pattern: &Pattern) -> io::Result<bool> {
        let received = self.client()?.receive(REPLY_PATIENCE)?;
        self.report.replies += 1;
        let line = step.lines.start;
        let fits = match &received {
            Received::Reply(value) => pattern.matches(value, self.protocol, &mut self.bindings),
            Received::Closed => *pattern == Pattern::Closed,
            Received::Quiet => false,
        };
        match &received {
            _ if fits => {}
            Received::Reply(value) => {
                let mismatch = pattern.explain(value, self.protocol, &self.bindings);
                self.report(line, mismatch);
            }
            Received::Quiet => self.fail(line, pattern.to_string(), "nothing".to_owned()),
            Received::Closed => {
                self.fail(line, pattern.to_string(), "the connection closed".to_owned());
            }
        }
        if received == Received::Closed {
            self.clients.remove(&self.current);
        }
        let go_on = fits || matches!(received, Received::Reply(_));
        self.report.recorded.insert(index, vec![received]);
        Ok(go_on)
    }

    /// A request that the script has no reply for.
    fn unexpected(&mut self, index: usize, step: &Step) -> io::Result<bool> {
        if !self.recording {
            let line = step.lines.start;
            self.fail(line, "nothing: the script has no reply".to_owned(), "not read".to_owned());
            return Ok(false);
        }
        let received = self.client()?.receive(REPLY_PATIENCE)?;
        if received == Received::Closed {
            self.clients.remove(&self.current);
        }
        self.report.recorded.insert(index, vec![received]);
        Ok(true)
    }

    /// Records everything that a raw send is answered with.
    fn record_all(&mut self, index: usize) -> io::Result<()> {
        let mut all = Vec::new();
        loop {
            let received = self.client()?.receive(RAW_PATIENCE)?;
            match received {
                Received::Quiet => break,
                Received::Reply(_) => all.push(received),
                Received::Closed => {
                    self.clients.remove(&self.current);
                    all.push(received);
                    break;
                }
            }
        }
        self.report.recorded.insert(index, all);
        Ok(())
    }

    /// Replies that no expectation took are failures too.
    fn leftovers(&mut self) -> io::Result<()> {
        let mut clients = std::mem::take(&mut self.clients);
        for client in clients.values_mut() {
            if let Received::Reply(value) = client.receive(LEFTOVER_PATIENCE)? {
                let last = self.script.lines.len().saturating_sub(1);
                self.fail(last, "no further reply".to_owned(), Pattern::of(&value).to_string());
            }
        }
        Ok(())
    }

    fn fail(&mut self, line: usize, expected: String, received: String) {
        self.report(line, Mismatch { path: String::new(), expected, received });
    }

    fn report(&mut self, line: usize, mismatch: Mismatch) {
        self.report.failures.push(Failure {
            place: format!("{}:{}", self.script.name, line + 1),
            protocol: self.protocol,
            request: self.request.clone(),
            mismatch,
        });
    }

    /// Replaces `${name}` in arguments; the error is a name that means nothing.
    fn substitute(&self, args: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
        args.iter().map(|arg| self.substitute_one(arg)).collect()
    }

    fn substitute_one(&self, arg: &[u8]) -> Result<Vec<u8>, String> {
        let Ok(mut rest) = std::str::from_utf8(arg) else { return Ok(arg.to_vec()) };
        let mut out = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            let text = self.bindings.get(name).cloned().or_else(|| self.clock(name));
            out.push_str(before);
            out.push_str(&text.ok_or_else(|| name.to_owned())?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out.into_bytes())
    }

    /// `now`, `now+100`, `now_ms-1`: the server's clock.
    fn clock(&self, text: &str) -> Option<String> {
        let now_ms = self.target.now_ms() as i64;
        let (now, offset) = match text.strip_prefix("now_ms") {
            Some(offset) => (now_ms, offset),
            None => (now_ms / 1000, text.strip_prefix("now")?),
        };
        let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
        Some(now.saturating_add(offset).to_string())
    }
}
