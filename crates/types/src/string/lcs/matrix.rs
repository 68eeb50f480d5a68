//! The table of common subsequence lengths, one bit per cell.
//!
//! Let `L[i][j]` be the length for the first `i` bytes of `a` and the first `j` of `b`. Along a row
//! it grows by 0 or 1 per step, so a row is a string of bits: bit `j` of row `i` is 1 where `L`
//! grows. A row follows from the one above by a handful of operations on whole words (Hyyrö's form
//! of the bit-parallel algorithm), with one addition that carries from word to word: 64 cells at a
//! time, and 32 times less memory than a table of 32-bit lengths.
//!
//! The way back needs no lengths. Where the bytes at `(i, j)` differ, `L[i][j]` is the larger of
//! the cell above and the cell to the left: if the bit is 1, the left one is smaller, so the way
//! goes up; if it is 0, the left one is as large, and the way goes left, as the reference does when
//! both are equal. So the same one of several longest subsequences is found.

/// A stretch of equal bytes in both strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Where it starts in the first string.
    pub(super) a: usize,
    /// Where it starts in the second string.
    pub(super) b: usize,
    /// How long it is.
    pub(super) len: usize,
}

/// The table for two strings.
pub(super) struct Matrix<'s> {
    a: &'s [u8],
    b: &'s [u8],
    /// Words of a row.
    width: usize,
    /// All rows, one per byte of `a`.
    bits: Vec<u64>,
}

const WORD_BITS: usize = u64::BITS as usize;

impl<'s> Matrix<'s> {
    /// Computes the table; `None` where there is no memory for it. O(a × b / 64).
    pub(super) fn new(a: &'s [u8], b: &'s [u8]) -> Option<Matrix<'s>> {
        let width = b.len().div_ceil(WORD_BITS).max(1);
        let places = Places::new(a, b, width)?;
        let mut bits = zeroed(a.len().checked_mul(width)?)?;
        for (i, &byte) in a.iter().enumerate() {
            let (done, rest) = bits.split_at_mut(i * width);
            let above = done.rchunks(width).next().unwrap_or(&[]);
            fill_row(&mut rest[..width], above, places.of(byte));
        }
        Some(Matrix { a, b, width, bits })
    }

    fn bit(&self, i: usize, j: usize) -> bool {
        self.bits[i * self.width + j / WORD_BITS] >> (j % WORD_BITS) & 1 == 1
    }

    /// Length of the longest common subsequence.
    pub(super) fn len(&self) -> usize {
        let last = self.bits.rchunks(self.width).next().unwrap_or(&[]);
        last.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The stretches that make up the subsequence, the last one first. O(a + b).
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] != self.b[j - 1] {
                if self.bit(i - 1, j - 1) {
                    i -= 1
                } else {
                    j -= 1
                }
                continue;
            }
            (i, j) = (i - 1, j - 1);
            match runs.last_mut() {
                Some(run) if (run.a, run.b) == (i + 1, j + 1) => {
                    *run = Run { a: i, b: j, len: run.len + 1 };
                }
                _ => runs.push(Run { a: i, b: j, len: 1 }),
            }
        }
        runs
    }
}

/// Computes a row from the one above (empty for the first) and the places of the row's byte in `b`.
fn fill_row(row: &mut [u64], above: &[u64], places: &[u64]) {
    let mut carry = false;
    for (k, word) in row.iter_mut().enumerate() {
        // The algorithm works on the complement, where a 0 marks growth. A row above the first is
        // all ones in the complement. Bits beyond the end of `b` never match, so they stay ones
        // there and zeros here.
        let old = !above.get(k).copied().unwrap_or(0);
        let hits = old & places.get(k).copied().unwrap_or(0);
        let (sum, carry_hits) = old.overflowing_add(hits);
        let (sum, carry_in) = sum.overflowing_add(u64::from(carry));
        carry = carry_hits || carry_in;
        *word = !(sum | old & !hits);
    }
}

/// For each byte that occurs in `a`, the places where it stands in `b`, as rows of bits.
struct Places {
    /// The number of a byte's row.
    rows: [Option<u8>; 256],
    width: usize,
    bits: Vec<u64>,
}

impl Places {
    fn new(a: &[u8], b: &[u8], width: usize) -> Option<Places> {
        let mut rows = [None; 256];
        let mut count = 0usize;
        for &byte in a {
            if rows[byte as usize].is_none() {
                // There are at most 256 bytes, so the last number is 255.
                rows[byte as usize] = Some(count as u8);
                count += 1;
            }
        }
        let mut bits = zeroed(count.checked_mul(width)?)?;
        for (j, &byte) in b.iter().enumerate() {
            if let Some(row) = rows[byte as usize] {
                bits[row as usize * width + j / WORD_BITS] |= 1 << (j % WORD_BITS);
            }
        }
        Some(Places { rows, width, bits })
    }

    fn of(&self, byte: u8) -> &[u64] {
        match self.rows[byte as usize] {
            Some(row) => &self.bits[row as usize * self.width..][..self.width],
            None => &[],
        }
    }
}

fn zeroed(len: usize) -> Option<Vec<u64>> {
    let mut words = Vec::new();
    words.try_reserve_exact(len).ok()?;
    words.resize(len, 0);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use stdx::prng::Prng;

    /// The textbook table and the way back through it, preferring left where both ways are as good.
    fn naive(a: &[u8], b: &[u8]) -> (usize, Vec<(usize, usize)>) {
        let mut table = vec![vec![0usize; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = if a[i - 1] == b[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    table[i - 1][j].max(table[i][j - 1])
                };
            }
        }
        let (mut i, mut j, mut pairs) = (a.len(), b.len(), Vec::new());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                pairs.push((i, j));
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        (table[a.len()][b.len()], pairs)
    }

    #[test]
    fn random_strings_equal_the_textbook() {
        let mut prng = Prng::new(7);
        for round in 0..600 {
            let letters = 1 + prng.below(if round % 3 == 0 { 255 } else { 4 });
            let mut string = |len_max: u64| -> Vec<u8> {
                let len = prng.below(len_max);
                (0..len).map(|_| prng.below(letters) as u8).collect()
            };
            let (a, b) = (string(150), string(200));
            let matrix = Matrix::new(&a, &b).expect("memory");
            let (len, pairs) = naive(&a, &b);
            assert_eq!(matrix.len(), len, "{a:?} {b:?}");
            let backwards = |run: Run| (0..run.len).rev().map(move |k| (run.a + k, run.b + k));
            let found: Vec<_> = matrix.runs().into_iter().flat_map(backwards).collect();
            assert_eq!(found, pairs, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_example_of_the_reference() {
        let matrix = Matrix::new(b"ohmytext", b"mynewtext").expect("memory");
        assert_eq!(matrix.len(), 6);
        assert_eq!(matrix.runs(), [Run { a: 4, b: 5, len: 4 }, Run { a: 2, b: 0, len: 2 }]);
        for (a, b) in [(&b""[..], &b""[..]), (b"", b"x"), (b"x", b"")] {
            let matrix = Matrix::new(a, b).expect("memory");
            assert!(matrix.len() == 0 && matrix.runs().is_empty());
        }
    }
}
