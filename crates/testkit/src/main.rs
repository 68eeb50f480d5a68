//! `testkit`: runs scripts and differential tests against servers behind sockets.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match cli::run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("testkit: {text}");
            ExitCode::from(2)
        }
    }
}
