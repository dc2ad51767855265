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
    check(3, move || {
        let (mut producer, mut consumer) = spsc(capacity);
        let pushing = thread::spawn(move || {
            for mut item in 0..items {
                while let Err(Full(back)) = producer.push(item) {
                    item = back;
                    thread::yield_now();
                }
            }
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
        pushing.join().unwrap();
        assert_eq!(consumer.pop(), None);
    });
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
    check(3, || {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || {
            let pushed = (0..3).take_while(|&item| producer.push(Arc::new(item)).is_ok()).count();
            assert!(pushed >= 2);
        });
        let popping = thread::spawn(move || {
            if let Some(item) = consumer.pop() {
                assert_eq!(*item, 0);
            }
        });
        pushing.join().unwrap();
        popping.join().unwrap();
    });
}

/// Who sees the producer gone sees all that it pushed.
#[test]
fn after_the_producer_is_gone_nothing_comes_any_more() {
    check(3, || {
        let (mut producer, mut consumer) = spsc(2);
        let pushing = thread::spawn(move || {
            producer.push(1).unwrap();
            producer.push(2).unwrap();
        });
        if consumer.is_abandoned() {
            assert_eq!([consumer.pop(), consumer.pop(), consumer.pop()], [Some(1), Some(2), None]);
        }
        pushing.join().unwrap();
    });
}
