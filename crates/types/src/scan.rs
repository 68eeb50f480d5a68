//! What HSCAN and SSCAN share: their options, and how much one call does.

use crate::keys::{KeyPattern, parse_cursor};
use engine::args::Args;
use engine::error::{self, CmdError};
use resp::Writer;
use structs::members::Members;
use structs::packed::Element;
use structs::records::Record;

/// Elements that a call returns where it does not say, about.
const COUNT_DEFAULT: usize = 10;
/// A call looks at so many times as many elements as it may return.
const LOOKS: usize = 10;

/// The word at an index as a cursor.
pub(crate) fn cursor(args: Args<'_>, index: usize) -> Result<u64, CmdError> {
    parse_cursor(args.at(index)).ok_or(CmdError::fixed("ERR invalid cursor"))
}

/// What a call asks for.
pub(crate) struct Options {
    pattern: KeyPattern,
    count: usize,
    /// Whether values are left out (HSCAN only).
    pub(crate) no_values: bool,
}

impl Options {
    /// Reads the words from an index on.
    pub(crate) fn parse(args: Args<'_>, from: usize, is_hash: bool) -> Result<Options, CmdError> {
        let (pattern, count) = (KeyPattern::Any, COUNT_DEFAULT);
        let mut options = Options { pattern, count, no_values: false };
        let mut index = from;
        while index < args.len() {
            let value = args.get(index + 1);
            match value {
                Some(_) if args.is(index, "COUNT") => {
                    let number = args.integer(index + 1)?;
                    let number = usize::try_from(number).ok().filter(|number| *number > 0);
                    options.count = number.ok_or(error::SYNTAX)?;
                    index += 2;
                }
                Some(pattern) if args.is(index, "MATCH") => {
                    options.pattern = KeyPattern::new(pattern);
                    index += 2;
                }
                _ if args.is(index, "NOVALUES") => {
                    const HASH_ONLY: CmdError =
                        CmdError::fixed("ERR NOVALUES option can only be used in HSCAN");
                    if !is_hash {
                        return Err(HASH_ONLY);
                    }
                    options.no_values = true;
                    index += 1;
                }
                _ => return Err(error::SYNTAX),
            }
        }
        Ok(options)
    }

    /// Whether a key is wanted.
    pub(crate) fn matches(&self, key: Element<'_>) -> bool {
        self.pattern.matches(&key.text())
    }

    /// The wanted records of a table from a cursor on, and the cursor to go on from; 0 at the end.
    pub(crate) fn walk<'t, const N: usize>(
        &self,
        table: &'t Members<N>,
        from: u64,
    ) -> (Vec<Record<'t>>, u64) {
        let (mut found, mut looked) = (Vec::new(), 0);
        let mut next = Some(from);
        while let Some(position) = next
            && found.len() < self.count
            && looked < self.count.saturating_mul(LOOKS)
        {
            next = table.scan(position, self.count - found.len(), &mut |record| {
                looked += 1;
                if self.matches(record.key) {
                    found.push(record);
                }
            });
        }
        (found, next.unwrap_or(0))
    }
}

/// Begins a reply: the cursor, then `len` words.
pub(crate) fn reply_header(reply: &mut Writer<'_>, cursor: u64, len: usize) {
    reply.array(2);
    let mut digits = Vec::new();
    stdx::num::write_u64(&mut digits, cursor);
    reply.bulk(&digits);
    reply.array(len);
}
