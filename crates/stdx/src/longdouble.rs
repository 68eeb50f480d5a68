//! 80-bit extended floats in software: the arithmetic behind INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis adds in C's `long double`, which on its main platforms is the x87 format: a 64-bit
//! mantissa without hidden bit and a 15-bit exponent. The sums are visible to clients ("0.1" plus
//! "0.2" is "0.3", not "0.30000000000000004"), and they must be the same on every machine we run
//! on, so the format is emulated: reading text, one addition and printing, each rounded correctly
//! (half to even).
//!
//! Ordinary numbers take short paths in 128-bit integers. Only exponents far from zero or very
//! many digits need [`big`], and the length of the text bounds that work.

mod big;
mod read;

use crate::num::hex;
use big::Big;
use std::cmp::Ordering;

/// The binary exponent of the mantissa's last bit ranges from here (the subnormals)...
const EXPONENT_MIN: i64 = -16445;
/// ...to here.
const EXPONENT_MAX: i64 = 16320;
/// Decimals that printing keeps.
const DECIMALS: usize = 17;
const TEN_TO_DECIMALS: u128 = 10u128.pow(DECIMALS as u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Finite,
    Infinite,
    Nan,
}

/// A finite value is `mantissa * 2^exponent`, and the mantissa has its top bit set unless the
/// exponent is the smallest; zero has the smallest exponent.
#[derive(Clone, Copy, Debug)]
pub struct LongDouble {
    negative: bool,
    kind: Kind,
    mantissa: u64,
    exponent: i32,
}

impl LongDouble {
    pub const ZERO: Self =
        Self { negative: false, kind: Kind::Finite, mantissa: 0, exponent: EXPONENT_MIN as i32 };
    /// The largest finite value.
    pub const MAX: Self = Self {
        negative: false,
        kind: Kind::Finite,
        mantissa: u64::MAX,
        exponent: EXPONENT_MAX as i32,
    };
    const NAN: Self = Self { kind: Kind::Nan, ..Self::ZERO };

    fn infinity(negative: bool) -> Self {
        Self { negative, kind: Kind::Infinite, ..Self::ZERO }
    }

    /// Rounds `mantissa * 2^exponent`; the lowest bit of a long mantissa may stand for non-zero
    /// bits further down.
    fn rounded(negative: bool, mantissa: u128, exponent: i64) -> Self {
        if mantissa == 0 {
            return Self { negative, ..Self::ZERO };
        }
        let bits = i64::from(128 - mantissa.leading_zeros());
        let mut last = (exponent + bits - 64).max(EXPONENT_MIN);
        let shift = last - exponent;
        let mut kept = if shift <= 0 {
            mantissa << -shift
        } else {
            hex::shift_right_rounded(mantissa, shift.min(200) as u32)
        };
        if kept >> 64 != 0 {
            kept >>= 1;
            last += 1;
        }
        if last > EXPONENT_MAX {
            return Self::infinity(negative);
        }
        if kept == 0 {
            return Self { negative, ..Self::ZERO };
        }
        Self { negative, kind: Kind::Finite, mantissa: kept as u64, exponent: last as i32 }
    }

    /// Reads a decimal or hexadecimal number or a word for infinity, by C's syntax and without
    /// space around it. Not a number, overflow, a non-zero text that vanishes to zero and texts of
    /// 5120 bytes or more are refused.
    pub fn parse(text: &[u8]) -> Option<Self> {
        read::parse(text)
    }

    pub fn is_nan(&self) -> bool {
        self.kind == Kind::Nan
    }

    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    /// The nearest double, about; too large is infinite, and what is not zero stays so.
    pub fn to_f64(&self) -> f64 {
        let magnitude = match self.kind {
            Kind::Nan => return f64::NAN,
            Kind::Infinite => f64::INFINITY,
            Kind::Finite if self.mantissa == 0 => 0.0,
            Kind::Finite => {
                // In two steps: a power may be out of range where the product is not.
                let half = self.exponent / 2;
                let value = self.mantissa as f64 * 2f64.powi(half);
                (value * 2f64.powi(self.exponent - half)).max(f64::MIN_POSITIVE)
            }
        };
        if self.negative { -magnitude } else { magnitude }
    }

    /// The mantissa and the binary exponent of its last bit.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> (u64, i32) {
        (self.mantissa, self.exponent)
    }

    /// The value as printing shows it: at most 17 decimals, no zeros at their end.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Nan => return out.extend_from_slice(b"nan"),
            Kind::Infinite => {
                return out.extend_from_slice(if self.negative { b"-inf" } else { b"inf" });
            }
            Kind::Finite => {}
        }
        let (integer, decimals) = self.split();
        // A negative value that rounds to nothing prints as plain zero.
        if self.negative && (self.exponent > 0 || integer != 0 || decimals != 0) {
            out.push(b'-');
        }
        if self.exponent > 0 {
            return Big::from_u64(self.mantissa).shifted_left(self.exponent as u32).write(out);
        }
        crate::num::write_u64(out, integer);
        if decimals != 0 {
            let start = out.len();
            out.push(b'.');
            let mut digits = [b'0'; DECIMALS];
            let mut rest = decimals;
            for digit in digits.iter_mut().rev() {
                *digit += (rest % 10) as u8;
                rest /= 10;
            }
            out.extend_from_slice(&digits);
            while out.len() > start && out.last() == Some(&b'0') {
                out.pop();
            }
        }
    }

    /// The integer part and 17 decimals, rounded, of a value without a positive exponent.
    fn split(&self) -> (u64, u64) {
        let places = self.exponent.min(0).unsigned_abs();
        let (mut integer, fraction) = match places {
            0 => (self.mantissa, 0),
            1..64 => (self.mantissa >> places, self.mantissa & ((1 << places) - 1)),
            _ => (0, self.mantissa),
        };
        let mut decimals = hex::shift_right_rounded(u128::from(fraction) * TEN_TO_DECIMALS, places);
        if decimals == TEN_TO_DECIMALS {
            decimals = 0;
            // No overflow: a fraction exists, so the integer part is below 2^63.
            integer += 1;
        }
        (integer, decimals as u64)
    }

    fn sum(self, other: Self) -> Self {
        match (self.kind, other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) => return Self::NAN,
            (Kind::Infinite, Kind::Infinite) if self.negative != other.negative => {
                return Self::NAN;
            }
            (Kind::Infinite, _) => return self,
            (_, Kind::Infinite) => return other,
            (Kind::Finite, Kind::Finite) => {}
        }
        let (large, small) = if (self.exponent, self.mantissa) < (other.exponent, other.mantissa) {
            (other, self)
        } else {
            (self, other)
        };
        // 62 bits of room below the larger mantissa, one bit above it for the carry. What the
        // smaller one loses beyond that survives as its lowest bit, far below the rounding.
        let wide = u128::from(large.mantissa) << 62;
        let distance = (large.exponent - small.exponent).unsigned_abs();
        let shifted = u128::from(small.mantissa) << 62;
        let narrow = match distance {
            0..=127 => {
                let kept = shifted >> distance;
                kept | u128::from(kept << distance != shifted)
            }
            _ => u128::from(small.mantissa != 0),
        };
        let exponent = i64::from(large.exponent) - 62;
        if large.negative == small.negative {
            return Self::rounded(large.negative, wide + narrow, exponent);
        }
        match wide - narrow {
            0 => Self::ZERO,
            difference => Self::rounded(large.negative, difference, exponent),
        }
    }
}

impl std::ops::Neg for LongDouble {
    type Output = Self;

    fn neg(self) -> Self {
        Self { negative: !self.negative, ..self }
    }
}

impl PartialOrd for LongDouble {
    /// The order of the values; not-a-number has no place in it.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let sign = |value: &Self| match (value.kind, value.mantissa, value.negative) {
            (Kind::Finite, 0, _) => 0,
            (_, _, true) => -1,
            (_, _, false) => 1,
        };
        // Where the mantissa has its top bit set, the exponent decides; where it has not, the
        // exponent is the smallest.
        let magnitude =
            |value: &Self| (value.kind == Kind::Infinite, value.exponent, value.mantissa);
        if self.is_nan() || other.is_nan() {
            return None;
        }
        let by_magnitude = match sign(self) {
            0 => Ordering::Equal,
            -1 => magnitude(other).cmp(&magnitude(self)),
            _ => magnitude(self).cmp(&magnitude(other)),
        };
        Some(sign(self).cmp(&sign(other)).then(by_magnitude))
    }
}

impl PartialEq for LongDouble {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl std::ops::Add for LongDouble {
    type Output = Self;

    /// The correctly rounded sum; opposite infinities give not-a-number.
    fn add(self, other: Self) -> Self {
        self.sum(other)
    }
}

#[cfg(test)]
#[path = "longdouble/tests.rs"]
mod tests;
