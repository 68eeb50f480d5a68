use super::*;
use crate::Writer;
use stdx::prng::Prng;

/// A random value whose RESP3 form reads back as itself.
fn random_value(prng: &mut Prng, depth: u64) -> Value {
    let kinds = if depth == 0 { 9 } else { 13 };
    let len = prng.below(4) as usize;
    match prng.below(kinds) {
        0 => Value::Simple(random_text(prng)),
        1 => Value::Error(random_text(prng)),
        2 => Value::Integer((prng.next_u64() >> prng.below(64)).cast_signed()),
        3 => {
            let mut bytes = vec![0; prng.below(30) as usize];
            prng.fill(&mut bytes);
            Value::Bulk(bytes)
        }
        4 => Value::Null,
        5 => {
            let number = prng.next_u64() as f64 / 1024.0;
            let mut text = Vec::new();
            stdx::num::write_f64(&mut text, number);
            Value::Double(number, text)
        }
        6 => Value::Boolean(prng.below(2) == 0),
        7 => Value::BigNumber(b"-123456789012345678901234567890".to_vec()),
        8 => Value::Verbatim { format: *b"txt", text: b"a\r\nb".to_vec() },
        9 => Value::Array((0..len).map(|_| random_value(prng, depth - 1)).collect()),
        10 => Value::Set((0..len).map(|_| random_value(prng, depth - 1)).collect()),
        11 => Value::Map(random_pairs(prng, len, depth - 1)),
        _ => Value::Attribute {
            attributes: random_pairs(prng, len, depth - 1),
            value: Box::new(random_value(prng, depth - 1)),
        },
    }
}

fn random_text(prng: &mut Prng) -> Vec<u8> {
    (0..prng.below(10)).map(|_| b' ' + prng.below(90) as u8).collect()
}

fn random_pairs(prng: &mut Prng, len: usize, depth: u64) -> Vec<(Value, Value)> {
    (0..len).map(|_| (random_value(prng, depth), random_value(prng, depth))).collect()
}

fn write(value: &Value, writer: &mut Writer<'_>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
    let write_all = |values: &[Value], writer: &mut Writer<'_>| {
        values.iter().for_each(|value| write(value, writer));
    };
    let write_pairs = |pairs: &[(Value, Value)], writer: &mut Writer<'_>| {
        pairs.iter().for_each(|(key, value)| {
            write(key, writer);
            write(value, writer);
        });
    };
    match value {
        Value::Simple(bytes) => writer.simple(&text(bytes)),
        Value::Error(bytes) => writer.error(&text(bytes)),
        Value::Integer(number) => writer.integer(*number),
        Value::Bulk(bytes) => writer.bulk(bytes),
        Value::Null | Value::NullBulk => writer.null(),
        Value::NullArray => writer.null_array(),
        Value::Double(number, _) => writer.double(*number),
        Value::Boolean(value) => writer.boolean(*value),
        Value::BigNumber(digits) => writer.big_number(&text(digits)),
        Value::Verbatim { format, text: bytes } => writer.verbatim(&text(format), bytes),
        Value::BulkError(_) => unreachable!("servers do not write these"),
        Value::Array(values) => {
            writer.array(values.len());
            write_all(values, writer);
        }
        Value::Set(values) => {
            writer.set(values.len());
            write_all(values, writer);
        }
        Value::Push(values) => {
            writer.push(values.len());
            write_all(values, writer);
        }
        Value::Map(pairs) => {
            writer.map(pairs.len());
            write_pairs(pairs, writer);
        }
        Value::Attribute { attributes, value } => {
            writer.attribute(attributes.len());
            write_pairs(attributes, writer);
            write(value, writer);
        }
    }
}

fn written(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut Writer::new(&mut out, true));
    out
}

#[test]
fn what_is_written_reads_back_and_prefixes_are_incomplete() {
    let mut prng = Prng::new(21);
    for _ in 0..3000 {
        let value = random_value(&mut prng, 3);
        let mut bytes = written(&value);
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), Ok(None), "{}", bytes[..len].escape_ascii());
        }
        let len = bytes.len();
        bytes.extend_from_slice(b"rest");
        assert_eq!(decode(&bytes), Ok(Some((value, len))));
    }
}

#[test]
fn resp2_nulls_and_other_forms() {
    let check = |bytes: &[u8], value: Value| {
        assert_eq!(decode(bytes), Ok(Some((value, bytes.len()))));
    };
    check(b"$-1\r\n", Value::NullBulk);
    check(b"*-1\r\n", Value::NullArray);
    check(b"!5\r\nERR x\r\n", Value::BulkError(b"ERR x".to_vec()));
    check(b">1\r\n:1\r\n", Value::Push(vec![Value::Integer(1)]));
    check(b",-inf\r\n", Value::Double(f64::NEG_INFINITY, b"-inf".to_vec()));
    check(b":+5\r\n", Value::Integer(5));
    let nan = decode(b",nan\r\n").expect("well formed").expect("complete").0;
    assert!(matches!(nan, Value::Double(number, text) if number.is_nan() && text == b"nan"));
}

#[test]
fn malformed_replies() {
    let cases: [&[u8]; 16] = [
        b"\r\n",
        b"x\r\n",
        b":\r\n",
        b":1a\r\n",
        b"$-2\r\n",
        b"$a\r\n",
        b"$1\r\nabc",
        b"*-2\r\n",
        b"#x\r\n",
        b"_x\r\n",
        b",abc\r\n",
        b"(12a\r\n",
        b"(\r\n",
        b"=2\r\nab\r\n",
        b"+a\nb\r\n",
        b"$99999999999\r\n",
    ];
    for bytes in cases {
        assert_eq!(decode(bytes), Err(Malformed), "{}", bytes.escape_ascii());
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| [b"*1\r\n".repeat(depth - 1), b":1\r\n".to_vec()].concat();
    assert!(matches!(decode(&nested(DEPTH_MAX)), Ok(Some(_))));
    assert_eq!(decode(&nested(DEPTH_MAX + 1)), Err(Malformed));
    assert_eq!(decode(&b"*1\r\n".repeat(100_000)), Err(Malformed));
}

#[test]
fn any_bytes_are_decoded_without_panic() {
    const ALPHABET: &[u8] = b"+-:$*~>%|_#,(=!tf0123\r\n\r\na";
    let mut prng = Prng::new(22);
    for _ in 0..100_000 {
        let mut bytes =
            if prng.below(2) == 0 { written(&random_value(&mut prng, 2)) } else { vec![] };
        for _ in 0..prng.below(12) {
            let at = prng.below(bytes.len() as u64 + 1) as usize;
            bytes.insert(at, ALPHABET[prng.below(ALPHABET.len() as u64) as usize]);
        }
        if let Ok(Some((_, len))) = decode(&bytes) {
            assert!(0 < len && len <= bytes.len());
        }
    }
}
