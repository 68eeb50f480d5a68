//! Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE, ACL and CONFIG GET read them.
//!
//! `*` is any run of bytes, `?` any byte, `[abc]` one of a set, `[^abc]` one outside it, `[a-z]`
//! a range in either order, and a backslash takes the next byte literally. The corners follow
//! Redis: a set that is never closed ends with the pattern, `]` closes a set even as its first
//! byte (so `[]` matches nothing and `[^]` anything), a range may end in `]`, and a backslash that
//! ends the pattern is itself.
//!
//! Matching remembers only the last `*`. That is enough: everything but `*` consumes exactly one
//! byte, so once a later star is reached, giving an earlier one more bytes cannot help. The cost
//! is at most pattern times text, with no recursion, whatever a client sends. Like Redis, whose
//! matcher recurses, a pattern does not match beyond its thousandth star.

/// Stars that can take part in a match, one that ends the pattern not counted.
const STARS_MAX: u32 = 1000;

/// Whether the whole of `text` matches `pattern`; `nocase` ignores the case of ASCII letters.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty() || pattern == b"*";
    }
    let (mut p, mut t) = (0, 0);
    // Where to resume when a match fails: just after the last star, and the text it may take next.
    let mut resume: Option<(usize, usize)> = None;
    let mut stars = 0;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            // A run of stars is one.
            stars += u32::from(pattern[p] != b'*');
            if stars > STARS_MAX {
                return false;
            }
            resume = Some((p, t));
            continue;
        }
        let step = match text.get(t) {
            Some(&byte) => match_one(pattern, p, byte, nocase),
            None if p == pattern.len() => return true,
            // The text is used up: a star taking more of it leaves even less.
            None => return false,
        };
        match (step, resume) {
            (Some(next), _) => (p, t) = (next, t + 1),
            (None, Some((after_star, taken))) => {
                (p, t) = (after_star, taken + 1);
                resume = Some((p, t));
            }
            (None, None) => return false,
        }
    }
}

/// Matches the element at `p` (not a star) against one byte; gives where the next element starts.
#[inline]
fn match_one(pattern: &[u8], p: usize, byte: u8, nocase: bool) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => {
            let (next, matched) = match_set(&pattern[p + 1..], byte, nocase);
            matched.then_some(p + 1 + next)
        }
        b'\\' if p + 1 < pattern.len() => same(pattern[p + 1], byte, nocase).then_some(p + 2),
        literal => same(literal, byte, nocase).then_some(p + 1),
    }
}

/// Matches one byte against a set, given from just after its `[`; gives how long the set is.
fn match_set(set: &[u8], byte: u8, nocase: bool) -> (usize, bool) {
    let negated = set.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut matched = false;
    loop {
        match set[at..] {
            [] => break,
            [b'\\', escaped, ..] => {
                // An escaped byte keeps its case, even when case is ignored.
                matched |= escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [first, b'-', last, ..] => {
                matched |= in_range(first, last, byte, nocase);
                at += 3;
            }
            [literal, ..] => {
                matched |= same(literal, byte, nocase);
                at += 1;
            }
        }
    }
    (at, matched != negated)
}

fn in_range(first: u8, last: u8, byte: u8, nocase: bool) -> bool {
    let (low, high) = (first.min(last), first.max(last));
    if nocase {
        // The ends are put in order before their case is dropped, so `[Z-a]` may become empty.
        let (low, high) = (low.to_ascii_lowercase(), high.to_ascii_lowercase());
        return (low..=high).contains(&byte.to_ascii_lowercase());
    }
    (low..=high).contains(&byte)
}

#[inline]
fn same(a: u8, b: u8, nocase: bool) -> bool {
    a == b || (nocase && a.eq_ignore_ascii_case(&b))
}

/// The bytes that every match begins with (case not ignored), and whether they are the whole
/// pattern, in which case exactly that text matches.
pub fn literal_prefix(pattern: &[u8]) -> (Vec<u8>, bool) {
    let mut prefix = Vec::new();
    let mut rest = pattern;
    loop {
        match rest {
            [] => return (prefix, true),
            [b'*' | b'?' | b'[', ..] => return (prefix, false),
            [b'\\', escaped, tail @ ..] => {
                prefix.push(*escaped);
                rest = tail;
            }
            [literal, tail @ ..] => {
                prefix.push(*literal);
                rest = tail;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(matches(pattern.as_bytes(), text.as_bytes(), false), "{pattern} {text}");
        }
        for text in no {
            assert!(!matches(pattern.as_bytes(), text.as_bytes(), false), "{pattern} {text}");
        }
    }

    #[test]
    fn elements() {
        check("", &[""], &["a"]);
        check("*", &["", "a", "abc"], &[]);
        check("**", &["a", "ab"], &[""]);
        check("h?llo", &["hello", "hallo"], &["hllo", "heello"]);
        check("h*llo", &["hllo", "heeello"], &["hell"]);
        check("h[ae]llo", &["hello", "hallo"], &["hillo"]);
        check("h[^e]llo", &["hallo"], &["hello", "hllo"]);
        check("h[a-b]llo", &["hallo", "hbllo"], &["hcllo"]);
        check("h[b-a]llo", &["hallo", "hbllo"], &["hcllo"]);
        check("*a*b", &["ab", "xaxb", "aabb"], &["a", "ba", "abc"]);
        check("a*", &["a", "ab"], &["", "ba"]);
        check("a?*", &["ab", "abc"], &["a"]);
        check(r"\*", &["*"], &["a", r"\*"]);
        check(r"a\", &[r"a\"], &["a"]);
    }

    #[test]
    fn corners_of_sets() {
        check("[]", &[], &["", "]", "[", "[]"]);
        check("[^]", &["a", "]"], &[""]);
        check("[", &[], &["", "["]);
        check("[a", &["a"], &["[a", "b"]);
        check("[a-", &["a", "-"], &["b"]);
        check("[a-]", &["a", "]", "^"], &["-", "b"]);
        check(r"[\]]", &["]"], &[r"\", "a"]);
        check(r"[\", &[r"\"], &["["]);
        check(r"[\a-z]", &["a", "-", "z"], &["b"]);
        check("*[", &[], &["", "a"]);
    }

    #[test]
    fn case() {
        assert!(matches(b"MAX*", b"maxmemory", true));
        assert!(matches(b"[A-C]x", b"bX", true));
        assert!(!matches(br"[\A]", b"a", true));
        assert!(matches(br"\A", b"a", true));
        assert!(!matches(b"[Z-a]", b"z", true));
    }

    /// The definition, by plain recursion.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| model(rest, &text[skip..])),
            (_, []) => false,
            (_, [byte, tail @ ..]) => match_one(pattern, 0, *byte, false)
                .is_some_and(|next| model(&pattern[next..], tail)),
        }
    }

    #[test]
    fn random_patterns_agree_with_the_definition() {
        let mut prng = Prng::new(2);
        let mut draw = |alphabet: &[u8], len_max: u64| -> Vec<u8> {
            let len = prng.below(len_max + 1);
            (0..len).map(|_| alphabet[prng.below(alphabet.len() as u64) as usize]).collect()
        };
        let mut matched = 0;
        for _ in 0..100_000 {
            let (pattern, text) = (draw(b"ab**?[]^-\\", 8), draw(b"abc]-", 8));
            // The empty text has its own rule.
            let literal_empty = pattern.is_empty() || pattern == b"*";
            let expected = if text.is_empty() { literal_empty } else { model(&pattern, &text) };
            matched += usize::from(expected);
            assert_eq!(matches(&pattern, &text, false), expected, "{pattern:?} {text:?}");
            let (prefix, exact) = literal_prefix(&pattern);
            if expected {
                assert!(text.starts_with(&prefix) && (!exact || text == prefix));
            }
            assert!(!exact || matches(&pattern, &prefix, false));
        }
        assert!(matched > 5000, "too few matches to mean anything: {matched}");
    }

    #[test]
    fn stars_are_bounded() {
        let text = b"a".repeat(5000);
        assert!(matches(&b"*?".repeat(1000), &text, false));
        assert!(matches(&[b"*?".repeat(1000), b"**".repeat(50)].concat(), &text, false));
        assert!(!matches(&b"*?".repeat(1001), &text, false));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = [b"a*".repeat(200), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &b"a".repeat(5000), false));
    }
}
