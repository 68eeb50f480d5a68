/// The digits of 00 to 99, so that one division yields two digits.
const PAIRS: [u8; 200] = {
    let mut table = [0; 200];
    let mut n = 0;
    while n < 100 {
        table[2 * n] = b'0' + (n / 10) as u8;
        table[2 * n + 1] = b'0' + (n % 10) as u8;
        n += 1;
    }
    table
};

/// The longest run of digits that cannot overflow a `u64`.
const DIGITS_SAFE: usize = 19;

/// Reads a canonical integer: exactly the text that [`write_i64`] gives. No plus sign, no leading
/// zero, no space, no "-0"; out of range is `None`.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    if let Some((b'-', digits)) = text.split_first() {
        let magnitude = parse_u64(digits)?;
        // "-0" is not canonical, and the smallest value has no positive counterpart.
        if magnitude == 0 || magnitude > i64::MIN.unsigned_abs() {
            return None;
        }
        return Some(0i64.wrapping_sub_unsigned(magnitude));
    }
    i64::try_from(parse_u64(text)?).ok()
}

/// Reads a canonical unsigned integer, by the rules of [`parse_i64`].
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => return Some(0),
        [] | [b'0', ..] => return None,
        _ => {}
    }
    if text.len() > DIGITS_SAFE + 1 {
        return None;
    }
    let (safe, rest) = text.split_at(text.len().min(DIGITS_SAFE));
    let mut value = 0u64;
    for &byte in safe {
        value = value * 10 + u64::from(digit(byte)?);
    }
    for &byte in rest {
        value = value.checked_mul(10)?.checked_add(u64::from(digit(byte)?))?;
    }
    Some(value)
}

#[inline]
fn digit(byte: u8) -> Option<u8> {
    let value = byte.wrapping_sub(b'0');
    (value < 10).then_some(value)
}

/// Appends the decimal text of `value`.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    write_u64(out, value.unsigned_abs());
}

/// Appends the decimal text of `value`.
#[inline]
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        out.push(b'0' + value as u8);
        return;
    }
    let mut buffer = [0; DECIMAL_LEN_MAX];
    let at = write_back(&mut buffer, value);
    out.extend_from_slice(&buffer[at..]);
}

/// The longest decimal text of 64 bits, a minus sign included.
const DECIMAL_LEN_MAX: usize = 20;

/// The decimal text of an integer, without a heap allocation.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    buffer: [u8; DECIMAL_LEN_MAX],
    start: u8,
}

impl Decimal {
    /// The text that [`write_i64`] appends.
    #[inline]
    pub fn new(value: i64) -> Decimal {
        let mut buffer = [0; DECIMAL_LEN_MAX];
        let mut start = write_back(&mut buffer, value.unsigned_abs());
        if value < 0 {
            // No negative value has more than 19 digits, so there is room for the sign.
            start -= 1;
            buffer[start] = b'-';
        }
        Decimal { buffer, start: start as u8 }
    }

    /// The text.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..]
    }
}

/// Writes the digits at the end of the buffer and returns where they start.
#[inline]
fn write_back(buffer: &mut [u8; DECIMAL_LEN_MAX], value: u64) -> usize {
    let mut at = buffer.len();
    let mut rest = value;
    while rest >= 100 {
        let pair = 2 * (rest % 100) as usize;
        rest /= 100;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if rest >= 10 {
        let pair = 2 * rest as usize;
        at -= 2;
        buffer[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        buffer[at] = b'0' + rest as u8;
    }
    at
}

/// How many bytes [`write_i64`] appends, the minus sign included.
pub fn i64_digits(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prng::Prng;

    fn written(value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        write_i64(&mut out, value);
        out
    }

    #[test]
    fn only_canonical_text_is_an_integer() {
        let max = i64::MAX.to_string();
        let min = i64::MIN.to_string();
        for text in ["0", "1", "-1", "10", "99", "100", &max, &min] {
            assert_eq!(parse_i64(text.as_bytes()), text.parse().ok(), "{text}");
        }
        let over = "9223372036854775808";
        let under = "-9223372036854775809";
        for text in
            ["", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1a", "1.0", "--1", over, under]
        {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"99999999999999999999"), None);
        assert_eq!(parse_u64(b"100000000000000000000"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn written_integers_equal_the_standard_library_and_read_back() {
        let mut prng = Prng::new(1);
        let edges = [0, 9, 10, 99, 100, 999, 1000, i64::MAX, i64::MIN, -1, -9, -10];
        let random = (0..20_000).map(|_| {
            let value = prng.next_u64() >> prng.below(64);
            value.cast_signed()
        });
        for value in edges.into_iter().chain(random) {
            let text = written(value);
            assert_eq!(text, value.to_string().as_bytes());
            assert_eq!(parse_i64(&text), Some(value));
            assert_eq!(i64_digits(value), text.len());
            assert_eq!(Decimal::new(value).as_bytes(), text);
        }
    }
}
