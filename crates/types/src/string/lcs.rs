//! LCS: the longest common subsequence of two strings.

mod matrix;

use super::len_max;
use engine::args::Args;
use engine::command::{
    Categories, Command, Flags, KeyFlags, KeySpec, command, integer, key, token,
};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use keyspace::Str;
use matrix::{Matrix, Run};

pub(super) const COMMANDS: &[Command] = &[command("LCS", lcs)
    .summary("Finds the longest common subsequence of two strings.")
    .since("7.0.0")
    .group("string")
    .complexity("O(N*M/64) where N and M are the lengths of the strings")
    .flags(Flags::READONLY)
    .acl(Categories::STRING)
    .keys(&[KeySpec::range(1, 1, 1, KeyFlags::RO.or(KeyFlags::ACCESS))])
    .args(&[
        key("key1"),
        key("key2"),
        token("len", "LEN").optional(),
        token("idx", "IDX").optional(),
        integer("min-match-len").token("MINMATCHLEN").optional(),
        token("withmatchlen", "WITHMATCHLEN").optional(),
    ])];

const NOT_STRINGS: CmdError = CmdError::fixed("ERR The specified keys must contain string values");
const LEN_AND_IDX: CmdError =
    CmdError::fixed("ERR If you want both the length and indexes, please just use IDX.");
const OVER_LIMIT: CmdError =
    CmdError::fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
const NO_MEMORY: CmdError =
    CmdError::fixed("ERR Insufficient memory, failed allocating transient memory for LCS");

/// The options.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// Only the length is wanted.
    len: bool,
    /// The places of the matches are wanted.
    idx: bool,
    /// Shorter matches are left out.
    match_len_min: i64,
    /// Each match with its length.
    with_match_len: bool,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, CmdError> {
        let mut options = Options::default();
        let mut index = 3;
        while index < args.len() {
            match () {
                () if args.is(index, "IDX") => options.idx = true,
                () if args.is(index, "LEN") => options.len = true,
                () if args.is(index, "WITHMATCHLEN") => options.with_match_len = true,
                () if args.is(index, "MINMATCHLEN") => {
                    index += 1;
                    options.match_len_min = args.integer(index)?.max(0);
                }
                () => return Err(error::SYNTAX),
            }
            index += 1;
        }
        if options.len && options.idx {
            return Err(LEN_AND_IDX);
        }
        Ok(options)
    }
}

fn lcs(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let a = string_at(cx, args.at(1))?;
    let b = string_at(cx, args.at(2))?;
    // The types of the values come before the form of the options, as in the reference.
    let options = Options::parse(args)?;
    // The limit is the reference's, for its table of 32-bit cells; ours takes a bit per cell.
    let cells = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1);
    if cells.saturating_mul(4) > len_max(cx.server) as u64 {
        return Err(OVER_LIMIT);
    }
    let matrix = Matrix::new(&a, &b).ok_or(NO_MEMORY)?;
    if options.len {
        cx.reply.integer(matrix.len() as i64);
        return Ok(Outcome::Done);
    }
    let runs = matrix.runs();
    if options.idx {
        reply_with_places(cx, &options, matrix.len(), &runs);
    } else {
        let parts = runs.iter().rev().map(|run| &a[run.a..run.a + run.len]);
        cx.reply.bulk(&parts.collect::<Vec<_>>().concat());
    }
    Ok(Outcome::Done)
}

fn string_at(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<Vec<u8>, CmdError> {
    let value = cx.db.read_str(key).map_err(|_| NOT_STRINGS)?;
    Ok(value.map_or_else(Vec::new, |value| Str::text(value).to_vec()))
}

fn reply_with_places(cx: &mut Cx<'_, '_>, options: &Options, len: usize, runs: &[Run]) {
    let is_shown = |run: &&Run| run.len as i64 >= options.match_len_min;
    cx.reply.map(2);
    cx.reply.bulk(b"matches");
    cx.reply.array(runs.iter().filter(is_shown).count());
    for run in runs.iter().filter(is_shown) {
        cx.reply.array(if options.with_match_len { 3 } else { 2 });
        for start in [run.a, run.b] {
            cx.reply.array(2);
            cx.reply.integer(start as i64);
            cx.reply.integer((start + run.len - 1) as i64);
        }
        if options.with_match_len {
            cx.reply.integer(run.len as i64);
        }
    }
    cx.reply.bulk(b"len");
    cx.reply.integer(len as i64);
}
