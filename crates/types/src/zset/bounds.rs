//! The ends of ranges as clients write them.

use super::value::{LexBound, LexRange, ScoreRange};
use engine::error::CmdError;
use std::ops::Range;
use structs::ordered::{MemberBound, ScoreBound};

const NOT_SCORE: CmdError = CmdError::fixed("ERR min or max is not a float");
const NOT_MEMBER: CmdError = CmdError::fixed("ERR min or max not valid string range item");

/// A range of scores; `(` excludes an end.
pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<ScoreRange, CmdError> {
    let (min, excludes_min) = score(min)?;
    let (max, excludes_max) = score(max)?;
    Ok(ScoreRange {
        min: ScoreBound { score: min, after_equal: excludes_min },
        max: ScoreBound { score: max, after_equal: !excludes_max },
    })
}

/// A bound and whether it is excluded. The text ends at a NUL, no text is 0, and what exceeds a
/// double is infinite.
fn score(text: &[u8]) -> Result<(f64, bool), CmdError> {
    let (text, excluded) = match text.strip_prefix(b"(") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    if text.len() <= 15
        && let Some(whole) = stdx::num::parse_i64(text)
    {
        return Ok((whole as f64, excluded));
    }
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let score: f64 = match text {
        b"" => 0.0,
        _ => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(NOT_SCORE)?,
    };
    if score.is_nan() { Err(NOT_SCORE) } else { Ok((score, excluded)) }
}

/// A range of members: `[` includes an end, `(` excludes it, `-` and `+` are before and behind all.
pub(super) fn members<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, CmdError> {
    let (min, max) = (member(min)?, member(max)?);
    let with = |bound: LexBound<'a>, after_equal: bool| match bound {
        LexBound::At(at) => LexBound::At(MemberBound { after_equal, ..at }),
        other => other,
    };
    // As parsed, `after_equal` says that the member is excluded, which is what it means for a
    // minimum.
    let excludes_max = matches!(max, LexBound::At(at) if at.after_equal);
    Ok(LexRange { min, max: with(max, !excludes_max) })
}

fn member(text: &[u8]) -> Result<LexBound<'_>, CmdError> {
    match text {
        b"-" => Ok(LexBound::First),
        b"+" => Ok(LexBound::Last),
        [b'[', member @ ..] => Ok(LexBound::At(MemberBound { member, after_equal: false })),
        [b'(', member @ ..] => Ok(LexBound::At(MemberBound { member, after_equal: true })),
        _ => Err(NOT_MEMBER),
    }
}

/// The ranks from `start` to `stop`, both included, counted from the end where negative.
pub(super) fn ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let resolve = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let start = resolve(start).clamp(0, len);
    let end = resolve(stop).saturating_add(1).clamp(start, len);
    start as usize..end as usize
}

/// The same ranks counted from the other end.
pub(super) fn mirrored(ranks: Range<usize>, len: usize) -> Range<usize> {
    len - ranks.end..len - ranks.start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_the_reference_reads_them() {
        let valid: [(&[u8], f64, bool); 12] = [
            (b"1", 1.0, false),
            (b"(1.5", 1.5, true),
            (b"", 0.0, false),
            (b"(", 0.0, true),
            (b"\0", 0.0, false),
            (b"1\0x", 1.0, false),
            (b"1.", 1.0, false),
            (b".5", 0.5, false),
            (b"+1", 1.0, false),
            (b"1e400", f64::INFINITY, false),
            (b"1e-400", 0.0, false),
            (b"(-Infinity", f64::NEG_INFINITY, true),
        ];
        for (text, value, excluded) in valid {
            assert_eq!(score(text), Ok((value, excluded)), "{text:?}");
        }
        for text in
            ["a", " 1", "1 ", "nan", "-nan", "0x10", "+", "-", ".", "1e", "((1", "in", "--1"]
        {
            assert_eq!(score(text.as_bytes()), Err(NOT_SCORE), "{text:?}");
        }
    }

    #[test]
    fn ranks_count_from_both_ends() {
        assert_eq!(ranks(0, -1, 5), 0..5);
        assert_eq!(ranks(-2, -1, 5), 3..5);
        assert_eq!(ranks(3, 1, 5), 3..3);
        assert_eq!(ranks(7, 9, 5), 5..5);
        assert_eq!(ranks(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(ranks(0, i64::MIN, 5), 0..0);
        assert_eq!(mirrored(1..3, 5), 2..4);
    }
}
