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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    fn written(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn what_is_a_double() {
        let cases = [
            ("1", 1.0),
            ("+1", 1.0),
            ("00012", 12.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1E5", 1e5),
            ("1e+05", 1e5),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x10", 16.0),
            ("0x.8", 0.5),
            ("-0X1P-3", -0.125),
            ("0x1.8p1", 3.0),
            ("0x1p-1074", 5e-324),
            ("0x1.8p-1074", 1e-323),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000081p0", 1.0 + f64::EPSILON),
            ("0x1.00000000000018p0", 1.0 + 2.0 * f64::EPSILON),
            ("0x0p99999999999999999999", 0.0),
            ("0e99999999999999999999", 0.0),
            ("1e-310", 1e-310),
            ("3e-324", 5e-324),
        ];
        for (text, value) in cases {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        let minus_zero = parse_f64(b"-0").expect("a number");
        assert!(minus_zero == 0.0 && minus_zero.is_sign_negative());
    }

    #[test]
    fn what_is_no_double() {
        let texts = [
            "",
            " 1",
            "1 ",
            "1\0",
            ".",
            "-",
            "-.",
            "e5",
            "1e",
            "1e+",
            "--1",
            "+-1",
            "1_0",
            "1,0",
            "infinit",
            "infx",
            "nan",
            "-NaN",
            "nan(1)",
            "0x",
            "0xg",
            "0x.",
            "0x1p",
            "0x.p1",
            "1p1",
            "1e400",
            "-1e400",
            "1e-400",
            "2e-324",
            "0x1p1024",
            "0x1p-1075",
            "0x1p99999999999999999",
            "0x1.fffffffffffff8p1023",
        ];
        for text in texts {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_f64(b"\xff"), None);
    }

    #[test]
    fn layouts() {
        let cases = [
            (3.0, "3"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (12345.678, "12345.678"),
            (1e16, "10000000000000000"),
            (1e18, "1000000000000000000"),
            (1e19, "1e+19"),
            (9.2e18, "9.2e+18"),
            (-1e21, "-1e+21"),
            (1.25e21, "1.25e+21"),
            (4_611_686_018_427_387_904.0, "4611686018427387904"),
            (-4_611_686_018_427_387_904.0, "-4611686018427387904"),
            (9_223_372_036_854_775_808.0, "9223372036854776000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-4, "0.0001"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (2.5e-7, "2.5e-7"),
            (0.00012345, "1.2345e-4"),
            (0.0012345678, "0.0012345678"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (value, text) in cases {
            assert_eq!(written(value), text);
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut prng = Prng::new(4);
        for _ in 0..50_000 {
            let random = f64::from_bits(prng.next_u64());
            let decimal = prng.below(1_000_000) as f64 / 1000.0;
            for value in [random, decimal, (prng.next_u64() >> prng.below(64)) as f64] {
                if !value.is_nan() {
                    assert_eq!(parse_f64(written(value).as_bytes()), Some(value), "{value:e}");
                }
            }
        }
    }

    #[test]
    fn hexadecimal_text_of_any_double_reads_back() {
        let mut prng = Prng::new(5);
        for _ in 0..20_000 {
            let bits = prng.next_u64() >> 1;
            let value = f64::from_bits(bits);
            if value.is_finite() {
                let (biased, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
                let (lead, exponent) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
                let text = format!("0x{lead}.{fraction:013x}p{exponent}");
                assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
            }
        }
    }
}
