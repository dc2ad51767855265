//! An order arrives: a new one, an amended one that lost its place, a triggered stop, an all-or-none order tried again. The
//! same steps for all of them: what has to be known before the first trade, the walk, and what becomes of the rest.

use crate::book::{OrderBook, Output};
use crate::codes::{CancelReason, OrderType, TimeInForce};
use crate::extras::{PLAIN, Special};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::pool::{NIL, Place, Traits};
use crate::record::EventSink;

/// An order on its way in.
pub(crate) struct Arrival {
    pub taker: Aggressor,
    pub traits: Traits,
    pub is_market: bool,
    /// R21; 0 where it has none, or where it has no more effect.
    pub minimum: u64,
    pub protection_ticks: Option<i64>,
}

/// What became of an order that arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done: filled, or its `canceled` is out.
    Gone,
    /// What is left of it rests.
    Rests,
}

impl Arrival {
    /// An order that is in the pool, with all that is live of it.
    pub fn of_slot<I: PriceIndex>(book: &OrderBook<I>, slot: u32) -> Arrival {
        let (order, record) = (book.pool.order(slot), book.pool.record(slot));
        let (traits, side) = (order.traits(), order.traits().side());
        let taker = Aggressor {
            id: order.id,
            account: order.account,
            self_trade_group: book.extras.get(record.extra).self_trade_group,
            side,
            mode: book.mode(traits.self_trade_prevention(), order.account),
            price_ticks: book.limit_of(slot).unwrap_or(0),
            worst_key: i64::MIN,
            total: record.total,
            remaining: book.whole(slot),
        };
        let is_market = traits.place() == Place::Waiting;
        Arrival { taker, traits, is_market, minimum: 0, protection_ticks: None }
    }

    fn time_in_force(&self) -> u8 {
        self.traits.time_in_force()
    }

    fn is_aon(&self) -> bool {
        self.time_in_force() == TimeInForce::Aon.code()
    }

    /// May what is left of it rest in continuous trading (R11, R17)? An all-or-none order rests in full.
    fn may_rest(&self) -> bool {
        let at_once =
            self.time_in_force() == TimeInForce::Ioc.code() || self.time_in_force() == TimeInForce::Fok.code();
        !self.is_market && !at_once
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Sets how far the order may go: its limit, or its protection and the static band (R12, R28).
    pub(crate) fn bound(&self, arrival: &mut Arrival) {
        let side = arrival.taker.side ^ 1;
        let limit = if arrival.is_market { arrival.protection_ticks } else { Some(arrival.taker.price_ticks) };
        let worst_key = limit.map_or(i64::MIN, |price| flip(side, price));
        arrival.taker.worst_key = if arrival.is_market { worst_key.max(self.edge_key(side)) } else { worst_key };
    }

    /// The order meets the other side. Where it rests, the caller puts it there.
    pub(crate) fn arrive<S: EventSink>(&mut self, arrival: &mut Arrival, out: &mut Output<'_, S>) -> Outcome {
        if let Some(reason) = self.reason_not_to_start(arrival) {
            self.end_aggressor(reason, &arrival.taker, out);
            return Outcome::Gone;
        }
        if arrival.is_aon() && !self.can_fill(&arrival.taker) {
            return Outcome::Rests;
        }
        let walk = self.take(&mut arrival.taker, out);
        if arrival.taker.remaining == 0 {
            return Outcome::Gone;
        }
        if arrival.may_rest() {
            return Outcome::Rests;
        }
        let reason = match walk {
            Walk::Halted => CancelReason::Halted,
            _ if !arrival.is_market => CancelReason::ImmediateOrCancel,
            _ if self.stopped_by_band(arrival) => CancelReason::PriceOutOfBand,
            _ => CancelReason::NoLiquidity,
        };
        self.end_aggressor(reason, &arrival.taker, out);
        Outcome::Gone
    }

    /// R19, R21: what the dry run has to find before the first trade.
    fn reason_not_to_start(&self, arrival: &Arrival) -> Option<CancelReason> {
        let taker = &arrival.taker;
        if arrival.time_in_force() == TimeInForce::Fok.code() && !self.can_fill(taker) {
            return Some(CancelReason::FillOrKill);
        }
        if arrival.minimum > 0 {
            let found = self.find(taker, taker.remaining);
            let is_less = found > 0 && found < arrival.minimum;
            return is_less.then_some(CancelReason::MinimumQuantity);
        }
        None
    }

    /// The same for an order that is in the pool but in no queue: it goes, or rests anew.
    pub(crate) fn arrive_again<S: EventSink>(&mut self, mut arrival: Arrival, slot: u32, out: &mut Output<'_, S>) {
        match self.arrive(&mut arrival, out) {
            Outcome::Gone => self.release(slot),
            Outcome::Rests => self.rest_again(&arrival, slot, out),
        }
    }

    /// Lets an order that is in the pool rest anew: last at its price, an iceberg with a fresh slice (R14, R22).
    pub(crate) fn rest_again<S: EventSink>(&mut self, arrival: &Arrival, slot: u32, out: &mut Output<'_, S>) {
        let &Aggressor { side, price_ticks, total, remaining, .. } = &arrival.taker;
        let extra = self.pool.record(slot).extra;
        let display = self.extras.special(extra).display;
        let (special, traits) = resting_shape(arrival.traits, display, remaining);
        self.extras.set_special(extra, special);
        self.pool.record_mut(slot).total = total;
        let level = self.level_at(side, price_ticks);
        let reserve = special.map_or(0, |special| special.reserve);
        self.pool.order_mut(slot).reenter(traits, level, remaining - reserve);
        self.join(slot);
        if traits.place() == Place::Displayed {
            crate::book::touched(out, side, price_ticks);
        }
    }
}

/// How a limit order with that display quantity rests: its special terms, if it needs any, and its traits.
pub(crate) fn resting_shape(traits: Traits, display: Option<u64>, remaining: u64) -> (Option<Special>, Traits) {
    let special = Special { order_type: OrderType::Limit, display, ..PLAIN };
    if traits.time_in_force() == TimeInForce::Aon.code() {
        return (Some(special), traits.at(Place::Undisplayed));
    }
    match display {
        None => (None, traits.at(Place::Displayed)),
        Some(0) => (Some(special), traits.at(Place::Undisplayed)),
        Some(display) => {
            let reserve = remaining - display.min(remaining);
            (Some(Special { reserve, ..special }), traits.at(Place::Displayed).with_slices())
        }
    }
}

/// A level number for orders that stand in no level.
pub(crate) const NO_LEVEL: u32 = NIL;
