//! The word by which a doorbell knows whether anybody sleeps.
//!
//! # The race
//! The sleeper says that it sleeps and then looks for work; the ringer publishes work and then looks for a sleeper. If both
//! looks could miss, the sleeper would sleep on its work for ever. Each side stores one word and loads the other's:
//! Dekker's pattern, the one for which release and acquire are not enough. Both stores may still wait in their cores'
//! store buffers while both loads run, on x86-64 too. So both sides put a **sequentially consistent fence** between store
//! and load. Fences of that kind have one order, whichever comes second sees what was stored before the first: at
//! least one of the two looks succeeds.
//!
//! # Orderings
//! - [`Flag::arm`]: store **relaxed**, then the fence; [`Flag::ring`]: the fence, then load **relaxed**. The fences
//!   order them; ordering on the accesses would add nothing that is missing.
//! - The swaps that end a sleep are **relaxed**: exactly one of those who ring sees `true` and signals, which every
//!   read-modify-write guarantees. What the sleeper finds is ordered by the ring or intake in which it finds it.
//! - A sleep that a first ringer ended, and a second one that arrives meanwhile, sees no sleeper and stays silent: the
//!   sleeper's next [`Flag::arm`] has its own fence, and its look after that finds the second one's work.

use crate::sync::atomic::{AtomicBool, Ordering, fence};

/// Does the other side sleep?
pub struct Flag {
    is_asleep: AtomicBool,
}

impl Default for Flag {
    fn default() -> Flag {
        Flag::new()
    }
}

impl Flag {
    /// Awake.
    pub fn new() -> Flag {
        Flag { is_asleep: AtomicBool::new(false) }
    }

    /// By the sleeper, before its last look for work.
    #[inline]
    pub fn arm(&self) {
        self.is_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// By the sleeper, awake again. Returns whether somebody rang, and thereby signals.
    #[inline]
    pub fn disarm(&self) -> bool {
        !self.is_asleep.swap(false, Ordering::Relaxed)
    }

    /// By the ringer, after publishing. Returns whether it must signal.
    #[inline]
    pub fn ring(&self) -> bool {
        fence(Ordering::SeqCst);
        // The load first: while the sleeper is awake its line stays shared between all who ring.
        self.is_asleep.load(Ordering::Relaxed) && self.is_asleep.swap(false, Ordering::Relaxed)
    }
}
