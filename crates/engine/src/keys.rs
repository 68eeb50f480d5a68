//! Which words of a request are keys, computed from the row's key specifications.

use crate::args::Args;
use crate::command::{Begin, Find, KeyFlags, KeySpec};

/// The specification of a request could not be applied to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKeys;

/// Calls `visit` with the index and the flags of each key word. What the specifications cannot say
/// (an incomplete or unknown one) is left out. O(words).
pub fn for_each_key(
    specs: &[KeySpec],
    args: Args<'_>,
    visit: &mut dyn FnMut(usize, KeyFlags),
) -> Result<(), InvalidKeys> {
    for spec in specs {
        let Some(start) = begin(spec, args) else { continue };
        match spec.find {
            Find::Range { last, step, limit } => {
                let Some(last) = range_end(start, last, limit, args.len()) else {
                    return Err(InvalidKeys);
                };
                if start >= args.len() || last >= args.len() {
                    return Err(InvalidKeys);
                }
                (start..=last).step_by(step.max(1)).for_each(|index| visit(index, spec.flags));
            }
            Find::KeyNum { index, first, step } => {
                let count = args.get(start + index).and_then(stdx::num::parse_i64);
                let count = count.and_then(|count| usize::try_from(count).ok());
                let count = count.filter(|count| *count > 0).ok_or(InvalidKeys)?;
                let first = start + first;
                let span = (count - 1).checked_mul(step.max(1)).ok_or(InvalidKeys)?;
                let last = first.checked_add(span).filter(|last| *last < args.len());
                let last = last.ok_or(InvalidKeys)?;
                (first..=last).step_by(step.max(1)).for_each(|index| visit(index, spec.flags));
            }
            Find::Unknown => {}
        }
    }
    Ok(())
}

fn begin(spec: &KeySpec, args: Args<'_>) -> Option<usize> {
    match spec.begin {
        Begin::Index(index) => Some(index),
        Begin::Keyword(word, from) if from >= 0 => {
            (from as usize..args.len()).find(|&i| args.is(i, word)).map(|i| i + 1)
        }
        Begin::Keyword(word, from) => {
            let last = args.len().checked_sub(from.unsigned_abs())?;
            (1..=last).rev().find(|&i| args.is(i, word)).map(|i| i + 1)
        }
        Begin::Unknown => None,
    }
}

/// Index of the last key of a range.
fn range_end(start: usize, last: isize, limit: usize, len: usize) -> Option<usize> {
    if last >= 0 {
        return start.checked_add(last as usize);
    }
    if last == -1 && limit > 1 {
        let rest = len.checked_sub(start)?;
        return start.checked_add(rest / limit)?.checked_sub(1);
    }
    len.checked_sub(last.unsigned_abs())
}

/// First key, last key and step as the oldest COMMAND replies give them; zeros where there are no
/// keys at fixed places.
pub fn legacy_range(specs: &[KeySpec]) -> (i64, i64, i64) {
    let ranges: Vec<(i64, i64, i64)> = specs
        .iter()
        .filter_map(|spec| match (spec.begin, spec.find) {
            (Begin::Index(index), Find::Range { last, step, .. }) => {
                let first = index as i64;
                let last = if last >= 0 { first + last as i64 } else { last as i64 };
                Some((first, last, step as i64))
            }
            _ => None,
        })
        .collect();
    let Some(&(first, mut last, step)) = ranges.first() else { return (0, 0, 0) };
    for &(next_first, next_last, next_step) in &ranges[1..] {
        // Neighbouring single keys merge into one range.
        if last < 0 || next_first != last + 1 || next_step != step {
            break;
        }
        last = next_last;
    }
    (first, last, step)
}

/// Whether first, last and step do not tell the whole truth.
pub fn are_movable(specs: &[KeySpec]) -> bool {
    specs.iter().any(|spec| {
        let fixed = matches!((spec.begin, spec.find), (Begin::Index(_), Find::Range { .. }));
        !fixed || spec.flags.has(KeyFlags::INCOMPLETE)
    })
}
