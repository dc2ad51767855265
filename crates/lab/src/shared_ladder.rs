//! The book of [`crate::ladder`], written by any number of threads at once, without a lock.
//!
//! # Contract
//! - [`SharedLadder::step`] takes effect at one moment, that of its compare-exchange of the head. It trades at what is the
//!   best level at that very moment, and what it took nobody else gets.
//! - Each step has a *ticket*: 1, 2, 3, ... in the order of these moments. The steps in the order of their tickets, played on
//!   a [`crate::ladder::Ladder`], trade the same at the same levels.
//! - Lock-free: a step that has to begin again was overtaken by one that succeeded, and a thread that stops for good
//!   anywhere holds up nobody.
//! - An *order* of several steps is not one moment: others may step in between. With a single writer nobody can.
//!
//! # How
//! A compare-exchange compares one word, but a trade depends on several: on the quantity at the level, and on nothing better
//! being there. So all changes go through one word, the *head*: (ticket, what, level, lots), the newest step. A thread
//! 1. loads the head and *helps*: makes sure that the step which it announces has changed its level;
//! 2. *looks* for the best level, and decides;
//! 3. *announces*: exchanges the head that it has loaded for its own step. Success says that nothing was announced
//!    meanwhile, so that what it saw in step 2 is the book, whole and present: the best price is validated and the
//!    quantity claimed in one instruction. Then it helps its own step.
//!
//! A level is a word too: (ticket of the last change, lots). A helper reads it, checks that the head is still the one it
//! helps, and tries one compare-exchange to the changed word with this step's ticket. One helper succeeds; the others find
//! the ticket there, or no longer the word that they have read, or the head moved on. A step is announced only after the one
//! before it has been helped, so at most one is pending.
//!
//! Tickets never come back, for a ladder ends with the last of them: no word is ever what it was before.
//!
//! # Orderings
//! The head is loaded with **acquire** and exchanged with **release**. Who loads the head of ticket n sees every change of
//! levels up to n - 1: whoever announced n had seen or made change n - 1 before, and had loaded head n - 1, so the same
//! holds for n - 2, and so on. Change n itself is found, or made, by helping. So the loads of a look are **relaxed**. What
//! it sees beyond n is harmless: then the head has moved on, and the exchange fails.
//!
//! A helper's load of the level is an **acquire**, its exchange a **release**: a helper that is late, and reads what a later
//! step has left there, must then see the later head too, and leave the level alone. With either one relaxed it could
//! see the head that it helps and make its change a second time.

use crate::ladder::{LOTS_LIMIT, Order, Side, Step, best_for, decide};
use aeromatch_runtime::padding::Padded;
use aeromatch_runtime::sync::atomic::{AtomicU64, Ordering};

const LEVEL_BITS: u32 = 5;
const LOTS_BITS: u32 = LOTS_LIMIT.trailing_zeros();

/// A change of one level, as the head announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    ticket: u32,
    /// Whose resting quantity changes.
    side: Side,
    /// It grows; otherwise it shrinks.
    is_rest: bool,
    level: u8,
    quantity_lots: u32,
}

impl Change {
    fn pack(self) -> u64 {
        let what = u64::from(self.side == Side::Sell) << 1 | u64::from(self.is_rest);
        let level = u64::from(self.level) | what << LEVEL_BITS;
        u64::from(self.ticket) << 32 | level << LOTS_BITS | u64::from(self.quantity_lots)
    }

    fn unpack(word: u64) -> Change {
        let what = word >> (LOTS_BITS + LEVEL_BITS);
        Change {
            ticket: (word >> 32) as u32,
            side: if what & 2 == 0 { Side::Buy } else { Side::Sell },
            is_rest: what & 1 != 0,
            level: (word >> LOTS_BITS) as u8 % (1 << LEVEL_BITS),
            quantity_lots: word as u32 % LOTS_LIMIT,
        }
    }
}

/// The book, for many threads.
pub struct SharedLadder {
    head: Padded<AtomicU64>,
    /// Bids, then asks: (ticket of the last change, lots).
    levels: [Box<[AtomicU64]>; 2],
}

/// A step that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticketed {
    /// Its place among all steps: 1, 2, 3, ...
    pub ticket: u32,
    /// What it was.
    pub step: Step,
    /// How often it began again.
    pub overtaken: u32,
}

impl SharedLadder {
    /// Nothing rests at any of so many levels.
    ///
    /// # Panics
    /// If there are more than 32.
    pub fn new(levels: u8) -> SharedLadder {
        assert!(levels <= 1 << LEVEL_BITS, "a level has {LEVEL_BITS} bits");
        let side = || (0..levels).map(|_| AtomicU64::new(0)).collect();
        SharedLadder { head: Padded::new(AtomicU64::new(0)), levels: [side(), side()] }
    }

    /// One step of an order.
    ///
    /// # Panics
    /// If the order's level is none of the ladder's or its quantity not one of an order; if 2^32 lots or more come to rest
    /// at a level; at step 2^32.
    #[inline]
    pub fn step(&self, order: Order) -> Ticketed {
        assert!((1..LOTS_LIMIT).contains(&order.quantity_lots), "an order has 1 to {LOTS_LIMIT} - 1 lots");
        let mut head = self.head.load(Ordering::Acquire);
        let mut overtaken = 0;
        loop {
            self.help(head);
            let ticket = Change::unpack(head).ticket.checked_add(1).expect("a ladder has fewer than 2^32 steps");
            let (step, change) = self.look(order, ticket);
            match self.head.compare_exchange(head, change.pack(), Ordering::Release, Ordering::Acquire) {
                Ok(_) => {
                    self.help(change.pack());
                    return Ticketed { ticket: change.ticket, step, overtaken };
                }
                Err(newer) => head = newer,
            }
            overtaken += 1;
        }
    }

    /// What the order would do now, and what would change.
    #[inline]
    fn look(&self, order: Order, ticket: u32) -> (Step, Change) {
        let (levels, opposite) = (self.levels[0].len() as u8, order.side.opposite());
        let resting_lots = |level| self.level(opposite, level).load(Ordering::Relaxed) as u32;
        let step = decide(order, best_for(order, levels, resting_lots));
        let change = match step {
            Step::Trade { level, quantity_lots } => {
                Change { ticket, side: opposite, is_rest: false, level, quantity_lots }
            }
            Step::Rest => {
                let Order { side, level, quantity_lots } = order;
                Change { ticket, side, is_rest: true, level, quantity_lots }
            }
        };
        (step, change)
    }

    /// Makes sure that an announced change is made, once.
    #[inline]
    fn help(&self, head: u64) {
        let change = Change::unpack(head);
        let level = self.level(change.side, change.level);
        let seen = level.load(Ordering::Acquire);
        // In this order: a head that is still there after the level was read was there when it was read.
        if (seen >> 32) as u32 == change.ticket || self.head.load(Ordering::Relaxed) != head {
            return;
        }
        let lots = seen as u32;
        let changed = if change.is_rest {
            lots.checked_add(change.quantity_lots).expect("fewer than 2^32 lots rest at a level")
        } else {
            lots - change.quantity_lots
        };
        let word = u64::from(change.ticket) << 32 | u64::from(changed);
        // Failed: another helper made it.
        let _ = level.compare_exchange(seen, word, Ordering::Release, Ordering::Relaxed);
    }

    #[inline]
    fn level(&self, side: Side, level: u8) -> &AtomicU64 {
        &self.levels[side as usize][level as usize]
    }

    /// What rests at each level of a side, while nobody steps.
    pub fn resting_lots(&self, side: Side) -> Vec<u32> {
        self.help(self.head.load(Ordering::Acquire));
        self.levels[side as usize].iter().map(|level| level.load(Ordering::Relaxed) as u32).collect()
    }
}
