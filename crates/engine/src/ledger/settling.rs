//! Between a book and whoever listens to it: settles what the book says, then hands it on. Books without settlement have no such
//! sink, and pay nothing for it.

use super::{Ledger, SettlementTerms};
use crate::codes::{EventKind, Side};
use crate::record::{Event, EventSink, NO_SIDE, shape};

/// A sink that settles what the book says and hands every event on.
pub struct Settling<'a, S> {
    /// Where the funds are.
    pub ledger: &'a mut Ledger,
    /// Terms of the book's instrument.
    pub terms: &'a SettlementTerms,
    /// What comes next.
    pub sink: &'a mut S,
    /// The verdict on the command under way: [`fault`](crate::record::fault) bits.
    pub faults: u8,
    /// Is the order that the command enters one of the second outcome?
    pub is_mirror: bool,
    /// Its protection price, in the book's terms; the event of a market order does not carry it.
    pub protection_ticks: Option<i64>,
}

impl<'a, S> Settling<'a, S> {
    /// For a command without faults that enters no order, or one that needs no more.
    pub fn new(ledger: &'a mut Ledger, terms: &'a SettlementTerms, sink: &'a mut S) -> Settling<'a, S> {
        Settling { ledger, terms, sink, faults: 0, is_mirror: false, protection_ticks: None }
    }
}

impl<S: EventSink> EventSink for Settling<'_, S> {
    #[inline]
    fn event(&mut self, mut event: Event) {
        let Settling { ledger, terms, .. } = self;
        match EventKind::from_code(event.kind) {
            // Cancels, amends and the others are accepted without a side and a quantity.
            Some(EventKind::Accepted) if event.side != NO_SIDE && event.quantity_lots > 0 => {
                ledger.enter(terms, &event, self.is_mirror, self.protection_ticks);
                if self.is_mirror {
                    event.reason |= shape::MIRRORED;
                }
            }
            Some(EventKind::Trade) => ledger.trade(terms, &event),
            Some(EventKind::Canceled) => ledger.end(&event),
            Some(EventKind::Amended) => ledger.amend(terms, &event),
            Some(EventKind::Repriced) => ledger.reprice(terms, &event),
            Some(EventKind::Decremented) => ledger.decrement(terms, &event),
            // The rest changes nothing that an order holds.
            _ => {}
        }
        self.sink.event(event);
    }

    #[inline(always)]
    fn level_touched(&mut self, side: Side, price_ticks: i64) {
        self.sink.level_touched(side, price_ticks);
    }

    #[inline(always)]
    fn book(&mut self, instrument: u32) {
        self.sink.book(instrument);
    }

    #[inline(always)]
    fn faults(&self) -> u8 {
        self.faults
    }
}
