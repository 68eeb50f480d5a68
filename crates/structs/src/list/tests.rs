use super::*;
use stdx::prng::Prng;

fn texts(list: &List) -> Vec<Vec<u8>> {
    list.iter_from(0, Side::Left).map(|element| element.text().to_vec()).collect()
}

/// What must hold of any list.
fn check(list: &List, model: &[Vec<u8>]) {
    assert_eq!(list.len(), model.len());
    assert_eq!(texts(list), model);
    let last = model.len().saturating_sub(1);
    let back: Vec<_> =
        list.iter_from(last, Side::Right).map(|element| element.text().to_vec()).collect();
    assert!(back.iter().rev().eq(model.iter()));
    let heap_bytes: usize = list.chunks.iter().map(Chunk::heap_bytes).sum();
    assert_eq!(list.heap_bytes, heap_bytes);
    for chunk in &list.chunks {
        let elements: Vec<_> = chunk.walk(Side::Left).collect();
        assert_eq!(elements.len(), chunk.count());
        assert!(chunk.count() > 0);
        assert!(!chunk.is_large() || chunk.count() == 1);
        let weight = elements.iter().map(|element| weight_of(*element)).sum::<usize>();
        assert_eq!(chunk.weight(), WEIGHT_EMPTY + weight);
        let used: usize = elements.iter().map(|element| Encoded::new(*element).len() + 5).sum();
        assert!(chunk.heap_bytes() <= 2 * used + 512, "{} for {used}", chunk.heap_bytes());
    }
}

fn random_text(prng: &mut Prng, long: u64) -> Vec<u8> {
    match prng.below(5) {
        0 => prng.below(200).to_string().into_bytes(),
        1 => (prng.next_u64() as i64).to_string().into_bytes(),
        2 => vec![b'x'; prng.below(long) as usize],
        _ => format!("v{}", prng.below(20)).into_bytes(),
    }
}

fn random_side(prng: &mut Prng) -> Side {
    if prng.below(2) == 0 { Side::Left } else { Side::Right }
}

/// One random change of the list and of its model.
fn step(prng: &mut Prng, list: &mut List, model: &mut Vec<Vec<u8>>, long: u64) {
    let text = random_text(prng, long);
    let element = Element::of(&text);
    let index = prng.below(model.len() as u64 + 1) as usize;
    match prng.below(if model.len() > 300 { 16 } else { 10 }) {
        0..=2 => {
            list.push(Side::Right, element);
            model.push(text);
        }
        3..=5 => {
            list.push(Side::Left, element);
            model.insert(0, text);
        }
        6 if index < model.len() => {
            let after = prng.below(2) == 0;
            list.insert(index, after, element);
            model.insert(index + usize::from(after), text);
        }
        7 => {
            assert_eq!(list.set(index, element), index < model.len());
            if let Some(slot) = model.get_mut(index) {
                *slot = text;
            }
        }
        8 => {
            let side = random_side(prng);
            assert_eq!(
                list.end(side).map(|element| element.text().to_vec()).as_ref(),
                if side == Side::Left { model.first() } else { model.last() }
            );
            list.pop(side);
            if !model.is_empty() {
                model.remove(if side == Side::Left { 0 } else { model.len() - 1 });
            }
        }
        9 => remove_equal(prng, list, model, &text),
        _ => {
            let count = prng.below(20) as usize;
            list.remove(index, count);
            let end = (index + count).min(model.len());
            model.drain(index..end);
        }
    }
}

fn remove_equal(prng: &mut Prng, list: &mut List, model: &mut Vec<Vec<u8>>, text: &[u8]) {
    let (side, max) = (random_side(prng), prng.below(4) as usize);
    let mut equal: Vec<usize> = (0..model.len()).filter(|i| model[*i] == text).collect();
    let element = Element::of(text);
    if side == Side::Right {
        equal.reverse();
    }
    assert!(list.positions(element, side, usize::MAX).eq(equal.iter().copied()));
    let scanned = list.positions(element, side, 5);
    let near = |i: &usize| if side == Side::Left { *i < 5 } else { *i + 5 >= model.len() };
    assert!(scanned.eq(equal.iter().copied().filter(near)));
    equal.truncate(max);
    assert_eq!(list.remove_equal(element, side, max), equal.len());
    equal.sort_unstable();
    equal.iter().rev().for_each(|i| {
        model.remove(*i);
    });
}

#[test]
fn a_list_behaves_like_a_vector() {
    let cases: [(Option<i64>, u64); 7] = [
        (None, 100),
        (Some(1), 50),
        (Some(3), 50),
        (Some(128), 9000),
        (Some(-1), 6000),
        (Some(-2), 600),
        (Some(-5), 100),
    ];
    for (round, (parameter, long)) in cases.into_iter().enumerate() {
        let mut prng = Prng::new(round as u64);
        let mut list = List::new();
        list.set_limit(parameter.map(Limit::of_chunks));
        let mut model = Vec::new();
        for turn in 0..6000 {
            step(&mut prng, &mut list, &mut model, long);
            if turn % 8 == 0 {
                check(&list, &model);
            }
        }
        check(&list, &model);
        let copy = list.copy();
        check(&copy, &model);
        assert!(copy.memory() <= list.memory());
        let index = prng.below(model.len() as u64) as usize;
        assert!(list.get(index).is_some_and(|element| element.eq_text(&model[index])));
        list.remove(0, usize::MAX);
        assert!(list.is_empty() && list.chunk_count() == 0);
        assert!(list.memory() < 1000, "{}", list.memory());
    }
}

#[test]
fn queues_keep_their_memory_bounded() {
    for side in [Side::Left, Side::Right] {
        let mut list = List::new();
        let other = if side == Side::Left { Side::Right } else { Side::Left };
        for number in 0..100_000 {
            list.push(side, Element::Int(number));
            if number >= 100 {
                assert_eq!(list.end(other), Some(Element::Int(number - 100)));
                list.pop(other);
            }
        }
        assert!(list.memory() < 2000, "{}", list.memory());
    }
}

#[test]
fn elements_cost_their_bytes_and_two() {
    let mut list = List::new();
    list.set_limit(Some(Limit::of_chunks(-2)));
    for number in 0..100_000 {
        list.push(Side::Right, Element::Bytes(format!("element{number:09}").as_bytes()));
    }
    let each = list.memory() as f64 / 100_000.0;
    assert!(each < 18.4, "{each}");
}

#[test]
fn limits() {
    let check = |parameter, weight, count, exceeded| {
        let limit = Limit::of_chunks(parameter);
        assert_eq!(limit.is_exceeded(weight, count), exceeded, "{parameter} {weight} {count}");
    };
    for (parameter, weight) in [(-1, 4096), (-2, 8192), (-5, 65_536), (i64::MIN, 65_536)] {
        check(parameter, weight, 1 << 20, false);
        check(parameter, weight + 1, 1, true);
        assert!(Limit::new(parameter).is_half_used(weight / 2, 9999));
        assert!(!Limit::new(parameter).is_half_used(weight / 2 + 1, 1));
    }
    for (parameter, count) in [(0, 1), (5, 5), (i64::MAX, 32_767)] {
        check(parameter, 100, count, false);
        check(parameter, 100, count + 1, true);
        check(parameter, 8193, 1, true);
        assert!(Limit::of_chunks(parameter).is_half_used(9999, count / 2));
        assert!(!Limit::of_chunks(parameter).is_half_used(1, count / 2 + 1));
    }
    assert!(!Limit::new(i64::MAX).is_exceeded(1, 1 << 20));
}

#[test]
fn large_elements_stand_alone() {
    let mut list = List::new();
    list.set_limit(Some(Limit::of_chunks(-2).with_large_from(Some(3))));
    for text in ["a", "b", "long", "c", "d"] {
        list.push(Side::Right, Element::of(text.as_bytes()));
    }
    assert_eq!(list.chunk_count(), 3);
    list.insert(1, false, Element::Bytes(b"also long"));
    assert_eq!(list.chunk_count(), 5);
    assert!(list.set(1, Element::Bytes(b"x")));
    assert_eq!(list.chunk_count(), 4);
}

#[test]
fn weights_of_elements() {
    let long = |len: usize| vec![b'a'; len];
    let cases: &[(&[u8], usize)] = &[
        (b"0", 2),
        (b"127", 2),
        (b"128", 3),
        (b"-4096", 3),
        (b"4096", 4),
        (b"-32769", 5),
        (b"8388608", 6),
        (b"2147483648", 10),
        (b"", 2),
        (&long(63), 65),
        (&long(64), 67),
        (&long(125), 128),
        (&long(126), 130),
        (&long(4095), 4099),
        (&long(4096), 4103),
        (&long(16_379), 16_387),
    ];
    for (text, weight) in cases {
        assert_eq!(weight_of(Element::of(text)), *weight, "{} bytes", text.len());
    }
}

#[test]
fn a_packed_list_there_and_back() {
    let mut bytes = Vec::new();
    for text in ["a", "17", "", "-5"] {
        packed::encode(&mut bytes, text.as_bytes());
    }
    let list = List::from_packed(&bytes);
    assert_eq!(list.single_weight(), Some(WEIGHT_EMPTY + 3 + 2 + 2 + 3));
    let mut again = Vec::new();
    list.write_packed(&mut again);
    assert_eq!(again, bytes);
}
