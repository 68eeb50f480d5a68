//! The command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use testkit::diff::{self, Options};
use testkit::script::{self, Script};
use testkit::target::{self, TcpTarget};

const USAGE: &str = "\
usage: testkit script --against HOST:PORT [--update] [FILE|DIR ...]
       testkit diff --ours HOST:PORT --reference HOST:PORT [--seed N] [--count N]
                    [--commands GET,SET,... | --groups string,generic] [--protocol 2|3|both]
                    [--differences N]";

/// Runs a command line; false if a test failed.
pub fn run(args: &[String]) -> Result<bool, String> {
    match args.split_first() {
        Some((command, rest)) if command == "script" => scripts(rest),
        Some((command, rest)) if command == "diff" => differences(rest),
        _ => Err(USAGE.to_owned()),
    }
}

fn scripts(args: &[String]) -> Result<bool, String> {
    let mut against = None;
    let mut update = std::env::var_os("UPDATE").is_some_and(|v| v == "1");
    let mut paths = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--against" => against = args.next().cloned(),
            "--update" => update = true,
            flag if flag.starts_with("--") => return Err(USAGE.to_owned()),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let against = against.ok_or("--against HOST:PORT is missing")?;
    if paths.is_empty() {
        paths.push(PathBuf::from("tests/scripts"));
    }
    let files = script::files(&paths)?;
    let mut target = TcpTarget::new(&against);
    let identity = target::identify(&mut target).map_err(|e| format!("{against}: {e}"))?;
    let mut failures = 0;
    let mut skipped = BTreeMap::new();
    for file in &files {
        failures += script(file, &mut target, &identity, update, &mut skipped)?;
    }
    for (command, requests) in &skipped {
        println!("skipped: {requests} requests that need {command}");
    }
    println!("{} scripts, {failures} failures", files.len());
    Ok(failures == 0)
}

/// Runs one file in both protocols and prints its failures; returns how many there were.
fn script(
    file: &Path,
    target: &mut TcpTarget,
    identity: &target::Identity,
    update: bool,
    skipped: &mut BTreeMap<String, usize>,
) -> Result<usize, String> {
    let name = file.display().to_string();
    let fail = |e: std::io::Error| format!("{name}: {e}");
    let text = std::fs::read_to_string(file).map_err(fail)?;
    let script = Script::parse(&name, &text)?;
    if update {
        let updated = script::update(&script, target, identity).map_err(fail)?;
        if updated != text {
            println!("{name}: rewritten");
            std::fs::write(file, updated).map_err(fail)?;
        }
        return Ok(0);
    }
    let mut failures = 0;
    for protocol in [2, 3] {
        let report = script::run(&script, target, identity, protocol, false).map_err(fail)?;
        for failure in &report.failures {
            println!("{failure}");
        }
        failures += report.failures.len();
        for (command, requests) in report.skipped {
            *skipped.entry(command).or_default() += requests;
        }
    }
    Ok(failures)
}

fn differences(args: &[String]) -> Result<bool, String> {
    let mut ours = None;
    let mut reference = None;
    let mut options = Options {
        seed: 1,
        count: 100_000,
        commands: Vec::new(),
        groups: Vec::new(),
        protocols: vec![2, 3],
        differences_max: 20,
    };
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().ok_or(USAGE)?;
        let list = || value.split(',').map(str::to_owned).collect();
        let number = || value.parse::<u64>().map_err(|e| format!("{flag} {value}: {e}"));
        match flag.as_str() {
            "--ours" => ours = Some(value),
            "--reference" => reference = Some(value),
            "--seed" => options.seed = number()?,
            "--count" => options.count = number()?,
            "--commands" => options.commands = list(),
            "--groups" => options.groups = list(),
            "--differences" => options.differences_max = number()? as usize,
            "--protocol" => {
                options.protocols = match value.as_str() {
                    "2" => vec![2],
                    "3" => vec![3],
                    "both" => vec![2, 3],
                    _ => return Err(USAGE.to_owned()),
                }
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    let (ours, reference) = ours.zip(reference).ok_or(USAGE)?;
    let ours = Box::new(TcpTarget::new(ours));
    let reference = Box::new(TcpTarget::new(reference));
    let summary = diff::run(ours, reference, &options).map_err(|e| e.to_string())?;
    println!("{} commands, seed {}", summary.commands, options.seed);
    for (reason, count) in &summary.known {
        println!("known      {count:>8}  {reason}");
    }
    for (signature, count) in &summary.differences {
        println!("different  {count:>8}  {signature}");
    }
    for (signature, count) in &summary.races {
        println!("race       {count:>8}  {signature}");
    }
    Ok(summary.differences.is_empty())
}
