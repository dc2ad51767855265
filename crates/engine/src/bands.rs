//! Price bands (R28): the static one around the reference price, and the circuit breaker around the last trade price.

use crate::arrive::Arrival;
use crate::book::{OrderBook, Output};
use crate::codes::{EventKind, Phase};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::record::{Event, EventSink};

impl<I: PriceIndex> OrderBook<I> {
    /// The worst key of a side that still is inside the static band.
    pub(crate) fn edge_key(&self, side: u8) -> i64 {
        let (low, high) = self.static_range;
        flip(side, if side == 0 { low } else { high })
    }

    /// Is a limit inside the static band?
    pub(crate) fn is_in_band(&self, price_ticks: i64) -> bool {
        (self.static_range.0..=self.static_range.1).contains(&price_ticks)
    }

    /// Was it the static band that stopped a market order: is there an order outside that it could still have met?
    pub(crate) fn stopped_by_band(&self, arrival: &Arrival) -> bool {
        let side = arrival.taker.side ^ 1;
        let limit = arrival.protection_ticks.map_or(i64::MIN, |price| flip(side, price));
        let edge = self.edge_key(side);
        limit < edge && self.meets(side, edge, limit, arrival.taker.remaining)
    }

    /// What may print in this command: the circuit breaker's band around the last trade price as the command begins.
    pub(crate) fn open_breaker(&mut self) {
        self.printable = match (self.rules.circuit_breaker, self.last_trade_price) {
            (Some(band), Some(last)) => band.band(last),
            _ => (i64::MIN, i64::MAX),
        };
    }

    /// Is a trade at that price inside the circuit breaker's band?
    #[inline(always)]
    pub(crate) fn may_print(&self, price_ticks: i64) -> bool {
        (self.printable.0..=self.printable.1).contains(&price_ticks)
    }

    /// A print outside is not made: trading halts.
    #[cold]
    pub(crate) fn halt<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        self.phase = Phase::Halted;
        self.is_unsettled = true;
        if self.rules.halt_ns > 0 {
            let end = self.now_ns.saturating_add(self.rules.halt_ns);
            self.halt_end_ns = Some(end);
            self.due_by(end);
        }
        self.announce_phase(out);
    }

    pub(crate) fn announce_phase<S: EventSink>(&self, out: &mut Output<'_, S>) {
        out.emit(Event { reason: self.phase.code(), ..Event::of(EventKind::Phase) });
    }
}
