//! Amounts of memory as people write them ("512mb") and as INFO shows them ("1.50M").

/// Digits beyond this are refused rather than read, as in Redis.
const DIGITS_MAX: usize = 127;

/// Reads an amount of bytes: digits, then optionally a unit in any case. One letter counts in
/// thousands, with a "b" it counts in 1024s. No digits at all mean zero; overflow is refused.
pub fn parse(text: &[u8]) -> Option<u64> {
    let digits_len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits_len);
    if digits_len > DIGITS_MAX {
        return None;
    }
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let mut value = 0u64;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    value.checked_mul(factor)
}

/// The amount with two decimals and the largest fitting unit of 1024s.
pub fn human(bytes: u64) -> String {
    if bytes < 1 << 10 {
        return format!("{bytes}B");
    }
    for (exponent, unit) in [(10, 'K'), (20, 'M'), (30, 'G'), (40, 'T'), (50, 'P')] {
        if bytes < 1 << (exponent + 10) {
            return format!("{:.2}{unit}", bytes as f64 / (1u64 << exponent) as f64);
        }
    }
    format!("{bytes}B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_in_any_case() {
        let cases: [(&str, u64); 16] = [
            ("0", 0),
            ("", 0),
            ("k", 0),
            ("01", 1),
            ("1b", 1),
            ("1B", 1),
            ("1k", 1000),
            ("1K", 1000),
            ("1kb", 1024),
            ("1Kb", 1024),
            ("2m", 2_000_000),
            ("2MB", 2 << 20),
            ("3g", 3_000_000_000),
            ("3gb", 3 << 30),
            ("18446744073709551615", u64::MAX),
            ("17179869183gb", u64::MAX - (1 << 30) + 1),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text.as_bytes()), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount() {
        for text in ["-1", "+1", " 1", "1 ", "1.5k", "1 k", "1kk", "1t", "1tb", "0x1", "-0"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"18446744073709551616"), None);
        assert_eq!(parse(b"17179869184gb"), None);
        assert_eq!(parse("0".repeat(128).as_bytes()), None);
        assert_eq!(parse("0".repeat(127).as_bytes()), Some(0));
    }

    #[test]
    fn human_amounts() {
        let cases = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1000000, "976.56K"),
            (1572864, "1.50M"),
            (1 << 30, "1.00G"),
            ((1 << 40) - 1, "1024.00G"),
            (1 << 40, "1.00T"),
            (1 << 50, "1.00P"),
            (1 << 60, "1152921504606846976B"),
        ];
        for (bytes, text) in cases {
            assert_eq!(human(bytes), text);
        }
    }
}
