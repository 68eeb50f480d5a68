//! A small set of integers: a sorted array of the narrowest width that holds them all.
//!
//! ```text
//! f9 | fa | fb   integers of 2, 4 or 8 bytes, little-endian, ascending
//! ```
//! The first byte is the width and begins no packed element, so that the owner can tell the two
//! small forms of a set apart. An empty set is no bytes at all. Widths only grow. Membership is a
//! binary search; an insertion moves what lies behind it.
//!
//! Total over any bytes: a trailing part of an integer is ignored.

use crate::packed::Corrupt;
use std::ops::Range;

const WIDTH_2: u8 = 0xf9;
const WIDTH_4: u8 = 0xfa;
const WIDTH_8: u8 = 0xfb;

/// Whether bytes are a set of integers.
#[inline]
pub fn is_intset(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(&(WIDTH_2..=WIDTH_8)))
}

/// The width of a set with this first byte.
#[inline]
fn width_of(head: u8) -> usize {
    match head {
        WIDTH_2 => 2,
        WIDTH_4 => 4,
        _ => 8,
    }
}

fn width_for(number: i64) -> usize {
    match number {
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    }
}

fn head_for(width: usize) -> u8 {
    match width {
        2 => WIDTH_2,
        4 => WIDTH_4,
        _ => WIDTH_8,
    }
}

/// A change to the bytes of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These bytes give way to `len` others.
    Splice { range: Range<usize>, bytes: [u8; 8], len: usize },
    /// All bytes change.
    Rewrite(Vec<u8>),
}

/// The integers in ascending order.
pub fn iter(bytes: &[u8]) -> impl ExactSizeIterator<Item = i64> + Clone + '_ {
    (0..len(bytes)).map(|index| at(bytes, index))
}

/// How many integers there are. O(1).
#[inline]
pub fn len(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(&head) => (bytes.len() - 1) / width_of(head),
        None => 0,
    }
}

/// The integer at an index below the length.
#[inline]
fn at(bytes: &[u8], index: usize) -> i64 {
    match bytes[0] {
        WIDTH_2 => read::<2>(bytes, index, |raw| i64::from(i16::from_le_bytes(raw))),
        WIDTH_4 => read::<4>(bytes, index, |raw| i64::from(i32::from_le_bytes(raw))),
        _ => read::<8>(bytes, index, i64::from_le_bytes),
    }
}

#[inline]
fn read<const W: usize>(bytes: &[u8], index: usize, number: impl Fn([u8; W]) -> i64) -> i64 {
    let mut raw = [0; W];
    raw.copy_from_slice(&bytes[1 + index * W..1 + (index + 1) * W]);
    number(raw)
}

/// The integer at an index.
pub fn get(bytes: &[u8], index: usize) -> Option<i64> {
    (index < len(bytes)).then(|| at(bytes, index))
}

/// The index of an integer, or the one at which it would be inserted. O(log n).
#[inline]
fn search(bytes: &[u8], number: i64) -> Result<usize, usize> {
    let (mut low, mut high) = (0, len(bytes));
    while low < high {
        let middle = low + (high - low) / 2;
        match at(bytes, middle) {
            found if found == number => return Ok(middle),
            found if found < number => low = middle + 1,
            _ => high = middle,
        }
    }
    Err(low)
}

/// Whether an integer is in the set. O(log n).
#[inline]
pub fn contains(bytes: &[u8], number: i64) -> bool {
    search(bytes, number).is_ok()
}

/// The set of some integers in any order.
pub fn of(numbers: &mut Vec<i64>) -> Vec<u8> {
    numbers.sort_unstable();
    numbers.dedup();
    let widest = [numbers.first(), numbers.last()].into_iter().flatten();
    let Some(width) = widest.map(|number| width_for(*number)).max() else { return Vec::new() };
    let mut bytes = vec![head_for(width)];
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()[..width]));
    bytes
}

/// What inserting an integer changes; `None` if it is there. O(log n), O(n) where the width grows.
pub fn insert(bytes: &[u8], number: i64) -> Option<Change> {
    let index = search(bytes, number).err()?;
    let needed = width_for(number);
    let width = bytes.first().map_or(0, |&head| width_of(head));
    if needed <= width {
        let place = 1 + index * width;
        return Some(Change::Splice {
            range: place..place,
            bytes: number.to_le_bytes(),
            len: width,
        });
    }
    let mut numbers: Vec<i64> = iter(bytes).collect();
    numbers.insert(index, number);
    Some(Change::Rewrite(of(&mut numbers)))
}

/// The bytes of an integer, to remove it; all bytes if it is the last one. O(log n).
pub fn range_of(bytes: &[u8], number: i64) -> Option<Range<usize>> {
    let index = search(bytes, number).ok()?;
    if len(bytes) == 1 {
        return Some(0..bytes.len());
    }
    let width = width_of(bytes[0]);
    Some(1 + index * width..1 + (index + 1) * width)
}

/// Verifies that bytes are ascending integers without a rest. O(n).
pub fn check(bytes: &[u8]) -> Result<usize, Corrupt> {
    let len = len(bytes);
    let whole = is_intset(bytes) && bytes.len() == 1 + len * width_of(bytes[0]);
    let ascending = (1..len).all(|index| at(bytes, index - 1) < at(bytes, index));
    if whole && ascending { Ok(len) } else { Err(Corrupt) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use stdx::prng::Prng;

    fn apply(bytes: &mut Vec<u8>, change: Change) {
        match change {
            Change::Splice { range, bytes: new, len } => {
                bytes.splice(range, new[..len].iter().copied());
            }
            Change::Rewrite(new) => *bytes = new,
        }
    }

    #[test]
    fn agrees_with_a_set() {
        let mut prng = Prng::new(6);
        for bits in [8, 15, 17, 31, 33, 63] {
            let (mut bytes, mut model) = (Vec::new(), BTreeSet::new());
            for _ in 0..2000 {
                let number = (prng.next_u64() as i64) >> (64 - bits) >> prng.below(bits);
                assert_eq!(contains(&bytes, number), model.contains(&number));
                if prng.below(3) == 0 {
                    let range = range_of(&bytes, number);
                    assert_eq!(range.is_some(), model.remove(&number));
                    if let Some(range) = range {
                        bytes.drain(range);
                    }
                } else {
                    let change = insert(&bytes, number);
                    assert_eq!(change.is_some(), model.insert(number));
                    if let Some(change) = change {
                        apply(&mut bytes, change);
                    }
                }
                assert_eq!(len(&bytes), model.len());
                assert_eq!(bytes.is_empty(), model.is_empty());
            }
            assert!(iter(&bytes).eq(model.iter().copied()));
            assert_eq!(check(&bytes), Ok(model.len()));
            assert_eq!(get(&bytes, 0), model.first().copied());
            assert_eq!(get(&bytes, model.len()), None);
        }
    }

    #[test]
    fn widths_follow_the_extremes() {
        let cases: [(&[i64], usize); 5] = [
            (&[1, 2], 2),
            (&[i16::MIN as i64, i16::MAX as i64], 2),
            (&[1, 32_768], 4),
            (&[i32::MIN as i64 - 1], 8),
            (&[i64::MIN, i64::MAX], 8),
        ];
        for (numbers, width) in cases {
            assert_eq!(of(&mut numbers.to_vec()).len(), 1 + width * numbers.len());
        }
        assert!(of(&mut Vec::new()).is_empty());
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        let mut prng = Prng::new(7);
        for _ in 0..5000 {
            let mut bytes = vec![0; 1 + prng.below(40) as usize];
            prng.fill(&mut bytes);
            bytes[0] = WIDTH_2 + prng.below(3) as u8;
            assert_eq!(iter(&bytes).count(), len(&bytes));
            contains(&bytes, 5);
            if insert(&bytes, 5).is_some() && check(&bytes).is_ok() {
                assert!(!iter(&bytes).any(|number| number == 5));
            }
        }
        assert_eq!(check(b""), Err(Corrupt));
    }
}
