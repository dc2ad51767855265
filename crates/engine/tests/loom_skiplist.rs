//! The skip list's readers under loom: every interleaving, and every value that the memory model lets a load return, of the
//! shipped source, with two or three threads and a handful of keys. Slots are collected after every removal here.
#![cfg(loom)]

use aeromatch_engine::index::{PriceIndex, SkipList, SkipListReader};
use loom::model::Builder;
use loom::thread;

/// Explores what `run` may do, with at most so many switches of threads that are not asked for.
fn explore(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = Builder::new();
    model.preemption_bound = Some(preemptions);
    model.max_branches = 20_000;
    model.check(run);
}

fn list_of(keys: &[i64]) -> (SkipList, SkipListReader) {
    let mut list = SkipList::default();
    keys.iter().for_each(|&key| list.insert(key, key as u32, 0));
    let reader = list.reader().expect("the first one");
    (list, reader)
}

/// Keys 30 and 10 stay. 20 leaves, and its slot may come back as 5: to one who stands on it, that would skip 10.
#[test]
fn a_walk_skips_nothing_when_a_slot_is_used_again() {
    explore(3, || {
        let (mut list, mut reader) = list_of(&[30, 20, 10]);
        let walker = thread::spawn(move || reader.walk(i64::MAX).collect::<Vec<_>>());
        list.remove(20);
        list.insert(5, 5, 0);
        let seen = walker.join().expect("a walk");
        assert!(seen.is_sorted_by(|a, b| a.0 > b.0), "{seen:?}");
        assert!(seen.iter().all(|&(key, level)| key as u32 == level), "{seen:?}");
        assert!(seen.contains(&(30, 30)) && seen.contains(&(10, 10)), "{seen:?}");
    });
}

/// The slot of 20 may come back as 40, before what the reader has seen.
#[test]
fn a_look_up_is_right_at_some_moment() {
    explore(3, || {
        let (mut list, mut reader) = list_of(&[20, 10]);
        let looker = thread::spawn(move || {
            let first = reader.first_at_or_below(25);
            (first, reader.first_at_or_below(25))
        });
        list.remove(20);
        list.insert(40, 40, 0);
        let seen = looker.join().expect("two look-ups");
        let (before, after) = (Some((20, 20)), Some((10, 10)));
        assert!([(before, before), (before, after), (after, after)].contains(&seen), "{seen:?}");
    });
}

/// What a second pin of one reader announces does not hide that the first is over, nor does the first hide the second.
#[test]
fn a_reader_that_pins_again_beside_two_removals() {
    explore(2, || {
        let (mut list, mut reader) = list_of(&[30, 20, 10]);
        let walker = thread::spawn(move || {
            for _ in 0..2 {
                let seen: Vec<_> = reader.walk(i64::MAX).collect();
                assert!(seen.is_sorted_by(|a, b| a.0 > b.0), "{seen:?}");
                assert!(seen.iter().all(|&(key, level)| key as u32 == level), "{seen:?}");
                assert!(seen.contains(&(10, 10)), "{seen:?}");
            }
        });
        list.remove(30);
        list.insert(5, 5, 0);
        list.remove(20);
        list.insert(4, 4, 0);
        walker.join().expect("two walks");
    });
}

/// The last reader leaves, so that slots come back at once, while another has just left too.
#[test]
fn readers_leave_while_slots_go_round() {
    explore(2, || {
        let (mut list, reader) = list_of(&[20, 10]);
        let second = list.reader().expect("the second one");
        let walkers = [reader, second].map(|mut reader| {
            thread::spawn(move || {
                let seen: Vec<_> = reader.walk(i64::MAX).collect();
                drop(reader);
                assert!(seen.is_sorted_by(|a, b| a.0 > b.0) && seen.contains(&(10, 10)), "{seen:?}");
                assert!(seen.iter().all(|&(key, level)| key as u32 == level), "{seen:?}");
            })
        });
        list.remove(20);
        list.insert(5, 5, 0);
        walkers.into_iter().for_each(|walker| walker.join().expect("a walk"));
    });
}
