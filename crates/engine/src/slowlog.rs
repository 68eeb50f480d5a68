//! The slow log: the last commands whose execution took longer than a threshold.

use crate::args::Args;
use crate::registry::Registered;
use crate::server::Server;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most words of a command that are kept.
const WORDS_MAX: usize = 32;
/// Most bytes of a word that are kept.
const WORD_BYTES_MAX: usize = 128;

/// One slow command.
#[derive(Clone, Debug)]
pub struct SlowEntry {
    /// Its number.
    pub id: u64,
    /// When it ran, in seconds since 1970.
    pub unix_s: i64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Its words, cut where long.
    pub words: Vec<Vec<u8>>,
    /// The client's address.
    pub addr: String,
    /// The client's name.
    pub name: Vec<u8>,
}

/// The log, newest first.
#[derive(Default)]
pub struct SlowLog {
    entries: Mutex<VecDeque<SlowEntry>>,
    next_id: AtomicU64,
}

impl SlowLog {
    /// Adds an entry and drops the oldest beyond `len_max`.
    pub fn add(&self, mut entry: SlowEntry, len_max: usize) {
        let mut entries = self.entries.lock();
        entry.id = self.next_id.fetch_add(1, Ordering::Relaxed);
        entries.push_front(entry);
        entries.truncate(len_max);
    }

    /// The newest entries.
    pub fn newest(&self, count: usize) -> Vec<SlowEntry> {
        self.entries.lock().iter().take(count).cloned().collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.entries.lock().clear();
    }
}

/// A request as the log keeps it, its secrets replaced.
pub fn words(server: &Server, command: &Registered, args: Args<'_>) -> Vec<Vec<u8>> {
    const REDACTED: &[u8] = b"(redacted)";
    let Some(is_secret) = command.row.redact else { return abridged(args.iter()) };
    let shown = |(index, word)| if is_secret(server, args, index) { REDACTED } else { word };
    abridged(args.iter().enumerate().map(shown))
}

/// A command's words as the log keeps them: the first 31 and a count of the rest, each cut to 128
/// bytes with a note of how many more there were.
fn abridged<'a>(words: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let total = words.len();
    let shown = if total > WORDS_MAX { WORDS_MAX - 1 } else { total };
    let mut kept: Vec<Vec<u8>> = words.take(shown).map(abridged_word).collect();
    if total > shown {
        kept.push(format!("... ({} more arguments)", total - shown).into_bytes());
    }
    kept
}

fn abridged_word(word: &[u8]) -> Vec<u8> {
    if word.len() <= WORD_BYTES_MAX {
        return word.to_vec();
    }
    let mut cut = word[..WORD_BYTES_MAX].to_vec();
    let rest = word.len() - WORD_BYTES_MAX;
    cut.extend_from_slice(format!("... ({rest} more bytes)").as_bytes());
    cut
}
