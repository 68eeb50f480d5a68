//! Where a reply leaves its pattern: the innermost piece that does not fit.

use super::{Bindings, Pattern};
use crate::value::Value;

/// Longest text of one side.
const TEXT_CHARS_MAX: usize = 500;

/// A piece of a reply that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Steps from the whole reply: positions and keys. Empty: the whole.
    pub path: String,
    pub expected: String,
    pub received: String,
}

impl Pattern {
    /// Explains why `value` does not match. Only meaningful if it does not.
    pub fn explain(&self, value: &Value, protocol: u8, bindings: &Bindings) -> Mismatch {
        let mut path = String::new();
        let (pattern, value) = self.descend(value, protocol, bindings, &mut path);
        let cut = |text: String| text.chars().take(TEXT_CHARS_MAX).collect();
        Mismatch {
            path,
            expected: cut(pattern.to_string()),
            received: cut(Pattern::of(value).to_string()),
        }
    }

    fn descend<'a>(
        &'a self,
        value: &'a Value,
        protocol: u8,
        bindings: &Bindings,
        path: &mut String,
    ) -> (&'a Pattern, &'a Value) {
        let Some(children) = self.children(value, protocol) else { return (self, value) };
        for (step, pattern, child) in children {
            if *pattern == Pattern::Rest {
                break;
            }
            if !pattern.matches(child, protocol, &mut bindings.clone()) {
                path.push('/');
                path.push_str(&step);
                return pattern.descend(child, protocol, bindings, path);
            }
        }
        // Every pair fits: there are too few or too many elements.
        (self, value)
    }

    /// The element patterns side by side with the elements that they are held against.
    fn children<'a>(
        &'a self,
        value: &'a Value,
        protocol: u8,
    ) -> Option<Vec<(String, &'a Pattern, &'a Value)>> {
        match (self, value) {
            (Pattern::Array(p), Value::Array(v))
            | (Pattern::Set(p), Value::Set(v))
            | (Pattern::Push(p), Value::Push(v)) => Some(numbered(p, v)),
            (Pattern::Set(p) | Pattern::Push(p), Value::Array(v)) if protocol == 2 => {
                Some(numbered(p, v))
            }
            (Pattern::Map(p), Value::Map(v)) => {
                let pairs = p.iter().zip(v).flat_map(|((pk, pv), (vk, vv))| {
                    [(format!("key {pk}"), pk, vk), (pk.to_string(), pv, vv)]
                });
                Some(pairs.collect())
            }
            (Pattern::Map(p), Value::Array(v)) if protocol == 2 => {
                let pairs = p.iter().zip(v.chunks_exact(2)).flat_map(|((pk, pv), v)| {
                    [(format!("key {pk}"), pk, &v[0]), (pk.to_string(), pv, &v[1])]
                });
                Some(pairs.collect())
            }
            _ => None,
        }
    }
}

fn numbered<'a>(
    patterns: &'a [Pattern],
    values: &'a [Value],
) -> Vec<(String, &'a Pattern, &'a Value)> {
    let pairs = patterns.iter().zip(values).enumerate();
    pairs.map(|(index, (pattern, value))| (index.to_string(), pattern, value)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::value::decode;

    #[test]
    fn the_innermost_piece_is_named() {
        let check = |pattern: &str, wire: &str, path: &str, expected: &str, received: &str| {
            let value = decode(wire.as_bytes()).unwrap().unwrap().0;
            let mismatch = parse(pattern).unwrap().explain(&value, 2, &Bindings::default());
            assert_eq!(mismatch.path, path);
            assert_eq!(mismatch.expected, expected);
            assert_eq!(mismatch.received, received);
        };
        check(":1", ":2\r\n", "", ":1", ":2");
        check("[:1 [:2 :3]]", "*2\r\n:1\r\n*2\r\n:2\r\n:4\r\n", "/1/1", ":3", ":4");
        check("%{\"a\" => :1}", "*2\r\n$1\r\na\r\n:2\r\n", "/\"a\"", ":1", ":2");
        check("[:1]", "*2\r\n:1\r\n:2\r\n", "", "[:1]", "[:1 :2]");
    }
}
