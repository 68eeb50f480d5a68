use super::*;
use stdx::prng::Prng;

fn packed(texts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    texts.iter().for_each(|text| encode(&mut out, text));
    out
}

/// A text of a kind that encodes in its own way.
fn random_text(prng: &mut Prng) -> Vec<u8> {
    match prng.below(6) {
        0 => prng.below(130).to_string().into_bytes(),
        1 => (prng.below(20_000) as i64 - 10_000).to_string().into_bytes(),
        2 => ((prng.next_u64() as i64) >> prng.below(64)).to_string().into_bytes(),
        3 => vec![prng.next_u64() as u8; prng.below(70) as usize],
        4 => vec![b'x'; prng.below(300) as usize],
        _ => format!("0{}", prng.below(100)).into_bytes(),
    }
}

#[test]
fn sizes_of_elements() {
    let long = |len: usize| vec![b'a'; len];
    let cases: &[(&[u8], usize)] = &[
        (b"0", 1),
        (b"127", 1),
        (b"128", 2),
        (b"8319", 2),
        (b"8320", 3),
        (b"32767", 3),
        (b"32768", 4),
        (b"-1", 2),
        (b"-128", 2),
        (b"-129", 3),
        (b"9223372036854775807", 9),
        (b"-9223372036854775808", 9),
        (b"9223372036854775808", 20),
        (b"", 1),
        (b"-0", 3),
        (b"00", 3),
        (&long(63), 64),
        (&long(64), 66),
        (&long(255), 257),
        (&long(256), 259),
        (&long(65_536), 65_540),
    ];
    for (text, len) in cases {
        let bytes = packed(&[text]);
        assert_eq!(bytes.len(), *len, "{}", String::from_utf8_lossy(text));
        assert_eq!(encoded_len(text), *len);
        assert_eq!(check(&bytes), Ok(1));
        let element = get(&bytes, 0).expect("the element");
        assert!(element.eq_text(text));
        assert_eq!(element.text_len(), text.len());
    }
}

#[test]
fn what_is_packed_reads_back() {
    let mut prng = Prng::new(1);
    for _ in 0..2000 {
        let texts: Vec<_> = (0..prng.below(20)).map(|_| random_text(&mut prng)).collect();
        let slices: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let bytes = packed(&slices);
        assert_eq!(check(&bytes), Ok(texts.len()));
        assert_eq!(count(&bytes), texts.len());
        assert!(iter(&bytes).map(|element| element.text().to_vec()).eq(texts.iter().cloned()));
        for (index, text) in texts.iter().enumerate() {
            let range = range_of(&bytes, index).expect("in range");
            assert_eq!(bytes[range.clone()], packed(&[text]));
            assert_eq!(offset_of(&bytes, index), Some(range.start));
            let first = texts.iter().position(|other| other == text).expect("itself");
            let (found, at) = Needle::new(text).find(&bytes, 1).expect("itself");
            assert_eq!((found, Some(at)), (first, range_of(&bytes, first)));
        }
        assert_eq!(offset_of(&bytes, texts.len()), Some(bytes.len()));
        assert_eq!(range_of(&bytes, texts.len()), None);
    }
}

#[test]
fn a_stride_looks_at_fields_only() {
    let hash = packed(&[b"a", b"1", b"1", b"b", b"b", b"a"]);
    let find = |text: &[u8]| Needle::new(text).find(&hash, 2).map(|(index, _)| index);
    assert_eq!((find(b"a"), find(b"1"), find(b"b"), find(b"c")), (Some(0), Some(2), Some(4), None));
}

#[test]
fn texts_are_ordered_byte_by_byte() {
    let texts: [&[u8]; 6] = [b"", b"-5", b"10", b"9", b"9a", b"\xff"];
    for (i, a) in texts.iter().enumerate() {
        for (j, b) in texts.iter().enumerate() {
            assert_eq!(Element::of(a).cmp_text(b), i.cmp(&j));
        }
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    let bad: [&[u8]; 11] = [
        &[0x81, b'5'],                                   // text that is an integer
        &[0xe0, 5],                                      // an integer that has a shorter form
        &[0xe1, 0xff, 0xff],                             // the same, negative
        &[0xf0, 3, b'a', b'b', b'c'],                    // a length that has a shorter form
        &[0xf1, 100, 0],                                 // the same, and cut
        &[0x82, b'a'],                                   // cut
        &[0xc0],                                         // cut
        &[0xe7, 1, 2, 3],                                // cut
        &[0xe8],                                         // no such element
        &[0xf7, 255, 255, 255, 255, 255, 255, 255, 255], // a length past all memory
        &[0x01, 0xff],                                   // a good element before a bad one
    ];
    for bytes in bad {
        assert_eq!(check(bytes), Err(Corrupt), "{bytes:x?}");
    }
}

#[test]
fn any_bytes_are_walked_without_harm() {
    let mut prng = Prng::new(2);
    let mut accepted = 0;
    for round in 0..50_000 {
        let len = prng.below(24) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| prng.next_u64() as u8).collect();
        if round % 2 == 0 {
            bytes = packed(&[&random_text(&mut prng), &random_text(&mut prng)]);
            let at = prng.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << prng.below(8);
        }
        let walked: Vec<_> = iter(&bytes).collect();
        assert_eq!(walked.len(), count(&bytes));
        assert!(offset_of(&bytes, walked.len()).is_some_and(|end| end <= bytes.len()));
        let _ = Needle::new(b"x").find(&bytes, 2);
        if check(&bytes).is_ok() {
            accepted += 1;
            let mut again = Vec::new();
            walked.iter().for_each(|element| encode_element(&mut again, *element));
            assert_eq!(again, bytes);
        }
    }
    assert!(accepted > 1000, "{accepted}");
}
