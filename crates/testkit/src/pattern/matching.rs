//! Holding a reply against a pattern.

use std::collections::HashMap;

use stdx::glob;

use super::Pattern;
use crate::value::{Look, Value};

/// What `~let` has bound so far.
pub type Bindings = HashMap<String, String>;

impl Pattern {
    /// Whether a reply received in `protocol` (2 or 3) is what the pattern asks for.
    pub fn matches(&self, value: &Value, protocol: u8, bindings: &mut Bindings) -> bool {
        let fits = |text: &Option<String>, bytes: &[u8]| {
            text.as_ref().is_none_or(|pattern| glob::matches(pattern.as_bytes(), bytes, false))
        };
        match (self, value) {
            (Pattern::Any, _) => true,
            (Pattern::Let(name), _) => bind(name, value, bindings),
            (Pattern::Same(name), _) => {
                bindings.get(name).is_some_and(|t| Some(t) == bindable(value).as_ref())
            }
            (Pattern::Rest | Pattern::Closed, _) => false,
            (Pattern::Exact(expected), _) => scalar_matches(expected, value, protocol),
            (Pattern::Int(low, high), Value::Integer(n)) => low <= n && n <= high,
            (Pattern::Double, Value::Double(..)) => true,
            (Pattern::Double, Value::Bulk(text)) => protocol == 2 && is_double(text),
            (Pattern::Bulk(text), Value::Bulk(bytes)) => fits(text, bytes),
            (Pattern::Text(_), Value::Error(_)) => false,
            (Pattern::Text(text), _) => value.text().is_some_and(|bytes| fits(text, bytes)),
            (Pattern::Error(text), Value::Error(bytes)) => {
                glob::matches(text.as_bytes(), bytes, false)
            }
            (Pattern::Unordered(inner), _) => {
                inner.matches_loosely(value, true, protocol, bindings)
            }
            (Pattern::Contains(inner), _) => {
                inner.matches_loosely(value, false, protocol, bindings)
            }
            (Pattern::Map(pairs), Value::Map(values)) => {
                let flat = pairs.iter().flat_map(|(k, v)| [k, v]);
                let values: Vec<&Value> = values.iter().flat_map(|(k, v)| [k, v]).collect();
                in_order(flat, &values, protocol, bindings)
            }
            (Pattern::Map(pairs), Value::Array(values)) if protocol == 2 => {
                let flat = pairs.iter().flat_map(|(k, v)| [k, v]);
                in_order(flat, &values.iter().collect::<Vec<_>>(), protocol, bindings)
            }
            (Pattern::Array(patterns), Value::Array(values))
            | (Pattern::Set(patterns), Value::Set(values))
            | (Pattern::Push(patterns), Value::Push(values)) => {
                in_order(patterns.iter(), &values.iter().collect::<Vec<_>>(), protocol, bindings)
            }
            (Pattern::Set(patterns) | Pattern::Push(patterns), Value::Array(values)) => {
                let values: Vec<&Value> = values.iter().collect();
                protocol == 2 && in_order(patterns.iter(), &values, protocol, bindings)
            }
            _ => false,
        }
    }

    /// `~unordered` (`whole`: nothing may be left over) and `~contains`.
    fn matches_loosely(&self, value: &Value, whole: bool, protocol: u8, b: &mut Bindings) -> bool {
        let flat_map = protocol == 2 && matches!(self, Pattern::Map(_));
        let mut elements: Vec<Vec<&Value>> = match value {
            Value::Map(pairs) => pairs.iter().map(|(k, v)| vec![k, v]).collect(),
            Value::Array(v) if flat_map => v.chunks(2).map(|c| c.iter().collect()).collect(),
            Value::Array(v) | Value::Set(v) | Value::Push(v) => v.iter().map(|e| vec![e]).collect(),
            _ => return false,
        };
        let wanted: Vec<Vec<&Pattern>> = match (self, value) {
            (Pattern::Map(pairs), Value::Map(_)) => pairs.iter().map(|(k, v)| vec![k, v]).collect(),
            (Pattern::Map(pairs), Value::Array(_)) if flat_map => {
                pairs.iter().map(|(k, v)| vec![k, v]).collect()
            }
            (Pattern::Array(p), Value::Array(_)) => p.iter().map(|e| vec![e]).collect(),
            (Pattern::Set(p), Value::Set(_)) => p.iter().map(|e| vec![e]).collect(),
            (Pattern::Set(p), Value::Array(_)) if protocol == 2 => {
                p.iter().map(|e| vec![e]).collect()
            }
            _ => return false,
        };
        for patterns in wanted {
            let found = elements.iter().position(|element| {
                element.len() == patterns.len()
                    && patterns.iter().zip(element).all(|(p, v)| p.matches(v, protocol, b))
            });
            match found {
                Some(index) => drop(elements.swap_remove(index)),
                None => return false,
            }
        }
        !whole || elements.is_empty()
    }
}

fn in_order<'a>(
    patterns: impl Iterator<Item = &'a Pattern>,
    values: &[&Value],
    protocol: u8,
    bindings: &mut Bindings,
) -> bool {
    let mut values = values.iter();
    for pattern in patterns {
        if *pattern == Pattern::Rest {
            return true;
        }
        match values.next() {
            Some(value) if pattern.matches(value, protocol, bindings) => {}
            _ => return false,
        }
    }
    values.next().is_none()
}

fn bind(name: &str, value: &Value, bindings: &mut Bindings) -> bool {
    let text = bindable(value);
    text.map(|text| bindings.insert(name.to_owned(), text)).is_some()
}

fn bindable(value: &Value) -> Option<String> {
    match value {
        Value::Integer(n) => Some(n.to_string()),
        other => other.text().map(|text| String::from_utf8_lossy(text).into_owned()),
    }
}

fn scalar_matches(expected: &Value, value: &Value, protocol: u8) -> bool {
    if expected == value {
        return true;
    }
    match (expected, value) {
        (Value::Null, Value::NullBulk) | (Value::NullArray, Value::Null) => true,
        (Value::Double(_, e), Value::Double(_, v)) => e == v,
        (Value::Double(_, e) | Value::BigNumber(e), Value::Bulk(v)) => protocol == 2 && e == v,
        (Value::Boolean(e), Value::Integer(n)) => protocol == 2 && *n == i64::from(*e),
        (Value::Verbatim { text: e, .. }, Value::Bulk(v)) => protocol == 2 && e == v,
        _ => false,
    }
}

fn is_double(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|t| t.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::value::decode;

    fn matches(pattern: &str, wire: &str, protocol: u8) -> bool {
        let pattern = parse(pattern).unwrap();
        let (value, _) = decode(wire.as_bytes()).unwrap().unwrap();
        pattern.matches(&value, protocol, &mut Bindings::default())
    }

    #[test]
    fn one_pattern_serves_both_protocols() {
        for (pattern, resp2, resp3) in [
            ("nil", "$-1\r\n", "_\r\n"),
            ("nil*", "*-1\r\n", "_\r\n"),
            (",1.5", "$3\r\n1.5\r\n", ",1.5\r\n"),
            ("#t", ":1\r\n", "#t\r\n"),
            ("=\"txt:a\"", "$1\r\na\r\n", "=5\r\ntxt:a\r\n"),
            ("%{\"a\" => :1}", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"),
            ("~[:1]", "*1\r\n:1\r\n", "~1\r\n:1\r\n"),
        ] {
            assert!(matches(pattern, resp2, 2), "{pattern} in RESP2");
            assert!(matches(pattern, resp3, 3), "{pattern} in RESP3");
            assert!(!matches(pattern, "+no\r\n", 3), "{pattern}");
            let (v2, v3) = (decode(resp2.as_bytes()), decode(resp3.as_bytes()));
            let merged = Pattern::merged(&v2.unwrap().unwrap().0, &v3.unwrap().unwrap().0);
            assert_eq!(merged, Some(parse(pattern).unwrap()));
        }
        assert!(!matches("nil", "*-1\r\n", 2));
        assert!(!matches("nil*", "$-1\r\n", 2));
        assert!(!matches(",1.5", "$3\r\n1.5\r\n", 3));
    }

    #[test]
    fn loose_patterns() {
        let two = "*2\r\n:1\r\n:2\r\n";
        assert!(matches("~unordered [:2 :1]", two, 2));
        assert!(!matches("~unordered [:2]", two, 2));
        assert!(!matches("~unordered [:2 :2]", two, 2));
        assert!(matches("~contains [:2]", two, 2));
        assert!(matches("[:1 ...]", two, 2));
        assert!(matches("[...]", two, 2));
        assert!(!matches("[:2 ...]", two, 2));
        assert!(matches("~int 9..10", ":10\r\n", 2));
        assert!(!matches("~int 9..10", ":11\r\n", 2));
        assert!(matches("~int -1..", ":11\r\n", 2));
        assert!(matches("~error WRONGTYPE*", "-WRONGTYPE x\r\n", 2));
        assert!(matches("~text(\"*b*\")", "=7\r\ntxt:abc\r\n", 3));
        assert!(matches("~contains %{\"a\" => ~any}", "*4\r\n+b\r\n:1\r\n$1\r\na\r\n:2\r\n", 2));
    }
}
