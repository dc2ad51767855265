//! The pool between real threads.
#![cfg(not(loom))]

#[path = "stress/mod.rs"]
mod stress;

use aeromatch_runtime::pool::Pool;
use std::sync::Arc;
use std::thread;
use stress::{Random, count, words_of};

const THREADS: u64 = 4;

/// A value that says how often it was used, in plain words: two owners at once would tear it.
#[derive(Default)]
struct Value {
    uses: u64,
    words: [u64; 7],
}

impl Value {
    fn check(&self) {
        assert!(self.uses == 0 || self.words == words_of(self.uses), "somebody else wrote into a lent value");
    }

    fn use_once(&mut self) {
        self.check();
        self.uses += 1;
        self.words = words_of(self.uses);
    }
}

/// Threads hold up to three values at once out of fewer than they could want, in changing order.
#[test]
fn a_value_has_one_owner_who_sees_what_the_last_one_left() {
    let rounds = count(100_000);
    let pool = Arc::new(Pool::<Value>::with_capacity(5));
    let run = move |seed, pool: Arc<Pool<Value>>| {
        let (mut random, mut uses, mut refused) = (Random::new(seed), 0, 0_u64);
        for _ in 0..rounds {
            let mut held = vec![];
            for _ in 0..=random.below(3) {
                match pool.take() {
                    Some(mut slot) => {
                        slot.use_once();
                        uses += 1;
                        held.push(slot);
                    }
                    None => refused += 1,
                }
            }
            if random.below(16) == 0 {
                thread::yield_now();
            }
            held.iter().for_each(|slot| slot.check());
            if held.len() > 1 && random.below(2) == 0 {
                held.swap(0, 1);
            }
            held.into_iter().for_each(|slot| pool.give(slot));
        }
        (pool, uses, refused)
    };
    let threads: Vec<_> = (0..THREADS)
        .map(|seed| {
            let pool = pool.clone();
            thread::spawn(move || run(seed + 1, pool))
        })
        .collect();
    let (mut uses, mut refused) = (0, 0);
    for thread in threads {
        let (_pool, used, was_refused) = thread.join().unwrap();
        uses += used;
        refused += was_refused;
    }
    let slots: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
    assert_eq!((slots.len(), slots.iter().map(|slot| slot.uses).sum::<u64>()), (5, uses));
    assert_eq!(slots.iter().map(|slot| slot.index()).collect::<std::collections::BTreeSet<_>>().len(), 5);
    assert!(uses + refused >= rounds * THREADS);
}
