//! Replies as trees, with what looking into them needs. The decoder is the workspace's own, which
//! is held against the reference servers here every day.

pub use resp::reply::{Malformed, Value, decode};

/// Looking into a reply.
pub trait Look {
    /// The bytes of any textual reply.
    fn text(&self) -> Option<&[u8]>;
    /// The elements of an array, set or push.
    fn items(&self) -> Option<&[Value]>;
    /// Looks a key up in a map, or in the flat array that a map is in RESP2.
    fn get(&self, key: &str) -> Option<&Value>;
}

impl Look for Value {
    fn text(&self) -> Option<&[u8]> {
        match self {
            Value::Simple(t) | Value::Error(t) | Value::BulkError(t) | Value::Bulk(t) => Some(t),
            Value::Double(_, t) | Value::BigNumber(t) => Some(t),
            Value::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Array(v) | Value::Set(v) | Value::Push(v) => Some(v),
            _ => None,
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        let named = |value: &Value| value.text() == Some(key.as_bytes());
        match self {
            Value::Map(pairs) => pairs.iter().find(|(k, _)| named(k)).map(|(_, v)| v),
            Value::Array(items) => {
                items.chunks_exact(2).find(|pair| named(&pair[0])).map(|pair| &pair[1])
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_either_form_of_a_map() {
        for wire in ["%2\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n", "*4\r\n+a\r\n:1\r\n$1\r\nb\r\n:2\r\n"] {
            let (value, _) = decode(wire.as_bytes()).unwrap().unwrap();
            assert_eq!(value.get("b"), Some(&Value::Integer(2)));
            assert_eq!(value.get("c"), None);
        }
    }
}
