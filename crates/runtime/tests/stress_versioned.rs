//! The versioned words between real threads.
#![cfg(not(loom))]

#[path = "stress/mod.rs"]
mod stress;

use aeromatch_runtime::versioned::{Versioned, versioned};
use std::sync::Arc;
use std::thread;
use stress::{Random, count, words_of};

const WORDS: usize = 16;

/// Reads until write `last` is seen: every copy is of one write, and never of an earlier one than the copy before.
fn follow(shared: Arc<Versioned>, seed: u64, last: u64) -> (Arc<Versioned>, u64, u64) {
    let (mut random, mut seen, mut copies, mut failed) = (Random::new(seed), 0, 0, 0);
    while seen < last {
        let mut words = [0; WORDS];
        let version = match random.below(2) {
            0 => Some(shared.read(&mut words)),
            _ => shared.try_read(&mut words),
        };
        match version {
            Some(version) => {
                assert!(version >= seen, "a reader goes back");
                assert_eq!(words, if version == 0 { [0; WORDS] } else { words_of(version) });
                seen = version;
                copies += 1;
            }
            None => failed += 1,
        }
        if random.below(64) == 0 {
            thread::yield_now();
        }
    }
    (shared, copies, failed)
}

#[test]
fn every_copy_is_of_one_write() {
    let writes = count(200_000);
    let (mut writer, shared) = versioned(WORDS);
    let readers: Vec<_> = (0..3)
        .map(|seed| {
            let shared = shared.clone();
            thread::spawn(move || follow(shared, seed + 1, writes))
        })
        .collect();
    for write in 1..=writes {
        writer.write(&words_of::<WORDS>(write));
        if write % 256 == 0 {
            thread::yield_now();
        }
    }
    for reader in readers {
        let (_shared, copies, failed) = reader.join().unwrap();
        assert!(copies > 0, "nothing was read; {failed} tries failed");
    }
    assert_eq!(shared.version(), writes);
}
