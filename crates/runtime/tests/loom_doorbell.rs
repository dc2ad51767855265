//! The doorbell's flag in every interleaving: no wake-up is lost. The descriptor is the parking of the thread here.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::doorbell::flag::Flag;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use model::check;

/// Ringers publish with relaxed stores, the least that the flag may be used with; loom reports a sleeper whom nobody
/// wakes as a deadlock.
fn nobody_sleeps_on_work(preemptions: usize, ringers: usize) {
    let outcomes = check(preemptions, move || {
        let flag = Arc::new(Flag::new());
        let published: Arc<Vec<AtomicU32>> = Arc::new((0..ringers).map(|_| AtomicU32::new(0)).collect());
        let sleeper = thread::current();
        let ringing: Vec<_> = (0..ringers)
            .map(|ringer| {
                let (flag, published, sleeper) = (flag.clone(), published.clone(), sleeper.clone());
                thread::spawn(move || {
                    published[ringer].store(1, Ordering::Relaxed);
                    if flag.ring() {
                        sleeper.unpark();
                    }
                })
            })
            .collect();
        let mut sleeps = 0;
        loop {
            flag.arm();
            if published.iter().all(|word| word.load(Ordering::Relaxed) == 1) {
                flag.disarm();
                break;
            }
            sleeps += 1;
            thread::park();
            flag.disarm();
        }
        for ringer in ringing {
            ringer.join().unwrap();
        }
        sleeps
    });
    assert!(outcomes.contains(&0) && outcomes.contains(&1), "{outcomes:?}");
}

#[test]
fn one_ringer() {
    nobody_sleeps_on_work(3, 1);
}

#[test]
fn two_ringers() {
    nobody_sleeps_on_work(3, 2);
}

/// Of several rings for one sleep exactly one signals, and disarm says whether there was one.
#[test]
fn one_ring_of_a_sleep_signals() {
    let outcomes = check(3, || {
        let flag = Arc::new(Flag::new());
        flag.arm();
        let ringing = [(); 2].map(|()| {
            let flag = flag.clone();
            thread::spawn(move || flag.ring())
        });
        let was_rung = flag.disarm();
        let signals = ringing.map(|ringer| u32::from(ringer.join().unwrap())).iter().sum::<u32>();
        assert_eq!(signals, u32::from(was_rung));
        signals
    });
    assert_eq!(outcomes.len(), 2);
}
