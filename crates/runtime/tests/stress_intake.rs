//! The intake, and the doorbell in front of it, between real threads.
#![cfg(not(loom))]

#[path = "stress/mod.rs"]
mod stress;

use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::intake::{Intake, intake};
use aeromatch_runtime::ring::Full;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use stress::{Random, count, words_of};

const PRODUCERS: u64 = 3;

/// Who pushed it, its number there, and words that follow from both.
type Item = (u64, u64, [u64; 4]);

/// Pushes numbered items until all are in; returns the handle and how often there was no room.
fn produce(
    intake: Intake<Item>,
    producer: u64,
    items: u64,
    bell: Option<Arc<Doorbell>>,
) -> JoinHandle<(Intake<Item>, u64)> {
    thread::spawn(move || {
        let mut refused = 0;
        for number in 0..items {
            let mut item = (producer, number, words_of(producer << 32 | number));
            while let Err(Full(back)) = intake.push(item) {
                assert_eq!((back.0, back.1), (producer, number), "the item comes back");
                item = back;
                refused += 1;
                thread::yield_now();
            }
            if let Some(bell) = &bell {
                bell.ring();
            }
        }
        (intake, refused)
    })
}

/// Drains everything, asleep on the bell when there is nothing, and checks order and content.
fn consume(capacity: usize, bell: Option<Arc<Doorbell>>) -> u64 {
    let items = count(100_000);
    let (intake, mut drain) = intake(capacity);
    let producers: Vec<_> =
        (0..PRODUCERS).map(|producer| produce(intake.clone(), producer, items, bell.clone())).collect();
    let (mut random, mut out, mut next) = (Random::new(3), vec![], [0; PRODUCERS as usize]);
    while next.iter().sum::<u64>() < items * PRODUCERS {
        out.clear();
        let limit = 1 + random.below(2 * capacity as u64) as usize;
        assert_eq!((drain.drain(&mut out, limit), out.len() <= limit), (out.len(), true));
        for &(producer, number, words) in &out {
            assert_eq!(number, next[producer as usize], "items of one producer come in order");
            assert_eq!(words, words_of(producer << 32 | number));
            next[producer as usize] += 1;
        }
        assert!(intake.len_estimate() <= capacity);
        match (&bell, out.is_empty()) {
            (Some(bell), true) => {
                let is_ready = bell.wait(|| !drain.is_empty(), Some(Duration::from_secs(30)));
                assert!(is_ready, "a wake-up was lost");
            }
            (None, true) => thread::yield_now(),
            (_, false) => {}
        }
    }
    let refused = producers.into_iter().map(|producer| producer.join().unwrap().1).sum();
    assert_eq!((drain.drain(&mut out, 1), intake.len_estimate()), (0, 0));
    refused
}

#[test]
fn nothing_is_lost_through_two_nodes() {
    assert!(consume(2, None) > 0, "the intake was never full: backpressure was not tested");
}

#[test]
fn nothing_is_lost_through_many() {
    consume(256, None);
}

#[test]
fn a_consumer_that_sleeps_is_woken() {
    let bell = Arc::new(Doorbell::new().unwrap());
    consume(16, Some(bell));
}
