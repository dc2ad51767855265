//! The experiments on real threads, for moments: what must hold whatever the processor does.

#![cfg(not(loom))]

use aeromatch_lab::aba::{race, script};
use aeromatch_lab::cell::SpinLock;
use aeromatch_lab::false_sharing::{Increment, count};
use aeromatch_lab::free_list::Stamps;
use aeromatch_lab::stage::{Part, Placement, Stage};
use aeromatch_lab::store_buffer::{self, Strength};
use aeromatch_lab::{ring, seqlock, weakened};
use std::collections::BTreeSet;

fn go_on() -> bool {
    true
}

fn stage() -> Stage<'static> {
    Stage::new(0.03, &go_on)
}

#[test]
fn counters_count_at_every_distance() {
    for distance_bytes in [8, 64, 128] {
        for increment in [Increment::Plain, Increment::Locked] {
            let counted = count(&stage(), 2, distance_bytes, increment);
            assert_eq!(counted.counted, counted.increments);
            assert!(counted.increments > 0);
        }
    }
}

#[test]
fn with_a_fence_somebody_sees() {
    for strength in [Strength::SequentiallyConsistent, Strength::Fence] {
        let outcomes = store_buffer::race(&stage(), strength);
        assert_eq!(outcomes.both_missed, 0, "{strength:?}");
        assert!(outcomes.rounds > 0);
        assert_eq!(outcomes.rounds, outcomes.first_saw + outcomes.second_saw + outcomes.both_saw);
    }
}

#[test]
fn the_script_breaks_the_list_without_stamps_only() {
    for stamps in [Stamps::Missing, Stamps::Counted] {
        let used = script(stamps).pop().unwrap().used;
        let slots: BTreeSet<u32> = used.iter().map(|&(slot, _)| slot).collect();
        assert_eq!(slots.len() == used.len(), stamps == Stamps::Counted, "{used:?}");
    }
}

#[test]
fn stamps_hold_under_real_threads() {
    let race = race(&stage(), Stamps::Counted);
    assert_eq!(race.broken_rounds, 0);
    assert!(race.rounds > 0 && race.takes > 0);
}

#[test]
fn what_is_shipped_is_never_torn_and_the_detector_works() {
    let seen = weakened::race_seqlock(&stage(), seqlock::Flaw::None);
    assert_eq!(seen.wrong, 0);
    let seen = weakened::race_ring(&stage(), ring::Flaw::None);
    assert_eq!(seen.wrong, 0);
    assert!(seen.values > 0);
}

#[test]
fn a_spin_lock_lets_one_in() {
    let lock = &SpinLock::new(0u64);
    let part = || -> Part<u64> {
        Box::new(move |signal| {
            let (mut entered, mut wait) = (0, signal.wait());
            while !signal.is_over() {
                lock.with(|| wait.pause(), |value| *value += 1);
                entered += 1;
            }
            entered
        })
    };
    let played = stage().play(Placement::Even, vec![part(), part(), part()]);
    assert_eq!(lock.with(std::hint::spin_loop, |value| *value), played.results.iter().sum::<u64>());
}

#[test]
fn a_run_ends_when_it_is_told_to() {
    let stage = Stage::new(3600.0, &|| false);
    let part: Part<()> = Box::new(|signal| {
        while !signal.is_over() {
            std::thread::yield_now();
        }
    });
    assert!(stage.play(Placement::Even, vec![part]).elapsed.as_secs() < 3600);
}
