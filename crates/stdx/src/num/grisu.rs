//! The digits of a double by Grisu2 (Florian Loitsch, "Printing Floating-Point Numbers Quickly
//! and Accurately with Integers", 2010).
//!
//! Grisu2 always gives digits that read back as the same double, and nearly always the shortest
//! ones: about one double in a thousand gets a digit more, or a last digit that is not the
//! nearest. The standard library's printing is always shortest and nearest, and that is why it
//! cannot be used: clients compare the text of scores, so the text must equal, byte for byte, what
//! Redis prints, and Redis prints by Grisu2.
//!
//! The idea: scale the double and the two ends of its rounding interval by a cached power of ten
//! so that the binary exponent falls in a small window, where the integer part fits 32 bits; then
//! peel off decimal digits of the upper end until what is left is inside the interval. Scaling
//! errs by less than one unit in the last place, so the interval is narrowed by one unit at both
//! ends, which makes the result safe and, now and then, not shortest.

#[path = "grisu_powers.rs"]
mod powers;

use powers::{POWER_FIRST, POWER_STEP, POWERS};

/// The window for the exponent after scaling.
const EXPONENT_MIN: i32 = -60;
const EXPONENT_MAX: i32 = -32;

const HIDDEN_BIT: u64 = 1 << 52;
const DIGITS_MAX: usize = 18;

/// The number that the digits form, times `10^exponent`.
pub(super) struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: usize,
    pub exponent: i32,
}

impl Digits {
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Leading zeros are not digits.
    fn push(&mut self, digit: u64) {
        if digit != 0 || self.len > 0 {
            self.bytes[self.len] = b'0' + digit as u8;
            self.len += 1;
        }
    }
}

/// `fraction * 2^exponent`.
#[derive(Clone, Copy)]
struct Scaled {
    fraction: u64,
    exponent: i32,
}

impl Scaled {
    fn normalized(self) -> Self {
        let shift = self.fraction.leading_zeros();
        Self { fraction: self.fraction << shift, exponent: self.exponent - shift as i32 }
    }

    /// The product, its fraction rounded to 64 bits.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.fraction) * u128::from(other.fraction);
        let fraction = ((product + (1 << 63)) >> 64) as u64;
        Self { fraction, exponent: self.exponent + other.exponent + 64 }
    }
}

/// The digits of a positive finite double.
pub(super) fn digits(value: f64) -> Digits {
    let exact = decompose(value);
    let upper =
        Scaled { fraction: exact.fraction * 2 + 1, exponent: exact.exponent - 1 }.normalized();
    // Below a power of two the doubles lie twice as dense.
    let widening = if exact.fraction == HIDDEN_BIT { 2 } else { 1 };
    let lower_exponent = exact.exponent - widening;
    let lower_fraction = (exact.fraction << widening) - 1;
    let lower = Scaled {
        fraction: lower_fraction << (lower_exponent - upper.exponent),
        exponent: upper.exponent,
    };

    let (power, power_exponent) = cached_power(upper.exponent);
    let exact = exact.normalized().times(power);
    let mut upper = upper.times(power);
    let mut lower = lower.times(power);
    upper.fraction -= 1;
    lower.fraction += 1;
    generate(exact, upper, lower, -power_exponent)
}

fn decompose(value: f64) -> Scaled {
    let bits = value.to_bits();
    let fraction = bits & (HIDDEN_BIT - 1);
    match (bits >> 52) as i32 & 0x7ff {
        0 => Scaled { fraction, exponent: -1074 },
        biased => Scaled { fraction: fraction | HIDDEN_BIT, exponent: biased - 1075 },
    }
}

/// A power of ten that brings `exponent` into the window, and its decimal exponent. Two powers may
/// fit: the estimate decides which, and must not be changed, for the digits can depend on it.
fn cached_power(exponent: i32) -> (Scaled, i32) {
    let estimate = -(f64::from(exponent + POWERS.len() as i32) * std::f64::consts::LOG10_2);
    let mut index = ((estimate as i32 - POWER_FIRST) / POWER_STEP) as usize;
    loop {
        let (fraction, power_exponent) = POWERS[index];
        let reached = exponent + power_exponent + 64;
        if reached < EXPONENT_MIN {
            index += 1;
        } else if reached > EXPONENT_MAX {
            index -= 1;
        } else {
            let power = Scaled { fraction, exponent: power_exponent };
            return (power, POWER_FIRST + index as i32 * POWER_STEP);
        }
    }
}

/// Peels digits off `upper` until the rest lies inside the interval, then steps the last digit
/// down towards `exact`.
fn generate(exact: Scaled, upper: Scaled, lower: Scaled, exponent: i32) -> Digits {
    let mut digits = Digits { bytes: [0; DIGITS_MAX], len: 0, exponent };
    let distance = upper.fraction - exact.fraction;
    let mut interval = upper.fraction - lower.fraction;
    let shift = upper.exponent.unsigned_abs();
    let one = 1u64 << shift;
    let mut integer = upper.fraction >> shift;
    let mut fraction = upper.fraction & (one - 1);

    let mut divisor = 1_000_000_000;
    for place in (0..10).rev() {
        digits.push(integer / divisor);
        integer %= divisor;
        let rest = (integer << shift) + fraction;
        if rest <= interval {
            digits.exponent += place;
            approach(&mut digits, interval, rest, divisor << shift, distance);
            return digits;
        }
        divisor /= 10;
    }

    let mut distance_scaled = distance;
    loop {
        fraction *= 10;
        interval *= 10;
        distance_scaled *= 10;
        digits.exponent -= 1;
        digits.push(fraction >> shift);
        fraction &= one - 1;
        if fraction < interval {
            approach(&mut digits, interval, fraction, one, distance_scaled);
            return digits;
        }
    }
}

/// Lowers the last digit while that brings the number nearer to the exact one and stays inside
/// the interval; `unit` is what one step of that digit is worth.
fn approach(digits: &mut Digits, interval: u64, mut rest: u64, unit: u64, distance: u64) {
    while rest < distance
        && interval - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        digits.bytes[digits.len - 1] -= 1;
        rest += unit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::longdouble::LongDouble;
    use crate::prng::Prng;

    #[test]
    fn cached_powers_are_correctly_rounded() {
        for (index, &(fraction, exponent)) in POWERS.iter().enumerate() {
            let text = format!("1e{}", POWER_FIRST + index as i32 * POWER_STEP);
            let power = LongDouble::parse(text.as_bytes()).expect("in range");
            assert_eq!(power.parts(), (fraction, exponent), "{text}");
        }
    }

    #[test]
    fn digits_read_back_as_the_same_double_and_are_mostly_shortest() {
        let mut prng = Prng::new(7);
        let mut longer = 0;
        for _ in 0..50_000 {
            let value = f64::from_bits(prng.next_u64()).abs();
            if !value.is_finite() || value == 0.0 {
                continue;
            }
            let digits = digits(value);
            let text = std::str::from_utf8(digits.as_slice()).expect("digits");
            let back: f64 = format!("{text}e{}", digits.exponent).parse().expect("a number");
            assert_eq!(back, value);
            let shortest = format!("{value:e}");
            let shortest = shortest.bytes().take_while(|&b| b != b'e').filter(|&b| b != b'.');
            longer += usize::from(shortest.count() < text.len());
        }
        assert!(longer < 500, "{longer} of 50000 were not shortest");
    }

    #[test]
    fn every_exponent_finds_a_power() {
        for biased in 0..2047u64 {
            for fraction in [0, 1, HIDDEN_BIT - 1] {
                let value = f64::from_bits(biased << 52 | fraction);
                if value > 0.0 {
                    assert!(!digits(value).as_slice().is_empty());
                }
            }
        }
    }
}
