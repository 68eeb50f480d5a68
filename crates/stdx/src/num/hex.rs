//! Hexadecimal floats ("0x1.8p3"), which C's `strtod` reads and so clients may send.

/// A magnitude `mantissa * 2^exponent`; `mantissa`'s lowest bit also stands for any non-zero bits
/// that did not fit, which is all that rounding needs to know of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HexFloat {
    pub mantissa: u128,
    pub exponent: i64,
}

/// Exponents beyond this overflow or vanish in every format we have, so they are clamped here and
/// sums with digit counts cannot overflow.
const EXPONENT_CLAMP: i64 = 1 << 40;

/// Reads `digits[.digits][p[+-]digits]` in base 16, without sign and without the "0x".
pub(crate) fn parse(text: &[u8]) -> Option<HexFloat> {
    let (mut mantissa, mut exponent) = (0u128, 0i64);
    let (mut any_digit, mut after_point) = (false, false);
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        match (byte as char).to_digit(16) {
            Some(digit) => {
                any_digit = true;
                if mantissa >> 120 == 0 {
                    mantissa = mantissa << 4 | u128::from(digit);
                    exponent -= if after_point { 4 } else { 0 };
                } else {
                    mantissa |= u128::from(digit != 0);
                    exponent += if after_point { 0 } else { 4 };
                }
            }
            None if byte == b'.' && !after_point => after_point = true,
            None => break,
        }
        rest = tail;
    }
    if !any_digit {
        return None;
    }
    match rest.split_first() {
        None => {}
        Some((b'p' | b'P', digits)) => exponent += parse_exponent(digits)?,
        Some(_) => return None,
    }
    Some(HexFloat { mantissa, exponent })
}

/// Reads the signed decimal number after an exponent letter, clamped.
pub(crate) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(byte - b'0')).min(EXPONENT_CLAMP);
    }
    Some(if negative { -value } else { value })
}

/// Splits an optional sign off, and tells a hexadecimal body from a decimal one.
pub(crate) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// The body after "0x", if the (unsigned) text is hexadecimal.
pub(crate) fn body(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'0', b'x' | b'X', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// `mantissa` shifted right by `shift` bits and rounded half to even.
pub(crate) fn shift_right_rounded(mantissa: u128, shift: u32) -> u128 {
    match shift {
        0 => mantissa,
        1..=127 => {
            let (kept, half) = (mantissa >> shift, 1u128 << (shift - 1));
            let lost = mantissa & ((half << 1) - 1);
            let up = lost > half || (lost == half && kept & 1 == 1);
            kept + u128::from(up)
        }
        128 => u128::from(mantissa > 1 << 127),
        _ => 0,
    }
}
