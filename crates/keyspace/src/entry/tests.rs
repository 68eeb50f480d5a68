//! An entry against a plain struct of its parts, over every boundary of the layout.
use super::*;
use proptest::prelude::*;

fn bytes_of(entry: &Entry) -> Vec<u8> {
    match entry.as_str().expect("a string") {
        Str::Int(number) => number.to_string().into_bytes(),
        Str::Bytes(bytes) => bytes.to_vec(),
    }
}

#[test]
fn a_small_key_and_value_take_forty_bytes() {
    let entry = Entry::new(&[7; 16], NewValue::Bytes(&[8; 16]), None, 0);
    assert_eq!(entry.block_bytes(), 40);
    let entry = Entry::new(&[7; 16], NewValue::Bytes(&[8; 16]), Some(1), 0);
    assert_eq!(entry.block_bytes(), 48);
}

#[test]
fn lengths_around_every_boundary_survive() {
    for key_len in [0, 1, 254, 255, 256, 70_000] {
        for value_len in [0, 1, 65_535, 65_536, 200_000] {
            for expiry in [None, Some(i64::MAX)] {
                let (key, value) = (vec![b'k'; key_len], vec![b'v'; value_len]);
                let mut entry = Entry::new(&key, NewValue::Bytes(&value), expiry, 0xabcdef);
                assert_eq!(entry.key(), &key[..]);
                assert_eq!(bytes_of(&entry), value);
                assert_eq!(entry.expire_at_ms(), expiry);
                assert_eq!(entry.access(), 0xabcdef);
                entry.resize_bytes(65_536)[65_535] = b'x';
                assert_eq!(entry.key(), &key[..]);
                assert_eq!(entry.expire_at_ms(), expiry);
                assert_eq!(bytes_of(&entry)[65_535], b'x');
            }
        }
    }
}

#[test]
fn a_run_of_appends_reallocates_rarely() {
    let mut entry = Entry::new(b"k", NewValue::Bytes(&[0; 70_000]), None, 0);
    let mut moves = 0;
    for len in 70_001..170_000 {
        let before = entry.block_bytes();
        entry.resize_bytes(len);
        moves += usize::from(entry.block_bytes() != before);
    }
    assert!(moves < 20, "{moves} reallocations");
}

#[test]
fn splices_of_a_packed_value_agree_with_a_vec() {
    const TAG: TypeId = 77;
    let mut rng = stdx::prng::Prng::new(5);
    let mut entry = Entry::new(b"key", NewValue::Packed(TAG, b"start"), Some(9), 3);
    let mut model = b"start".to_vec();
    for _ in 0..2000 {
        let from = rng.below(model.len() as u64 + 1) as usize;
        let to = from + rng.below((model.len() - from) as u64 + 1) as usize;
        let insert = vec![rng.next_u64() as u8; rng.below(200) as usize];
        entry.splice_packed(from..to, &insert);
        model.splice(from..to, insert);
        assert_eq!(entry.packed(), Some(&model[..]));
        assert_eq!((entry.key(), entry.type_id(), entry.access()), (&b"key"[..], TAG, 3));
        assert_eq!((entry.expire_at_ms(), entry.as_str()), (Some(9), None));
    }
    let moved = entry.copied(b"other", None, 1).rekeyed(b"third", Some(4));
    assert_eq!((moved.packed(), moved.key()), (Some(&model[..]), &b"third"[..]));
}

proptest! {
    #[test]
    fn edits_agree_with_a_vec(
        key in proptest::collection::vec(any::<u8>(), 0..300),
        steps in proptest::collection::vec((0u8..4, 0usize..70_000, any::<i64>()), 1..30),
    ) {
        let mut entry = Entry::new(&key, NewValue::Int(5), None, 1);
        let mut model: Vec<u8> = b"5".to_vec();
        for (what, len, number) in steps {
            match what {
                0 => {
                    entry.resize_bytes(len);
                    model.resize(len, 0);
                }
                1 => {
                    model = vec![number as u8; len % 100];
                    if !entry.set_bytes_in_place(&model) {
                        entry = entry.rebuilt(NewValue::Bytes(&model), entry.expire_at_ms());
                    }
                }
                2 => {
                    entry = entry.rebuilt(NewValue::Int(number), Some(number));
                    model = number.to_string().into_bytes();
                }
                _ => {
                    let expiry = entry.expire_at_ms();
                    entry = entry.rekeyed(&key, expiry);
                }
            }
            prop_assert_eq!(entry.key(), &key[..]);
            prop_assert_eq!(bytes_of(&entry), model.clone());
        }
    }
}

/// Longest embedded values by length of the key, as measured on Redis 8.2.3.
#[test]
fn short_strings_are_embedded() {
    let measured = [(1, 40, 32), (10, 31, 23), (31, 10, 2), (33, 8, 0)];
    for (key_len, plain, expiring) in measured {
        for (expires, len) in [(false, plain), (true, expiring)] {
            assert!(is_embedded(key_len, len, expires), "{key_len} {len}");
            assert!(!is_embedded(key_len, len + 1, expires), "{key_len} {len}");
        }
    }
    assert!(!is_embedded(50, 0, false));
}

/// As Redis has it: a value that did not fit stays apart when there is more room.
#[test]
fn raw_stays_raw() {
    let entry = || Entry::new(b"k15", NewValue::Bytes(&[b'a'; 36]), Some(9), 0);
    let mut persisted = entry();
    persisted.set_expiry_moving(None);
    for entry in [entry().copied(b"k", None, 0), entry().rekeyed(b"k", None), persisted] {
        assert_eq!(entry.encoding(), Some("raw"));
    }
    assert_eq!(
        Entry::new(b"k15", NewValue::Bytes(&[b'a'; 36]), None, 0).encoding(),
        Some("embstr")
    );
}
