//! The intake in every interleaving of two producers and the consumer.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::intake::{Intake, intake};
use loom::sync::Arc;
use loom::thread;
use model::check;

/// A thread that pushes numbers (producer, 0), (producer, 1), ... as far as there is room; returns how many.
fn pushing(intake: Intake<(u32, u32)>, producer: u32, items: u32) -> thread::JoinHandle<u32> {
    thread::spawn(move || (0..items).take_while(|&item| intake.push((producer, item)).is_ok()).count() as u32)
}

fn nothing_is_lost(preemptions: usize, capacity: usize, limit: usize, items: [u32; 2]) {
    check(preemptions, move || {
        let (intake, mut drain) = intake(capacity);
        let producers = [pushing(intake.clone(), 0, items[0]), pushing(intake, 1, items[1])];
        let mut out = vec![];
        drain.drain(&mut out, limit);
        drain.drain(&mut out, limit);
        let pushed = producers.map(|producer| producer.join().unwrap());
        drain.drain(&mut out, usize::MAX);
        for (producer, &count) in (0..).zip(&pushed) {
            let order: Vec<u32> = out.iter().filter(|item| item.0 == producer).map(|item| item.1).collect();
            assert_eq!(order, (0..count).collect::<Vec<u32>>());
        }
        assert!(pushed[0] + pushed[1] >= capacity.min(2) as u32);
    });
}

#[test]
fn one_node() {
    nothing_is_lost(2, 1, 1, [1, 1]);
}

#[test]
fn two_nodes_go_round() {
    nothing_is_lost(2, 2, 1, [2, 1]);
}

#[test]
fn a_batch_is_taken_whole() {
    nothing_is_lost(2, 3, 9, [2, 1]);
}

/// One producer stops for good at a step of its push: the other one and the consumer get on with what is left.
#[test]
fn a_dead_producer_wedges_nobody() {
    for is_filled in [false, true] {
        check(3, move || {
            let (intake, mut drain) = intake(2);
            let victim = intake.clone();
            let dying = thread::spawn(move || victim.push_and_die(9, is_filled));
            let living = thread::spawn(move || {
                let mut pushed = vec![];
                for item in 0..2 {
                    if intake.push(item).is_ok() {
                        pushed.push(item);
                    }
                }
                (intake, pushed)
            });
            let mut out = vec![];
            drain.drain(&mut out, 9);
            let has_died = dying.join().unwrap();
            let (intake, pushed) = living.join().unwrap();
            drain.drain(&mut out, 9);
            assert_eq!(out, pushed);
            assert!(!pushed.is_empty());
            let room = (0..9).take_while(|&item| intake.push(item).is_ok()).count();
            assert_eq!(room, if has_died { 1 } else { 2 }, "a death costs one node");
            assert_eq!(drain.drain(&mut out, 9), room);
        });
    }
}

/// Loom reports an Arc that is never dropped, or dropped twice.
#[test]
fn what_is_not_drained_is_dropped() {
    check(2, || {
        let (intake, mut drain) = intake(2);
        let producers = [intake.clone(), intake].map(|intake| {
            thread::spawn(move || {
                intake.push(Arc::new(())).unwrap();
            })
        });
        drain.drain(&mut vec![], 1);
        drop(drain);
        for producer in producers {
            producer.join().unwrap();
        }
    });
}
