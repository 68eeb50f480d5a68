use super::big::Big;
use super::{Kind, LongDouble};
use crate::num::hex;

/// Longer texts are refused, as in Redis.
const TEXT_LEN_MAX: usize = 5119;
/// A first digit above this power of ten overflows; below the other one the value vanishes.
const MAGNITUDE_MAX: i64 = 4933;
const MAGNITUDE_MIN: i64 = -4960;
/// Within these, mantissas and powers of ten fit the 128-bit paths.
const DIGITS_SHORT: usize = 19;
const SCALE_UP_SHORT: i64 = 19;
const SCALE_DOWN_SHORT: i64 = 18;

pub(super) fn parse(text: &[u8]) -> Option<LongDouble> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let (negative, magnitude) = hex::split_sign(text);
    if magnitude.eq_ignore_ascii_case(b"inf") || magnitude.eq_ignore_ascii_case(b"infinity") {
        return Some(LongDouble::infinity(negative));
    }
    if let Some(body) = hex::body(magnitude) {
        let number = hex::parse(body)?;
        let value = LongDouble::rounded(negative, number.mantissa, number.exponent);
        return in_range(value, number.mantissa == 0);
    }
    let decimal = Decimal::parse(magnitude)?;
    let value = decimal.round(negative)?;
    in_range(value, decimal.is_zero())
}

/// Refuses what overflowed or vanished.
fn in_range(value: LongDouble, exactly_zero: bool) -> Option<LongDouble> {
    let vanished = value.mantissa == 0 && !exactly_zero;
    (value.kind == Kind::Finite && !vanished).then_some(value)
}

/// The digits before and after the point, times `10^exponent`.
struct Decimal<'a> {
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Reads `digits[.digits][e[+-]digits]`; zeros that mean nothing are dropped.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (integer, rest) = split_digits(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest),
            _ => (&[][..], rest),
        };
        if integer.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', digits @ ..] => hex::parse_exponent(digits)?,
            _ => return None,
        };
        let leading = integer.iter().take_while(|&&digit| digit == b'0').count();
        let trailing = fraction.iter().rev().take_while(|&&digit| digit == b'0').count();
        let integer = &integer[leading..];
        let fraction = &fraction[..fraction.len() - trailing];
        Some(Self { integer, fraction, exponent })
    }

    fn is_zero(&self) -> bool {
        self.integer.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = &'a u8> {
        self.integer.iter().chain(self.fraction)
    }

    /// The power of ten of the first digit that is not zero.
    fn magnitude(&self) -> i64 {
        let zeros = self.digits().take_while(|&&digit| digit == b'0').count();
        self.exponent + self.integer.len() as i64 - 1 - zeros as i64
    }

    /// The nearest long double; `None` if it is certainly out of range.
    fn round(&self, negative: bool) -> Option<LongDouble> {
        if self.is_zero() {
            return Some(LongDouble { negative, ..LongDouble::ZERO });
        }
        if !(MAGNITUDE_MIN..=MAGNITUDE_MAX).contains(&self.magnitude()) {
            return None;
        }
        let scale = self.exponent - self.fraction.len() as i64;
        if self.integer.len() + self.fraction.len() <= DIGITS_SHORT
            && (-SCALE_DOWN_SHORT..=SCALE_UP_SHORT).contains(&scale)
        {
            return Some(self.round_short(negative, scale));
        }
        let digits = Big::from_digits(self.digits());
        // Bounded: the magnitude is, and it differs from the scale by the digits of the text.
        let power = scale.unsigned_abs() as u32;
        let (mantissa, exponent) = if scale < 0 {
            digits.divide(Big::from_u64(1).times_power_of_ten(power))
        } else {
            let product = digits.times_power_of_ten(power);
            let (top, below) = product.top();
            (top | u128::from(below), i64::from(product.bits()) - 128)
        };
        Some(LongDouble::rounded(negative, mantissa, exponent))
    }

    /// The same for at most 19 digits and a power of ten that fits 64 bits.
    fn round_short(&self, negative: bool, scale: i64) -> LongDouble {
        let number = self.digits().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let power = 10u64.pow(scale.unsigned_abs() as u32);
        if scale >= 0 {
            return LongDouble::rounded(negative, u128::from(number) * u128::from(power), 0);
        }
        // With the dividend's top bit set and a divisor below 2^60, the quotient has at least 67
        // bits: the mantissa and more than enough to round it.
        let shift = 64 + number.leading_zeros();
        let dividend = u128::from(number) << shift;
        let power = u128::from(power);
        let remainder = !dividend.is_multiple_of(power);
        let quotient = (dividend / power) | u128::from(remainder);
        LongDouble::rounded(negative, quotient, -i64::from(shift))
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(len)
}
