use super::*;
use std::collections::{HashMap, HashSet};

fn text(prng: &mut Prng, keys: u64) -> Vec<u8> {
    let number = prng.below(keys);
    match number % 5 {
        0 => number.to_string().into_bytes(),
        1 => (number as i64).wrapping_mul(-0x1234_5678_9abc).to_string().into_bytes(),
        2 if number.is_multiple_of(7) => vec![b'k'; 200 + number as usize % 300],
        _ => format!("key:{number:08}").into_bytes(),
    }
}

fn value(prng: &mut Prng) -> Vec<u8> {
    match prng.below(6) {
        0 => prng.next_u64().to_string().into_bytes(),
        1 => (prng.below(1000)).to_string().into_bytes(),
        2 => vec![b'v'; prng.below(700) as usize],
        _ => vec![b'v'; prng.below(20) as usize],
    }
}

fn check(table: &Members<2>, model: &HashMap<Vec<u8>, (Vec<u8>, Option<i64>)>) {
    assert_eq!(table.len(), model.len());
    let mut seen = HashSet::new();
    for record in table.iter() {
        let key = record.key.text().to_vec();
        let (value, at_ms) = &model[&key];
        assert!(record.value.eq_text(value));
        assert_eq!(record.expire_at_ms, *at_ms);
        assert!(seen.insert(key));
    }
    assert_eq!(seen.len(), model.len());
    let bytes: usize = table.segments.iter().map(Segment::memory).sum();
    assert_eq!(table.content_bytes, bytes);
    let allocations: usize = table.segments.iter().map(Segment::allocations).sum();
    assert_eq!(table.allocations, allocations);
    for (index, segment) in table.segments.iter().enumerate() {
        assert_eq!(table.segment_of(segment.start), index);
        let last = next_start(segment).map_or(u64::MAX, |next| next - 1);
        assert_eq!(table.segment_of(last), index);
        assert!(segment.buckets() <= BUCKETS_MAX);
    }
}

/// Random changes agree with std's map while the table grows and shrinks several times.
#[test]
fn agrees_with_a_map() {
    let mut prng = Prng::new(11);
    let mut table = Members::<2>::new(1);
    let mut model: HashMap<Vec<u8>, (Vec<u8>, Option<i64>)> = HashMap::new();
    for round in 0..8 {
        let remove_share = if round % 2 == 0 { 2 } else { 9 };
        for _ in 0..20_000 {
            let key = text(&mut prng, 15_000);
            assert_eq!(table.contains(Element::of(&key)), model.contains_key(&key));
            if prng.below(10) < remove_share {
                assert_eq!(table.remove(Element::of(&key)), model.remove(&key).is_some());
            } else {
                let value = value(&mut prng);
                let at_ms = (prng.below(4) == 0).then(|| prng.below(1 << 40) as i64);
                let is_new = table.set(Element::of(&key), Element::of(&value), at_ms);
                assert_eq!(is_new, model.insert(key.clone(), (value.clone(), at_ms)).is_none());
                let record = table.get(Element::of(&key)).expect("just set");
                assert!(record.key.eq_text(&key) && record.value.eq_text(&value));
            }
        }
        check(&table, &model);
        check(&table.clone(), &model);
    }
    let keys: Vec<_> = model.keys().cloned().collect();
    for key in keys {
        assert!(table.remove(Element::of(&key)));
        model.remove(&key);
    }
    check(&table, &model);
    assert_eq!((table.segments.len(), table.directory.len()), (1, 0), "all merged");
    assert!(table.memory() < 20_000, "{}", table.memory());
}

#[test]
fn a_walk_returns_what_stays_exactly_once() {
    let mut prng = Prng::new(12);
    let mut table = Members::<1>::new(2);
    for number in 0..20_000 {
        table.add(Element::of(format!("stay:{number}").as_bytes()));
        table.add(Element::of(format!("go:{number}").as_bytes()));
    }
    let (mut position, mut stayed, mut calls) = (0, HashSet::new(), 0);
    loop {
        let mut found = 0;
        let next = table.scan(position, 10, &mut |record| {
            found += 1;
            let key = record.key.text().to_vec();
            if key.starts_with(b"stay") {
                assert!(stayed.insert(key), "returned twice");
            }
        });
        assert!(found <= 10);
        calls += 1;
        for _ in 0..20 {
            table.remove(Element::of(format!("go:{}", prng.below(20_000)).as_bytes()));
            table.add(Element::of(format!("come:{}", prng.next_u64()).as_bytes()));
        }
        match next {
            Some(next) => {
                assert!(next > position && next < 1 << POSITION_BITS);
                position = next;
            }
            None => break,
        }
    }
    assert_eq!(stayed.len(), 20_000);
    assert!(calls > 2000);
    let (mut all, mut calls) = (0, 0);
    let mut position = Some(0);
    while let Some(from) = position {
        position = table.scan(from, usize::MAX, &mut |_| all += 1);
        calls += 1;
    }
    assert_eq!((all, calls), (table.len(), 1));
    for from in [1, 1 << 40, (1 << POSITION_BITS) - 1, u64::MAX] {
        table.scan(from, 10, &mut |_| ());
    }
}

#[test]
fn random_records_are_uniform() {
    let mut prng = Prng::new(13);
    for len in [1usize, 20, 3000] {
        let mut table = Members::<1>::new(3);
        for number in 0..len * 2 {
            table.add(Element::of(number.to_string().as_bytes()));
        }
        for number in len..len * 2 {
            table.remove(Element::of(number.to_string().as_bytes()));
        }
        let mut counts = vec![0u32; len];
        for _ in 0..len * 100 {
            let record = table.random(&mut prng).expect("not empty");
            let Element::Int(number) = record.key else { panic!("all are numbers") };
            counts[number as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (40..=180).contains(&count)), "{len}");
    }
    let mut table = Members::<1>::new(4);
    assert!(table.random(&mut prng).is_none());
    assert!(table.random_distinct(3, &mut prng).is_empty());
    for number in 0..3000 {
        table.add(Element::of(number.to_string().as_bytes()));
    }
    for count in [0, 1, 500, 1500, 3000, 9000] {
        let chosen = table.random_distinct(count, &mut prng);
        let different: HashSet<_> =
            chosen.iter().map(|record| record.key.text().to_vec()).collect();
        assert_eq!((chosen.len(), different.len()), (count.min(3000), count.min(3000)));
    }
}

#[test]
fn an_element_costs_little_more_than_its_bytes() {
    let mut table = Members::<1>::new(5);
    let mut worst: f64 = 0.0;
    for number in 0..200_000 {
        table.add(Element::of(format!("element:{number:012}").as_bytes()));
        if number > 20_000 && number % 1000 == 0 {
            let overhead = table.memory() as f64 / table.len() as f64 - 20.0;
            worst = worst.max(overhead);
        }
    }
    assert!(worst < 17.0, "{worst} bytes besides the text");
}

/// Churn at a constant size neither grows the table nor leaves holes.
#[test]
fn churn_keeps_its_size() {
    let mut table = Members::<2>::new(6);
    let mut settled = 0;
    for number in 0..200_000u64 {
        table.set(Element::of(&number.to_be_bytes()), Element::Bytes(b"some value"), None);
        if number >= 2000 {
            assert!(table.remove(Element::of(&(number - 2000).to_be_bytes())));
        }
        if number == 20_000 {
            settled = table.memory();
        }
    }
    assert_eq!(table.len(), 2000);
    assert!(table.memory() < settled * 2, "{} after {settled}", table.memory());
}
