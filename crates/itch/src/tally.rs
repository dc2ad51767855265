//! What came out of a replay, in numbers, and the first differences in words.

use crate::message::printable;
use std::fmt;

/// Differences that are kept in words.
pub const KEPT_DIFFERENCES: usize = 10;
/// Trading actions that are kept; a symbol has a few on a bad day.
const KEPT_ACTIONS: usize = 1_000;

/// Why an execution is no agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A better price stands on that side.
    NotBestPrice,
    /// Another order stands before it at its price.
    NotFirst,
    /// The order has fewer shares left.
    TooManyShares,
    /// It stands first, but our engine traded otherwise. A fault of ours.
    EngineDiffers,
}

impl Reason {
    /// Every reason.
    pub const ALL: &[Reason] = &[Reason::NotBestPrice, Reason::NotFirst, Reason::TooManyShares, Reason::EngineDiffers];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Reason::NotBestPrice => "not_best_price",
            Reason::NotFirst => "not_first_in_queue",
            Reason::TooManyShares => "more_than_was_left",
            Reason::EngineDiffers => "engine_differs",
        }
    }
}

/// Why an execution is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// It is part of a cross, which is reported as one trade.
    NonPrintable,
    /// It took place at another price than the order's.
    OtherPrice,
    /// The book was crossed, in a halt or before an auction, and orders of that side wait.
    CrossedBook,
}

impl Excuse {
    /// Every excuse.
    pub const ALL: &[Excuse] = &[Excuse::NonPrintable, Excuse::OtherPrice, Excuse::CrossedBook];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Excuse::NonPrintable => "non_printable",
            Excuse::OtherPrice => "other_price",
            Excuse::CrossedBook => "crossed_book",
        }
    }
}

/// A message about an order that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It adds an order under a reference number that is live.
    ReferenceInUse,
    /// It adds an order of no shares, or executes or cancels none.
    NoShares,
    /// It adds an order that neither buys nor sells.
    NoSide,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: &[Refusal] = &[Refusal::ReferenceInUse, Refusal::NoShares, Refusal::NoSide];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Refusal::ReferenceInUse => "reference_in_use",
            Refusal::NoShares => "no_shares",
            Refusal::NoSide => "no_side",
        }
    }
}

/// An execution that did not meet the order that our book has first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Byte of the message's frame in the file.
    pub offset: u64,
    /// Nanoseconds since midnight.
    pub time_ns: u64,
    /// The order that was executed.
    pub reference: u64,
    /// Its shares.
    pub shares: u32,
    /// Its price in 1/10,000.
    pub price: u32,
    /// What is different.
    pub reason: Reason,
    /// Who stands first on that side, and at which price.
    pub first: Option<(u64, i64)>,
    /// What the order had left.
    pub left: u32,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { offset, reference, shares, left, .. } = *self;
        let (time, price) = (Clock(self.time_ns), Price(i64::from(self.price)));
        write!(f, "byte {offset} at {time}: order {reference}, {shares} at {price}")?;
        match (self.reason, self.first) {
            (Reason::TooManyShares, _) => write!(f, "; it has {left} left"),
            (Reason::NotBestPrice, Some((other, best))) => write!(f, "; order {other} at {} is better", Price(best)),
            (Reason::NotFirst, Some((other, _))) => write!(f, "; order {other} stands before it"),
            _ => write!(f, "; the engine traded otherwise"),
        }
    }
}

/// A price in dollars.
struct Price(i64);

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// A time of day.
struct Clock(u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanoseconds) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        write!(f, "{:02}:{:02}:{:02}.{nanoseconds:09}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

/// A change of a symbol's trading state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Nanoseconds since midnight.
    pub time_ns: u64,
    /// H halted, P paused, Q quoted only, T trading; for an operational halt the market center and its action.
    pub state: String,
    /// NASDAQ's word for the reason.
    pub reason: String,
}

/// Counts and sums of one kind of trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Messages.
    pub count: u64,
    /// Their shares; a hostile file could overflow 64 bits.
    pub shares: u128,
}

impl Volume {
    /// Adds one.
    pub fn add(&mut self, shares: u64) {
        self.count += 1;
        self.shares += u128::from(shares);
    }
}

/// What came out of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages of the symbol.
    pub messages: u64,
    /// Orders added, those of replacements included.
    pub added: u64,
    /// Replacements.
    pub replaced: u64,
    /// Partial cancels.
    pub reduced: u64,
    /// Orders canceled: deleted, or reduced to nothing.
    pub canceled: u64,
    /// Orders executed to their last share.
    pub filled: u64,
    /// Orders that would have traded on arrival and waited for that reason.
    pub parked: u64,
    /// Executions that were compared with our book.
    pub judged: u64,
    /// Of these, those that met the order that stands first in our book, and only that.
    pub agreed: u64,
    /// By [`Reason`].
    pub reasons: [u64; Reason::ALL.len()],
    /// Executions that were not compared, by [`Excuse`].
    pub excuses: [u64; Excuse::ALL.len()],
    /// Messages that cannot be, by [`Refusal`].
    pub refusals: [u64; Refusal::ALL.len()],
    /// References to orders that are not there, by message type: E, C, X, D, U.
    pub unknown: [u64; UNKNOWN.len()],
    /// Executions of displayed orders.
    pub executed: Volume,
    /// Executions of orders that are not displayed.
    pub hidden: Volume,
    /// Crosses.
    pub crosses: Volume,
    /// Broken trades.
    pub broken: u64,
    /// Trading actions and operational halts, in order.
    pub actions: Vec<Action>,
    /// The first ones.
    pub differences: Vec<Difference>,
}

/// The message types that refer to an order.
pub const UNKNOWN: [u8; 5] = *b"ECXDU";

impl Tally {
    /// An order that a message of this type names is not there.
    pub(crate) fn unknown(&mut self, letter: u8) {
        if let Some(place) = UNKNOWN.iter().position(|&known| known == letter) {
            self.unknown[place] += 1;
        }
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refusals[refusal as usize] += 1;
    }

    pub(crate) fn excuse(&mut self, excuse: Excuse) {
        self.excuses[excuse as usize] += 1;
    }

    pub(crate) fn differ(&mut self, difference: Difference) {
        self.reasons[difference.reason as usize] += 1;
        if self.differences.len() < KEPT_DIFFERENCES {
            self.differences.push(difference);
        }
    }

    pub(crate) fn act(&mut self, time_ns: u64, state: &[u8], reason: &[u8]) {
        if self.actions.len() < KEPT_ACTIONS {
            self.actions.push(Action { time_ns, state: printable(state), reason: printable(reason) });
        }
    }
}
