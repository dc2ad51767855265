//! What a command did, kept for whoever answers it: its events, and the levels that it changed (R7).

use crate::codes::{CommandKind, EventKind, OrderType, Side};
use crate::engine::Book;
use crate::record::{Command, Event, EventSink, SLOT_BYTES};
use crate::views::OrderView;
use std::cmp::Reverse;

/// A level after the command that changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Number of the command.
    pub sequence: u64,
    /// Of the book.
    pub instrument: u32,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price_ticks: i64,
    /// Saturates at 2^64 - 1, which would take 2^16 of the largest orders.
    pub quantity_lots: u64,
    /// Displayed orders there.
    pub order_count: u32,
}

/// Bytes of a change in a batch's buffer.
pub const CHANGE_BYTES: usize = SLOT_BYTES / 2;

impl Change {
    /// The change as the 32 bytes that `LEVEL_CHANGE_DTYPE` describes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&[self.side.code(), 0, 0, 0]);
        out.extend_from_slice(&self.order_count.to_le_bytes());
        out.extend_from_slice(&self.price_ticks.to_le_bytes());
        out.extend_from_slice(&self.quantity_lots.to_le_bytes());
    }
}

/// A level that a command changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Touched {
    instrument: u32,
    side: Side,
    price_ticks: i64,
}

impl Touched {
    /// The order in which changes are told: bids, then asks, best price first.
    fn rank(&self) -> (u32, Side, Reverse<i128>) {
        let price = i128::from(self.price_ticks);
        (self.instrument, self.side, Reverse(if self.side == Side::Buy { price } else { -price }))
    }
}

/// Collects a command's events and the levels that it touched.
pub struct Collector {
    /// In order.
    pub events: Vec<Event>,
    touched: Vec<Touched>,
    /// The instrument whose book is at work.
    instrument: u32,
}

impl EventSink for Collector {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    #[inline(always)]
    fn level_touched(&mut self, side: Side, price_ticks: i64) {
        self.touched.push(Touched { instrument: self.instrument, side, price_ticks });
    }

    #[inline(always)]
    fn book(&mut self, instrument: u32) {
        self.instrument = instrument;
    }
}

impl Collector {
    /// For the book of an instrument, or, with 0, for an exchange, which says which book is at work.
    pub fn of(instrument: u32) -> Collector {
        Collector { events: Vec::new(), touched: Vec::new(), instrument }
    }

    /// Forgets the last command; keeps the memory.
    pub fn clear(&mut self) {
        self.events.clear();
        self.touched.clear();
    }

    /// The levels touched since then, as their books have them now: by instrument, bids, then asks, best price first, each once.
    pub fn changes<'a>(
        &'a mut self,
        sequence: u64,
        book: impl Fn(u32) -> Option<&'a Book> + 'a,
    ) -> impl ExactSizeIterator<Item = Change> + 'a {
        if self.touched.len() > 1 {
            self.touched.sort_unstable_by_key(Touched::rank);
            self.touched.dedup();
        }
        self.touched.drain(..).map(move |Touched { instrument, side, price_ticks }| {
            let level = book(instrument).and_then(|book| book.level(side, price_ticks));
            Change {
                sequence,
                instrument,
                side,
                price_ticks,
                quantity_lots: level.map_or(0, |level| u64::try_from(level.quantity_lots).unwrap_or(u64::MAX)),
                order_count: level.map_or(0, |level| level.order_count),
            }
        })
    }
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its events in order.
    pub events: Box<[Event]>,
    /// The levels that it changed, as it left them.
    pub changes: Box<[Change]>,
    /// The order that the command was about waits for its stop price (R15).
    pub is_dormant: bool,
}

/// New stops and amends: only of these it has to be looked up whether their order waits.
fn may_leave_dormant(command: &Command) -> bool {
    match CommandKind::from_code(command.kind) {
        Some(CommandKind::New) => OrderType::from_code(command.order_type).is_some_and(OrderType::is_stop),
        kind => kind == Some(CommandKind::Amend),
    }
}

/// Waits the order that the command was about for its stop price, after it?
#[inline]
pub fn dormant_after(command: &Command, events: &[Event], find: impl Fn(u64) -> Option<OrderView>) -> bool {
    let accepted = || events.iter().find(|event| event.kind == EventKind::Accepted.code());
    may_leave_dormant(command)
        && accepted().and_then(|event| find(event.order_id)).is_some_and(|order| order.is_dormant)
}
