//! What a script expects of a reply.
//!
//! The notation is close to the wire, in one line where it fits:
//!
//! ```text
//! +OK   -ERR syntax error   :10   "bulk"   nil   nil*   ,1.5   #t   (123   ="txt:verbatim"
//! [:1 "a" nil]   ~["set" "members"]   %{"key" => :1 "other" => [:2]}   >["push" "message"]
//! ```
//!
//! One expectation serves both protocols: it is written in its RESP3 form and RESP2 is held to
//! the standard downgrade of it (a map is a flat array, a set an array, a double a bulk, a
//! boolean an integer, a verbatim string a bulk). `nil*` is the null that RESP2 sends as an
//! array. Replies that differ in another way get a line per protocol in the script.
//!
//! Words after a tilde match what cannot be known beforehand:
//!
//! ```text
//! ~any   ~let NAME   ~same NAME   ~int   ~int 9..10   ~int 1..   ~double   ~close
//! ~bulk   ~bulk("glob*")   ~text("glob*")   ~error("glob*")   ~unordered [..]   ~contains [..]
//! ```
//!
//! `~error GLOB` may stand alone on its line without quotes, and `...` inside an aggregate
//! stands for any further elements.

mod explain;
mod matching;
mod notation;

pub use explain::Mismatch;
pub use matching::Bindings;
pub use notation::{Flaw, parse};

use crate::value::Value;

/// An expected reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// A scalar, in its RESP3 form.
    Exact(Value),
    Array(Vec<Pattern>),
    Set(Vec<Pattern>),
    Push(Vec<Pattern>),
    Map(Vec<(Pattern, Pattern)>),
    /// `...`: the remaining elements of the aggregate, whatever they are.
    Rest,
    Any,
    /// Any reply; its text is bound to the name, for `${name}` in later requests.
    Let(String),
    /// A reply with the text that is bound to the name.
    Same(String),
    Int(i64, i64),
    Double,
    Bulk(Option<String>),
    /// Any textual reply: bulk, verbatim, simple.
    Text(Option<String>),
    Error(String),
    /// The elements in any order.
    Unordered(Box<Pattern>),
    /// At least these elements, in any order.
    Contains(Box<Pattern>),
    /// The server closes the connection.
    Closed,
}

impl Pattern {
    /// The pattern that matches exactly this value.
    pub fn of(value: &Value) -> Pattern {
        let all = |values: &[Value]| values.iter().map(Pattern::of).collect();
        match value {
            Value::Array(v) => Pattern::Array(all(v)),
            Value::Set(v) => Pattern::Set(all(v)),
            Value::Push(v) => Pattern::Push(all(v)),
            Value::Map(pairs) => {
                Pattern::Map(pairs.iter().map(|(k, v)| (Pattern::of(k), Pattern::of(v))).collect())
            }
            Value::NullBulk => Pattern::Exact(Value::Null),
            scalar => Pattern::Exact(scalar.clone()),
        }
    }

    /// The one pattern for a reply as it came in RESP2 and in RESP3, if the two differ by nothing
    /// but the standard downgrade.
    pub fn merged(resp2: &Value, resp3: &Value) -> Option<Pattern> {
        let zipped = |a: &[Value], b: &[Value]| -> Option<Vec<Pattern>> {
            let same = a.len() == b.len();
            same.then(|| a.iter().zip(b).map(|(x, y)| Pattern::merged(x, y)).collect())?
        };
        match (resp2, resp3) {
            (Value::Array(a), Value::Array(b)) => zipped(a, b).map(Pattern::Array),
            (Value::Array(a), Value::Set(b)) => zipped(a, b).map(Pattern::Set),
            (Value::Array(a), Value::Push(b)) => zipped(a, b).map(Pattern::Push),
            (Value::Array(a), Value::Map(b)) if a.len() == 2 * b.len() => {
                let pairs = a.chunks_exact(2).zip(b);
                let merged = pairs.map(|(flat, (key, value))| {
                    Some((Pattern::merged(&flat[0], key)?, Pattern::merged(&flat[1], value)?))
                });
                merged.collect::<Option<Vec<_>>>().map(Pattern::Map)
            }
            (Value::NullArray, Value::Null) => Some(Pattern::Exact(Value::NullArray)),
            _ => {
                let pattern = Pattern::of(resp3);
                pattern.matches(resp2, 2, &mut Bindings::default()).then_some(pattern)
            }
        }
    }

    /// True if nothing in the pattern leaves room: the pattern is a recorded value.
    pub fn is_literal(&self) -> bool {
        match self {
            Pattern::Exact(_) => true,
            Pattern::Array(v) | Pattern::Set(v) | Pattern::Push(v) => {
                v.iter().all(Pattern::is_literal)
            }
            Pattern::Map(pairs) => pairs.iter().all(|(k, v)| k.is_literal() && v.is_literal()),
            _ => false,
        }
    }
}
