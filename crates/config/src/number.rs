//! Numbers as configuration writes them, with the odd corners of the original kept: a byte count
//! without digits is 0, digits past 64 bits saturate, a unit's multiplication wraps.

use crate::param::Range;

/// A decimal integer: no sign but `-`, no leading zero, nothing around it.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// A decimal number the way C's `strtoll` reads it: leading blanks and zeros and `+` are fine,
/// the value saturates; the whole text must be used up.
pub(crate) fn loose_integer(text: &str) -> Option<i64> {
    let blanks = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];
    let text = text.trim_start_matches(blanks);
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value = 0i64;
    for digit in digits.bytes().map(|b| i64::from(b - b'0')) {
        let step = if negative { -digit } else { digit };
        value = value.saturating_mul(10).saturating_add(step);
    }
    Some(value)
}

/// An octal number, `-` allowed.
pub(crate) fn octal(text: &str) -> Option<i64> {
    i64::from_str_radix(text, 8).ok()
}

/// A byte count: digits and a unit, `b` or none, `k m g` in powers of 1000, `kb mb gb` of 1024.
pub(crate) fn memory(text: &str) -> Option<u64> {
    const DIGITS_MAX: usize = 127;
    // A NUL ends the text, as it does for a C string.
    let text = text.split('\0').next().unwrap_or("");
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.len() > DIGITS_MAX {
        return None;
    }
    let scale = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let count = digits
        .bytes()
        .fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(count.wrapping_mul(scale))
}

/// A byte count in the shortest exact unit, as a file is rewritten.
pub(crate) fn memory_text(bytes: u64) -> String {
    let units = [(1u64 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    for (size, unit) in units {
        if bytes != 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

/// Checks the bounds, with the error text of the original for each way to fail.
pub(crate) fn check(value: i64, range: &Range, in_octal: bool) -> Result<i64, String> {
    if range.unsigned && value < 0 {
        return Err("argument must be greater or equal to 0".into());
    }
    if value < range.min || value > range.max {
        let (min, max) = (range.min, range.max);
        return Err(if in_octal {
            format!("argument must be between {min:o} and {max:o} inclusive")
        } else {
            format!("argument must be between {min} and {max} inclusive")
        });
    }
    if value % range.step != 0 {
        return Err(format!("argument must be a multiple of {}", range.step));
    }
    Ok(value.clamp(range.clamp.0, range.clamp.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        for (text, want) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("00", None),
            ("010", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("", None),
            ("-", None),
            ("1\0", None),
        ] {
            assert_eq!(integer(text), want, "{text:?}");
        }
    }

    #[test]
    fn loose_integers_follow_strtoll() {
        for (text, want) in [
            ("+7", Some(7)),
            ("007", Some(7)),
            (" 7", Some(7)),
            ("99999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999", Some(i64::MIN)),
            ("7 ", None),
            ("0x10", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(loose_integer(text), want, "{text:?}");
        }
    }

    #[test]
    fn memory_units() {
        for (text, want) in [
            ("", Some(0)),
            ("kb", Some(0)),
            ("010", Some(10)),
            ("10b", Some(10)),
            ("1Mb", Some(1 << 20)),
            ("1G", Some(1_000_000_000)),
            ("18446744073709551615", Some(u64::MAX)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("18014398509481985kb", Some(1024)),
            ("1\u{0}2", Some(1)),
            ("1 mb", None),
            ("1mb ", None),
            ("+1", None),
            ("-1", None),
            ("1bb", None),
            ("10tb", None),
        ] {
            assert_eq!(memory(text), want, "{text:?}");
        }
        assert_eq!(memory(&"9".repeat(127)), Some(u64::MAX));
        assert_eq!(memory(&"9".repeat(128)), None);
    }

    #[test]
    fn memory_is_written_in_the_largest_exact_unit() {
        for (bytes, want) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1kb"),
            (700 << 20, "700mb"),
            (1 << 30, "1gb"),
            (10_000_001, "10000001"),
        ] {
            assert_eq!(memory_text(bytes), want);
        }
    }
}
