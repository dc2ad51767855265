//! The intake in every interleaving of two producers and the consumer.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::intake::{Drain, Intake, intake};
use loom::sync::Arc;
use loom::thread;
use model::check;
use std::collections::BTreeSet;

type Item = (u32, u32);

/// Pushes (producer, 0), (producer, 1), ... as far as there is room; returns how many.
fn push_all(intake: &Intake<Item>, producer: u32, items: u32) -> u32 {
    (0..items).take_while(|&item| intake.push((producer, item)).is_ok()).count() as u32
}

type Call = fn(&mut Drain<Item>, &mut Vec<Item>, usize) -> usize;

/// `drain`, or `take` and how many nodes it keeps back at most.
#[derive(Clone, Copy)]
enum Way {
    Drain,
    Take(usize),
}

impl Way {
    fn call(self) -> Call {
        if let Way::Drain = self { Drain::drain } else { Drain::take }
    }

    fn intake(self, capacity: usize) -> (Intake<Item>, Drain<Item>) {
        let (intake, mut drain) = intake(capacity);
        if let Way::Take(most) = self {
            drain.keep_at_most(most);
        }
        (intake, drain)
    }
}

/// Drains twice while others push, who get their turn in between.
fn draining(mut drain: Drain<Item>, call: Call, limit: usize) -> thread::JoinHandle<(Drain<Item>, Vec<Item>)> {
    thread::spawn(move || {
        let mut out = vec![];
        call(&mut drain, &mut out, limit);
        thread::yield_now();
        call(&mut drain, &mut out, limit);
        (drain, out)
    })
}

/// The consumer is started before the second producer or after it: see `model` on what each search leaves out.
fn outcomes_of(is_second: bool, way: Way, capacity: usize, limit: usize, items: [u32; 2]) -> BTreeSet<(usize, bool)> {
    check(2, move || {
        let (intake, drain) = way.intake(capacity);
        let start_other = |intake: Intake<Item>| thread::spawn(move || push_all(&intake, 1, items[1]));
        let (other, consumer) = if is_second {
            let consumer = draining(drain, way.call(), limit);
            (start_other(intake.clone()), consumer)
        } else {
            (start_other(intake.clone()), draining(drain, way.call(), limit))
        };
        let pushed = [push_all(&intake, 0, items[0]), other.join().unwrap()];
        let (mut drain, mut out) = consumer.join().unwrap();
        let early = out.len();
        drain.drain(&mut out, usize::MAX);
        for (producer, &count) in (0..).zip(&pushed) {
            let order: Vec<u32> = out.iter().filter(|item| item.0 == producer).map(|item| item.1).collect();
            assert_eq!(order, (0..count).collect::<Vec<u32>>());
        }
        assert!(pushed[0] + pushed[1] >= capacity.min(2) as u32);
        (early, pushed == items)
    })
}

/// In some runs each of `early` items is drained while others push, and pushes are refused if there are fewer nodes than
/// items.
fn nothing_is_lost(way: Way, capacity: usize, limit: usize, items: [u32; 2], early: &[usize]) {
    let mut outcomes = outcomes_of(false, way, capacity, limit, items);
    outcomes.append(&mut outcomes_of(true, way, capacity, limit, items));
    for early in early {
        assert!(outcomes.contains(&(*early, true)), "never {early} drained early: {outcomes:?}");
    }
    let is_ever_refused = outcomes.iter().any(|outcome| !outcome.1);
    assert_eq!(is_ever_refused, (capacity as u32) < items.iter().sum(), "{outcomes:?}");
}

#[test]
fn one_node() {
    nothing_is_lost(Way::Drain, 1, 1, [1, 1], &[1, 2]);
}

#[test]
fn two_nodes_go_round() {
    nothing_is_lost(Way::Drain, 2, 1, [2, 1], &[1, 2]);
}

#[test]
fn a_batch_is_taken_whole() {
    nothing_is_lost(Way::Drain, 3, 9, [2, 1], &[0, 1, 2, 3]);
}

/// Only what was kept back by the first call, and given back by the second, lets the third item in.
#[test]
fn a_node_that_is_kept_back_comes_back_with_the_next() {
    nothing_is_lost(Way::Take(1), 2, 1, [2, 1], &[2]);
}

#[test]
fn nodes_that_are_kept_back_go_round() {
    nothing_is_lost(Way::Take(1), 2, 9, [2, 1], &[2, 3]);
}

/// One producer stops for good at a step of its push: the other one and the consumer get on with what is left.
fn a_death_costs_one_node(is_filled: bool) {
    let outcomes = check(2, move || {
        let (intake, drain) = intake(2);
        let dying = thread::spawn({
            let victim = intake.clone();
            move || victim.push_and_die((9, 9), is_filled)
        });
        let consumer = draining(drain, Drain::drain, 9);
        let pushed = push_all(&intake, 0, 2);
        let has_died = dying.join().unwrap();
        let (mut drain, mut out) = consumer.join().unwrap();
        let early = out.len();
        drain.drain(&mut out, 9);
        assert_eq!(out, (0..pushed).map(|item| (0, item)).collect::<Vec<_>>());
        assert!(pushed > 0);
        let room = push_all(&intake, 0, 9) as usize;
        assert_eq!(room, if has_died { 1 } else { 2 });
        assert_eq!(drain.drain(&mut out, 9), room);
        (has_died, early)
    });
    for outcome in [(false, 0), (true, 0), (true, 1), (true, 2)] {
        assert!(outcomes.contains(&outcome), "never {outcome:?}: {outcomes:?}");
    }
}

#[test]
fn a_producer_that_dies_with_an_empty_node_wedges_nobody() {
    a_death_costs_one_node(false);
}

#[test]
fn a_producer_that_dies_with_a_full_node_wedges_nobody() {
    a_death_costs_one_node(true);
}

/// Loom reports an Arc that is never dropped, or dropped twice.
#[test]
fn what_is_not_drained_is_dropped() {
    let outcomes = check(3, || {
        let (intake, mut drain) = intake(2);
        let other = thread::spawn({
            let intake = intake.clone();
            move || intake.push(Arc::new(())).unwrap()
        });
        let consumer = thread::spawn(move || drain.drain(&mut vec![], 1));
        intake.push(Arc::new(())).unwrap();
        other.join().unwrap();
        consumer.join().unwrap()
    });
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [0, 1]);
}
