//! The broadcast ring in every interleaving, with every value that a relaxed load may return.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::ring::{BroadcastReader, Lagged, broadcast, broadcast_of};
use loom::thread;
use model::check;
use std::collections::BTreeSet;

/// Reads once. Slot n has n + 1 in every word: what is delivered is whole, and is the slot whose turn it is. Returns how
/// many slots came, None after a lag.
fn read<const WORDS: usize>(reader: &mut BroadcastReader<WORDS>) -> Option<usize> {
    let (mut out, position) = (vec![], reader.position());
    match reader.read(&mut out, 9) {
        Ok(count) => {
            assert_eq!((out.len(), reader.position()), (count, position + count as u64));
            for (number, slot) in (position..).zip(&out) {
                assert_eq!(*slot, [number + 1; WORDS]);
            }
            Some(count)
        }
        Err(Lagged { oldest }) => {
            assert!(oldest > position && out.is_empty() && reader.position() == position);
            reader.resume(oldest);
            None
        }
    }
}

fn slots_are_whole<const WORDS: usize>(preemptions: usize, capacity: usize, batches: &'static [u64], readers: usize) {
    let outcomes = check(preemptions, move || {
        let (mut writer, ring) = broadcast_of::<WORDS>(capacity);
        let reading: Vec<_> = (0..readers)
            .map(|_| {
                let mut reader = ring.reader(0);
                thread::spawn(move || {
                    let first = read(&mut reader);
                    read(&mut reader);
                    first
                })
            })
            .collect();
        let mut next = 1;
        for &length in batches {
            let batch: Vec<_> = (next..next + length).map(|word| [word; WORDS]).collect();
            writer.publish(&batch);
            next += length;
        }
        let counts: Vec<_> = reading.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(ring.published(), next - 1);
        counts
    });
    let counts: BTreeSet<_> = outcomes.into_iter().flatten().collect();
    assert!([None, Some(0), Some(1)].iter().all(|count| counts.contains(count)), "{counts:?}");
}

/// The slots that are shipped, 8 words; fewer words leave time for more rounds.
#[test]
fn one_slot_is_overwritten() {
    slots_are_whole::<8>(2, 1, &[1, 1], 1);
}

#[test]
fn one_slot_of_two_words_is_overwritten_twice() {
    slots_are_whole::<2>(3, 1, &[1, 1, 1], 1);
}

#[test]
fn two_slots_and_a_batch() {
    slots_are_whole::<2>(3, 2, &[1, 2], 1);
}

#[test]
fn two_readers() {
    slots_are_whole::<2>(2, 1, &[1, 1], 2);
}

/// Who sees the ring closed sees the last slot.
#[test]
fn a_closed_ring_is_complete() {
    let outcomes = check(2, || {
        let (mut writer, ring) = broadcast(2);
        let writing = thread::spawn(move || writer.publish(&[[1; 8], [2; 8]]));
        let mut out = vec![];
        let is_closed = ring.is_closed();
        if is_closed {
            assert_eq!((ring.reader(0).read(&mut out, 9), &out[..]), (Ok(2), &[[1; 8], [2; 8]][..]));
        }
        writing.join().unwrap();
        is_closed
    });
    assert_eq!(outcomes.len(), 2);
}
