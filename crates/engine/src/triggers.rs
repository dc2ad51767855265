//! What acts without a command of its own: stops that their price is reached for (R15, R16), and all-or-none orders that are
//! tried again (R20). After a command it goes on until nothing more happens, as loops, never as recursion.

use crate::arrive::Arrival;
use crate::book::{OrderBook, Output};
use crate::codes::{EventKind, OrderType, Phase};
use crate::extras::Special;
use crate::half::flip;
use crate::index::PriceIndex;
use crate::offset::saturate;
use crate::record::{Event, EventSink};
use std::collections::BTreeMap;

/// Rank, then arrival: the lower comes first. For stops the rank of a price is such that a stop is reached when its rank is at
/// most that of the last trade; for all-or-none orders the better price has the lower rank.
type Ranked = BTreeMap<(i64, u64), u32>;

/// Dormant stops, and resting all-or-none orders, in the order in which they get their turns.
#[derive(Default)]
pub(crate) struct Triggers {
    /// Buys, sells.
    stops: [Ranked; 2],
    aons: [Ranked; 2],
    /// Trailing stops by their anchors: those that the last price passes first come first. Most trades pass none.
    anchored: [Ranked; 2],
    /// Trailing stops without an anchor, by arrival: before the first trade, behind a snapshot, or with an offset that a rising
    /// price does not always raise.
    restless: BTreeMap<u64, u32>,
    /// The last price that they followed.
    followed: Option<i64>,
}

impl Triggers {
    pub fn has_stops(&self) -> bool {
        !(self.stops[0].is_empty() && self.stops[1].is_empty() && self.restless.is_empty())
    }

    pub fn has_aons(&self) -> bool {
        !(self.aons[0].is_empty() && self.aons[1].is_empty())
    }

    pub fn add_stop(&mut self, side: u8, special: &Special, slot: u32) {
        if let Some(stop) = special.stop_ticks {
            self.stops[usize::from(side)].insert((flip(side, stop), special.arrival), slot);
        }
        match special.anchor_ticks {
            Some(anchor) => {
                self.anchored[usize::from(side)].insert((flip(side ^ 1, anchor), special.arrival), slot);
            }
            None if special.trail.is_some() => {
                self.restless.insert(special.arrival, slot);
            }
            None => {}
        }
    }

    pub fn remove_stop(&mut self, side: u8, special: &Special) {
        if let Some(stop) = special.stop_ticks {
            self.stops[usize::from(side)].remove(&(flip(side, stop), special.arrival));
        }
        match special.anchor_ticks {
            Some(anchor) => {
                self.anchored[usize::from(side)].remove(&(flip(side ^ 1, anchor), special.arrival));
            }
            None => {
                self.restless.remove(&special.arrival);
            }
        }
    }

    pub fn add_aon(&mut self, side: u8, price_ticks: i64, arrival: u64, slot: u32) {
        self.aons[usize::from(side)].insert((flip(side ^ 1, price_ticks), arrival), slot);
    }

    pub fn remove_aon(&mut self, side: u8, price_ticks: i64, arrival: u64) {
        self.aons[usize::from(side)].remove(&(flip(side ^ 1, price_ticks), arrival));
    }

    /// The stop whose turn it is at that last price: reached buys, lowest first, then sells, highest first, then by arrival.
    fn reached(&self, last_ticks: i64) -> Option<u32> {
        [0, 1].into_iter().find_map(|side| {
            let (&(rank, _), &slot) = self.stops[usize::from(side)].first_key_value()?;
            (rank <= flip(side, last_ticks)).then_some(slot)
        })
    }

    /// Slots of the trailing stops that a last price may move: a buy's when it falls below its anchor, a sell's when it rises
    /// above it.
    fn passed(&self, last_ticks: i64) -> impl Iterator<Item = u32> {
        let of_side = move |side: u8| self.anchored[usize::from(side)].range(..(flip(side ^ 1, last_ticks), 0));
        of_side(0).chain(of_side(1)).map(|(_, &slot)| slot).chain(self.restless.values().copied())
    }

    /// Slots of the dormant orders: buys, then sells, in the order in which they would be triggered.
    fn ranked(&self) -> impl Iterator<Item = u32> {
        self.stops.iter().flat_map(|side| side.values().copied())
    }

    /// Slots of the all-or-none orders: buys, best price first, then by arrival; then sells.
    fn aons(&self) -> impl Iterator<Item = u32> {
        self.aons.iter().flat_map(|side| side.values().copied())
    }
}

impl Special {
    /// R15: a trailing stop at that last price, moved in the order's favour only. Any other stays as it is.
    pub(crate) fn following(self, side: u8, last_ticks: i64) -> Special {
        let Some(trail) = self.trail else {
            return self;
        };
        let there = saturate(trail.trail(side, last_ticks));
        let closer = |at: i64, to: i64| if side == 0 { at.min(to) } else { at.max(to) };
        // A steady offset asks for nothing closer at any price on the far side of this one, so the anchor may move up to it.
        let anchor = closer(self.anchor_ticks.unwrap_or(last_ticks), last_ticks);
        Special {
            stop_ticks: Some(self.stop_ticks.map_or(there, |stop| closer(stop, there))),
            anchor_ticks: trail.is_steady().then_some(anchor),
            ..self
        }
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Slots of the dormant orders: those with a stop price, buys, then sells, in the order in which they would be triggered;
    /// then, by arrival, those that wait for a first trade.
    pub(crate) fn dormant_slots(&self) -> impl Iterator<Item = u32> {
        let is_unset = |&slot: &u32| self.extras.special(self.pool.record(slot).extra).stop_ticks.is_none();
        self.triggers.ranked().chain(self.triggers.restless.values().copied().filter(is_unset))
    }

    /// Is a stop reached by the last trade price?
    pub(crate) fn has_reached_stop(&self) -> bool {
        self.last_trade_price.is_some_and(|last| self.triggers.reached(last).is_some())
    }

    /// After an accepted command: stops until none is reached, one all-or-none order, stops again, and so on until quiet
    /// (R16, R20). Outside continuous trading only the trailing stops follow.
    pub(crate) fn settle_down<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        self.follow();
        while self.phase == Phase::Continuous {
            if let Some(slot) = self.last_trade_price.and_then(|last| self.triggers.reached(last)) {
                self.fire(slot, out);
            } else if let Some(slot) = self.feasible_aon() {
                self.retry(slot, out);
            } else {
                return;
            }
            self.follow();
        }
    }

    /// R15: trailing stops follow the last trade price, in the order's favour only. Nothing happens at a price that they
    /// have followed already.
    fn follow(&mut self) {
        let Some(last) = self.last_trade_price.filter(|_| self.last_trade_price != self.triggers.followed) else {
            return;
        };
        self.triggers.followed = Some(last);
        let mut slots = std::mem::take(&mut self.scratch);
        slots.extend(self.triggers.passed(last));
        for &slot in &slots {
            let (side, extra) = (self.pool.order(slot).traits().side(), self.pool.record(slot).extra);
            let special = *self.extras.special(extra);
            let moved = special.following(side, last);
            if moved != special {
                self.triggers.remove_stop(side, &special);
                self.triggers.add_stop(side, &moved, slot);
                self.extras.set_special(extra, Some(moved));
            }
        }
        slots.clear();
        self.scratch = slots;
    }

    /// A dormant stop becomes the order that it stands for, and arrives.
    fn fire<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        self.leave(slot, out);
        let mut arrival = Arrival::of_slot(self, slot);
        let special = self.extras.special(self.pool.record(slot).extra);
        let has_limit = special.order_type.has_limit();
        arrival.is_market = !has_limit;
        arrival.minimum = special.minimum;
        arrival.taker.price_ticks = special.limit_ticks;
        self.bound(&mut arrival);
        self.forget_stop(slot, if has_limit { OrderType::Limit } else { OrderType::Market });
        self.triggered(&arrival, out);
        self.arrive_again(arrival, slot, out);
    }

    pub(crate) fn triggered<S: EventSink>(&self, arrival: &Arrival, out: &mut Output<'_, S>) {
        let taker = &arrival.taker;
        out.emit(Event {
            side: taker.side,
            account: taker.account,
            price_ticks: taker.price_ticks,
            quantity_lots: taker.remaining,
            order_id: taker.id,
            ..Event::of(EventKind::Triggered)
        });
    }

    /// An order that was a stop keeps nothing of it.
    fn forget_stop(&mut self, slot: u32, order_type: OrderType) {
        let extra = self.pool.record(slot).extra;
        let special = self.extras.special(extra);
        let kept = Special { order_type, display: special.display, ..crate::extras::PLAIN };
        self.extras.set_special(extra, Some(kept));
    }

    /// R20: the first all-or-none order that would trade in full now.
    fn feasible_aon(&self) -> Option<u32> {
        self.triggers.aons().find(|&slot| {
            let mut arrival = Arrival::of_slot(self, slot);
            self.bound(&mut arrival);
            self.halves[usize::from(arrival.taker.side ^ 1)].may_reach(arrival.taker.worst_key)
                && self.can_fill(&arrival.taker)
        })
    }

    fn retry<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let mut arrival = Arrival::of_slot(self, slot);
        self.bound(&mut arrival);
        self.leave(slot, out);
        self.arrive_again(arrival, slot, out);
    }
}
