//! The pool in every interleaving of three threads: every slot has one owner, who sees what the last one left.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::pool::Pool;
use aeromatch_runtime::pool::nodes::Nodes;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use model::check;

/// A pool, and for every slot whether somebody has it.
struct Lent {
    pool: Pool<u32>,
    owned: [AtomicBool; 2],
}

impl Lent {
    /// Takes a slot, alone, and counts in it; returns whether there was one.
    fn use_one(&self) -> bool {
        let Some(mut slot) = self.pool.take() else { return false };
        let owned = &self.owned[slot.index() as usize];
        assert!(!owned.swap(true, Ordering::Relaxed), "a slot has two owners");
        *slot += 1;
        owned.store(false, Ordering::Relaxed);
        true
    }
}

/// Returns how many uses there were: all of three, or fewer if they met an empty pool.
fn slots_have_one_owner(capacity: usize, uses: [u32; 3]) -> Vec<u32> {
    let outcomes = check(3, move || {
        let owned = [AtomicBool::new(false), AtomicBool::new(false)];
        let lent = Arc::new(Lent { pool: Pool::with_capacity(capacity), owned });
        let run = |lent: Arc<Lent>, uses| (0..uses).filter(|_| lent.use_one()).count() as u32;
        let threads = [uses[1], uses[2]].map(|uses| {
            thread::spawn({
                let lent = lent.clone();
                move || run(lent, uses)
            })
        });
        let mut used = run(lent.clone(), uses[0]);
        for thread in threads {
            used += thread.join().unwrap();
        }
        let slots: Vec<_> = std::iter::from_fn(|| lent.pool.take()).collect();
        assert_eq!(slots.len(), capacity, "a slot is lost");
        assert_eq!(slots.iter().map(|slot| **slot).sum::<u32>(), used, "a write is lost");
        used
    });
    outcomes.into_iter().collect()
}

#[test]
fn one_slot() {
    assert_eq!(slots_have_one_owner(1, [1, 1, 1]), [1, 2, 3]);
}

#[test]
fn two_slots() {
    assert_eq!(slots_have_one_owner(2, [1, 1, 1]), [2, 3]);
}

/// The interleaving that stamps are for: one thread stops inside of a take, another takes both nodes and gives the
/// first one back. The first thread must not make the second node, which is owned, the head.
#[test]
fn aba() {
    let outcomes = check(3, || {
        let nodes = Arc::new(Nodes::<()>::with_capacity(2));
        let other = thread::spawn({
            let nodes = nodes.clone();
            move || {
                let (first, second) = (nodes.take(), nodes.take());
                if let Some(first) = first {
                    nodes.give(first, first);
                }
                second
            }
        });
        let mine = [nodes.take(), nodes.take()];
        let kept = other.join().unwrap();
        let taken = mine.iter().flatten().count();
        let mut owned: Vec<u32> = mine.into_iter().chain([kept]).flatten().collect();
        owned.extend(std::iter::from_fn(|| nodes.take()));
        owned.sort_unstable();
        assert_eq!(owned, [0, 1], "every node is owned once");
        (taken, kept)
    });
    // The other thread kept the second node and this one took the first, also after it had come back.
    assert!(outcomes.contains(&(1, Some(1))) && outcomes.contains(&(2, None)), "{outcomes:?}");
}
