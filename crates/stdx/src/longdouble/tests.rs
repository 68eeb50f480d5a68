use super::*;
use crate::prng::Prng;

fn parse(text: &str) -> LongDouble {
    LongDouble::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is no long double"))
}

fn written(value: LongDouble) -> String {
    let mut out = Vec::new();
    value.write(&mut out);
    String::from_utf8(out).expect("ASCII")
}

#[track_caller]
fn check_sum(a: &str, b: &str, sum: &str) {
    assert_eq!(written(parse(a) + parse(b)), sum, "{a} + {b}");
    assert_eq!(written(parse(b) + parse(a)), sum, "{b} + {a}");
}

#[test]
fn sums_that_clients_know() {
    check_sum("0.1", "0.2", "0.3");
    check_sum("3.0", "1.000000000000000005", "4.00000000000000001");
    check_sum("10.50", "0.1", "10.6");
    check_sum("5.0e3", "2.0e2", "5200");
    check_sum("1", "-1", "0");
    check_sum("-1e-20", "0", "0");
    check_sum("0", "5.1e-18", "0.00000000000000001");
    check_sum("0", "-6e-18", "-0.00000000000000001");
    check_sum("0", "5e-18", "0");
    check_sum("0x1p3", "0", "8");
    check_sum("0.99999999999999999999", "0", "1");
    check_sum("9223372036854775807.5", "0.5", "9223372036854775808");
}

#[test]
fn rounding_is_half_to_even_at_64_bits() {
    let ulp = 1u128 << 64;
    for (value, rounded) in [
        (ulp + 1, ulp),
        (ulp + 3, ulp + 4),
        (ulp - 1, ulp - 1),
        (2 * ulp - 1, 2 * ulp),
        (2 * ulp + 2, 2 * ulp),
        (2 * ulp + 6, 2 * ulp + 8),
        (2 * ulp + 3, 2 * ulp + 4),
    ] {
        assert_eq!(written(parse(&value.to_string())), rounded.to_string(), "{value}");
    }
    check_sum("18446744073709551616", "1", "18446744073709551616");
    check_sum("18446744073709551616", "3", "18446744073709551620");
    check_sum("18446744073709551616", "1.00000000000000000001", "18446744073709551616");
    check_sum("18446744073709551616", "1.0000001", "18446744073709551618");
    check_sum("18446744073709551616", "-0.5", "18446744073709551616");
    check_sum("18446744073709551616", "-0.500001", "18446744073709551615");
}

#[test]
fn the_ends_of_the_range() {
    let max = parse("1.18973149535723176502e4932");
    assert!(!max.is_infinite());
    assert_eq!(max.parts(), (u64::MAX, EXPONENT_MAX as i32));
    assert!((max + max).is_infinite());
    assert!(!(max + parse("1")).is_infinite());
    assert_eq!(parse("0x1p-16445").parts(), (1, EXPONENT_MIN as i32));
    assert_eq!(parse("0x1p-16382").parts(), (1 << 63, EXPONENT_MIN as i32));
    assert_eq!(parse("3.6e-4951").parts(), (1, EXPONENT_MIN as i32));
    let refused = [
        "1e4933",
        "1.18973149535723176509e4932",
        "1e-4951",
        "1e-5000",
        "0x1p-16446",
        "1e99999999999999999999",
        "0x1p99999999999999999999",
        "1e-99999999999999999999",
        "0x1.ffffffffffffffffp16383",
    ];
    for text in refused {
        assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
    }
    for text in ["0e99999999999999999999", "0x0p99999999999999999999", "-0", "0.000"] {
        assert_eq!(written(parse(text)), "0", "{text}");
    }
}

#[test]
fn infinities_and_what_is_no_number() {
    let infinity = parse("inf");
    assert!(infinity.is_infinite() && parse("-Infinity").is_infinite());
    assert!((infinity + parse("-inf")).is_nan());
    assert!((infinity + infinity).is_infinite());
    assert!((parse("1") + infinity).is_infinite());
    assert!((infinity + parse("-inf") + parse("1")).is_nan());
    for text in ["", " 1", "1 ", "nan", "nan(1)", "infinit", "1e", ".", "0x", "1\0", "+-1", "1..2"]
    {
        assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
    }
    let long = "0".repeat(5118) + "1";
    assert_eq!(written(parse(&long)), "1");
    assert_eq!(LongDouble::parse(format!("0{long}").as_bytes()), None);
}

#[test]
fn large_values_print_all_their_digits() {
    assert_eq!(written(parse("1e30")), "1000000000000000000024696061952");
    let text = written(parse("1e4932"));
    assert_eq!(text.len(), 4933);
    assert!(text.starts_with("100000000000000000000601894938796389132"));
    let power = written(parse("0x1p1000"));
    assert!(power.starts_with("10715086071862673209484250490600018105614048117055"));
    assert!(power.ends_with("837205668069376"));
}

/// The short paths and the long ones must agree: padding with zeros or shifting the exponent
/// changes the path, not the number.
#[test]
fn every_path_reads_the_same_number() {
    let mut prng = Prng::new(31);
    for _ in 0..5000 {
        let number = prng.next_u64() >> prng.below(60);
        let scale = prng.below(60) as i32 - 30;
        let plain = parse(&format!("{number}e{scale}"));
        let padded = parse(&format!("{number}{}e{}", "0".repeat(30), scale - 30));
        let fraction = parse(&format!("0.{}{number}e{}", "0".repeat(40), {
            scale + 40 + number.to_string().len() as i32
        }));
        assert_eq!(plain, padded, "{number}e{scale}");
        assert_eq!(plain, fraction, "{number}e{scale}");
    }
}

/// Integers and binary fractions within 64 bits are exact, so sums can be checked in integers.
#[test]
fn sums_within_64_bits_are_exact() {
    let mut prng = Prng::new(32);
    for _ in 0..20_000 {
        let shift = 1 + prng.below(62);
        let a = (prng.next_u64() >> shift).cast_signed();
        let b = (prng.next_u64() >> (1 + prng.below(62))).cast_signed();
        let sum = parse(&a.to_string()) + parse(&(-b).to_string());
        assert_eq!(written(sum), (a - b).to_string());
        let eighths = parse(&format!("{}.125", a >> 4)) + parse("0.25");
        assert_eq!(written(eighths), format!("{}.375", a >> 4));
    }
}

/// A sum must lie within half a unit of the exact one, which 128 bits hold.
#[test]
fn sums_are_rounded_correctly() {
    let mut prng = Prng::new(33);
    let mut inexact = 0;
    for _ in 0..20_000 {
        let shift = prng.below(60) as u32;
        let (a, b) = (u128::from(prng.next_u64() | 1 << 63) << shift, prng.next_u64() >> 1);
        let exact = if prng.below(2) == 0 { a + u128::from(b) } else { a - u128::from(b) };
        let sign = if exact >= a { "" } else { "-" };
        let sum = parse(&a.to_string()) + parse(&format!("{sign}{b}"));
        let bits = 128 - exact.leading_zeros();
        let excess = bits.saturating_sub(64);
        let expected = hex::shift_right_rounded(exact, excess) << excess;
        inexact += u32::from(expected != exact);
        assert_eq!(written(sum), expected.to_string(), "{a} {sign}{b}");
    }
    assert!(inexact > 5000, "too few sums were rounded: {inexact}");
}

#[test]
fn any_bytes_are_read_without_panic_and_written_text_reads_back() {
    const ALPHABET: &[u8] = b"0123456789..eE+-xXpPinf ";
    let mut prng = Prng::new(34);
    for _ in 0..100_000 {
        let len = prng.below(14);
        let text: Vec<u8> =
            (0..len).map(|_| ALPHABET[prng.below(ALPHABET.len() as u64) as usize]).collect();
        if let Some(value) = LongDouble::parse(&text) {
            let once = written(value);
            assert_eq!(written(parse(&once)), once, "{}", text.escape_ascii());
        }
    }
}

#[test]
fn values_compare_by_what_they_are_worth() {
    let texts = [
        "-inf", "-1e4932", "-2", "-1.5", "-1e-4940", "0", "1e-4940", "0.1", "1", "1.5", "2",
        "3e10", "1e4932", "inf",
    ];
    let values: Vec<LongDouble> =
        texts.iter().map(|text| LongDouble::parse(text.as_bytes()).expect(text)).collect();
    for (i, left) in values.iter().enumerate() {
        for (j, right) in values.iter().enumerate() {
            assert_eq!(left.partial_cmp(right), Some(i.cmp(&j)), "{} {}", texts[i], texts[j]);
            assert_eq!((-*right).partial_cmp(&-*left), Some(i.cmp(&j)));
        }
    }
    assert_eq!(-LongDouble::ZERO, LongDouble::ZERO);
    assert!(LongDouble::MAX > values[values.len() - 2] && LongDouble::MAX < values[13]);
    assert!((LongDouble::MAX + LongDouble::MAX).is_infinite());
    let nan = LongDouble::MAX + values[13] + values[0];
    assert!(nan.is_nan() && nan.partial_cmp(&nan).is_none());
}

#[test]
fn to_double() {
    let cases = [
        ("0", 0.0),
        ("-0.1", -0.1),
        ("3e300", 3e300),
        ("1e-300", 1e-300),
        ("1e400", f64::INFINITY),
        ("-1e4000", f64::NEG_INFINITY),
        ("1e-4000", f64::MIN_POSITIVE),
        ("-inf", f64::NEG_INFINITY),
    ];
    for (text, value) in cases {
        let parsed = LongDouble::parse(text.as_bytes()).expect("a number");
        assert_eq!(parsed.to_f64(), value, "{text}");
    }
}
