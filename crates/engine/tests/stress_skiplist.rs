//! The skip list's readers on real threads, beside a writer that uses slots again. Under loom the same is `loom_skiplist.rs`.
//!
//! Threads are joined, not scoped: `tools/tsan` runs this with a standard library that the sanitizer cannot see into.
#![cfg(not(loom))]

use aeromatch_engine::index::{PriceIndex, SkipList, SkipListReader};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;

const KEYS: i64 = 400;
const READERS: usize = 3;

/// What a level must be for its key: a node that is not whole, or that moved, shows.
fn level_of(key: i64) -> u32 {
    (3 * key + 1) as u32
}

/// Even keys stay; odd ones come and go.
fn watch(reader: &mut SkipListReader) {
    let seen: Vec<(i64, u32)> = reader.walk(i64::MAX).collect();
    assert!(seen.is_sorted_by(|a, b| a.0 > b.0), "keys that do not fall");
    assert!(seen.iter().all(|&(key, level)| level == level_of(key)), "a node that was not whole");
    let stayed = seen.into_iter().map(|(key, _)| key).filter(|key| key % 2 == 0);
    assert!(stayed.eq((0..KEYS / 2).rev().map(|half| 2 * half)), "a key that stays was not seen");
    for key in 0..KEYS {
        let (found, level) = reader.first_at_or_below(key).expect("0 stays");
        assert!(found == key || key % 2 == 1 && found == key - 1, "{found} for {key}");
        assert_eq!(level, level_of(found));
    }
}

#[test]
fn readers_beside_the_writer_see_falling_keys_and_all_that_stay() {
    let mut list = SkipList::default();
    let put = |list: &mut SkipList, key| list.insert(key, level_of(key), 0);
    for key in (0..KEYS).step_by(2) {
        put(&mut list, key);
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (mut reader, is_over) = (list.reader().expect("a seat"), is_over.clone());
            thread::spawn(move || {
                let mut walks = 0;
                while walks == 0 || !is_over.load(Acquire) {
                    watch(&mut reader);
                    walks += 1;
                }
            })
        })
        .collect();
    for round in 0..400 {
        // Another order of the same keys each time: 199 is a prime.
        let odd = |step: i64| 1 + 2 * (step * (1 + round % 198) % 199);
        (0..199).for_each(|step| put(&mut list, odd(step)));
        (0..199).rev().for_each(|step| list.remove(odd(step * 11 % 199)));
    }
    is_over.store(true, Release);
    readers.into_iter().for_each(|reader| reader.join().expect("nothing found wrong"));
    let kept = list.bytes();
    for _ in 0..400 {
        (0..199).for_each(|half| put(&mut list, 2 * half + 1));
        (0..199).for_each(|half| list.remove(2 * half + 1));
    }
    assert!(list.bytes() <= 2 * kept, "slots that readers have left are used again");
}

/// Readers come and leave while slots go round: a seat that is given again must not inherit what its last holder saw.
#[test]
fn readers_come_and_leave() {
    let mut list = SkipList::default();
    list.insert(0, level_of(0), 0);
    let mut sitting = VecDeque::new();
    for round in 1..2_000_i64 {
        if round % 10 == 0 {
            let mut reader = list.reader().expect("few sit at a time");
            sitting.push_back(thread::spawn(move || {
                for _ in 0..20 {
                    let seen: Vec<_> = reader.walk(i64::MAX).collect();
                    assert!(seen.is_sorted_by(|a, b| a.0 > b.0) && seen.last() == Some(&(0, level_of(0))));
                    assert!(seen.iter().all(|&(key, level)| level == level_of(key)));
                }
            }));
            if sitting.len() > 4 {
                sitting.pop_front().expect("the oldest").join().expect("nothing found wrong");
            }
        }
        (1..20).for_each(|key| list.insert(key * round, level_of(key * round), 0));
        (1..20).for_each(|key| list.remove(key * round));
    }
    sitting.into_iter().for_each(|reader| reader.join().expect("nothing found wrong"));
}
