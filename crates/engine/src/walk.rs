//! The walk over levels where not every order is plainly displayed and oldest-first: icebergs (R14), hidden and all-or-none
//! orders (R10, R20), a circuit breaker (R28), pro rata (R29). The plain walk of `matching` hands over to it.

use crate::book::{OrderBook, Output, touched};
use crate::codes::{EventKind, Matching, SelfTradePrevention};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::pool::{NIL, Place};
use crate::record::{Event, EventSink};

impl<I: PriceIndex> OrderBook<I> {
    /// Trades what the aggressor can get, level by level; a level whose orders are passed by stays behind it.
    #[inline(never)]
    pub(crate) fn walk_any<S: EventSink>(&mut self, taker: &mut Aggressor, out: &mut Output<'_, S>) -> Walk {
        let side = taker.side ^ 1;
        let mut next = self.halves[usize::from(side)].reached(taker.worst_key);
        while let Some((key, number)) = next.filter(|&(key, _)| key >= taker.worst_key) {
            let before = self.on_display(number);
            let walk = self.cross_level(number, flip(side, key), taker, out);
            let is_changed = self.on_display(number) != before;
            self.remove_if_empty(number);
            if is_changed {
                touched(out, side, flip(side, key));
            }
            if walk != Walk::Done || taker.remaining == 0 {
                return walk;
            }
            next = self.halves[usize::from(side)].next_below(key);
        }
        Walk::Done
    }

    /// Quantity and number of a level's displayed orders.
    fn on_display(&self, number: u32) -> (u128, u32) {
        let level = self.levels.get(number);
        (level.quantity, level.count - self.levels.aside(number).others())
    }

    fn cross_level<S: EventSink>(
        &mut self,
        level: u32,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) -> Walk {
        let walk = if self.rules.matching == Matching::Fifo || self.has_own(level, taker) {
            self.cross_displayed(level, price_ticks, taker, out)
        } else {
            self.share_out(level, price_ticks, taker, out)
        };
        if walk != Walk::Done || taker.remaining == 0 {
            return walk;
        }
        self.cross_undisplayed(level, price_ticks, taker, out)
    }

    /// The displayed orders, oldest first; a used-up slice's successor comes last among them.
    fn cross_displayed<S: EventSink>(
        &mut self,
        level: u32,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) -> Walk {
        while taker.remaining > 0 {
            let slot = self.levels.get(level).queue.head;
            if slot == NIL {
                break;
            }
            if self.is_own(taker, slot) {
                if self.prevent(slot, taker, out) == Walk::Ended {
                    return Walk::Ended;
                }
                continue;
            }
            if !self.may_print(price_ticks) {
                self.halt(out);
                return Walk::Halted;
            }
            let quantity = taker.remaining.min(self.pool.order(slot).remaining());
            self.strike(slot, quantity, price_ticks, taker, out);
        }
        Walk::Done
    }

    /// Hidden and all-or-none orders, oldest first; an all-or-none order larger than what is left is passed by.
    fn cross_undisplayed<S: EventSink>(
        &mut self,
        level: u32,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) -> Walk {
        let mut slot = self.levels.aside(level).queue.head;
        while slot != NIL && taker.remaining > 0 {
            let order = *self.pool.order(slot);
            if !(self.is_aon(slot) && order.remaining() > taker.remaining) {
                if self.is_own(taker, slot) {
                    if self.prevent(slot, taker, out) == Walk::Ended {
                        return Walk::Ended;
                    }
                } else if !self.may_print(price_ticks) {
                    self.halt(out);
                    return Walk::Halted;
                } else {
                    let quantity = taker.remaining.min(order.remaining());
                    self.strike(slot, quantity, price_ticks, taker, out);
                }
            }
            slot = order.next;
        }
        Walk::Done
    }

    /// Has a level any order that is the aggressor's own?
    fn has_own(&self, number: u32, taker: &Aggressor) -> bool {
        let (level, aside) = (self.levels.get(number), self.levels.aside(number));
        taker.mode != SelfTradePrevention::None
            && level.queue.iter(&self.pool).chain(aside.queue.iter(&self.pool)).any(|slot| self.is_own(taker, slot))
    }

    /// One trade: the maker has at least that quantity on show, or is not displayed at all. The maker that is filled goes, a
    /// used-up slice is followed by the next (R14). Its level stays, even if it is empty now.
    pub(crate) fn strike<S: EventSink>(
        &mut self,
        slot: u32,
        quantity: u64,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) {
        let maker = *self.pool.order(slot);
        let is_filled = self.whole(slot) == quantity;
        taker.remaining -= quantity;
        self.trade(price_ticks, &maker, quantity, is_filled, taker, out);
        if is_filled {
            self.unlink_anywhere(slot);
            self.release(slot);
        } else if quantity == maker.remaining() && maker.traits().has_slices() {
            self.replenish(slot, out);
        } else {
            self.pool.order_mut(slot).reduce(quantity);
            self.take_off_level(slot, quantity);
        }
    }

    /// Takes an order out of its level's queue; the level stays, even if it is empty now.
    pub(crate) fn unlink_anywhere(&mut self, slot: u32) {
        let order = *self.pool.order(slot);
        if order.traits().place() == Place::Undisplayed {
            self.unlink_undisplayed(slot);
            self.levels.close_aside(order.level);
        } else {
            self.unlink_displayed(slot);
        }
    }

    /// The level of an order that was partly traded has so much less.
    fn take_off_level(&mut self, slot: u32, quantity: u64) {
        let order = *self.pool.order(slot);
        if order.traits().place() == Place::Undisplayed {
            self.levels.with_aside(order.level).1.hidden -= u128::from(quantity);
        } else {
            self.levels.get_mut(order.level).quantity -= u128::from(quantity);
        }
    }

    /// R14: an iceberg whose slice is used up shows the next, last among the displayed orders.
    pub(crate) fn replenish<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let (order, extra) = (*self.pool.order(slot), self.pool.record(slot).extra);
        let Some(special) = self.extras.special_mut(extra) else {
            return;
        };
        let shown = special.display.unwrap_or(0).min(special.reserve);
        special.reserve -= shown;
        self.levels.get_mut(order.level).unlink(&mut self.pool, slot);
        let (level, aside) = self.levels.with_aside(order.level);
        aside.reserve -= u128::from(shown);
        self.pool.order_mut(slot).reenter(order.traits(), order.level, shown);
        level.append(&mut self.pool, slot, shown);
        out.emit(Event {
            side: order.traits().side(),
            account: order.account,
            price_ticks: self.price_of(&order),
            quantity_lots: shown,
            order_id: order.id,
            ..Event::of(EventKind::Replenished)
        });
    }
}
