//! A versioned value of two words (a seqlock), whose orderings can be weakened one at a time.
//!
//! The writer makes the version odd, writes the words, makes it even. A reader takes the version, the words, and the version
//! again: the same even number both times means that no writer was there in between. Four orderings hold this up:
//!
//! - after the odd version a *release fence*: who sees one of the new words (and then fences) sees at least the odd version;
//! - the even version is stored with *release*: who reads it sees the words before it;
//! - the first load of the version *acquires*, for the same reason from the other side;
//! - before the second load an *acquire fence*, the counterpart of the writer's fence.
//!
//! The shipped one is the runtime's `versioned`; this copy exists to be broken.

use aeromatch_runtime::sync::atomic::{AtomicU64, Ordering, fence};

/// Which ordering is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// None: as shipped.
    None,
    /// The writer's fence behind the odd version.
    WriterFence,
    /// The release of the even version.
    PublishRelease,
    /// The reader's acquire of the first version.
    ReaderAcquire,
    /// The reader's fence before the second version.
    ReaderFence,
    /// Not an ordering but a step: the reader does not look at the version again. No processor hides that one.
    SecondLook,
}

/// Two words that are read together.
pub struct Pair {
    version: AtomicU64,
    words: [AtomicU64; 2],
    flaw: Flaw,
}

impl Pair {
    /// Both words 0, version 0.
    pub fn new(flaw: Flaw) -> Pair {
        Pair { version: AtomicU64::new(0), words: [AtomicU64::new(0), AtomicU64::new(0)], flaw }
    }

    /// Writes both words; only ever from one thread. Version is what it last returned, or 0.
    pub fn write(&self, version: u64, words: [u64; 2]) -> u64 {
        self.version.store(version + 1, Ordering::Relaxed);
        if self.flaw != Flaw::WriterFence {
            fence(Ordering::Release);
        }
        self.words[0].store(words[0], Ordering::Relaxed);
        self.words[1].store(words[1], Ordering::Relaxed);
        let publish = if self.flaw == Flaw::PublishRelease { Ordering::Relaxed } else { Ordering::Release };
        self.version.store(version + 2, publish);
        version + 2
    }

    /// Both words as one write left them; None if a writer was there meanwhile.
    pub fn read(&self) -> Option<[u64; 2]> {
        let acquire = if self.flaw == Flaw::ReaderAcquire { Ordering::Relaxed } else { Ordering::Acquire };
        let version = self.version.load(acquire);
        let words = [self.words[0].load(Ordering::Relaxed), self.words[1].load(Ordering::Relaxed)];
        if self.flaw == Flaw::SecondLook {
            return Some(words);
        }
        if self.flaw != Flaw::ReaderFence {
            fence(Ordering::Acquire);
        }
        (version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version).then_some(words)
    }
}
