//! The scripts, in process: every file in both protocols against a server of its own.

use std::collections::BTreeMap;

use testkit::in_process::InProcess;
use testkit::script::{self, Script};
use testkit::target::identify;

use crate::workspace::{read, root};

const SEED: u64 = 1;

#[test]
fn every_script_holds() {
    let files = script::files(&[root().join("tests/scripts")]).expect("the scripts are there");
    assert!(!files.is_empty());
    let (mut replies, mut failures) = (0, Vec::new());
    let mut skipped = BTreeMap::new();
    for file in &files {
        let name = file.strip_prefix(root()).unwrap_or(file).display().to_string();
        let script = Script::parse(&name, &read(file)).unwrap_or_else(|text| panic!("{text}"));
        for protocol in [2, 3] {
            let mut target = InProcess::new(catalog::MODULES, &[], SEED);
            let identity = identify(&mut target).expect("the server says who it is");
            let report = script::run(&script, &mut target, &identity, protocol, false)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            replies += report.replies;
            failures.extend(report.failures.iter().map(ToString::to_string));
            for (command, requests) in report.skipped {
                *skipped.entry(command).or_insert(0) += requests;
            }
        }
    }
    for (command, requests) in &skipped {
        println!("skipped: {requests} requests that need {command}");
    }
    assert!(failures.is_empty(), "{}\n{} failures", failures.join("\n"), failures.len());
    println!("{} scripts, {replies} replies", files.len());
}
