use std::collections::BTreeMap;

use super::compare::Rule;
use super::grammar::Grammar;
use super::pair::{Pair, Play};
use super::{Options, run, shrink};
use crate::fake::Fake;
use crate::quote;

fn options() -> Options {
    Options {
        seed: 7,
        count: 3000,
        commands: Vec::new(),
        groups: Vec::new(),
        protocols: vec![2, 3],
        differences_max: 5,
    }
}

fn pair(forgets: bool) -> Pair {
    let ours = if forgets { Fake::with_bug() } else { Fake::default() };
    Pair::connect(Box::new(ours), Box::new(Fake::default())).unwrap()
}

fn play(line: &str) -> Play {
    let args = quote::split(line).unwrap();
    let name = String::from_utf8_lossy(&args[0]).into_owned();
    Play { args, name, rule: Rule::Exact, read_only: false }
}

#[test]
fn the_grammar_comes_from_the_server() {
    let grammar = Grammar::fetch(&mut pair(false)).unwrap().select(&[], &[]);
    let names: Vec<&str> = grammar.commands.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["APPEND", "GET", "SET"]);
    assert!(grammar.commands[1].flags.contains("readonly"));
    let one = grammar.select(&["get".to_owned()], &[]);
    assert_eq!(one.commands.len(), 1);
}

#[test]
fn two_of_a_kind_do_not_differ() {
    let same = run(Box::new(Fake::default()), Box::new(Fake::default()), &options()).unwrap();
    assert_eq!(same.commands, 6000);
    assert!(same.differences.is_empty(), "{:?}", same.differences);
}

/// The control: a bug that no reply shows at once must be found.
#[test]
fn a_bug_is_found() {
    let found = run(Box::new(Fake::with_bug()), Box::new(Fake::default()), &options()).unwrap();
    assert!(!found.differences.is_empty());
}

#[test]
fn a_difference_shrinks_to_what_it_takes() {
    let mut pair = pair(true);
    let noise = |n: usize| play(&format!("SET noise{} {n}", n % 5));
    let mut plays: Vec<Play> = (0..50).map(noise).collect();
    plays.insert(10, play("SET k something"));
    plays.insert(30, play("APPEND k 123"));
    plays.push(play("GET k"));
    let difference = pair.episode(2, &plays, &mut BTreeMap::new()).unwrap().difference.unwrap();
    assert_eq!(difference.name, "GET");
    shrink::shrink(&mut pair, 2, &mut plays, &difference.signature()).unwrap();
    let script = shrink::script(&mut pair, 2, &plays).unwrap();
    assert_eq!(script, "> SET k a\n< +OK\n> APPEND k 123\n< :4\n> GET k\n< \"a123\"\n");
}
