//! Parameters with a grammar of their own. Each is a parser from arguments to the canonical text,
//! which is what CONFIG GET prints; readers that need structure decode the canonical text once
//! per change ([`save_points`], [`output_limits`], ...), never per command.

use crate::number;
use crate::param::Reason;

/// How values of a special parameter are read and written.
pub struct Special {
    /// From arguments and the current canonical text to the new canonical text.
    pub parse: fn(args: &[&str], old: &str, source: Source) -> Result<String, Reason>,
    /// The canonical text as a number, for readers that want one atomic load.
    pub number: fn(&str) -> i64,
    /// The arguments of each line that sets the value in a file.
    pub lines: fn(&str) -> Vec<String>,
    /// CONFIG REWRITE writes the value even when it is the default.
    pub always: bool,
}

const fn new(
    parse: fn(&[&str], &str, Source) -> Result<String, Reason>,
    lines: fn(&str) -> Vec<String>,
) -> Special {
    Special { parse, number: no_number, lines, always: false }
}

/// Who sets the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// CONFIG SET: the value replaces the current one.
    Set,
    /// A line of a file or the command line; `first` until the parameter was mentioned once.
    Line { first: bool },
}

fn no_number(_: &str) -> i64 {
    0
}

fn one_line(value: &str) -> Vec<String> {
    vec![words(&value.split(' ').collect::<Vec<_>>())]
}

/// Words for a line of a file: what the line's grammar could misread is quoted.
fn words(words: &[&str]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic() && !b"\"'\\#".contains(&b))
    };
    let quoted = words.iter().map(|word| match plain(word) {
        true => (*word).to_owned(),
        false => crate::quote(word),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn quoted_line(value: &str) -> Vec<String> {
    vec![crate::quote(value)]
}

/// `save`: pairs of seconds and changes. Lines of a file add up, the first one drops the default.
pub const SAVE: Special = new(parse_save, save_lines);

fn parse_save(args: &[&str], old: &str, source: Source) -> Result<String, Reason> {
    const INVALID: &str = "Invalid save parameters";
    let mut points = Vec::new();
    if source == (Source::Line { first: false }) && !old.is_empty() && *args != [""] {
        points.push(old.to_owned());
    }
    if *args == [""] {
        return Ok(String::new());
    }
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err(INVALID.into());
    }
    for pair in args.chunks(2) {
        let seconds = number::loose_integer(pair[0]).filter(|&n| n >= 1).ok_or(INVALID)?;
        let changes = number::loose_integer(pair[1]).filter(|&n| n >= 0).ok_or(INVALID)?;
        points.push(format!("{seconds} {}", truncated(changes)));
    }
    Ok(points.join(" "))
}

/// Counts of changes and seconds are kept in 32 bits, higher bits fall away.
fn truncated(value: i64) -> i32 {
    value as i32
}

fn save_lines(value: &str) -> Vec<String> {
    let words: Vec<&str> = value.split(' ').collect();
    if value.is_empty() {
        return vec!["\"\"".into()];
    }
    words.chunks(2).map(|pair| pair.join(" ")).collect()
}

/// One `save` point: snapshot when `changes` writes happened within `seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    pub seconds: i64,
    pub changes: i64,
}

/// Decodes the canonical text of `save`.
pub fn save_points(value: &str) -> Vec<SavePoint> {
    let numbers: Vec<i64> = value.split(' ').filter_map(|word| word.parse().ok()).collect();
    numbers.chunks_exact(2).map(|p| SavePoint { seconds: p[0], changes: p[1] }).collect()
}

/// `client-output-buffer-limit`: class, hard limit, soft limit, seconds; classes that are not
/// mentioned keep their limits. [`crate::Config::int`] of the row gives the hard limit of normal
/// clients, which is asked for with every large reply.
pub const OUTPUT_LIMITS: Special = Special {
    parse: parse_output_limits,
    number: |value| output_limits(value)[0].hard_bytes.try_into().unwrap_or(i64::MAX),
    lines: output_limit_lines,
    always: false,
};

/// The limits of one class of clients; 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OutputLimit {
    pub hard_bytes: u64,
    pub soft_bytes: u64,
    pub soft_seconds: u32,
}

const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

fn parse_output_limits(args: &[&str], old: &str, _: Source) -> Result<String, Reason> {
    const ERROR: &str =
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    if *args == [""] {
        return Ok(old.to_owned());
    }
    if args.is_empty() || !args.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut limits = output_limits(old);
    for part in args.chunks(4) {
        let class = class_index(part[0])
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let seconds = number::loose_integer(part[3]).map(truncated);
        limits[class] = OutputLimit {
            hard_bytes: number::memory(part[1]).ok_or(ERROR)?,
            soft_bytes: number::memory(part[2]).ok_or(ERROR)?,
            soft_seconds: seconds.and_then(|n| u32::try_from(n).ok()).ok_or(ERROR)?,
        };
    }
    let parts = CLASSES.iter().zip(limits).map(|(class, limit)| {
        format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
    });
    Ok(parts.collect::<Vec<_>>().join(" "))
}

fn output_limit_lines(value: &str) -> Vec<String> {
    let lines = CLASSES.iter().zip(output_limits(value)).map(|(class, limit)| {
        let class = if *class == "slave" { "replica" } else { class };
        let [hard, soft] = [limit.hard_bytes, limit.soft_bytes].map(number::memory_text);
        format!("{class} {hard} {soft} {}", limit.soft_seconds)
    });
    lines.collect()
}

fn class_index(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let name = if name == "replica" { "slave" } else { name.as_str() };
    CLASSES.iter().position(|&class| class == name)
}

/// Decodes the canonical text of `client-output-buffer-limit`: normal, replica, pubsub.
pub fn output_limits(value: &str) -> [OutputLimit; 3] {
    let mut limits = [OutputLimit::default(); 3];
    let words: Vec<&str> = value.split(' ').collect();
    for part in words.chunks_exact(4) {
        if let Some(class) = class_index(part[0]) {
            limits[class] = OutputLimit {
                hard_bytes: part[1].parse().unwrap_or(0),
                soft_bytes: part[2].parse().unwrap_or(0),
                soft_seconds: part[3].parse().unwrap_or(0),
            };
        }
    }
    limits
}

/// `notify-keyspace-events`: letters for classes of events. [`crate::Config::int`] of the row
/// gives the set as the bits of [`event`].
pub const NOTIFY: Special =
    Special { parse: parse_notify, number: event::from_text, lines: quoted_line, always: false };

/// The classes of keyspace events as bits.
pub mod event {
    /// `K`: publish on the key's channel.
    pub const KEYSPACE: i64 = 1;
    /// `E`: publish on the event's channel.
    pub const KEYEVENT: i64 = 1 << 1;
    /// `g`: commands of no type.
    pub const GENERIC: i64 = 1 << 2;
    /// `$`: strings.
    pub const STRING: i64 = 1 << 3;
    /// `l`: lists.
    pub const LIST: i64 = 1 << 4;
    /// `s`: sets.
    pub const SET: i64 = 1 << 5;
    /// `h`: hashes.
    pub const HASH: i64 = 1 << 6;
    /// `z`: sorted sets.
    pub const ZSET: i64 = 1 << 7;
    /// `x`: a key expired.
    pub const EXPIRED: i64 = 1 << 8;
    /// `e`: a key was evicted.
    pub const EVICTED: i64 = 1 << 9;
    /// `t`: streams.
    pub const STREAM: i64 = 1 << 10;
    /// `m`: a read missed its key.
    pub const KEY_MISS: i64 = 1 << 11;
    /// `d`: types that modules bring.
    pub const MODULE: i64 = 1 << 12;
    /// `n`: a key came into being.
    pub const NEW: i64 = 1 << 13;
    /// `o`: a value was overwritten.
    pub const OVERWRITTEN: i64 = 1 << 14;
    /// `c`: a key changed its type.
    pub const TYPE_CHANGED: i64 = 1 << 15;
    /// `A`: everything but misses, new keys, overwrites and type changes.
    pub const ALL: i64 =
        GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;

    /// Letters in the order they are printed; those of [`ALL`] shrink to `A`.
    pub(super) const LETTERS: [(char, i64); 16] = [
        ('g', GENERIC),
        ('$', STRING),
        ('l', LIST),
        ('s', SET),
        ('h', HASH),
        ('z', ZSET),
        ('x', EXPIRED),
        ('e', EVICTED),
        ('t', STREAM),
        ('d', MODULE),
        ('n', NEW),
        ('o', OVERWRITTEN),
        ('c', TYPE_CHANGED),
        ('K', KEYSPACE),
        ('E', KEYEVENT),
        ('m', KEY_MISS),
    ];

    pub(super) fn from_letter(letter: char) -> Option<i64> {
        if letter == 'A' {
            return Some(ALL);
        }
        LETTERS.iter().find(|(known, _)| *known == letter).map(|&(_, bit)| bit)
    }

    pub(super) fn from_text(text: &str) -> i64 {
        text.chars().filter_map(from_letter).fold(0, |set, bit| set | bit)
    }
}

fn parse_notify(args: &[&str], _: &str, _: Source) -> Result<String, Reason> {
    let &[letters] = args else {
        return Err("wrong number of arguments".into());
    };
    let mut set = 0;
    for letter in letters.chars() {
        set |= event::from_letter(letter)
            .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")?;
    }
    let all = set & event::ALL == event::ALL;
    let mut text = String::from(if all { "A" } else { "" });
    // The classes that `A` leaves out are printed beside single letters only, but a miss, which
    // comes after the channels, always is.
    let hidden = event::ALL | event::NEW | event::OVERWRITTEN | event::TYPE_CHANGED;
    for (letter, bit) in event::LETTERS {
        if set & bit != 0 && !(all && hidden & bit != 0) {
            text.push(letter);
        }
    }
    Ok(text)
}

/// `latency-tracking-info-percentiles`: real numbers from 0 to 100.
pub const PERCENTILES: Special = new(parse_percentiles, one_line);

fn parse_percentiles(args: &[&str], _: &str, _: Source) -> Result<String, Reason> {
    if *args == [""] {
        return Ok(String::new());
    }
    let mut out = Vec::with_capacity(args.len());
    for arg in args {
        let value = arg.parse::<f64>().ok().filter(|value| !value.is_nan());
        let value = value.ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&value) {
            return Err(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                    .into(),
            );
        }
        let digits = format!("{value:.6}");
        out.push(digits.trim_end_matches('0').trim_end_matches('.').to_owned());
    }
    Ok(out.join(" "))
}

/// Decodes the canonical text of `latency-tracking-info-percentiles`.
pub fn percentiles(value: &str) -> Vec<f64> {
    value.split(' ').filter_map(|word| word.parse().ok()).collect()
}

/// `oom-score-adj-values`: for a master, a replica, a background child.
pub const OOM_SCORES: Special = new(parse_oom_scores, one_line);

fn parse_oom_scores(args: &[&str], _: &str, _: Source) -> Result<String, Reason> {
    const LIMIT: i64 = 2000;
    if args.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let mut scores = Vec::with_capacity(args.len());
    for arg in args {
        let score = number::loose_integer(arg).filter(|n| (-LIMIT..=LIMIT).contains(n));
        let score = score
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
        scores.push(score.to_string());
    }
    Ok(scores.join(" "))
}

/// `bind`: addresses; a `-` before one means that it may be missing on this machine.
pub const BIND: Special = new(parse_bind, one_line);

fn parse_bind(args: &[&str], _: &str, _: Source) -> Result<String, Reason> {
    const ADDRESSES_MAX: usize = 16;
    if args.len() > ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    Ok(args.join(" "))
}

/// `replicaof`: host and port, or `no one`.
pub const REPLICA_OF: Special = new(parse_replica_of, |value| match value {
    "" => vec![],
    _ => one_line(value),
});

fn parse_replica_of(args: &[&str], _: &str, _: Source) -> Result<String, Reason> {
    const PORT_MAX: i64 = 65535;
    let &[host, port] = args else {
        return Err("wrong number of arguments".into());
    };
    if host.eq_ignore_ascii_case("no") && port.eq_ignore_ascii_case("one") {
        return Ok(String::new());
    }
    number::loose_integer(port)
        .filter(|port| (0..=PORT_MAX).contains(port))
        .map(|port| format!("{host} {port}"))
        .ok_or("Invalid master port".into())
}

/// `dir`: kept as the caller resolved it; always written to a file, since a relative file name
/// means nothing without it.
pub const DIRECTORY: Special = Special {
    parse: |args, _, _| match args {
        [path] => Ok((*path).to_owned()),
        _ => Err("wrong number of arguments".into()),
    },
    number: no_number,
    lines: quoted_line,
    always: true,
};
