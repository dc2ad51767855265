//! Loom plays every interleaving of these tiny programs, stale reads included. A flaw must be found (`should_panic`: its
//! counterexample is kept here), and what has none must pass.
#![cfg(loom)]

use aeromatch_lab::free_list::{FreeList, Stamps};
use aeromatch_lab::ring::{self, Ring};
use aeromatch_lab::seqlock::{self, Pair};
use aeromatch_lab::store_buffer::{Strength, enter};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

/// Two threads say "here" and look: does each execution have one that sees the other?
fn somebody_sees(strength: Strength) {
    loom::model(move || {
        let flags = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let other = thread::spawn({
            let flags = flags.clone();
            move || enter(&flags[1], &flags[0], 1, strength)
        });
        let first = enter(&flags[0], &flags[1], 1, strength);
        let second = other.join().unwrap();
        assert!(first == 1 || second == 1, "neither saw the other");
    });
}

#[test]
#[should_panic(expected = "neither saw the other")]
fn store_buffer_relaxed_misses() {
    somebody_sees(Strength::Relaxed);
}

#[test]
#[should_panic(expected = "neither saw the other")]
fn store_buffer_acquire_release_misses() {
    somebody_sees(Strength::AcquireRelease);
}

// Loom takes sequentially consistent accesses for acquire and release; it is exact for fences, which is what the runtime uses.
#[test]
fn store_buffer_with_fences_sees() {
    somebody_sees(Strength::Fence);
}

/// One thread takes a slot while the other takes two and gives the first back; then all that is free is taken.
fn slots_have_one_user(stamps: Stamps) {
    loom::model(move || {
        let list = Arc::new(FreeList::new(3, stamps));
        let other = thread::spawn({
            let list = list.clone();
            move || {
                let first = list.take().expect("three slots, two users");
                let second = list.take();
                list.give(first);
                second
            }
        });
        let mut used: Vec<u32> = list.take().into_iter().collect();
        used.extend(other.join().unwrap());
        while let Some(slot) = list.take() {
            assert!(used.len() < 4, "a slot has two users: the list is a ring");
            used.push(slot);
        }
        used.sort_unstable();
        assert_eq!(used, [0, 1, 2], "a slot has two users, or none for ever");
    });
}

#[test]
#[should_panic(expected = "a slot has two users")]
fn free_list_without_stamps_hands_a_slot_out_twice() {
    slots_have_one_user(Stamps::Missing);
}

#[test]
fn free_list_with_stamps_holds() {
    slots_have_one_user(Stamps::Counted);
}

fn pairs_are_whole(flaw: seqlock::Flaw) {
    loom::model(move || {
        let pair = Arc::new(Pair::new(flaw));
        let writer = thread::spawn({
            let pair = pair.clone();
            move || pair.write(0, [1, 1])
        });
        if let Some([first, second]) = pair.read() {
            assert_eq!(first, second, "a torn pair");
        }
        writer.join().unwrap();
        assert_eq!(pair.read(), Some([1, 1]));
    });
}

#[test]
fn seqlock_as_shipped_holds() {
    pairs_are_whole(seqlock::Flaw::None);
}

#[test]
#[should_panic(expected = "a torn pair")]
fn seqlock_without_the_writers_fence_tears() {
    pairs_are_whole(seqlock::Flaw::WriterFence);
}

#[test]
#[should_panic(expected = "a torn pair")]
fn seqlock_without_release_tears() {
    pairs_are_whole(seqlock::Flaw::PublishRelease);
}

#[test]
#[should_panic(expected = "a torn pair")]
fn seqlock_without_acquire_tears() {
    pairs_are_whole(seqlock::Flaw::ReaderAcquire);
}

#[test]
#[should_panic(expected = "a torn pair")]
fn seqlock_without_the_readers_fence_tears() {
    pairs_are_whole(seqlock::Flaw::ReaderFence);
}

#[test]
#[should_panic(expected = "a torn pair")]
fn seqlock_without_a_second_look_tears() {
    pairs_are_whole(seqlock::Flaw::SecondLook);
}

/// Two values through one slot: what comes out is what went in.
fn values_come_out(flaw: ring::Flaw) {
    loom::model(move || {
        let ring = Arc::new(Ring::new(1, flaw));
        let consumer = thread::spawn({
            let ring = ring.clone();
            move || [ring.pop(), ring.pop()].into_iter().flatten().collect::<Vec<_>>()
        });
        let pushed = u64::from(ring.push(1)) + u64::from(ring.push(2));
        let mut values = consumer.join().unwrap();
        values.extend(ring.pop());
        assert!(values.iter().copied().eq(1..=pushed), "wrong values: {values:?} of {pushed}");
    });
}

#[test]
fn ring_as_shipped_holds() {
    values_come_out(ring::Flaw::None);
}

#[test]
#[should_panic(expected = "wrong values")]
fn ring_without_release_loses() {
    values_come_out(ring::Flaw::PushRelease);
}

#[test]
#[should_panic(expected = "wrong values")]
fn ring_without_acquire_loses() {
    values_come_out(ring::Flaw::PopAcquire);
}

#[test]
#[should_panic(expected = "wrong values")]
fn ring_that_counts_first_loses() {
    values_come_out(ring::Flaw::CountFirst);
}

/// A flag between two plain words, for loom itself: release and acquire are told from relaxed.
#[test]
fn loom_tells_release_from_relaxed() {
    loom::model(|| {
        let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let other = thread::spawn({
            let words = words.clone();
            move || {
                words[0].store(1, Ordering::Relaxed);
                words[1].store(1, Ordering::Release);
            }
        });
        if words[1].load(Ordering::Acquire) == 1 {
            assert_eq!(words[0].load(Ordering::Relaxed), 1);
        }
        other.join().unwrap();
    });
}
