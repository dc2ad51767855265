//! The engine against the model over random flows of several shapes: every report and query, one by one and in batches.

use crate::common::{
    BUY, Model, Rig, SELL, assert_same_book, assert_same_queries, cancel, ioc, modify, numbered, order,
};
use aeromatch_abi::Message;

/// SplitMix64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A flow's shape: the ids and prices that it draws.
struct Shape {
    messages: usize,
    /// News in a hundred; a tenth of the rest are modifies.
    news: u64,
    largest_quantity: u64,
    id: fn(&mut Random, usize) -> u64,
    price: fn(&mut Random, usize, u8) -> i64,
}

fn flow(seed: u64, shape: &Shape) -> Vec<Message> {
    let mut random = Random(seed);
    let message = |i: usize| {
        let side = if random.below(2) == 0 { BUY } else { SELL };
        let quantity = random.below(shape.largest_quantity + 1) as u32;
        let price = (shape.price)(&mut random, i, side);
        let what = random.below(1_000);
        if what < shape.news * 10 {
            let order = order((shape.id)(&mut random, i), side, price, quantity);
            return if random.below(12) == 0 { ioc(order) } else { order };
        }
        let earlier = random.below(i as u64 + 1) as usize;
        let id = (shape.id)(&mut random, earlier);
        if what.is_multiple_of(10) { modify(id, side, price, quantity) } else { cancel(id) }
    };
    numbered((0..shape.messages).map(message).collect())
}

/// Plays a flow both ways. Returns the most orders that were alive at once.
fn compare(seed: u64, shape: &Shape) -> usize {
    let messages = flow(seed, shape);
    let (mut model, mut rig) = (Model::default(), Rig::new());
    let mut answers = Vec::with_capacity(messages.len());
    let mut most = 0;
    for (i, message) in messages.iter().enumerate() {
        let expected = model.apply(message);
        rig.one(message);
        assert_eq!(rig.taken(), expected, "seed {seed}, message {i}");
        let prices = expected.iter().map(|report| report.price).chain([message.body.price]);
        assert_same_queries(&model, &rig, prices, &format!("seed {seed}, message {i}"));
        answers.push(expected);
        most = most.max(model.live());
    }
    assert_same_book(&model, &rig, "at the end");
    compare_batches(seed, &messages, &answers);
    most
}

fn compare_batches(seed: u64, messages: &[Message], answers: &[Vec<aeromatch_abi::Report>]) {
    const SIZES: [usize; 11] = [1, 2, 3, 0, 15, 16, 17, 33, 100, 777, 4_096];
    let (mut model, mut rig, mut random) = (Model::default(), Rig::new(), Random(seed));
    let mut from = 0;
    while from < messages.len() {
        let size = SIZES[random.below(SIZES.len() as u64) as usize];
        let to = messages.len().min(from + size);
        rig.batch(&messages[from..to]);
        assert!(rig.taken().iter().eq(answers[from..to].iter().flatten()), "seed {seed}, batch {from}..{to}");
        let mut prices = Vec::new();
        for message in &messages[from..to] {
            model.apply(message);
            prices.push(message.body.price);
        }
        assert_same_queries(&model, &rig, prices, &format!("seed {seed}, batch {from}..{to}"));
        from = to;
    }
    assert_same_book(&model, &rig, "at the end of the batches");
}

#[test]
fn few_prices_and_few_ids() {
    for seed in 1..=4 {
        compare(
            seed,
            &Shape {
                messages: 5_000,
                news: 55,
                largest_quantity: 5,
                id: |random, _| random.below(60),
                price: |random, _, _| 98 + random.below(5) as i64,
            },
        );
    }
}

#[test]
fn prices_that_move_over_tens_of_thousands_of_ticks() {
    for (seed, news) in [(11, 50), (12, 70)] {
        compare(
            seed,
            &Shape {
                messages: 10_000,
                news,
                largest_quantity: 100,
                id: |_, i| i as u64,
                // Up 40,000 ticks, then down past zero.
                price: |random, i, side| {
                    let middle = if i < 5_000 { i as i64 * 8 } else { 40_000 - (i as i64 - 5_000) * 12 };
                    let away = random.below(300) as i64 - 20;
                    if side == BUY { middle - away } else { middle + away }
                },
            },
        );
    }
}

#[test]
fn a_deep_book() {
    let most = compare(
        21,
        &Shape {
            messages: 40_000,
            news: 70,
            largest_quantity: 50,
            id: |_, i| i as u64 * 3,
            price: |random, _, side| {
                let away = random.below(60) as i64 - i64::from(random.below(40) == 0) * 30;
                if side == BUY { 1_000 - away } else { 1_001 + away }
            },
        },
    );
    assert!(most > 8_192, "deep enough for looking ahead: {most}");
}

#[test]
fn ids_from_everywhere() {
    compare(
        31,
        &Shape {
            messages: 8_000,
            news: 60,
            largest_quantity: 9,
            id: |random, _| match random.below(4) {
                0 => random.below(50),
                1 => (1 << 21) - 10 + random.below(20),
                2 => (1 << 28) + random.below(50),
                _ => u64::MAX - random.below(50),
            },
            price: |random, _, _| random.below(9) as i64 - 4,
        },
    );
}

#[test]
fn prices_from_everywhere() {
    for seed in [41, 42] {
        compare(
            seed,
            &Shape {
                messages: 8_000,
                news: 60,
                largest_quantity: 9,
                id: |_, i| i as u64,
                price: |random, i, side| match random.below(6) {
                    0 => i64::MIN + random.below(3) as i64,
                    1 => i64::MAX - random.below(3) as i64,
                    2 => random.below(7) as i64 - 3,
                    3 => random.next() as i64,
                    _ => (i as i64 * 1_000_003) * if side == BUY { -1 } else { 1 },
                },
            },
        );
    }
}
