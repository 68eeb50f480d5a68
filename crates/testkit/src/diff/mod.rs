//! The differential runner: the same commands to two servers, and everything compared.
//!
//! Commands are generated from the grammar that our server publishes in COMMAND DOCS, so a new
//! row of the command table is exercised from the day it exists. An *episode* starts from two
//! empty servers, sends some thousand commands in pipelined chunks, compares each pair of
//! replies and at its end a dump of both keyspaces. When something differs, the episode is
//! replayed; a difference that does not come back was a race with the clock and is only counted.
//! One that does is shrunk to the few commands that it takes and printed as a script with the
//! reference's replies.
//!
//! Rejected: comparing after every command (a round trip each: a tenth of the speed), and one
//! long run without episodes (nothing short could be replayed).

mod compare;
mod dump;
mod generate;
mod grammar;
mod known;
mod pair;
mod pools;
mod shrink;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use crate::target::Target;
pub use generate::Generator;
pub use grammar::Grammar;
pub use pair::Play;
use pair::{Difference, Pair};
pub use pools::Rng;

/// Commands of an episode.
const EPISODE_COMMANDS: usize = 1000;
/// How often a difference must come back before it is believed.
const CONFIRMATIONS: usize = 2;

/// What to run.
pub struct Options {
    pub seed: u64,
    /// Commands per protocol.
    pub count: u64,
    /// Names such as `SET` or `OBJECT|ENCODING`; empty: by group.
    pub commands: Vec<String>,
    /// Groups of COMMAND DOCS; empty: the default selection.
    pub groups: Vec<String>,
    pub protocols: Vec<u8>,
    /// How many different differences to shrink and print before giving up.
    pub differences_max: usize,
}

/// What a run came to.
#[derive(Default)]
pub struct Summary {
    pub commands: u64,
    /// Differences by signature: how often each was seen.
    pub differences: BTreeMap<String, u64>,
    /// Differences that the table of known ones explains, by reason.
    pub known: BTreeMap<&'static str, u64>,
    /// Differences that did not come back when replayed.
    pub races: BTreeMap<String, u64>,
}

/// Runs `options` against our server and a reference, printing what differs.
pub fn run(
    ours: Box<dyn Target>,
    reference: Box<dyn Target>,
    options: &Options,
) -> io::Result<Summary> {
    let mut pair = Pair::connect(ours, reference)?;
    let grammar = Grammar::fetch(&mut pair)?.select(&options.commands, &options.groups);
    println!("{} commands in the grammar, seed {}", grammar.commands.len(), options.seed);
    if grammar.commands.is_empty() {
        return Err(io::Error::other("no command is left to generate"));
    }
    let mut summary = Summary::default();
    for &protocol in &options.protocols {
        let start = Instant::now();
        let before = summary.commands;
        run_protocol(&mut pair, &grammar, options, protocol, &mut summary)?;
        let count = summary.commands - before;
        let speed = count as f64 / start.elapsed().as_secs_f64();
        println!("RESP{protocol}: {count} commands, {speed:.0} per second");
    }
    Ok(summary)
}

fn run_protocol(
    pair: &mut Pair,
    grammar: &Grammar,
    options: &Options,
    protocol: u8,
    summary: &mut Summary,
) -> io::Result<()> {
    let mut done = 0;
    let mut episode = 0u64;
    while done < options.count && summary.differences.len() < options.differences_max {
        // An episode depends on its own seed only, so that any can be run alone.
        let seed = Rng::new(options.seed, episode ^ (u64::from(protocol) << 56));
        episode += 1;
        let mut generator = Generator::new(grammar, seed, pair.now_ms());
        let plays = generator.plays(EPISODE_COMMANDS);
        let outcome = pair.episode(protocol, &plays, &mut summary.known)?;
        done += outcome.commands as u64;
        summary.commands += outcome.commands as u64;
        if let Some(difference) = outcome.difference {
            examine(pair, protocol, &plays, &difference, summary)?;
        }
    }
    Ok(())
}

/// Confirms, shrinks and prints a difference.
fn examine(
    pair: &mut Pair,
    protocol: u8,
    plays: &[Play],
    difference: &Difference,
    summary: &mut Summary,
) -> io::Result<()> {
    let signature = difference.signature();
    if let Some(count) = summary.differences.get_mut(&signature) {
        *count += 1;
        return Ok(());
    }
    let mut plays = plays[..difference.position.min(plays.len())].to_vec();
    let result = reproduce(pair, protocol, &mut plays, difference);
    match result {
        Ok(true) => drop(summary.differences.insert(signature, 1)),
        Ok(false) => {
            println!("\n# RESP{protocol}, not seen again: {difference}");
            *summary.races.entry(signature).or_default() += 1;
        }
        // A server that is gone cannot replay: what brought it down is all there is to tell.
        Err(error) => {
            println!("\n# RESP{protocol}: {difference}\n# then: {error}");
            plays.iter().for_each(|play| println!("> {}", play.line()));
            return Err(error);
        }
    }
    Ok(())
}

/// Shrinks and prints a difference; false if it does not come back.
fn reproduce(
    pair: &mut Pair,
    protocol: u8,
    plays: &mut Vec<Play>,
    difference: &Difference,
) -> io::Result<bool> {
    let signature = difference.signature();
    for _ in 0..CONFIRMATIONS {
        let again = pair.episode(protocol, plays, &mut BTreeMap::new())?.difference;
        if again.is_none_or(|again| again.signature() != signature) {
            return Ok(false);
        }
    }
    shrink::shrink(pair, protocol, plays, &signature)?;
    let last = pair.episode(protocol, plays, &mut BTreeMap::new())?.difference;
    let text = shrink::script(pair, protocol, plays)?;
    println!("\n# RESP{protocol}: {}", last.as_ref().unwrap_or(difference));
    println!("{text}");
    Ok(true)
}
