//! A few words that one thread writes and any thread reads whole: a seqlock. Top of book and depth are published so.
//!
//! # Contract
//! - A read returns the words of one write, never parts of two, and the number of that write: 0 before the first.
//! - The writer is wait-free, and readers cost it nothing: they write no word, so they take no cache line from it.
//! - [`Versioned::try_read`] is wait-free too, and fails if a write is under way. [`Versioned::read`] tries again until it
//!   succeeds: a writer that stops in the middle of a write for good holds its readers up for good. Lock-free is the
//!   writer's side only; it must not be a thread that can be stopped there.
//!
//! # How
//! `version` is even between writes, odd during one. A reader copies the words between two looks at it, and takes
//! them if both show the same even number.
//!
//! # Orderings
//! The words are **relaxed** atomics: a reader may copy one while it is written, and a plain word must not be.
//! - Writer: store `version` (odd), **release fence**, store words, store `version` (even) with **release**.
//! - Reader: load `version` with **acquire**, load words, **acquire fence**, load `version`.
//! - Even store with first load: who starts from a version sees all words of it, or newer ones. With either relaxed, a
//!   reader may find the same version twice around words of the one before.
//! - The fences: a reader that took any word from a later write also sees that write's odd version, or a later one, in
//!   its second look, and throws the copy away. A release *store* of the odd version would let the words' stores move
//!   up before it; an acquire *load* as second look would let the words' loads move down behind it. On x86-64 both
//!   fences cost nothing: they bind the compiler.

use crate::padding::Padded;
use crate::sync::atomic::{AtomicU64, Ordering, fence};
use crate::sync::{hint, thread};
use std::sync::Arc;

/// How often a reader tries before it lets others run: on one core the writer must get on for the reader to.
const TRIES: u32 = 64;

/// The readers' side.
pub struct Versioned {
    version: Padded<AtomicU64>,
    words: Box<[AtomicU64]>,
}

/// The writer's side: one.
pub struct VersionedWriter {
    shared: Arc<Versioned>,
    version: u64,
}

/// That many words, all 0.
pub fn versioned(words: usize) -> (VersionedWriter, Arc<Versioned>) {
    let words = (0..words).map(|_| AtomicU64::new(0)).collect();
    let shared = Arc::new(Versioned { version: Padded::new(AtomicU64::new(0)), words });
    (VersionedWriter { shared: shared.clone(), version: 0 }, shared)
}

impl VersionedWriter {
    /// Replaces the first words by `words`, all at once for every reader; the others stay.
    ///
    /// # Panics
    /// If there are fewer words than that.
    pub fn write(&mut self, words: &[u64]) {
        let Versioned { version, words: places } = &*self.shared;
        assert!(words.len() <= places.len(), "words: {} do not fit into {}", words.len(), places.len());
        version.store(self.version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (place, &word) in places.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.version += 2;
        version.store(self.version, Ordering::Release);
    }

    /// What readers read.
    pub fn shared(&self) -> &Arc<Versioned> {
        &self.shared
    }
}

impl Versioned {
    /// Copies the first words into `out` and returns the number of the write that they are from. Waits while a write is
    /// under way.
    ///
    /// # Panics
    /// If there are fewer words than `out` has.
    pub fn read(&self, out: &mut [u64]) -> u64 {
        let mut tries = 0;
        loop {
            if let Some(version) = self.try_read(out) {
                return version;
            }
            tries += 1;
            if tries % TRIES == 0 { thread::yield_now() } else { hint::spin_loop() }
        }
    }

    /// The same without waiting: None if a write was under way, and `out` then holds nothing of use.
    ///
    /// # Panics
    /// If there are fewer words than `out` has.
    pub fn try_read(&self, out: &mut [u64]) -> Option<u64> {
        assert!(out.len() <= self.words.len(), "out: {} words are asked for of {}", out.len(), self.words.len());
        let before = self.version.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        for (word, place) in out.iter_mut().zip(&self.words) {
            *word = place.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        let after = self.version.load(Ordering::Relaxed);
        (before == after).then_some(before / 2)
    }

    /// How many writes are complete: what the next read returns at least.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire) / 2
    }

    /// How many words there are.
    pub fn words(&self) -> usize {
        self.words.len()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::versioned;

    #[test]
    fn a_read_returns_the_last_write_and_its_number() {
        let (mut writer, shared) = versioned(3);
        let mut out = [9; 3];
        assert_eq!((shared.read(&mut out), out), (0, [0; 3]));
        writer.write(&[1, 2, 3]);
        writer.write(&[4, 5]);
        assert_eq!((shared.try_read(&mut out), out, shared.version()), (Some(2), [4, 5, 3], 2));
        let mut prefix = [0; 1];
        assert_eq!((shared.read(&mut prefix), prefix, shared.words()), (2, [4], 3));
    }

    #[test]
    #[should_panic(expected = "words: 2 do not fit into 1")]
    fn a_write_that_does_not_fit_is_refused() {
        versioned(1).0.write(&[1, 2]);
    }

    #[test]
    #[should_panic(expected = "out: 2 words are asked for of 1")]
    fn a_read_of_more_than_there_is_is_refused() {
        versioned(1).1.read(&mut [0; 2]);
    }
}
