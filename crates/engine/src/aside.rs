//! What stands beside a level's displayed queue: hidden and all-or-none orders, the reserves of icebergs, and, in an auction,
//! protected market orders. Few levels have any of it; where none does, matching never looks here.

use crate::book::{OrderBook, Output, touched};
use crate::codes::TimeInForce;
use crate::half::flip;
use crate::index::PriceIndex;
use crate::level::Queue;
use crate::pool::{NIL, Place, Pool};
use crate::record::EventSink;

/// The part of a level that is not displayed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Aside {
    /// Hidden and all-or-none orders: behind all displayed ones (R10).
    pub queue: Queue,
    /// Orders in that queue.
    pub count: u32,
    /// Of these, all-or-none.
    pub aon_count: u32,
    /// Sum of what the hidden ones have, all-or-none not included.
    pub hidden: u128,
    /// Icebergs in the displayed queue, and what they do not show.
    pub iceberg_count: u32,
    pub reserve: u128,
    /// Market orders in the displayed queue that wait for an uncross, with this price as their protection.
    pub waiting_count: u32,
    pub waiting: u128,
}

impl Aside {
    /// Orders of the level that are not displayed.
    pub fn others(&self) -> u32 {
        self.count + self.waiting_count
    }

    pub fn is_vacant(&self) -> bool {
        self.count | self.iceberg_count | self.waiting_count == 0
    }
}

/// Market orders without protection that wait for an uncross (R26).
#[derive(Clone, Copy, Default)]
pub(crate) struct Markets {
    pub queue: Queue,
    pub quantity: u128,
}

impl Markets {
    fn push_back(&mut self, pool: &mut Pool, slot: u32) {
        self.queue.append(pool, slot);
        self.quantity += u128::from(pool.order(slot).remaining());
    }

    fn unlink(&mut self, pool: &mut Pool, slot: u32) {
        self.quantity -= u128::from(pool.order(slot).remaining());
        self.queue.unlink(pool, slot);
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Puts an order with rarer terms, which is in the pool, where its traits say: last in its queue.
    pub(crate) fn join(&mut self, slot: u32) {
        let (order, extra) = (*self.pool.order(slot), self.pool.record(slot).extra);
        let (side, level) = (usize::from(order.traits().side()), order.level);
        let is_aon = order.traits().time_in_force() == TimeInForce::Aon.code();
        match order.traits().place() {
            Place::Displayed if order.traits().has_slices() => {
                let reserve = self.extras.special(extra).reserve;
                let (level, aside) = self.levels.with_aside(level);
                aside.iceberg_count += 1;
                aside.reserve += u128::from(reserve);
                level.push_back(&mut self.pool, slot, order.remaining());
            }
            Place::Displayed => self.levels.get_mut(level).push_back(&mut self.pool, slot, order.remaining()),
            Place::Undisplayed => {
                let (level, aside) = self.levels.with_aside(level);
                level.orders_added += 1;
                level.count += 1;
                aside.queue.append(&mut self.pool, slot);
                aside.count += 1;
                if is_aon {
                    aside.aon_count += 1;
                    let arrival = self.next_arrival();
                    self.triggers.add_aon(order.traits().side(), self.price_of(&order), arrival, slot);
                    self.set_arrival(extra, arrival);
                } else {
                    aside.hidden += u128::from(order.remaining());
                }
            }
            Place::Waiting if level == NIL => self.markets[side].push_back(&mut self.pool, slot),
            Place::Waiting => {
                let (level, aside) = self.levels.with_aside(level);
                level.orders_added += 1;
                level.count += 1;
                aside.waiting_count += 1;
                aside.waiting += u128::from(order.remaining());
                level.queue.append(&mut self.pool, slot);
            }
            Place::Dormant => {
                let arrival = self.next_arrival();
                self.set_arrival(extra, arrival);
                let special = *self.extras.special(extra);
                self.triggers.add_stop(order.traits().side(), &special, slot);
            }
        }
    }

    /// Takes a live order out of wherever it stands. A level that this leaves without any order goes.
    pub(crate) fn leave<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let (order, extra) = (*self.pool.order(slot), self.pool.record(slot).extra);
        let side = order.traits().side();
        match order.traits().place() {
            Place::Displayed if !order.traits().has_slices() => return self.leave_plainly(slot, out),
            Place::Displayed => {
                self.unlink_displayed(slot);
                self.remove_if_empty(order.level);
                return touched(out, side, self.price_of(&order));
            }
            Place::Dormant => return self.triggers.remove_stop(side, self.extras.special(extra)),
            Place::Waiting if order.level == NIL => {
                return self.markets[usize::from(side)].unlink(&mut self.pool, slot);
            }
            Place::Undisplayed => self.unlink_undisplayed(slot),
            Place::Waiting => {
                let (level, aside) = self.levels.with_aside(order.level);
                level.queue.unlink(&mut self.pool, slot);
                level.count -= 1;
                aside.waiting_count -= 1;
                aside.waiting -= u128::from(order.remaining());
            }
        }
        self.levels.close_aside(order.level);
        self.remove_if_empty(order.level);
    }

    /// Takes a hidden or all-or-none order out of its queue; the level stays, even if it is empty now.
    pub(crate) fn unlink_undisplayed(&mut self, slot: u32) {
        let order = *self.pool.order(slot);
        let (level, aside) = self.levels.with_aside(order.level);
        aside.queue.unlink(&mut self.pool, slot);
        aside.count -= 1;
        level.count -= 1;
        if order.traits().time_in_force() == TimeInForce::Aon.code() {
            aside.aon_count -= 1;
            let arrival = self.extras.special(self.pool.record(slot).extra).arrival;
            self.triggers.remove_aon(order.traits().side(), self.price_of(&order), arrival);
        } else {
            aside.hidden -= u128::from(order.remaining());
        }
    }

    /// Takes an order out of its level's displayed queue; the level stays, even if it is empty now.
    pub(crate) fn unlink_displayed(&mut self, slot: u32) {
        let order = *self.pool.order(slot);
        if order.traits().has_slices() {
            let reserve = self.extras.special(self.pool.record(slot).extra).reserve;
            let (_, aside) = self.levels.with_aside(order.level);
            aside.iceberg_count -= 1;
            aside.reserve -= u128::from(reserve);
            self.levels.close_aside(order.level);
        }
        self.levels.get_mut(order.level).unlink(&mut self.pool, slot);
    }

    /// Removes a level that has no order left from its side.
    pub(crate) fn remove_if_empty(&mut self, level_number: u32) {
        let level = self.levels.get(level_number);
        if level.is_empty() {
            let side = level.side as usize & 1;
            self.halves[side].remove(&mut self.levels, level_number);
        }
    }

    /// What is live of an order: of an iceberg, its slice and its reserve.
    #[inline(always)]
    pub(crate) fn whole(&self, slot: u32) -> u64 {
        let order = self.pool.order(slot);
        if order.traits().has_slices() { order.remaining() + self.reserve(slot) } else { order.remaining() }
    }

    /// What an order does not show of itself.
    pub(crate) fn reserve(&self, slot: u32) -> u64 {
        self.extras.special(self.pool.record(slot).extra).reserve
    }

    /// Takes `less` off what is live of an order that stays in its place: of an iceberg from the reserve first (R22, R25).
    pub(crate) fn shrink_in_place<S: EventSink>(&mut self, slot: u32, less: u64, out: &mut Output<'_, S>) {
        let order = *self.pool.order(slot);
        let mut less = less;
        if order.traits().has_slices() {
            let from_reserve = less.min(self.reserve(slot));
            if let Some(special) = self.extras.special_mut(self.pool.record(slot).extra) {
                special.reserve -= from_reserve;
            }
            self.levels.with_aside(order.level).1.reserve -= u128::from(from_reserve);
            less -= from_reserve;
        }
        self.pool.order_mut(slot).reduce(less);
        let less = u128::from(less);
        match order.traits().place() {
            Place::Displayed => {
                self.levels.get_mut(order.level).quantity -= less;
                if less > 0 {
                    touched(out, order.traits().side(), self.price_of(&order));
                }
            }
            Place::Undisplayed if order.traits().time_in_force() != TimeInForce::Aon.code() => {
                self.levels.with_aside(order.level).1.hidden -= less;
            }
            Place::Waiting if order.level == NIL => {
                self.markets[usize::from(order.traits().side())].quantity -= less;
            }
            Place::Waiting => self.levels.with_aside(order.level).1.waiting -= less,
            Place::Undisplayed | Place::Dormant => {}
        }
    }

    /// The worst price that an order may trade at; `None`: any.
    pub(crate) fn limit_of(&self, slot: u32) -> Option<i64> {
        let (order, special) = (self.pool.order(slot), self.extras.special(self.pool.record(slot).extra));
        match order.traits().place() {
            Place::Displayed | Place::Undisplayed => Some(self.price_of(order)),
            Place::Dormant => special.order_type.has_limit().then_some(special.limit_ticks),
            Place::Waiting => None,
        }
    }

    fn set_arrival(&mut self, extra: u32, arrival: u64) {
        if let Some(special) = self.extras.special_mut(extra) {
            special.arrival = arrival;
        }
    }

    /// A number above all that were given before.
    fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    /// The level of a side at that price, made if it is not there.
    #[inline(always)]
    pub(crate) fn level_at(&mut self, side: u8, price_ticks: i64) -> u32 {
        self.halves[usize::from(side & 1)].level_at(&mut self.levels, side, flip(side, price_ticks))
    }
}
