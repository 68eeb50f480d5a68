//! What HRANDFIELD, SRANDMEMBER and SPOP share: counts whose sign says whether elements may repeat,
//! and the choice of some of many.

use engine::args::Args;
use engine::error::CmdError;
use stdx::prng::Prng;

const OUT_OF_RANGE: CmdError = CmdError::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// How many elements are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// The magnitude.
    pub(crate) number: u64,
    /// Whether an element may be returned more than once (a negative count).
    pub(crate) repeats: bool,
}

impl Count {
    /// The word at an index.
    pub(crate) fn parse(args: Args<'_>, index: usize) -> Result<Count, CmdError> {
        let number = args.integer(index)?;
        if number == i64::MIN {
            return Err(OUT_OF_RANGE);
        }
        Ok(Count { number: number.unsigned_abs(), repeats: number < 0 })
    }

    /// How many of `len` elements a count without repetition gives.
    pub(crate) fn of(self, len: usize) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX).min(len)
    }
}

/// `count` distinct indexes below `len` in random order, every choice equally likely; all in order
/// where there are no more. O(len).
pub(crate) fn indexes(len: usize, count: usize, prng: &mut Prng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..len).collect();
    if count >= len {
        return all;
    }
    for index in 0..count {
        let other = index + prng.below((len - index) as u64) as usize;
        all.swap(index, other);
    }
    all.truncate(count);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_distinct_and_even() {
        let mut prng = Prng::new(1);
        let mut counts = [0; 10];
        for _ in 0..3000 {
            let mut chosen = indexes(10, 3, &mut prng);
            chosen.iter().for_each(|&index| counts[index] += 1);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), 3);
        }
        assert!(counts.iter().all(|count| (750..1050).contains(count)), "{counts:?}");
        assert_eq!(indexes(2, 9, &mut prng).len(), 2);
        assert!(indexes(0, 9, &mut prng).is_empty());
    }
}
