//! A lock-free free list (Treiber's stack), with and without version stamps: the same code, one field apart.
//!
//! The head is one word: (stamp, slot). Taking a slot is two steps: *look* at the head and at what stands behind it, then
//! *commit* by one compare-exchange of the head. Between the two another thread may take the slot, take the next one too and
//! give the first one back: the head is the same slot again (A-B-A), though what stands behind it is not. Without stamps the
//! commit succeeds, and a slot that somebody uses is on the list. With stamps every change of the head makes it a word that
//! was never there before, and the commit fails as it must. The runtime's pool is the stamped one.
//!
//! Orderings. `give` releases: whoever takes the slot (acquire) sees what its last user wrote, and the link behind it. Links
//! are atomic because a thread may look at one while its new owner changes it; such a look is never committed.

use aeromatch_runtime::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// No slot.
pub const NONE: u32 = u32::MAX;

/// Is the head stamped?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// Every change of the head counts up.
    Counted,
    /// Always 0: the flaw.
    Missing,
}

/// Slots that nobody uses.
pub struct FreeList {
    head: AtomicU64,
    links: Box<[AtomicU32]>,
    stamps: Stamps,
}

/// What a thread saw when it looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    head: u64,
    next: u32,
}

/// The head, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The first free slot, or [`NONE`].
    pub slot: u32,
    /// How often the head has changed, if that is counted.
    pub stamp: u32,
}

const fn pack(head: Head) -> u64 {
    (head.stamp as u64) << 32 | head.slot as u64
}

const fn unpack(word: u64) -> Head {
    Head { slot: word as u32, stamp: (word >> 32) as u32 }
}

impl Seen {
    /// The slot that will be taken.
    pub fn slot(&self) -> u32 {
        unpack(self.head).slot
    }

    /// The slot that will be the first one then.
    pub fn next(&self) -> u32 {
        self.next
    }
}

impl FreeList {
    /// All slots are free; the first one is slot 0.
    pub fn new(slots: u32, stamps: Stamps) -> FreeList {
        let link = |slot| AtomicU32::new(if slot + 1 < slots { slot + 1 } else { NONE });
        let first = Head { slot: if slots > 0 { 0 } else { NONE }, stamp: 0 };
        FreeList { head: AtomicU64::new(pack(first)), links: (0..slots).map(link).collect(), stamps }
    }

    /// The first step of taking a slot; None if none is free.
    pub fn look(&self) -> Option<Seen> {
        let head = self.head.load(Ordering::Acquire);
        let slot = unpack(head).slot;
        (slot != NONE).then(|| Seen { head, next: self.links[slot as usize].load(Ordering::Relaxed) })
    }

    /// The second step: the slot, unless the head has changed in between. Without stamps: unless it looks changed.
    pub fn commit(&self, seen: Seen) -> Option<u32> {
        self.replace(seen.head, seen.next).then(|| seen.slot())
    }

    /// Takes a slot; None if none is free.
    pub fn take(&self) -> Option<u32> {
        loop {
            if let Some(slot) = self.commit(self.look()?) {
                return Some(slot);
            }
        }
    }

    /// Gives a slot back, which the caller has taken.
    pub fn give(&self, slot: u32) {
        loop {
            let head = self.head.load(Ordering::Relaxed);
            self.links[slot as usize].store(unpack(head).slot, Ordering::Relaxed);
            if self.replace(head, slot) {
                return;
            }
        }
    }

    fn replace(&self, seen: u64, slot: u32) -> bool {
        let stamp = match self.stamps {
            Stamps::Counted => unpack(seen).stamp.wrapping_add(1),
            Stamps::Missing => 0,
        };
        self.head.compare_exchange(seen, pack(Head { slot, stamp }), Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// The head as it is now.
    pub fn head(&self) -> Head {
        unpack(self.head.load(Ordering::Acquire))
    }

    /// The free slots in order, while nobody changes them; a list that has become a ring is cut after one turn.
    pub fn free(&self) -> Vec<u32> {
        let mut free = Vec::new();
        let mut slot = self.head().slot;
        while slot != NONE && free.len() < self.links.len() {
            free.push(slot);
            slot = self.links[slot as usize].load(Ordering::Relaxed);
        }
        free
    }
}
