//! Grace periods: when what one writer took out may be used again beside readers without locks.
//!
//! # Contract
//!
//! A reader sits down in a [`Seats`] and pins its seat while it looks at anything shared. The writer unlinks a slot, so that
//! no new reader comes to it, and then gives it to its [`Limbo`], which hands it back when every reader that may have come to
//! it before has unpinned its seat. Nobody waits: a reader that stays pinned makes the limbo longer, and that is all. While
//! nobody sits, a slot comes back at once, for the price of one load of a line that only sitting down and leaving write.
//!
//! # Why it is right
//!
//! An epoch counts the writer's attempts to collect. A slot is tagged with the epoch in which it left, an attempt begins by
//! raising the epoch, and a slot comes back if its tag is lower than all that is pinned. So three cases of a seat:
//!
//! - *It shows a higher epoch than the tag.* The reader took that epoch from a load with `Acquire` of what the writer had stored
//!   with `Release` after the slot was unlinked: it sees it unlinked, and cannot come to it. What the same reader did under
//!   earlier pins is over: pinning is a store with `Release`, seen by a load with `Acquire`.
//! - *It shows no pin.* Either the reader has unpinned (`Release`, seen by `Acquire`: all its loads are before whatever the
//!   writer does to the slot), or it has pinned and the writer does not see it yet. Then this is Dekker's pattern: the reader
//!   stores its pin, passes a `SeqCst` fence and follows links; the writer unlinks, passes a `SeqCst` fence and looks at the seat. One of the
//!   fences is first. If it is the reader's, the writer sees the pin; if it is the writer's, the reader sees the slot unlinked.
//!   Weaker orderings let both miss the other.
//! - *It shows the tag's epoch or a lower one.* The slot stays. A pin may be older than it need be, because the epoch went on
//!   between the reader's load and its store: that costs time, not safety, so the reader does not look again.
//!
//! Seats are handed out by the writer's own thread, so that it knows of a reader before there is one: `taken` cannot be 0
//! beside a reader it has not heard of, and needs no fence. A reader leaves with `Release`, and who sees 0 with `Acquire` sees everything
//! that every reader did before it left (the decrements continue each other's release sequence).

use super::sync::{AtomicBool, AtomicU32, AtomicU64, fence};
use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// How many readers there may be at a time.
pub(super) const SEATS: usize = if cfg!(loom) { 2 } else { 16 };
/// Slots that leave between two attempts to collect: a fence and a look at every seat are shared by so many.
const BATCH: u32 = if cfg!(loom) { 1 } else { 64 };
/// What a seat shows while nothing is pinned; epochs begin above.
const UNPINNED: u64 = 0;

/// A line of its own (and the neighbour that is fetched with it): each reader writes its seat at every look.
#[derive(Default)]
#[repr(align(128))]
struct Seat {
    pinned: AtomicU64,
    is_taken: AtomicBool,
}

/// What the writer and the readers share.
#[repr(align(128))]
pub(super) struct Seats {
    epoch: AtomicU64,
    taken: AtomicU32,
    seats: [Seat; SEATS],
}

impl Default for Seats {
    fn default() -> Seats {
        Seats { epoch: AtomicU64::new(UNPINNED + 1), taken: AtomicU32::new(0), seats: Default::default() }
    }
}

/// While it lives, no slot that its reader may come to is used again.
pub(super) struct Pin<'a>(&'a Seat);

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.0.pinned.store(UNPINNED, Release);
    }
}

impl Seats {
    /// The writer's: a seat for one more reader, if there is one.
    pub fn sit(&self) -> Option<usize> {
        let seat = self.seats.iter().position(|seat| !seat.is_taken.load(Acquire))?;
        self.seats[seat].is_taken.store(true, Relaxed);
        self.taken.fetch_add(1, Relaxed);
        Some(seat)
    }

    /// The reader's last word; a pin that was forgotten rather than dropped ends here.
    pub fn leave(&self, seat: usize) {
        self.seats[seat].pinned.store(UNPINNED, Release);
        self.taken.fetch_sub(1, Release);
        self.seats[seat].is_taken.store(false, Release);
    }

    /// The reader's, who has one pin at a time.
    #[inline]
    pub fn pin(&self, seat: usize) -> Pin<'_> {
        let seat = &self.seats[seat];
        seat.pinned.store(self.epoch.load(Acquire), Release);
        fence(SeqCst);
        Pin(seat)
    }

    #[inline(always)]
    fn are_empty(&self) -> bool {
        self.taken.load(Acquire) == 0
    }

    /// The writer's: goes on to the next epoch, and says which is the oldest that a reader may still be in.
    fn advance(&self) -> u64 {
        let epoch = self.epoch.load(Relaxed) + 1;
        self.epoch.store(epoch, Release);
        fence(SeqCst);
        let pins = self.seats.iter().map(|seat| seat.pinned.load(Acquire));
        pins.filter(|&pinned| pinned != UNPINNED).min().unwrap_or(epoch)
    }
}

/// What left and may still be looked at, the oldest first: the writer's alone.
#[derive(Default)]
pub(super) struct Limbo {
    waiting: VecDeque<(u64, u32)>,
    /// Retired since the last attempt to collect.
    fresh: u32,
}

impl Limbo {
    /// Takes a slot that has been unlinked, and gives to `free` what nobody can be looking at any more.
    #[inline(always)]
    pub fn retire(&mut self, slot: u32, seats: &Seats, free: &mut Vec<u32>) {
        if seats.are_empty() && self.waiting.is_empty() {
            free.push(slot);
        } else {
            self.wait(slot, seats, free);
        }
    }

    #[cold]
    #[inline(never)]
    fn wait(&mut self, slot: u32, seats: &Seats, free: &mut Vec<u32>) {
        self.waiting.push_back((seats.epoch.load(Relaxed), slot));
        self.fresh += 1;
        if self.fresh < BATCH {
            return;
        }
        self.fresh = 0;
        let oldest = seats.advance();
        while let Some(&(epoch, slot)) = self.waiting.front()
            && epoch < oldest
        {
            self.waiting.pop_front();
            free.push(slot);
        }
    }

    pub fn bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<(u64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back when so many slots are retired, numbered from `first`.
    fn retire(limbo: &mut Limbo, seats: &Seats, first: u32, slots: u32) -> Vec<u32> {
        let mut free = Vec::new();
        (first..first + slots).for_each(|slot| limbo.retire(slot, seats, &mut free));
        free
    }

    #[test]
    fn nothing_waits_while_nobody_sits() {
        let (seats, mut limbo) = (Seats::default(), Limbo::default());
        assert_eq!(retire(&mut limbo, &seats, 1, 3), [1, 2, 3]);
        assert_eq!(limbo.bytes(), 0);
    }

    #[test]
    fn what_left_before_a_pin_comes_back_and_what_left_after_it_waits() {
        let (seats, mut limbo) = (Seats::default(), Limbo::default());
        let seat = seats.sit().expect("a first seat");
        assert_eq!(retire(&mut limbo, &seats, 0, BATCH - 1), [], "an attempt is made once a batch");
        assert_eq!(retire(&mut limbo, &seats, BATCH - 1, 1), Vec::from_iter(0..BATCH), "nobody looks");
        let pin = seats.pin(seat);
        assert_eq!(retire(&mut limbo, &seats, 1_000, 10 * BATCH), [], "a pinned reader makes the limbo longer");
        drop(pin);
        let _again = seats.pin(seat);
        let all = Vec::from_iter(1_000..1_000 + 10 * BATCH);
        assert_eq!(retire(&mut limbo, &seats, 9_000, BATCH), all, "and the new ones wait");
    }

    #[test]
    fn the_oldest_pin_counts() {
        let (seats, mut limbo) = (Seats::default(), Limbo::default());
        let (first, second) = (seats.sit().expect("one"), seats.sit().expect("two"));
        let old = seats.pin(first);
        assert_eq!(retire(&mut limbo, &seats, 0, BATCH), []);
        let young = seats.pin(second);
        assert_eq!(retire(&mut limbo, &seats, 100, BATCH), []);
        drop(old);
        assert_eq!(retire(&mut limbo, &seats, 200, BATCH), Vec::from_iter(0..BATCH));
        drop(young);
        assert_eq!(retire(&mut limbo, &seats, 300, BATCH).len() as u32, 3 * BATCH);
    }

    #[test]
    fn seats_are_given_again_and_the_last_who_leaves_ends_the_waiting() {
        let (seats, mut limbo) = (Seats::default(), Limbo::default());
        let taken: Vec<usize> = std::iter::from_fn(|| seats.sit()).collect();
        assert_eq!(taken, Vec::from_iter(0..SEATS));
        seats.leave(3);
        assert_eq!((seats.sit(), seats.sit()), (Some(3), None));
        assert_eq!(retire(&mut limbo, &seats, 0, 5), []);
        taken.iter().for_each(|&seat| seats.leave(seat));
        assert_eq!(retire(&mut limbo, &seats, 5, BATCH - 5).len() as u32, BATCH);
        assert_eq!(retire(&mut limbo, &seats, 500, 1), [500]);
    }
}
