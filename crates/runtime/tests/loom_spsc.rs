//! The SPSC ring in every interleaving.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::ring::{Full, spsc};
use loom::sync::Arc;
use loom::thread;
use model::check;

/// Slots are written again and again while the consumer reads: both directions of the hand-over.
fn all_items_arrive_in_order(capacity: usize, items: u32) {
    let outcomes = check(3, move || {
        let (mut producer, mut consumer) = spsc(capacity);
        let pushing = thread::spawn(move || {
            let mut was_full = false;
            for mut item in 0..items {
                while let Err(Full(back)) = producer.push(item) {
                    (item, was_full) = (back, true);
                    thread::yield_now();
                }
            }
            was_full
        });
        for expected in 0..items {
            let item = loop {
                match consumer.pop() {
                    Some(item) => break item,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(item, expected);
        }
        let was_full = pushing.join().unwrap();
        assert_eq!(consumer.pop(), None);
        was_full
    });
    assert_eq!(outcomes.len(), 2, "full in some runs, never in others");
}

#[test]
fn one_slot() {
    all_items_arrive_in_order(1, 3);
}

#[test]
fn two_slots() {
    all_items_arrive_in_order(2, 4);
}

#[test]
fn batches() {
    check(3, || {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || {
            let mut items = 0..4;
            while items.start < 4 {
                if producer.push_from(&mut items) == 0 {
                    thread::yield_now();
                }
            }
        });
        let mut out = vec![];
        while out.len() < 4 {
            if consumer.pop_batch(&mut out, 3) == 0 {
                thread::yield_now();
            }
        }
        pushing.join().unwrap();
        assert_eq!(out, [0, 1, 2, 3]);
    });
}

/// Loom reports an Arc that is never dropped, or dropped twice.
#[test]
fn what_is_left_is_dropped_by_whoever_goes_last() {
    let outcomes = check(3, || {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || (0..3).take_while(|&item| producer.push(Arc::new(item)).is_ok()).count());
        let popping = thread::spawn(move || consumer.pop().map(|item| *item));
        (pushing.join().unwrap(), popping.join().unwrap())
    });
    // All of three pushes succeed only if the pop made room.
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(2, None), (2, Some(0)), (3, Some(0))]);
}

/// Who sees the producer gone sees all that it pushed.
#[test]
fn after_the_producer_is_gone_nothing_comes_any_more() {
    let outcomes = check(3, || {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || {
            producer.push(1).unwrap();
            producer.push(2).unwrap();
        });
        let is_abandoned = consumer.is_abandoned();
        if is_abandoned {
            assert_eq!([consumer.pop(), consumer.pop(), consumer.pop()], [Some(1), Some(2), None]);
        }
        pushing.join().unwrap();
        is_abandoned
    });
    assert_eq!(outcomes.len(), 2);
}
