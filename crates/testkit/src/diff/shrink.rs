//! Making a failing episode small.
//!
//! Delta debugging over commands (drop ever smaller runs while the same difference stays), then
//! over the arguments of what is left. Every attempt is a replay from two empty servers.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::pair::{Pair, Play};

/// Time that shrinking one difference may take. A server that hangs costs the patience of a
/// whole exchange per replay.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Shrinks `plays` while they still show the difference.
pub fn shrink(
    pair: &mut Pair,
    protocol: u8,
    plays: &mut Vec<Play>,
    signature: &str,
) -> io::Result<()> {
    let mut search = Search { pair, protocol, signature, start: Instant::now() };
    search.drop_commands(plays)?;
    search.shorten_arguments(plays)?;
    search.drop_commands(plays)
}

struct Search<'a> {
    pair: &'a mut Pair,
    protocol: u8,
    signature: &'a str,
    start: Instant,
}

impl Search<'_> {
    fn is_late(&self) -> bool {
        self.start.elapsed() > TIME_MAX
    }

    fn still_differs(&mut self, plays: &[Play]) -> io::Result<bool> {
        let outcome = self.pair.episode(self.protocol, plays, &mut BTreeMap::new())?;
        Ok(outcome.difference.is_some_and(|d| d.signature() == self.signature))
    }

    fn drop_commands(&mut self, plays: &mut Vec<Play>) -> io::Result<()> {
        let mut size = plays.len().div_ceil(2);
        while size > 0 && !self.is_late() {
            let mut start = 0;
            while start < plays.len() && !self.is_late() {
                let end = (start + size).min(plays.len());
                let mut fewer = plays[..start].to_vec();
                fewer.extend_from_slice(&plays[end..]);
                if !fewer.is_empty() && self.still_differs(&fewer)? {
                    *plays = fewer;
                } else {
                    start = end;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
        Ok(())
    }

    fn shorten_arguments(&mut self, plays: &mut [Play]) -> io::Result<()> {
        for command in 0..plays.len() {
            let mut argument = 1;
            while argument < plays[command].args.len() && !self.is_late() {
                let original = plays[command].args.clone();
                plays[command].args.remove(argument);
                if self.still_differs(plays)? {
                    continue;
                }
                plays[command].args.clone_from(&original);
                for shorter in shorter(&original[argument]) {
                    plays[command].args[argument] = shorter;
                    if self.still_differs(plays)? {
                        break;
                    }
                    plays[command].args[argument].clone_from(&original[argument]);
                }
                argument += 1;
            }
        }
        Ok(())
    }
}

/// Simpler arguments to try, the simplest first.
fn shorter(argument: &[u8]) -> Vec<Vec<u8>> {
    if argument.len() <= 3 {
        return Vec::new();
    }
    let half = &argument[..argument.len() / 2];
    let mut simpler = vec![b"a".to_vec(), b"1".to_vec()];
    if argument.len() > 20 {
        simpler.push(b"a".repeat(argument.len()));
        simpler.push(half.to_vec());
    }
    simpler
}

/// The commands as a script, with the reference's replies.
pub fn script(pair: &mut Pair, protocol: u8, plays: &[Play]) -> io::Result<String> {
    let replies = pair.reference_replies(protocol, plays)?;
    let mut text = String::new();
    for (play, reply) in plays.iter().zip(replies) {
        text.push_str(&format!("> {}\n", play.line()));
        reply.iter().for_each(|line| text.push_str(&format!("< {line}\n")));
    }
    Ok(text)
}
