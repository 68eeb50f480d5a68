//! The small form: member, score, member, score ... as packed elements, in the order of the set.
//!
//! A whole score is an integer element, so most take one to three bytes; -0 becomes 0. Any other
//! score is the bytes of its IEEE form, most significant first, without the zeros at the end, so
//! that 1.5 takes three bytes. Where these bytes happen to be a number's text, which is no text
//! element, zeros follow.

use super::value::LexRange;
use std::cmp::Ordering;
use std::ops::Range;
use structs::ordered::ScoreBound;
use structs::packed::{self, Element, Needle, Text};

/// Scores up to this magnitude are stored as integers where they are whole.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends a score.
pub(super) fn encode_score(out: &mut Vec<u8>, score: f64) {
    if score.abs() <= WHOLE_MAX && score.fract() == 0.0 {
        return packed::encode_int(out, score as i64);
    }
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&score.to_bits().to_be_bytes());
    let significant = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let is_text = |len: &usize| matches!(Element::of(&bytes[..*len]), Element::Bytes(_));
    let len = (significant..bytes.len()).find(is_text).unwrap_or(bytes.len());
    packed::encode_element(out, Element::Bytes(&bytes[..len]));
}

/// The score that an element stands for. Total: damaged bytes give some number.
#[inline]
pub(super) fn decode_score(element: Element<'_>) -> f64 {
    match element {
        Element::Int(number) => number as f64,
        Element::Bytes(bytes) => {
            let mut bits = [0; 8];
            let len = bytes.len().min(8);
            bits[..len].copy_from_slice(&bytes[..len]);
            f64::from_bits(u64::from_be_bytes(bits))
        }
    }
}

/// Appends an element of the set.
pub(super) fn encode(out: &mut Vec<u8>, member: &[u8], score: f64) {
    packed::encode(out, member);
    encode_score(out, score);
}

/// Number of members.
pub(super) fn len(bytes: &[u8]) -> usize {
    packed::count(bytes) / 2
}

/// Where a member is.
pub(super) struct Found {
    pub(super) rank: usize,
    pub(super) score: f64,
    /// The bytes of both elements.
    pub(super) range: Range<usize>,
}

/// Looks a member up; gives the number of members where it is missing. O(n).
#[inline]
pub(super) fn find(bytes: &[u8], member: &[u8]) -> Result<Found, usize> {
    let needle = Needle::new(member);
    let (mut at, mut rank) = (0, 0);
    while let Some(score_at) = packed::end_of(bytes, at) {
        if needle.is(&bytes[at..score_at]) {
            let Some((score, end)) = packed::decode(bytes, score_at) else { break };
            return Ok(Found { rank, score: decode_score(score), range: at..end });
        }
        let Some(end) = packed::end_of(bytes, score_at) else { break };
        (at, rank) = (end, rank + 1);
    }
    Err(rank)
}

/// Where an element that is not there belongs. O(n).
pub(super) fn place_of(bytes: &[u8], member: &[u8], score: f64) -> usize {
    let mut at = 0;
    while let Some((other, other_score, end)) = pair_at(bytes, at) {
        let order = other_score.partial_cmp(&score).unwrap_or(Ordering::Equal);
        if order.then_with(|| other.cmp_text(member)) == Ordering::Greater {
            break;
        }
        at = end;
    }
    at
}

/// The pair that begins at an offset, and where it ends.
#[inline]
fn pair_at(bytes: &[u8], at: usize) -> Option<(Element<'_>, f64, usize)> {
    let (member, score_at) = packed::decode(bytes, at)?;
    let (score, end) = packed::decode(bytes, score_at)?;
    Some((member, decode_score(score), end))
}

/// How many elements lie before a bound. O(n).
pub(super) fn rank_of_score(bytes: &[u8], bound: ScoreBound) -> usize {
    let is_before = |&(_, score): &(Text<'_>, f64)| match bound.after_equal {
        true => score <= bound.score,
        false => score < bound.score,
    };
    range(bytes, 0..usize::MAX).take_while(is_before).count()
}

/// The ranks of the members in a range, walking from its first element on, or from its last one
/// back, as long as members are inside. O(n).
pub(super) fn lex_ranks(bytes: &[u8], wanted: LexRange<'_>, reverse: bool) -> Range<usize> {
    let members: Vec<Text<'_>> = range(bytes, 0..usize::MAX).map(|(member, _)| member).collect();
    let below = |member: &Text<'_>| wanted.min.is_behind(member);
    let above = |member: &Text<'_>| !wanted.max.is_behind(member);
    let (Some(first), Some(last)) = (members.first(), members.last()) else { return 0..0 };
    if below(last) || above(first) {
        return 0..0;
    }
    if reverse {
        let end = members.iter().rposition(|member| !above(member)).map_or(0, |last| last + 1);
        let start = members[..end].iter().rposition(below).map_or(0, |last| last + 1);
        return start..end;
    }
    let start = members.iter().position(|member| !below(member)).unwrap_or(members.len());
    let inside = members[start..].iter().position(above);
    start..inside.map_or(members.len(), |count| start + count)
}

/// The bytes of the elements of a range of ranks. O(n).
pub(super) fn bytes_of(bytes: &[u8], ranks: Range<usize>) -> Option<Range<usize>> {
    let start = packed::offset_of(bytes, ranks.start.checked_mul(2)?)?;
    let mut rest = packed::iter_from(bytes, start);
    rest.pass(ranks.len().saturating_mul(2));
    Some(start..rest.offset())
}

/// The elements of a range of ranks.
pub(super) fn range(bytes: &[u8], ranks: Range<usize>) -> Pairs<'_> {
    let start = packed::offset_of(bytes, ranks.start.saturating_mul(2)).unwrap_or(bytes.len());
    Pairs { bytes, at: start, left: ranks.len() }
}

/// Members with their scores, in order.
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Text<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<(Text<'a>, f64)> {
        self.left = self.left.checked_sub(1)?;
        let (member, score, end) = pair_at(self.bytes, self.at)?;
        self.at = end;
        Some((member.text(), score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stdx::prng::Prng;

    #[test]
    fn every_score_survives_and_is_canonical() {
        let mut rng = Prng::new(1);
        let special = [0.0, -0.0, 1.5, -1e-71, 1e300, f64::INFINITY, f64::NEG_INFINITY, 5e-324];
        let digits = f64::from_bits(u64::from_be_bytes(*b"12345678"));
        let short = f64::from_bits(u64::from_be_bytes(*b"12\0\0\0\0\0\0"));
        let random = std::iter::repeat_with(|| f64::from_bits(rng.next_u64())).take(10_000);
        let scores = special.into_iter().chain([digits, short, WHOLE_MAX, WHOLE_MAX * 2.0]);
        for score in scores.chain(random).filter(|score| !score.is_nan()) {
            let mut out = Vec::new();
            encode_score(&mut out, score);
            assert_eq!(packed::check(&out), Ok(1), "{score:e}");
            let decoded = packed::get(&out, 0).map(decode_score).expect("an element");
            assert_eq!(decoded, score);
            assert!(out.len() <= 10);
        }
        let mut out = Vec::new();
        encode_score(&mut out, 1.5);
        assert_eq!(out.len(), 3);
    }

    #[test]
    fn places_and_ranks() {
        let mut bytes = Vec::new();
        for (member, score) in [("c", -1.0), ("a", 0.0), ("b", 0.0), ("7", 2.5)] {
            let at = place_of(&bytes, member.as_bytes(), score);
            assert_eq!(at, bytes.len());
            encode(&mut bytes, member.as_bytes(), score);
        }
        assert_eq!(len(&bytes), 4);
        let found = find(&bytes, b"7").unwrap_or_else(|_| panic!("there"));
        assert_eq!((found.rank, found.score, found.range.end), (3, 2.5, bytes.len()));
        assert_eq!(find(&bytes, b"x").map(|found| found.rank), Err(4));
        assert_eq!(place_of(&bytes, b"aa", 0.0), bytes_of(&bytes, 2..2).expect("there").start);
        let bound = |score, after_equal| ScoreBound { score, after_equal };
        assert_eq!(rank_of_score(&bytes, bound(0.0, false)), 1);
        assert_eq!(rank_of_score(&bytes, bound(0.0, true)), 3);
        let members: Vec<Vec<u8>> =
            range(&bytes, 1..9).map(|(member, _)| member.to_vec()).collect();
        assert_eq!(members, [b"a", b"b", b"7"]);
    }
}
