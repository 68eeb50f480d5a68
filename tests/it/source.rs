//! Just enough of Rust's lexical grammar to tell code from comments, literals and tests.
//!
//! The structural rules speak about code: a comment may explain why `std::fs` is out of reach, and
//! a test may start a thread. A full parser would be exact and would cost more to build than all
//! the tests that use it; what is needed is the extent of comments, literals and `#[cfg(test)]`
//! items, and the lexical grammar gives those exactly.

use std::ops::Range;

/// The source with the characters of comments and literals replaced by spaces. Lines stay.
pub fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_prose(bytes, at);
        if end > at {
            spans.push(at..end);
        }
        at = end.max(at + 1);
    }
    blanked(source, &spans)
}

/// The same text with these spans replaced by spaces, line ends kept.
pub fn blanked(source: &str, spans: &[Range<usize>]) -> String {
    let mut bytes = source.as_bytes().to_vec();
    for byte in spans.iter().flat_map(|span| span.clone()) {
        if bytes[byte] != b'\n' {
            bytes[byte] = b' ';
        }
    }
    String::from_utf8(bytes).expect("spans begin and end between characters")
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none begins there.
fn end_of_prose(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let length = match rest {
        [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_length(rest),
        [b'"', ..] => quoted_length(rest, b'"'),
        [b'\'', b'\\', ..] => quoted_length(rest, b'\''),
        [b'\'', ..] => char_length(rest),
        [b'r', ..] => raw_string_length(rest),
        _ => 0,
    };
    at + length
}

fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A quote opens a character if another one closes it right after; else it opens a lifetime.
fn char_length(rest: &[u8]) -> usize {
    let width = match rest.get(1) {
        Some(0x00..=0x7f) => 1,
        Some(0x80..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        _ => 4,
    };
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

fn raw_string_length(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = 2 + hashes;
    let found = rest[body..].windows(close.len()).position(|window| window == close);
    found.map_or(rest.len(), |start| body + start + close.len())
}

/// The extents of the items marked `#[cfg(test)]`, in code that `code_only` made.
pub fn test_spans(code: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (start, mark) in code.match_indices("#[cfg(test)]") {
        if spans.last().is_some_and(|span| span.contains(&start)) {
            continue;
        }
        let body = start + mark.len();
        let end = match code[body..].find(['{', ';']) {
            Some(offset) if code.as_bytes()[body + offset] == b'{' => {
                group_end(code, body + offset)
            }
            Some(offset) => body + offset + 1,
            None => code.len(),
        };
        spans.push(start..end);
    }
    spans
}

/// The end of the braced group that opens at `open`.
fn group_end(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (offset, character) in code[open..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    code.len()
}

/// The offsets at which `words` stands on its own: no letter, digit or `_` before or after it.
pub fn find_words(code: &str, words: &str) -> Vec<usize> {
    let in_name = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(words)
        .map(|(start, _)| start)
        .filter(|&start| !code[..start].ends_with(in_name))
        .filter(|&start| !code[start + words.len()..].starts_with(in_name))
        .collect()
}

/// The offsets at which this module of `std` is named: `std::fs` and `std::{fs, io}` alike.
pub fn find_std(code: &str, module: &str) -> Vec<usize> {
    let mut found = find_words(code, &format!("std::{module}"));
    for start in find_words(code, "std::") {
        let open = start + "std::".len();
        if code[open..].starts_with('{') && names_at_top(code, open).contains(&module) {
            found.push(start);
        }
    }
    found
}

/// The first path segment of each member of the `use` group that opens at `open`.
fn names_at_top(code: &str, open: usize) -> Vec<&str> {
    let group = &code[open + 1..group_end(code, open)];
    let mut depth = 0;
    let members = group.split(move |character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    members
        .map(|member| {
            let member = member.trim_start();
            let end = member.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            &member[..end.unwrap_or(member.len())]
        })
        .collect()
}

/// The line, counted from 1, that this offset is on.
pub fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[test]
fn comments_and_literals_are_not_code() {
    let check = |source: &str, code: &str| {
        assert_eq!(code_only(source).split_whitespace().collect::<Vec<_>>().join(" "), code);
    };
    check("a // b\nc", "a c");
    check("a /* b /* c */ d */ e", "a e");
    check(r#"a("b \" // c") d"#, "a( ) d");
    check(r##"a(r#"b " c"#, br"d\") e"##, "a( , b ) e");
    check(r"a('b', '\'', b'\\', 'é') c", "a( , , b , ) c");
    check("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}");
    check("let r#type = r;", "let r#type = r;");
    check("a \"never closed", "a");
    check("a /* never closed", "a");
}

#[test]
fn code_keeps_its_lines() {
    let source = "a\n\"b\nc\"\n/* d\n */ e";
    let code = code_only(source);
    assert_eq!(line_of(&code, code.find('e').expect("it is code")), 5);
}

#[test]
fn test_items_are_found() {
    let code = "a\n#[cfg(test)]\nmod tests {\n b { c } \n}\nd\n#[cfg(test)]\nmod more;\ne";
    let rest = blanked(code, &test_spans(code));
    assert_eq!(rest.split_whitespace().collect::<Vec<_>>(), ["a", "d", "e"]);
}

#[test]
fn words_stand_alone() {
    assert_eq!(find_words("unsafe unsafe_code not_unsafe {unsafe}", "unsafe"), [0, 31]);
}

#[test]
fn std_modules_are_found_in_groups() {
    let check = |code: &str, module: &str, found: bool| {
        assert_eq!(!find_std(code, module).is_empty(), found, "{module} in {code}");
    };
    check("std::fs::read(x)", "fs", true);
    check("use std::{io, fs};", "fs", true);
    check("use std::{\n    fs::{self, File},\n    io,\n};", "fs", true);
    check("use std::{fmt::{self, thread}, io};", "thread", false);
    check("use std::{fmt, sync::{Arc, Mutex}, thread};", "thread", true);
    check("std::fsx; my_std::fs", "fs", false);
}
