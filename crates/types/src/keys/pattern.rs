//! A glob pattern prepared for many keys.
//!
//! Most patterns are a literal prefix and a star. What the prefix excludes costs one comparison,
//! and what it includes costs nothing more where only the star follows.

use stdx::glob;

/// Which keys are wanted.
#[derive(Debug)]
pub(crate) enum KeyPattern {
    /// All.
    Any,
    /// The one of this name.
    Exact(Vec<u8>),
    /// Those that start so.
    Prefix(Vec<u8>),
    /// Those that start so and match the whole pattern.
    Glob { prefix: Vec<u8>, pattern: Vec<u8> },
}

impl KeyPattern {
    pub(crate) fn new(pattern: &[u8]) -> KeyPattern {
        if pattern == b"*" {
            return KeyPattern::Any;
        }
        let (prefix, is_exact) = glob::literal_prefix(pattern);
        if is_exact {
            return KeyPattern::Exact(prefix);
        }
        // An escaped star is part of the prefix, so the pattern ends in a real one exactly where
        // one byte more than the prefix's own text is left.
        let is_plain = pattern.strip_suffix(b"*") == Some(&prefix[..]);
        if is_plain {
            return KeyPattern::Prefix(prefix);
        }
        KeyPattern::Glob { prefix, pattern: pattern.to_vec() }
    }

    /// Whether a key is wanted.
    #[inline]
    pub(crate) fn matches(&self, key: &[u8]) -> bool {
        match self {
            KeyPattern::Any => true,
            KeyPattern::Exact(name) => key == name,
            KeyPattern::Prefix(prefix) => key.starts_with(prefix),
            KeyPattern::Glob { prefix, pattern } => {
                key.starts_with(prefix) && glob::matches(pattern, key, false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stdx::prng::Prng;

    #[test]
    fn forms_are_recognised() {
        assert!(matches!(KeyPattern::new(b"*"), KeyPattern::Any));
        assert!(matches!(KeyPattern::new(b""), KeyPattern::Exact(name) if name.is_empty()));
        assert!(matches!(KeyPattern::new(br"a\*"), KeyPattern::Exact(name) if name == b"a*"));
        assert!(matches!(KeyPattern::new(b"user:*"), KeyPattern::Prefix(p) if p == b"user:"));
        assert!(matches!(KeyPattern::new(b"user:*:x"), KeyPattern::Glob { .. }));
        assert!(matches!(KeyPattern::new(b"**"), KeyPattern::Glob { .. }));
    }

    #[test]
    fn agrees_with_the_glob() {
        let mut prng = Prng::new(5);
        let mut draw = |alphabet: &[u8], len_max: u64| -> Vec<u8> {
            let len = prng.below(len_max + 1);
            (0..len).map(|_| alphabet[prng.below(alphabet.len() as u64) as usize]).collect()
        };
        let mut matched = 0;
        for _ in 0..100_000 {
            let (pattern, key) = (draw(b"ab**?[]\\", 5), draw(b"ab*\\", 5));
            let expected = glob::matches(&pattern, &key, false);
            matched += usize::from(expected);
            assert_eq!(KeyPattern::new(&pattern).matches(&key), expected, "{pattern:?} {key:?}");
        }
        assert!(matched > 5000, "too few matches to mean anything: {matched}");
    }
}
