//! Rings between real threads.
#![cfg(not(loom))]

#[path = "stress/mod.rs"]
mod stress;

use aeromatch_runtime::ring::{BroadcastReader, BroadcastRing, Lagged, broadcast, spsc};
use std::sync::Arc;
use std::thread;
use stress::{Random, count, words_of};

/// Nothing is lost, doubled, torn or out of order, in single steps and in batches, with a ring that is full and empty
/// all the time.
fn spsc_delivers(capacity: usize) {
    let items = count(200_000);
    let (mut producer, mut consumer) = spsc::<[u64; 4]>(capacity);
    let pushing = thread::spawn(move || {
        let (mut random, mut next, mut refused) = (Random::new(1), 0, 0_u64);
        while next < items {
            let length = random.below(9).min(items - next);
            let pushed = match length {
                0 => u64::from(producer.push(words_of(next)).is_ok()),
                _ => producer.push_from(&mut (next..next + length).map(words_of)) as u64,
            };
            next += pushed;
            if pushed < length.max(1) {
                refused += 1;
                thread::yield_now();
            }
        }
        (producer, refused)
    });
    let (mut random, mut next, mut out) = (Random::new(2), 0, vec![]);
    while next < items {
        out.clear();
        match random.below(9) {
            0 => out.extend(consumer.pop()),
            limit => assert!(consumer.pop_batch(&mut out, limit as usize) <= limit as usize),
        }
        for item in &out {
            assert_eq!(*item, words_of(next));
            next += 1;
        }
        if out.is_empty() {
            thread::yield_now();
        }
    }
    let (producer, refused) = pushing.join().unwrap();
    assert!(refused > 0, "the ring was never full: backpressure was not tested");
    assert_eq!((consumer.pop(), producer.is_abandoned()), (None, false));
}

#[test]
fn spsc_delivers_through_one_slot() {
    spsc_delivers(1);
}

#[test]
fn spsc_delivers_through_many() {
    spsc_delivers(64);
}

/// Reads to the end of a closed ring: (delivered, missed), each slot being one or the other.
fn read_all(mut reader: BroadcastReader, seed: u64, pause: u64) -> (BroadcastReader, u64, u64) {
    let (mut random, mut out, mut delivered, mut missed) = (Random::new(seed), vec![], 0, 0);
    loop {
        // Before the read: what is published when the ring is closed is all there is.
        let is_closed = reader.ring().is_closed();
        let position = reader.position();
        out.clear();
        match reader.read(&mut out, 1 + random.below(200) as usize) {
            Ok(0) if is_closed => return (reader, delivered, missed),
            Ok(count) => {
                for (number, slot) in (position..).zip(&out) {
                    assert_eq!(*slot, words_of(number));
                }
                assert_eq!((out.len(), reader.position()), (count, position + count as u64));
                delivered += count as u64;
            }
            Err(Lagged { oldest }) => {
                assert!(oldest > position && out.is_empty());
                missed += oldest - position;
                reader.resume(oldest);
            }
        }
        if out.is_empty() || random.below(4) < pause {
            thread::yield_now();
        }
    }
}

/// Every reader gets every slot whole and in order, or knows how many it missed.
fn broadcast_delivers(capacity: usize) -> (Arc<BroadcastRing>, u64) {
    let slots = count(200_000);
    let (mut writer, ring) = broadcast(capacity);
    let readers: Vec<_> = (0..3)
        .map(|reader| {
            let handle = ring.reader(0);
            thread::spawn(move || read_all(handle, reader, reader))
        })
        .collect();
    let (mut random, mut next) = (Random::new(9), 0);
    while next < slots {
        let end = (next + 1 + random.below(20)).min(slots);
        let batch: Vec<_> = (next..end).map(words_of).collect();
        writer.publish(&batch);
        next = end;
        if random.below(8) == 0 {
            thread::yield_now();
        }
    }
    drop(writer);
    let mut missed_by_all = 0;
    for reader in readers {
        let (_reader, delivered, missed) = reader.join().unwrap();
        assert_eq!(delivered + missed, slots);
        missed_by_all += missed;
    }
    assert_eq!(ring.published(), slots);
    (ring, missed_by_all)
}

#[test]
fn broadcast_overruns_slow_readers_and_tells_them() {
    let (ring, missed) = broadcast_delivers(8);
    assert!(missed > 0 && ring.oldest() == ring.published() - 8);
}

#[test]
fn broadcast_delivers_everything_from_a_ring_that_holds_it() {
    let (_, missed) = broadcast_delivers(count(200_000) as usize);
    assert_eq!(missed, 0);
}
