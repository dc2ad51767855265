//! The versioned words in every interleaving, with every value that a relaxed load may return.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::versioned::versioned;
use loom::thread;
use model::check;

/// Write number n writes n into every word: a copy is of one write, and is the one whose number it has.
fn reads_are_whole(preemptions: usize, writes: u64, readers: usize) {
    check(preemptions, move || {
        let (mut writer, shared) = versioned(2);
        let reading: Vec<_> = (0..readers)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let mut last = 0;
                    for _ in 0..2 {
                        let mut words = [99; 2];
                        if let Some(version) = shared.try_read(&mut words) {
                            assert_eq!(words, [version; 2]);
                            assert!(version >= last, "a reader goes back");
                            last = version;
                        }
                    }
                })
            })
            .collect();
        for write in 1..=writes {
            writer.write(&[write; 2]);
        }
        for reader in reading {
            reader.join().unwrap();
        }
        assert_eq!(shared.version(), writes);
    });
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
    check(3, || {
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
    });
}
