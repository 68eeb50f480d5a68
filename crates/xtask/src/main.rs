//! Chores of the repository: `cargo xtask docs` writes the generated pages, `cargo xtask docs
//! --check` says which of them are stale.

use std::path::Path;
use std::process::ExitCode;
use xtask::docs;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match args[..] {
        ["docs"] => match docs::write(&root) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        ["docs", "--check"] => {
            let stale = docs::stale(&root);
            if stale.is_empty() {
                return ExitCode::SUCCESS;
            }
            fail(&format!("run `cargo xtask docs`; not as generated: {}", stale.join(", ")))
        }
        _ => fail("usage: cargo xtask docs [--check]"),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
