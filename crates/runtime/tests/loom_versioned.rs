//! The versioned words in every interleaving, with every value that a relaxed load may return.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::versioned::versioned;
use loom::thread;
use model::check;
use std::collections::BTreeSet;

/// Write number n writes n into every word: a copy is of one write, and is the one whose number it has.
/// A reader meets every version, and writes under way.
fn reads_are_whole(preemptions: usize, writes: u64, readers: usize) {
    let outcomes = check(preemptions, move || {
        let (mut writer, shared) = versioned(2);
        let reading: Vec<_> = (0..readers)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let read = || {
                        let mut words = [99; 2];
                        let version = shared.try_read(&mut words);
                        assert!(version.is_none_or(|version| words == [version; 2]), "{version:?}: {words:?}");
                        version
                    };
                    let (first, second) = (read(), read());
                    assert!(second.is_none() || second >= first, "a reader goes back");
                    first
                })
            })
            .collect();
        for write in 1..=writes {
            writer.write(&[write; 2]);
        }
        let versions: Vec<_> = reading.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(shared.version(), writes);
        versions
    });
    let versions: BTreeSet<_> = outcomes.into_iter().flatten().collect();
    assert!((0..=writes).map(Some).chain([None]).collect::<BTreeSet<_>>() == versions);
}

#[test]
fn one_reader() {
    reads_are_whole(3, 2, 1);
}

#[test]
fn two_readers() {
    reads_are_whole(2, 1, 2);
}

/// Waits for the end of a write that is under way, and gets it or a later one.
#[test]
fn a_read_waits_for_the_writer() {
    let versions = check(3, || {
        let (mut writer, shared) = versioned(2);
        let writing = thread::spawn(move || {
            writer.write(&[1; 2]);
            writer.write(&[2; 2]);
        });
        let known = shared.version();
        let mut words = [99; 2];
        let version = shared.read(&mut words);
        assert!(version >= known);
        assert_eq!(words, [version; 2]);
        writing.join().unwrap();
        version
    });
    assert!(versions.into_iter().eq(0..=2));
}
