use super::*;
use engine::args::OwnedArgs;
use stdx::prng::Prng;

const SET: Allowed = Allowed { existence: true, comparison: true, keep: true, persist: false };
const GETEX: Allowed = Allowed { existence: false, comparison: false, keep: false, persist: true };

fn words(text: &str) -> OwnedArgs {
    let mut args = OwnedArgs::default();
    text.split_whitespace().for_each(|word| args.push(word.as_bytes()));
    args
}

#[track_caller]
fn check(allowed: Allowed, text: &str, expected: Options<'_>) {
    let args = words(text);
    assert_eq!(Options::parse(args.as_args(), 0, allowed), Ok(expected), "{text}");
}

#[track_caller]
fn refuse(allowed: Allowed, text: &str) {
    let args = words(text);
    assert_eq!(Options::parse(args.as_args(), 0, allowed), Err(error::SYNTAX), "{text}");
}

fn time(unit: Unit, text: &str) -> Expiry<'_> {
    Expiry::Time { unit, text: text.as_bytes() }
}

#[test]
fn options_in_any_order_and_case() {
    check(SET, "", Options::NONE);
    let expiry = time(Unit::Seconds, "10");
    let condition = Some(Condition::Missing);
    for text in ["nx GET ex 10", "EX 10 Get NX", "GET EX 10 nx NX GET EX 5 EX 10"] {
        check(SET, text, Options { condition, get: true, expiry });
    }
    let condition = Some(Condition::NotEqual(b"EX"));
    check(SET, "IFNE EX KEEPTTL", Options { condition, get: false, expiry: Expiry::Keep });
    let expiry = time(Unit::UnixMilliseconds, "NX");
    check(SET, "PXAT NX", Options { expiry, ..Options::NONE });
    check(GETEX, "persist PERSIST", Options { expiry: Expiry::Persist, ..Options::NONE });
}

#[test]
fn contradictions_are_syntax_errors() {
    for text in ["FOO", "EX", "NX XX", "NX IFEQ a", "IFEQ a IFEQ a", "IFEQ", "EX 1 PX 1", "PERSIST"]
    {
        refuse(SET, text);
    }
    for text in ["KEEPTTL", "NX", "GET", "IFEQ a", "PERSIST EX 1", "EX 1 PERSIST", "EXAT 1 EX 1"] {
        refuse(GETEX, text);
    }
}

/// The rules said another way: read all options greedily, then look for two that cannot be
/// together.
fn agrees(words: &[&str]) -> bool {
    let (mut times, mut conditions, mut comparisons) = (Vec::new(), Vec::new(), 0);
    let mut index = 0;
    while index < words.len() {
        let has_operand = index + 1 < words.len();
        match words[index] {
            "NX" | "XX" => conditions.push(words[index]),
            "IFEQ" | "IFNE" if has_operand => {
                conditions.push(words[index]);
                comparisons += 1;
                index += 1;
            }
            "EX" | "PX" | "EXAT" | "PXAT" if has_operand => {
                times.push(words[index]);
                index += 1;
            }
            "KEEPTTL" => times.push(words[index]),
            "GET" => {}
            _ => return false,
        }
        index += 1;
    }
    let is_one_kind = |said: &[&str]| said.windows(2).all(|pair| pair[0] == pair[1]);
    is_one_kind(&times) && is_one_kind(&conditions) && comparisons < 2
}

#[test]
fn random_options_agree_with_the_rules() {
    const WORDS: [&str; 11] =
        ["NX", "XX", "GET", "IFEQ", "IFNE", "EX", "PX", "EXAT", "PXAT", "KEEPTTL", "7"];
    let mut prng = Prng::new(3);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let count = prng.below(6);
        let chosen: Vec<&str> =
            (0..count).map(|_| WORDS[prng.below(WORDS.len() as u64) as usize]).collect();
        let args = words(&chosen.join(" "));
        let parsed = Options::parse(args.as_args(), 0, SET);
        assert_eq!(parsed.is_ok(), agrees(&chosen), "{chosen:?}");
        accepted += usize::from(parsed.is_ok());
    }
    assert!((2_000..18_000).contains(&accepted), "{accepted} accepted: the words are badly mixed");
}

#[test]
fn times_resolve_within_range() {
    let resolve = |unit: Unit, text: &str| unit.resolve(text.as_bytes(), 1_000, "set").ok();
    assert_eq!(resolve(Unit::Seconds, "10"), Some(11_000));
    assert_eq!(resolve(Unit::Milliseconds, "10"), Some(1_010));
    assert_eq!(resolve(Unit::UnixSeconds, "10"), Some(10_000));
    assert_eq!(resolve(Unit::UnixMilliseconds, "9223372036854775807"), Some(i64::MAX));
    assert_eq!(resolve(Unit::UnixSeconds, "9223372036854775"), Some(9_223_372_036_854_775_000));
    for (unit, text) in [
        (Unit::Seconds, "0"),
        (Unit::Seconds, "-1"),
        (Unit::Seconds, "-9223372036854775808"),
        (Unit::Seconds, "9223372036854775807"),
        (Unit::Milliseconds, "9223372036854775807"),
        (Unit::UnixSeconds, "9223372036854776"),
        (Unit::UnixMilliseconds, "0"),
    ] {
        let error = unit.resolve(text.as_bytes(), 1_000, "set");
        assert_eq!(error, Err(error::invalid_expire("set")), "{text}");
    }
    assert_eq!(Unit::Seconds.resolve(b"1.0", 0, "set"), Err(error::NOT_INTEGER));
}
