//! The call auction (R27): one price at which most trades, and the trades at it.
//!
//! Demand falls and supply rises with the price, and both change only at prices where somebody's limit stands. So the ticks
//! fall into few stretches with one executed quantity and one surplus each, and the best ticks are one stretch without a gap:
//! left of it the surplus is more to the buy side, right of it more to the sell side.

use crate::book::{OrderBook, Output, touched};
use crate::codes::{EventKind, Side};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::pool::Place;
use crate::record::{Event, EventSink, NO_SIDE};
use std::cmp::{Ordering, Reverse};

/// What an uncross would do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indicative {
    /// The auction price; `None` where nothing would trade.
    pub price_ticks: Option<i64>,
    /// What would trade.
    pub quantity_lots: u128,
    /// What is bid minus what is offered at that price.
    pub surplus_lots: i128,
}

/// Quantities by limit on one side: best price first.
struct Curve {
    /// Market orders: at any price.
    markets: u128,
    /// Limit, and quantity at or better than it, market orders included.
    steps: Vec<(i64, u128)>,
}

/// Neighbouring ticks at which the same would be executed, with the same surplus or, from `turn` on, with its opposite.
#[derive(Clone, Copy)]
struct Stretch {
    low: i64,
    high: i64,
    executed: u128,
    surplus: i128,
    /// The first tick at which as much more is offered as was bid before; none where it is above `high`.
    turn: Option<i64>,
}

impl Stretch {
    fn new(low: i64, high: i64, demand: u128, supply: u128) -> Stretch {
        let surplus = demand as i128 - supply as i128;
        Stretch { low, high, executed: demand.min(supply), surplus, turn: None }
    }

    fn surplus_at(&self, price_ticks: i64) -> i128 {
        if self.turn.is_some_and(|turn| price_ticks >= turn) { -self.surplus } else { self.surplus }
    }

    /// The stretch at which more is executed, or as much with less surplus; two that tie are one, the other being the higher.
    fn or_better(self, other: Stretch) -> Stretch {
        let rank = |stretch: &Stretch| (stretch.executed, Reverse(stretch.surplus.unsigned_abs()));
        match rank(&other).cmp(&rank(&self)) {
            Ordering::Greater => other,
            Ordering::Less => self,
            Ordering::Equal if other.surplus == self.surplus_at(self.high) => Stretch { high: other.high, ..self },
            Ordering::Equal => Stretch { high: other.high, turn: Some(other.low), ..self },
        }
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Price, executed quantity and surplus of an uncross done now; can be asked for in any phase.
    pub fn indicative(&self) -> Indicative {
        let (bids, asks) = (self.curve(0), self.curve(1));
        let Some(stretch) = self.best_stretch(&bids, &asks).filter(|stretch| stretch.executed > 0) else {
            return Indicative::default();
        };
        let price_ticks = self.auction_price(&stretch);
        Indicative {
            price_ticks: Some(price_ticks),
            quantity_lots: stretch.executed,
            surplus_lots: stretch.surplus_at(price_ticks),
        }
    }

    /// All that takes part on a side, with all it has; all-or-none and dormant orders do not.
    fn curve(&self, side: usize) -> Curve {
        let markets = self.markets[side].quantity;
        let mut sum = markets;
        let mut steps = Vec::new();
        for (key, number) in self.halves[side].iter() {
            let (level, aside) = (self.levels.get(number), self.levels.aside(number));
            let quantity = level.quantity + aside.reserve + aside.hidden + aside.waiting;
            if quantity > 0 {
                sum += quantity;
                steps.push((flip(side as u8, key), sum));
            }
        }
        Curve { markets, steps }
    }

    /// The ticks at which most would be executed, and of these with the least surplus.
    fn best_stretch(&self, bids: &Curve, asks: &Curve) -> Option<Stretch> {
        let limits = || bids.steps.iter().chain(&asks.steps).map(|&(price, _)| price);
        let (Some(lowest), Some(highest)) = (limits().min(), limits().max()) else {
            let (low, high) = self.static_range;
            let price = self.reference_price()?.clamp(low, high);
            return Some(Stretch::new(price, price, bids.markets, asks.markets));
        };
        let (low, high) = (lowest.max(self.static_range.0), highest.min(self.static_range.1));
        // A stretch begins at the lowest tick, at each offer, and one tick above each bid.
        let after_bids = bids.steps.iter().filter_map(|&(price, _)| price.checked_add(1));
        let mut begins: Vec<i64> = asks.steps.iter().map(|&(price, _)| price).chain(after_bids).collect();
        begins.retain(|price| (low..=high).contains(price));
        begins.push(low);
        begins.sort_unstable();
        begins.dedup();
        // Bids fall away from the worst on, offers come in from the best on, as the price rises.
        let (mut bid, mut ask) = (bids.steps.len(), 0);
        let mut best: Option<Stretch> = None;
        for (number, &begin) in begins.iter().enumerate() {
            if begin > high {
                break;
            }
            while bid > 0 && bids.steps[bid - 1].0 < begin {
                bid -= 1;
            }
            while ask < asks.steps.len() && asks.steps[ask].0 <= begin {
                ask += 1;
            }
            let end = begins.get(number + 1).map_or(high, |next| next - 1);
            let demand = if bid == 0 { bids.markets } else { bids.steps[bid - 1].1 };
            let supply = if ask == 0 { asks.markets } else { asks.steps[ask - 1].1 };
            let stretch = Stretch::new(begin, end, demand, supply);
            best = Some(best.map_or(stretch, |best| best.or_better(stretch)));
        }
        best
    }

    /// R27: among the tied ticks the highest if more is bid, the lowest if more is offered, else nearest to the reference.
    fn auction_price(&self, tied: &Stretch) -> i64 {
        if tied.turn.is_none() && tied.surplus > 0 {
            return tied.high;
        }
        if tied.turn.is_none() && tied.surplus < 0 {
            return tied.low;
        }
        let middle = (i128::from(tied.low) + i128::from(tied.high) + 1).div_euclid(2);
        self.reference_price().unwrap_or(middle as i64).clamp(tied.low, tied.high)
    }

    fn reference_price(&self) -> Option<i64> {
        self.last_trade_price.or(self.rules.reference_price_ticks)
    }

    /// First buy against first sell at the one price, until what can be executed there is.
    pub(crate) fn uncross<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        let auction = self.indicative();
        let Some(price_ticks) = auction.price_ticks else {
            return;
        };
        let sides = [Side::Buy, Side::Sell].map(|side| self.participants(side.code(), auction.quantity_lots));
        let mut next = [0, 0];
        let mut left = sides.each_ref().map(|slots| slots.first().map_or(0, |&slot| self.whole(slot)));
        let mut missing = auction.quantity_lots;
        let mut traded = sides.each_ref().map(|_| 0_u64);
        while missing > 0 {
            let quantity = left[0].min(left[1]);
            let (buy, sell) = (sides[0][next[0]], sides[1][next[1]]);
            self.print(buy, sell, price_ticks, quantity, out);
            missing -= u128::from(quantity);
            for side in 0..2 {
                left[side] -= quantity;
                traded[side] += quantity;
                if left[side] > 0 {
                    continue;
                }
                self.fill(sides[side][next[side]], out);
                next[side] += 1;
                traded[side] = 0;
                left[side] = sides[side].get(next[side]).map_or(0, |&slot| self.whole(slot));
            }
        }
        for side in 0..2 {
            if traded[side] > 0 {
                self.fill_partly(sides[side][next[side]], traded[side], out);
            }
        }
    }

    /// Slots of a side in their order, as many as it takes for that quantity: market orders, then by price, displayed before
    /// hidden, then by time.
    fn participants(&self, side: u8, quantity: u128) -> Vec<u32> {
        let mut slots = Vec::new();
        let mut sum = 0;
        let of_levels = self.halves[usize::from(side)].iter().flat_map(|(_, number)| {
            let (level, aside) = (self.levels.get(number), self.levels.aside(number));
            level.queue.iter(&self.pool).chain(aside.queue.iter(&self.pool))
        });
        for slot in self.markets[usize::from(side)].queue.iter(&self.pool).chain(of_levels) {
            if sum >= quantity {
                break;
            }
            if !self.is_aon(slot) {
                sum += u128::from(self.whole(slot));
                slots.push(slot);
            }
        }
        slots
    }

    /// One trade of the uncross: nobody is the aggressor, the older order is the maker.
    fn print<S: EventSink>(&mut self, buy: u32, sell: u32, price_ticks: i64, quantity: u64, out: &mut Output<'_, S>) {
        let (buy, sell) = (self.pool.order(buy), self.pool.order(sell));
        let (maker, taker) = if buy.id < sell.id { (buy, sell) } else { (sell, buy) };
        let (order_id, account, other) = (maker.id, maker.account, taker.id);
        let levels = [buy.level, sell.level];
        self.last_trade_id += 1;
        self.last_trade_price = Some(price_ticks);
        self.statistics.trade(price_ticks, quantity);
        for level in levels.into_iter().filter(|&level| level != crate::arrive::NO_LEVEL) {
            let traded = self.levels.traded_mut(level);
            traded.trade_count += 1;
            traded.quantity += u128::from(quantity);
        }
        out.emit(Event {
            side: NO_SIDE,
            account,
            price_ticks,
            quantity_lots: quantity,
            order_id,
            other,
            detail: self.last_trade_id,
            ..Event::of(EventKind::Trade)
        });
    }

    /// An order has traded in full and goes.
    fn fill<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let level = self.pool.order(slot).level;
        if level != crate::arrive::NO_LEVEL {
            self.levels.traded_mut(level).orders_filled += 1;
        }
        self.leave(slot, out);
        self.release(slot);
    }

    /// At most one order a side has traded in part. An iceberg gives its slice first; a used-up one is followed by the next.
    fn fill_partly<S: EventSink>(&mut self, slot: u32, quantity: u64, out: &mut Output<'_, S>) {
        let order = *self.pool.order(slot);
        if !(order.traits().has_slices() && quantity >= order.remaining()) {
            return self.trade_in_place(slot, quantity, out);
        }
        // The rest comes from the reserve; then the slice is used up.
        let beyond = quantity - order.remaining();
        if let Some(special) = self.extras.special_mut(self.pool.record(slot).extra) {
            special.reserve -= beyond;
        }
        self.levels.with_aside(order.level).1.reserve -= u128::from(beyond);
        self.replenish(slot, out);
        touched(out, order.traits().side(), self.price_of(&order));
    }

    /// Takes a trade's quantity off an order that keeps its place, of an iceberg off its slice.
    fn trade_in_place<S: EventSink>(&mut self, slot: u32, quantity: u64, out: &mut Output<'_, S>) {
        let order = *self.pool.order(slot);
        if order.traits().place() != Place::Displayed {
            return self.shrink_in_place(slot, quantity, out);
        }
        self.pool.order_mut(slot).reduce(quantity);
        self.levels.get_mut(order.level).quantity -= u128::from(quantity);
        touched(out, order.traits().side(), self.price_of(&order));
    }
}
