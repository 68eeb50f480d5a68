//! How much one chunk of a list may hold, by the rules behind `list-max-listpack-size`.
//!
//! The parameter counts in the bytes of Redis' listpack format, and clients see where it strikes
//! through OBJECT ENCODING. So chunks know what they would weigh there, whatever they take here.

use crate::packed::Element;

/// What a listpack weighs without elements: its header and its end mark.
pub const WEIGHT_EMPTY: usize = 7;
/// What one more element may weigh beyond its text, by the estimate made before it is encoded.
const WEIGHT_ESTIMATE: usize = 8;
/// The weight of a chunk that is limited by a count.
const WEIGHT_SAFE_MAX: usize = 8192;
/// The levels that -1 to -5 stand for.
const LEVELS: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// The largest count that a list takes over from the parameter.
const COUNT_MAX: i64 = 32_767;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// Bytes.
    Weight(usize),
    /// Elements, and a safe number of bytes.
    Count(usize),
}

/// The limit of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    bound: Bound,
    /// The length from which a text stands alone, where that is not for the bound to say.
    large_from: Option<usize>,
}

impl Limit {
    /// The limit for a value of the parameter.
    pub fn new(parameter: i64) -> Limit {
        let bound = match parameter {
            0.. => Bound::Count(usize::try_from(parameter).unwrap_or(usize::MAX).max(1)),
            _ => {
                let level = parameter.unsigned_abs().min(LEVELS.len() as u64) as usize - 1;
                Bound::Weight(LEVELS[level])
            }
        };
        Limit { bound, large_from: None }
    }

    /// The limit as the chunks of a list take it over.
    pub fn of_chunks(parameter: i64) -> Limit {
        Limit::new(parameter.min(COUNT_MAX))
    }

    /// With another length from which a text stands alone.
    pub fn with_large_from(self, len: Option<usize>) -> Limit {
        Limit { large_from: len, ..self }
    }

    /// Whether a chunk of this weight and count is too much.
    #[inline]
    pub fn is_exceeded(self, weight: usize, count: usize) -> bool {
        match self.bound {
            Bound::Weight(max) => weight > max,
            Bound::Count(max) => weight > WEIGHT_SAFE_MAX || count > max,
        }
    }

    /// Whether a chunk takes one more text.
    #[inline]
    pub(super) fn admits(self, weight: usize, count: usize, text_len: usize) -> bool {
        !self.is_large(text_len)
            && !self.is_exceeded(weight + text_len + WEIGHT_ESTIMATE, count + 1)
    }

    /// Whether a text must have a chunk of its own.
    #[inline]
    pub(super) fn is_large(self, text_len: usize) -> bool {
        if let Some(len) = self.large_from {
            return text_len >= len;
        }
        match self.bound {
            Bound::Weight(max) => text_len > max,
            Bound::Count(_) => text_len > WEIGHT_SAFE_MAX,
        }
    }

    /// Whether a list that was chunked has shrunk enough to be one listpack again.
    pub fn is_half_used(self, weight: usize, count: usize) -> bool {
        match self.bound {
            Bound::Weight(max) => weight <= max / 2,
            Bound::Count(max) => count <= max / 2,
        }
    }
}

/// What an element weighs in a listpack: its encoding, and its length for the way back.
#[inline]
pub fn weight_of(element: Element<'_>) -> usize {
    let encoded = match element {
        Element::Int(0..=127) => 1,
        Element::Int(-4096..=4095) => 2,
        Element::Int(-0x8000..=0x7fff) => 3,
        Element::Int(-0x80_0000..=0x7f_ffff) => 4,
        Element::Int(-0x8000_0000..=0x7fff_ffff) => 5,
        Element::Int(_) => 9,
        Element::Bytes(text) => {
            let head = match text.len() {
                0..64 => 1,
                64..4096 => 2,
                _ => 5,
            };
            head + text.len()
        }
    };
    let back = match encoded {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        2_097_152..268_435_456 => 4,
        _ => 5,
    };
    encoded + back
}
