//! The binary: `cinnabar [redis.conf] [--option value ...]`, and `cinnabar ping` for health checks.

mod allocator;
mod ping;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cinnabar [FILE] [--OPTION VALUE ...]
       cinnabar -                 read the configuration from standard input
       cinnabar ping [--port N]   ask a running server on this machine whether it answers
       cinnabar --version | --help

FILE is a redis.conf; options are its parameters and win over it:
       cinnabar --port 7000 --save \"\" --maxmemory 2gb
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--help" | "-h") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Some("--version" | "-v") => {
            let (own, redis) = (engine::server::CINNABAR_VERSION, engine::server::REDIS_VERSION);
            println!("Cinnabar server v={own} redis={redis}");
            ExitCode::SUCCESS
        }
        Some("ping") => ping::run(&args[1..]),
        _ => serve(args),
    }
}

fn serve(args: Vec<String>) -> ExitCode {
    let allocated = allocator::allocated_bytes;
    match runtime::run(runtime::Options { modules: catalog::MODULES, args, allocated }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cinnabar: {error}");
            ExitCode::FAILURE
        }
    }
}
