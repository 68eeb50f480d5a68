use super::{grisu, hex, parse_i64, write_i64};

/// Doubles up to this magnitude (2^62) print as the integer they are, if they are one.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

/// Reads a double as Redis reads a score: the whole text must be a number in C's syntax
/// (decimal, hexadecimal, or the words inf and infinity). Not a number, a result that overflows
/// and a non-zero text that vanishes to zero are all refused; a subnormal result is not.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    // Scores are mostly small integers; below 2^53 the conversion is exact.
    if text.len() <= 15
        && let Some(integer) = parse_i64(text)
    {
        return Some(integer as f64);
    }
    let (negative, magnitude) = hex::split_sign(text);
    if let Some(body) = hex::body(magnitude) {
        let value = hex_to_f64(hex::parse(body)?)?;
        return Some(if negative { -value } else { value });
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return magnitude[0].is_ascii_alphabetic().then_some(value);
    }
    if value == 0.0 && has_nonzero_digit(magnitude) {
        return None;
    }
    Some(value)
}

/// Whether a digit before the exponent differs from zero.
fn has_nonzero_digit(magnitude: &[u8]) -> bool {
    let mantissa = magnitude.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    mantissa.into_iter().any(|byte| matches!(byte, b'1'..=b'9'))
}

fn hex_to_f64(number: hex::HexFloat) -> Option<f64> {
    if number.mantissa == 0 {
        return Some(0.0);
    }
    let bits = i64::from(128 - number.mantissa.leading_zeros());
    // The exponent of the last kept bit: 53 bits, or fewer where the format has no more.
    let last = (number.exponent + bits - 53).max(-1074);
    let shift = last - number.exponent;
    let kept = if shift <= 0 {
        number.mantissa << -shift
    } else {
        hex::shift_right_rounded(number.mantissa, shift.min(200) as u32)
    };
    if kept == 0 || last > 971 {
        return None;
    }
    // `kept` may be exactly 2^53 after rounding up: adding it to the exponent field below carries
    // as it must. A subnormal has no hidden bit and the exponent field 0.
    let hidden = 1u64 << 52;
    let biased = if kept as u64 >= hidden { (last + 1075) as u64 } else { 0 };
    let field = biased.saturating_sub(1) << 52;
    let value = f64::from_bits(field + kept as u64);
    value.is_finite().then_some(value)
}

/// Appends the text of a double as it appears in replies.
///
/// Integers up to 2^62 print in full; everything else prints the digits that [`grisu`] finds,
/// as a plain number while that is short and in exponent form otherwise.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let magnitude = value.abs();
    if magnitude.is_infinite() {
        return out.extend_from_slice(b"inf");
    }
    let integer = magnitude as i64;
    if magnitude <= INTEGER_MAX && integer as f64 == magnitude {
        return write_i64(out, integer);
    }
    let digits = grisu::digits(magnitude);
    lay_out(out, digits.as_slice(), digits.exponent);
}

/// Appends `digits * 10^exponent`.
fn lay_out(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let count = digits.len() as i32;
    // The exponent that scientific notation would show.
    let shown = exponent + count - 1;
    if exponent >= 0 && shown < count + 7 {
        out.extend_from_slice(digits);
        out.resize(out.len() + exponent as usize, b'0');
    } else if exponent < 0 && (exponent > -7 || shown.abs() < 4) {
        let integer_digits = count + exponent;
        if integer_digits > 0 {
            let (integer, fraction) = digits.split_at(integer_digits as usize);
            out.extend_from_slice(integer);
            out.push(b'.');
            out.extend_from_slice(fraction);
        } else {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + integer_digits.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        }
    } else {
        out.push(digits[0]);
        if count > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        out.extend_from_slice(if shown < 0 { b"e-" } else { b"e+" });
        write_i64(out, i64::from(shown.abs()));
    }
}
