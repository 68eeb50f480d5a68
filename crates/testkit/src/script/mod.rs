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
//!
//! `now` and `now_ms`, with a number added or taken away (`now+100`), are the server's clock, as a
//! text of `@let` and as a name in requests.
//!
//! The last four hold for the paragraph that they stand in, up to the next blank line; before
//! the first request of the file they hold for all of it. We ourselves run every paragraph,
//! whichever reference it was recorded from.

mod parse;
mod run;
mod update;

pub use parse::{Action, Condition, Script, Server, Step};
pub use run::{Failure, Report, run};
pub use update::update;

#[cfg(test)]
mod tests;
