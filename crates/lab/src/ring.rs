//! A ring of one producer and one consumer, whose orderings can be weakened one at a time.
//!
//! Two counts that only grow: `tail`, what was pushed, written by the producer; `head`, what was popped, written by the
//! consumer. Four orderings hold it up:
//!
//! - the producer stores `tail` with *release*, after the value, and the consumer loads it with *acquire*: who sees the count
//!   sees the value;
//! - the consumer stores `head` with *release*, after it has read the value, and the producer loads it with *acquire*: who
//!   sees the slot free does not write into it before it was read.
//!
//! The shipped one is the runtime's `ring::spsc`; this copy exists to be broken. Its values are atomic words, so that what a
//! flaw does is a wrong value and not undefined behaviour.

use aeromatch_runtime::sync::atomic::{AtomicU64, Ordering};

/// Which ordering is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// None: as shipped.
    None,
    /// The producer's release of `tail`.
    PushRelease,
    /// The consumer's acquire of `tail`.
    PopAcquire,
    /// Not an ordering but a step out of order: the producer counts before it writes. What a processor that keeps no order
    /// may make of the first flaw, in the order of the program, so that no processor hides it.
    CountFirst,
}

/// The ring. The producer calls `push` only, the consumer `pop` only.
pub struct Ring {
    head: Apart,
    tail: Apart,
    slots: Box<[AtomicU64]>,
    flaw: Flaw,
}

/// Keeps a count off the other's cache line.
#[repr(align(128))]
struct Apart(AtomicU64);

impl Ring {
    /// An empty ring for so many values.
    pub fn new(capacity: usize, flaw: Flaw) -> Ring {
        let slots = (0..capacity).map(|_| AtomicU64::new(0)).collect();
        Ring { head: Apart(AtomicU64::new(0)), tail: Apart(AtomicU64::new(0)), slots, flaw }
    }

    /// False if it is full.
    pub fn push(&self, value: u64) -> bool {
        let tail = self.tail.0.load(Ordering::Relaxed);
        if tail - self.head.0.load(Ordering::Acquire) == self.slots.len() as u64 {
            return false;
        }
        let slot = &self.slots[tail as usize % self.slots.len()];
        match self.flaw {
            Flaw::CountFirst => {
                self.tail.0.store(tail + 1, Ordering::Relaxed);
                slot.store(value, Ordering::Relaxed);
            }
            Flaw::PushRelease => {
                slot.store(value, Ordering::Relaxed);
                self.tail.0.store(tail + 1, Ordering::Relaxed);
            }
            Flaw::None | Flaw::PopAcquire => {
                slot.store(value, Ordering::Relaxed);
                self.tail.0.store(tail + 1, Ordering::Release);
            }
        }
        true
    }

    /// None if it is empty.
    pub fn pop(&self) -> Option<u64> {
        let acquire = if self.flaw == Flaw::PopAcquire { Ordering::Relaxed } else { Ordering::Acquire };
        let head = self.head.0.load(Ordering::Relaxed);
        if self.tail.0.load(acquire) == head {
            return None;
        }
        let value = self.slots[head as usize % self.slots.len()].load(Ordering::Relaxed);
        self.head.0.store(head + 1, Ordering::Release);
        Some(value)
    }
}
