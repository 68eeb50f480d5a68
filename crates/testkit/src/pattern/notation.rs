//! Reading and writing the notation of patterns.

use super::Pattern;
use crate::quote;
use crate::value::Value;

/// Widest expectation that stays on one line.
const LINE_COLUMNS_MAX: usize = 96;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Flaw {
    /// It ends inside an aggregate: the next line may finish it.
    Incomplete,
    Wrong(String),
}

/// Parses the text of an expectation.
pub fn parse(text: &str) -> Result<Pattern, Flaw> {
    let text = text.trim();
    // A top-level error or status is the rest of the line, unquoted.
    match text.as_bytes() {
        [b'+', rest @ ..] if !rest.starts_with(b"\"") => {
            return Ok(Pattern::Exact(Value::Simple(rest.to_vec())));
        }
        [b'-', rest @ ..] if !rest.starts_with(b"\"") => {
            return Ok(Pattern::Exact(Value::Error(rest.to_vec())));
        }
        _ => {}
    }
    if let Some(glob) = text.strip_prefix("~error ") {
        return Ok(Pattern::Error(glob.trim().to_owned()));
    }
    let mut reader = Reader { input: text.as_bytes(), at: 0 };
    let pattern = reader.element()?;
    reader.blanks();
    match reader.peek() {
        None => Ok(pattern),
        Some(_) => Err(reader.wrong("text behind the reply")),
    }
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn wrong(&self, what: &str) -> Flaw {
        Flaw::Wrong(format!("{what}, at column {}", self.at + 1))
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Takes `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.input[self.at..].starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn element(&mut self) -> Result<Pattern, Flaw> {
        self.blanks();
        let Some(first) = self.peek() else { return Err(Flaw::Incomplete) };
        if self.take("...") {
            return Ok(Pattern::Rest);
        }
        if self.take("~[") {
            return Ok(Pattern::Set(self.elements()?));
        }
        if self.take(">[") {
            return Ok(Pattern::Push(self.elements()?));
        }
        if self.take("%{") {
            return Ok(Pattern::Map(self.pairs()?));
        }
        if first == b'"' {
            return Ok(Pattern::Exact(Value::Bulk(self.string()?)));
        }
        if first == b'[' {
            self.at += 1;
            return Ok(Pattern::Array(self.elements()?));
        }
        if first == b'~' {
            self.at += 1;
            return self.matcher();
        }
        self.scalar(first).map(Pattern::Exact)
    }

    fn scalar(&mut self, first: u8) -> Result<Value, Flaw> {
        if first == b'n' {
            return match self.word().as_str() {
                "nil" => Ok(Value::Null),
                "nil*" => Ok(Value::NullArray),
                _ => Err(self.wrong("an unknown word")),
            };
        }
        self.at += 1;
        let text = match self.peek() {
            Some(b'"') => self.string()?,
            _ => self.word().into_bytes(),
        };
        Ok(match first {
            b'+' => Value::Simple(text),
            b'-' => Value::Error(text),
            b',' => Value::Double(double(&text), text),
            b'(' => Value::BigNumber(text),
            b'=' => {
                verbatim(&text).ok_or_else(|| self.wrong("three letters and a colon are wanted"))?
            }
            b':' => Value::Integer(number(&text).ok_or_else(|| self.wrong("not an integer"))?),
            b'#' if text == b"t" || text == b"f" => Value::Boolean(text == b"t"),
            _ => return Err(self.wrong("not a reply")),
        })
    }

    fn matcher(&mut self) -> Result<Pattern, Flaw> {
        Ok(match self.word().as_str() {
            "any" => Pattern::Any,
            "let" => {
                self.blanks();
                Pattern::Let(self.word())
            }
            "same" => {
                self.blanks();
                Pattern::Same(self.word())
            }
            "int" => self.range()?,
            "double" => Pattern::Double,
            "bulk" => Pattern::Bulk(self.glob()?),
            "text" => Pattern::Text(self.glob()?),
            "error" => Pattern::Error(self.glob()?.unwrap_or_else(|| "*".to_owned())),
            "unordered" => Pattern::Unordered(Box::new(self.element()?)),
            "contains" => Pattern::Contains(Box::new(self.element()?)),
            "close" => Pattern::Closed,
            _ => return Err(self.wrong("an unknown matcher")),
        })
    }

    /// The `9..10`, `9..` or `..10` that may follow `~int`.
    fn range(&mut self) -> Result<Pattern, Flaw> {
        let start = self.at;
        self.blanks();
        let word = self.word();
        let bound = |text: &str, open: i64| match text {
            "" => Some(open),
            digits => digits.parse().ok(),
        };
        let range = word.split_once("..");
        let range = range.filter(|(_, high)| word != ".." && !high.starts_with('.'));
        let bounds =
            range.and_then(|(low, high)| Some((bound(low, i64::MIN)?, bound(high, i64::MAX)?)));
        match bounds {
            Some((low, high)) => Ok(Pattern::Int(low, high)),
            None => {
                self.at = start;
                Ok(Pattern::Int(i64::MIN, i64::MAX))
            }
        }
    }

    /// The glob in quotes and parentheses that may follow `~bulk` and its like.
    fn glob(&mut self) -> Result<Option<String>, Flaw> {
        if !self.take("(") {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a quoted glob is wanted"));
        }
        let text = self.string()?;
        match self.take(")") {
            true => Ok(Some(String::from_utf8_lossy(&text).into_owned())),
            false => Err(self.wrong("')' is missing")),
        }
    }

    fn elements(&mut self) -> Result<Vec<Pattern>, Flaw> {
        let mut elements = Vec::new();
        loop {
            self.blanks();
            if self.take("]") {
                return Ok(elements);
            }
            elements.push(self.element()?);
        }
    }

    fn pairs(&mut self) -> Result<Vec<(Pattern, Pattern)>, Flaw> {
        let mut pairs = Vec::new();
        loop {
            self.blanks();
            if self.take("}") {
                return Ok(pairs);
            }
            let key = self.element()?;
            self.blanks();
            if key != Pattern::Rest && !self.take("=>") {
                let end = self.peek().is_none();
                return Err(if end { Flaw::Incomplete } else { self.wrong("'=>' is missing") });
            }
            // `...` in a map stands for whole pairs.
            let value = if key == Pattern::Rest { Pattern::Rest } else { self.element()? };
            pairs.push((key, value));
        }
    }

    fn string(&mut self) -> Result<Vec<u8>, Flaw> {
        let (text, end) = quote::quoted(self.input, self.at).map_err(Flaw::Wrong)?;
        let (text, end) = quote::repeated(self.input, text, end).map_err(Flaw::Wrong)?;
        self.at = end;
        Ok(text)
    }

    fn word(&mut self) -> String {
        let rest = &self.input[self.at..];
        let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b']' | b'}' | b'(');
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += len;
        String::from_utf8_lossy(&rest[..len]).into_owned()
    }
}

/// Only the text of a double is ever compared; the number is for whoever computes with it.
fn double(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|t| t.parse().ok()).unwrap_or(f64::NAN)
}

fn verbatim(text: &[u8]) -> Option<Value> {
    match text {
        [a, b, c, b':', text @ ..] => {
            Some(Value::Verbatim { format: [*a, *b, *c], text: text.to_vec() })
        }
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Pattern {
    /// The lines of an expectation, broken where an aggregate does not fit in one.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self {
            Pattern::Exact(Value::Simple(text)) if is_plain(text) => {
                lines.push(format!("+{}", String::from_utf8_lossy(text)));
            }
            Pattern::Exact(Value::Error(text)) if is_plain(text) => {
                lines.push(format!("-{}", String::from_utf8_lossy(text)));
            }
            _ => self.broken(0, "", &mut lines),
        }
        lines
    }

    fn broken(&self, indent: usize, prefix: &str, lines: &mut Vec<String>) {
        let pad = " ".repeat(indent);
        let inline = format!("{pad}{prefix}{self}");
        let (open, close) = match self {
            Pattern::Unordered(inner) if inline.len() > LINE_COLUMNS_MAX => {
                return inner.broken(indent, &format!("{prefix}~unordered "), lines);
            }
            Pattern::Contains(inner) if inline.len() > LINE_COLUMNS_MAX => {
                return inner.broken(indent, &format!("{prefix}~contains "), lines);
            }
            Pattern::Array(_) => ("[", "]"),
            Pattern::Set(_) => ("~[", "]"),
            Pattern::Push(_) => (">[", "]"),
            Pattern::Map(_) => ("%{", "}"),
            _ => return lines.push(inline),
        };
        if inline.len() <= LINE_COLUMNS_MAX {
            return lines.push(inline);
        }
        lines.push(format!("{pad}{prefix}{open}"));
        match self {
            Pattern::Array(v) | Pattern::Set(v) | Pattern::Push(v) => {
                v.iter().for_each(|element| element.broken(indent + 2, "", lines));
            }
            Pattern::Map(pairs) => {
                for (key, value) in pairs {
                    value.broken(indent + 2, &format!("{key} => "), lines);
                }
            }
            _ => {}
        }
        lines.push(format!("{pad}{close}"));
    }
}

/// Whether a status or error can be written unquoted to the end of the line.
fn is_plain(text: &[u8]) -> bool {
    let blank_ends = text.first() == Some(&b' ') || text.last() == Some(&b' ');
    !blank_ends && !text.starts_with(b"\"") && text.iter().all(|b| matches!(b, 0x20..=0x7e))
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |v: &[Pattern]| v.iter().map(Pattern::to_string).collect::<Vec<_>>().join(" ");
        let glob = |g: &Option<String>| match g {
            Some(text) => format!("({})", quote::string(text.as_bytes())),
            None => String::new(),
        };
        match self {
            Pattern::Exact(value) => write_scalar(value, f),
            Pattern::Array(v) => write!(f, "[{}]", list(v)),
            Pattern::Set(v) => write!(f, "~[{}]", list(v)),
            Pattern::Push(v) => write!(f, ">[{}]", list(v)),
            Pattern::Map(pairs) => {
                let pair = |(key, value): &(Pattern, Pattern)| match key {
                    Pattern::Rest => "...".to_owned(),
                    key => format!("{key} => {value}"),
                };
                let pairs: Vec<String> = pairs.iter().map(pair).collect();
                write!(f, "%{{{}}}", pairs.join(" "))
            }
            Pattern::Rest => write!(f, "..."),
            Pattern::Any => write!(f, "~any"),
            Pattern::Let(name) => write!(f, "~let {name}"),
            Pattern::Same(name) => write!(f, "~same {name}"),
            Pattern::Int(i64::MIN, i64::MAX) => write!(f, "~int"),
            Pattern::Int(low, i64::MAX) => write!(f, "~int {low}.."),
            Pattern::Int(i64::MIN, high) => write!(f, "~int ..{high}"),
            Pattern::Int(low, high) => write!(f, "~int {low}..{high}"),
            Pattern::Double => write!(f, "~double"),
            Pattern::Bulk(g) => write!(f, "~bulk{}", glob(g)),
            Pattern::Text(g) => write!(f, "~text{}", glob(g)),
            Pattern::Error(text) => write!(f, "~error({})", quote::string(text.as_bytes())),
            Pattern::Unordered(inner) => write!(f, "~unordered {inner}"),
            Pattern::Contains(inner) => write!(f, "~contains {inner}"),
            Pattern::Closed => write!(f, "~close"),
        }
    }
}

fn write_scalar(value: &Value, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let word = |text: &[u8]| {
        let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b']' | b'}');
        match !text.is_empty() && text.iter().all(plain) {
            true => String::from_utf8_lossy(text).into_owned(),
            false => quote::string(text),
        }
    };
    match value {
        Value::Simple(text) => write!(f, "+{}", word(text)),
        Value::Error(text) | Value::BulkError(text) => write!(f, "-{}", word(text)),
        Value::Integer(n) => write!(f, ":{n}"),
        Value::Bulk(text) => f.write_str(&quote::string(text)),
        Value::Null | Value::NullBulk => write!(f, "nil"),
        Value::NullArray => write!(f, "nil*"),
        Value::Double(_, text) => write!(f, ",{}", word(text)),
        Value::Boolean(flag) => write!(f, "#{}", if *flag { 't' } else { 'f' }),
        Value::BigNumber(text) => write!(f, "({}", word(text)),
        Value::Verbatim { format, text } => {
            write!(f, "={}", quote::string(&[&format[..], b":", text].concat()))
        }
        Value::Attribute { value, .. } => write_scalar(value, f),
        aggregate => write!(f, "{}", Pattern::of(aggregate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "+OK",
            "-ERR unknown command 'x', with args beginning with: ",
            ":-5",
            r#"["a" nil nil* [] ,1.5 #t (12 ="txt:a" +word +"two words" -"ERR x"]"#,
            r#"%{"a" => [:1] "b" => ~int 1..5}"#,
            "~[:1 ~int ...]",
            "[~any ~let id ~same id ~int ~int 1.. ~int ..5 ~bulk ~bulk(\"a*\") ~text ~double]",
            "~unordered [:1 ~contains [:2]]",
            "~error(\"ERR*\")",
            "~contains %{\"a\" => :1}",
            "~close",
        ] {
            let pattern = parse(text).unwrap();
            let lines = pattern.lines();
            assert_eq!(parse(&lines.join("\n")).unwrap(), pattern, "{text}");
        }
        let long = Pattern::Array((0..100).map(|n| Pattern::Exact(Value::Integer(n))).collect());
        assert_eq!(long.lines().len(), 102);
        assert_eq!(parse(&long.lines().join("\n")).unwrap(), long);
    }

    #[test]
    fn an_open_aggregate_is_incomplete() {
        for text in ["[", "[:1", "[\"a\" [", "%{", "%{:1", "%{:1 =>", "~unordered"] {
            assert_eq!(parse(text), Err(Flaw::Incomplete), "{text}");
        }
        for text in ["]", ":x", "~what", ":1 :2", "%{:1 :2}", "foo", "#x"] {
            assert!(matches!(parse(text), Err(Flaw::Wrong(_))), "{text}");
        }
    }
}
