//! Where argument values are drawn from.
//!
//! Pools are small where values ought to meet again (keys, short values) and sharp where bugs
//! live (the ends of 64 bits, empty and binary strings, times that overflow).

use stdx::prng::Prng;

/// A generator with what drawing from pools needs.
#[derive(Clone)]
pub struct Rng(Prng);

impl Rng {
    /// A generator that depends on the seed and `index` only.
    pub fn new(seed: u64, index: u64) -> Rng {
        Rng(Prng::new(Prng::new(seed).next_u64() ^ index))
    }

    pub fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.below(end as u64) as usize
    }

    /// True in `percent` of the cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

const KEYS: usize = 16;

const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "5",
    "7",
    "10",
    "-10",
    "42",
    "100",
    "-100",
    "255",
    "256",
    "999",
    "1000",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
];

/// What looks like an integer and is none, or is too large.
const NO_INTEGERS: &[&str] = &[
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "",
    " 1",
    "1 ",
    "+1",
    "01",
    "-0",
    "-",
    "+",
    "1.5",
    "1e3",
    "0x10",
    "abc",
    "nan",
    "inf",
    "١",
];

const DOUBLES: &[&str] = &[
    "0",
    "1",
    "-1",
    "0.5",
    "1.5",
    "-2.25",
    "0.1",
    "0.2",
    "3.0",
    "1e3",
    "1.0e2",
    "-1e-3",
    "1e-17",
    "100000000000000000000",
    "1e17",
    "123456789.123456789",
    "3.14159265358979323846",
    ".5",
    "5.",
    "-0",
    "+1",
];

const NO_DOUBLES: &[&str] = &[
    "inf", "-inf", "+inf", "infinity", "nan", "", " 1", "1 ", "abc", "1e5000", "1.2.3", "0x1p4",
    "1e",
];

const WORDS: &[&str] =
    &["v0", "v1", "v2", "v3", "hello", "Hello world", "ohmytext", "mynewtext", "a", "ab", "abc"];

const PATTERNS: &[&str] = &[
    "*", "k*", "k?", "k1*", "k[0-5]", "k[^0-5]", "*1", "k[15]", "k[5-1]", "k\\1", "", "nothing",
    "[k]*", "k[", "k[0-", "**", "?*?", "*[", "\\", "k1[0-9]",
];

const TYPES: &[&str] =
    &["string", "list", "set", "zset", "hash", "stream", "STRING", "bogus", "vectorset"];

/// What stands where it should not.
pub const GARBAGE: &[&str] = &[
    "",
    "abc",
    "-1",
    "0",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "NX",
    "XX",
    "GT",
    "LT",
    "EX",
    "GET",
    "KEEPTTL",
    "COUNT",
    "\0",
    "k0",
    "*",
    "99999999999999999999",
    "nan",
    " ",
];

pub fn key(rng: &mut Rng) -> Vec<u8> {
    match rng.below(200) {
        0 => Vec::new(),
        1 => b"\x00\xff\r\n".to_vec(),
        _ => format!("k{}", rng.below(KEYS)).into_bytes(),
    }
}

pub fn integer(rng: &mut Rng) -> Vec<u8> {
    match rng.below(40) {
        0 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        1..12 => rng.pick(INTEGERS).as_bytes().to_vec(),
        _ => (rng.below(2001) as i64 - 1000).to_string().into_bytes(),
    }
}

pub fn double(rng: &mut Rng) -> Vec<u8> {
    match rng.below(40) {
        0..2 => rng.pick(NO_DOUBLES).as_bytes().to_vec(),
        2..24 => rng.pick(DOUBLES).as_bytes().to_vec(),
        24..30 => integer(rng),
        _ => format!("{}", (rng.below(2_000_001) as f64 - 1_000_000.0) / 1024.0).into_bytes(),
    }
}

/// A value to store or to compare with.
pub fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(100) {
        0..35 => rng.pick(WORDS).as_bytes().to_vec(),
        35..60 => integer(rng),
        60..65 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        65..75 => double(rng),
        75..80 => Vec::new(),
        80..85 => (0..rng.below(20)).map(|_| rng.draw() as u8).collect(),
        85..88 => "naïve ünïcödé 文字".as_bytes().to_vec(),
        // Around the sizes where encodings change.
        88..94 => text_of(30 + rng.below(40), rng),
        94..99 => text_of(100 + rng.below(500), rng),
        _ => match rng.below(10) {
            0 => text_of(10_000 + rng.below(10_000), rng),
            _ => text_of(1000 + rng.below(1000), rng),
        },
    }
}

fn text_of(len: usize, rng: &mut Rng) -> Vec<u8> {
    (0..len).map(|_| b'a' + (rng.draw() % 4) as u8).collect()
}

/// Where a range starts or ends, or a count.
pub fn position(rng: &mut Rng) -> Vec<u8> {
    match rng.below(40) {
        0 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        // Nothing between a few thousand and the largest string: it would be allocated.
        1..4 => rng
            .pick(&["9223372036854775807", "-9223372036854775808", "536870912", "4294967296"])
            .as_bytes()
            .to_vec(),
        4..6 => rng.below(5000).to_string().into_bytes(),
        _ => (rng.below(60) as i64 - 25).to_string().into_bytes(),
    }
}

pub fn pattern(rng: &mut Rng) -> Vec<u8> {
    rng.pick(PATTERNS).as_bytes().to_vec()
}

pub fn type_name(rng: &mut Rng) -> Vec<u8> {
    rng.pick(TYPES).as_bytes().to_vec()
}

pub fn database(rng: &mut Rng) -> Vec<u8> {
    match rng.below(40) {
        0 => b"15".to_vec(),
        1 => b"16".to_vec(),
        2 => b"-1".to_vec(),
        3 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        _ => rng.below(3).to_string().into_bytes(),
    }
}

pub fn cursor(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        1 => rng.below(100).to_string().into_bytes(),
        _ => b"0".to_vec(),
    }
}

pub fn count(rng: &mut Rng) -> Vec<u8> {
    rng.pick(&["1", "2", "10", "100", "1000", "0", "-1", "abc"]).as_bytes().to_vec()
}

pub fn digest(rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => value(rng),
        _ => format!("{:016x}", rng.draw()).into_bytes(),
    }
}

/// A span of time. Short ones are left out: a key that expires during the run does so at a
/// different moment on each server. And no two are alike, so that which of two is the longer
/// does not depend on the moment either.
pub fn span(rng: &mut Rng, unit_ms: u64) -> Vec<u8> {
    match rng.below(20) {
        0 => b"0".to_vec(),
        1 => b"-1".to_vec(),
        2 => rng.pick(NO_INTEGERS).as_bytes().to_vec(),
        3 => rng
            .pick(&["9223372036854775807", "-9223372036854775808", "9223372036854775"])
            .as_bytes()
            .to_vec(),
        4..8 => {
            (1000 + rng.below(1_000_000_000) as u64 * (1000 / unit_ms)).to_string().into_bytes()
        }
        _ => ((100_000 + rng.draw() % 10_000_000_000) / unit_ms).to_string().into_bytes(),
    }
}

/// A point in time.
pub fn moment(rng: &mut Rng, unit_ms: u64, now_ms: u64) -> Vec<u8> {
    match rng.below(20) {
        0..3 => span(rng, unit_ms),
        3 => b"1".to_vec(),
        4 => ((now_ms - 100_000) / unit_ms).to_string().into_bytes(),
        _ => ((now_ms + 100_000 + rng.draw() % 10_000_000_000) / unit_ms).to_string().into_bytes(),
    }
}
