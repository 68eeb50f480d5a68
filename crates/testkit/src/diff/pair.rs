//! Our server and the reference, driven together.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::compare::{Rule, lines, notation};
use super::dump;
use super::known::Judge;
use crate::pattern::Pattern;
use crate::quote;
use crate::target::{Arrival, Client, Target, append_request, identify};
use crate::value::{Look, Value, decode};

/// Bytes of requests that are on their way at a time. Less than the socket buffers hold, so that
/// a server that waits for its replies to be read cannot block us.
const CHUNK_BYTES: usize = 32 * 1024;
/// Commands of a chunk.
const CHUNK_COMMANDS: usize = 128;
/// How long a chunk may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command to send and how to compare its replies.
#[derive(Clone)]
pub struct Play {
    pub args: Vec<Vec<u8>>,
    pub name: String,
    pub rule: Rule,
    /// A known difference in its reply leaves the data alike.
    pub read_only: bool,
}

impl Play {
    /// How its replies are compared. What a cursor in the middle means, each server decides.
    fn rule(&self) -> Rule {
        let is_start = self.args.get(1).is_some_and(|cursor| cursor == b"0");
        if self.rule == Rule::Scan && !is_start { Rule::Shape } else { self.rule }
    }

    /// The command as a script writes it.
    pub fn line(&self) -> String {
        self.args.iter().map(|arg| quote::argument(arg)).collect::<Vec<_>>().join(" ")
    }
}

/// Something that is not alike.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How many commands it took.
    pub position: usize,
    /// The command, or what of the keyspace differs.
    pub what: String,
    pub name: String,
    pub ours: String,
    pub reference: String,
}

impl Difference {
    /// What makes two differences the same finding: the command and the kinds of the replies.
    pub fn signature(&self) -> String {
        format!("{}: {} / {}", self.name, kind(&self.ours), kind(&self.reference))
    }
}

/// The sort of a reply: errors by their text without what it quotes, others by their type.
fn kind(reply: &str) -> String {
    if !reply.starts_with('-') {
        let cut = reply.find(|c: char| c.is_alphanumeric()).unwrap_or(reply.len()).min(2);
        return reply.get(..cut.max(1)).unwrap_or_default().to_owned();
    }
    reply.split('\'').step_by(2).collect::<Vec<_>>().join("''").chars().take(60).collect()
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cut = |text: &str| text.chars().take(400).collect::<String>();
        writeln!(f, "{}", cut(&self.what))?;
        writeln!(f, "# ours       {}", cut(&self.ours))?;
        write!(f, "# reference  {}", cut(&self.reference))
    }
}

/// What an episode came to.
pub struct Outcome {
    pub commands: usize,
    pub difference: Option<Difference>,
}

/// The two servers.
pub struct Pair {
    ours: Side,
    reference: Side,
    judge: Judge,
}

impl Pair {
    pub fn connect(mut ours: Box<dyn Target>, mut reference: Box<dyn Target>) -> io::Result<Pair> {
        let family = identify(reference.as_mut())?.family;
        let judge = Judge { family, alike: identify(ours.as_mut())?.family == family };
        Ok(Pair { ours: Side::connect(ours)?, reference: Side::connect(reference)?, judge })
    }

    pub fn now_ms(&self) -> u64 {
        self.ours.target.now_ms()
    }

    /// The same request to both in RESP3: our reply and the reference's.
    pub fn call(&mut self, args: &[&str]) -> io::Result<(Value, Value)> {
        let call = |side: &mut Side| {
            side.client.call(&["HELLO", "3"])?;
            side.client.call(args)
        };
        Ok((call(&mut self.ours)?, call(&mut self.reference)?))
    }

    /// Plays commands from two empty servers up to the first difference; then, if there was
    /// none, compares the keyspaces.
    pub fn episode(
        &mut self,
        protocol: u8,
        plays: &[Play],
        explained: &mut BTreeMap<&'static str, u64>,
    ) -> io::Result<Outcome> {
        self.ours.start(protocol)?;
        self.reference.start(protocol)?;
        let mut done = 0;
        let mut queued: Vec<&Play> = Vec::new();
        while done < plays.len() {
            let len = chunk_len(&plays[done..]);
            let chunk = &plays[done..done + len];
            self.exchange(chunk)?;
            for (index, play) in chunk.iter().enumerate() {
                let commands = done + index + 1;
                let (ours, reference) = (self.ours.reply(index), self.reference.reply(index));
                let deviations = deviations(play, &queued, ours, reference);
                note_queued(play, reference, &mut queued);
                for Deviation { play, ours, reference } in deviations {
                    let (name, args) = (&play.name, &play.args);
                    if let Some(reason) = self.judge.reason(name, args, &ours, &reference) {
                        *explained.entry(reason).or_default() += 1;
                        if play.read_only {
                            continue;
                        }
                        return Ok(Outcome { commands, difference: None });
                    }
                    let (what, name) = (play.line(), play.name.clone());
                    let difference = Difference { position: commands, what, name, ours, reference };
                    return Ok(Outcome { commands, difference: Some(difference) });
                }
            }
            done += len;
        }
        // A transaction that is still open would swallow the questions.
        self.ours.settle(protocol)?;
        self.reference.settle(protocol)?;
        let (ours, reference) = (&mut self.ours.client, &mut self.reference.client);
        let difference = dump::compare(ours, reference, self.judge)?;
        Ok(Outcome { commands: done, difference: difference.map(|d| d.at(done)) })
    }

    /// The lines of the reference's reply to each command, from an empty server.
    pub fn reference_replies(
        &mut self,
        protocol: u8,
        plays: &[Play],
    ) -> io::Result<Vec<Vec<String>>> {
        self.reference.start(protocol)?;
        let mut replies = Vec::new();
        for play in plays {
            self.reference.send(std::slice::from_ref(play))?;
            self.reference.receive(1)?;
            replies.push(lines(self.reference.reply(0)));
        }
        Ok(replies)
    }

    fn exchange(&mut self, chunk: &[Play]) -> io::Result<()> {
        self.ours.send(chunk)?;
        self.reference.send(chunk)?;
        self.ours.receive(chunk.len())?;
        self.reference.receive(chunk.len())
    }
}

/// A reply that differs, of a command or of one that it executed.
struct Deviation<'a> {
    play: &'a Play,
    ours: String,
    reference: String,
}

/// Compares the replies to a command; of an EXEC those of the commands in its queue.
fn deviations<'a>(
    play: &'a Play,
    queued: &[&'a Play],
    ours: &[u8],
    reference: &[u8],
) -> Vec<Deviation<'a>> {
    if play.rule().same(ours, reference) {
        return Vec::new();
    }
    let whole = || vec![Deviation { play, ours: notation(ours), reference: notation(reference) }];
    if play.name != "EXEC" {
        return whole();
    }
    let (Ok(Some((a, _))), Ok(Some((b, _)))) = (decode(ours), decode(reference)) else {
        return whole();
    };
    let (Some(ours), Some(reference)) = (a.items(), b.items()) else { return whole() };
    if ours.len() != queued.len() || reference.len() != queued.len() {
        return whole();
    }
    let pairs = queued.iter().zip(ours.iter().zip(reference));
    let differing = pairs.filter(|(play, (a, b))| !play.rule().same_values(a, b));
    differing
        .map(|(&play, (a, b))| {
            let notation = |value: &Value| Pattern::of(value).to_string();
            Deviation { play, ours: notation(a), reference: notation(b) }
        })
        .collect()
}

/// Keeps the queue of the transaction that is open.
fn note_queued<'a>(play: &'a Play, reference: &[u8], queued: &mut Vec<&'a Play>) {
    match play.name.as_str() {
        _ if reference == b"+QUEUED\r\n" => queued.push(play),
        "EXEC" | "DISCARD" | "RESET" => queued.clear(),
        _ => {}
    }
}

/// How many commands go into the next chunk.
fn chunk_len(plays: &[Play]) -> usize {
    let mut bytes = 0;
    let fits = |play: &&Play| {
        bytes += play.args.iter().map(|arg| arg.len() + 16).sum::<usize>();
        bytes <= CHUNK_BYTES
    };
    plays.iter().take(CHUNK_COMMANDS).take_while(fits).count().max(1)
}

/// One of the two servers, with the replies of the current chunk.
struct Side {
    target: Box<dyn Target>,
    client: Client,
    requests: Vec<u8>,
    replies: Vec<u8>,
    /// Where each reply ends.
    ends: Vec<usize>,
    /// The connection broke: what comes from it cannot be trusted.
    broken: bool,
}

impl Side {
    fn connect(mut target: Box<dyn Target>) -> io::Result<Side> {
        let client = Client::connect(target.as_mut())?;
        let (requests, replies, ends) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Side { target, client, requests, replies, ends, broken: false })
    }

    /// An empty server and a connection in its first state.
    fn start(&mut self, protocol: u8) -> io::Result<()> {
        if self.broken {
            self.client = Client::connect(self.target.as_mut())?;
            self.broken = false;
        }
        self.settle(protocol)?;
        self.client.call(&["FLUSHALL"])?;
        Ok(())
    }

    /// A connection in its first state.
    fn settle(&mut self, protocol: u8) -> io::Result<()> {
        self.client.call(&["RESET"])?;
        self.client.call(&["HELLO", if protocol == 3 { "3" } else { "2" }])?;
        Ok(())
    }

    fn send(&mut self, plays: &[Play]) -> io::Result<()> {
        self.requests.clear();
        for play in plays {
            append_request(&play.args, &mut self.requests);
        }
        if self.client.send(&self.requests).is_err() {
            self.broken = true;
        }
        Ok(())
    }

    /// Takes in the replies of a chunk; missing ones stay empty.
    fn receive(&mut self, count: usize) -> io::Result<()> {
        self.replies.clear();
        self.ends.clear();
        let (client, replies, ends) = (&mut self.client, &mut self.replies, &mut self.ends);
        match client.receive_raw(count, PATIENCE, replies, ends) {
            Ok(Arrival::Bytes) => {}
            Ok(_) | Err(_) => self.broken = true,
        }
        Ok(())
    }

    fn reply(&self, index: usize) -> &[u8] {
        let Some(&end) = self.ends.get(index) else { return &[] };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.replies.get(start..end).unwrap_or_default()
    }
}
