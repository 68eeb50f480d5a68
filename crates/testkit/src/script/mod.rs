//! Scripts of commands and replies.
//!
//! A script is a text file: requests as one would type them, replies as they must come back. It
//! starts from an empty server and a fresh connection, and runs once in RESP2 and once in RESP3.
//!
//! ```text
//! # SET with an expiry
//! > SET k v EX 10
//! < +OK
//! > TTL k
//! < ~int 9..10
//! ```
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | a comment |
//! | `> ARGS` | sends a request, quoted as for redis-cli; its reply follows |
//! | `>> ARGS` | sends a request and waits for nothing |
//! | `< REPLY` | the next reply, as [`crate::pattern`] has it, over as many `<` lines as needed |
//! | `<2 REPLY`, `<3 REPLY` | the next reply in one protocol only |
//! | `@raw "BYTES"` | sends bytes as they are |
//! | `@conn NAME` | goes on with another connection, opened when first named; the first is `1` |
//! | `@disconnect` | closes the connection; it is opened anew when used again |
//! | `@sleep 15ms` | lets time pass |
//! | `@let NAME TEXT` | binds a name for `${NAME}` in requests |
//! | `@redis`, `@redis>=8.4` | only where Redis (from that version on) is the reference |
//! | `@valkey`, `@valkey>=9` | the same for Valkey |
//! | `@cinnabar` | only for us |
//! | `@resp 2` | only in this protocol |
//! | `@needs LPUSH SADD` | only where the server has these commands |
//!
//! `now` and `now_ms`, with a number added or taken away (`now+100`), are the server's clock, as a
//! text of `@let` and as a name in requests.
//!
//! The last five hold for the paragraph that they stand in, up to the next blank line; before
//! the first request of the file they hold for all of it. We ourselves run every paragraph,
//! whichever reference it was recorded from; what lacks its commands is left out and reported.

use std::path::{Path, PathBuf};

mod parse;
mod run;
mod update;

pub use parse::{Action, Condition, Script, Server, Step};
pub use run::{Failure, Report, run};
pub use update::update;

/// Every script among or below these paths, sorted.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    files.sort();
    Ok(files)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.is_dir() || entry.extension().is_some_and(|e| e == "resp") {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
