//! Matching: an aggressor walks down the other side (R10 to R12), and self-trade prevention on its way (R25). The walk here is
//! the plain one, over displayed orders oldest first; where a level, or the book, has more to it, `walk` takes over.

use crate::book::{COUNTER_MASK, OrderBook, Output, touched};
use crate::codes::{CancelReason, EventKind, SelfTradePrevention};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::pool::{NIL, Order};
use crate::record::{Event, EventSink};

/// The order that is trading now.
pub(crate) struct Aggressor {
    pub id: u64,
    pub account: u32,
    pub self_trade_group: u32,
    pub side: u8,
    /// The mode that counts: its own, else the instrument's; `None` where it has no account (R25).
    pub mode: SelfTradePrevention,
    /// Its limit, 0 where it has none.
    pub price_ticks: i64,
    /// The worst key of the other side that it may meet.
    pub worst_key: i64,
    /// Total quantity: self-trade prevention may shrink it.
    pub total: u64,
    pub remaining: u64,
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Nothing is left, or nothing more can be met.
    Done,
    /// Self-trade prevention ended the aggressor; its events are out, and nothing is left.
    Ended,
    /// The circuit breaker halted trading (R28).
    Halted,
}

impl<I: PriceIndex> OrderBook<I> {
    /// Trades what the aggressor can get: best price first, then time, at the resting orders' prices (R10).
    #[inline(always)]
    pub(crate) fn take<S: EventSink>(&mut self, taker: &mut Aggressor, out: &mut Output<'_, S>) -> Walk {
        if !self.halves[usize::from(taker.side ^ 1)].may_reach(taker.worst_key) {
            return Walk::Done;
        }
        if self.walks_otherwise {
            self.walk_any(taker, out)
        } else if taker.mode == SelfTradePrevention::None {
            self.walk::<false, S>(taker, out)
        } else {
            self.walk::<true, S>(taker, out)
        }
    }

    fn walk<const PREVENT: bool, S: EventSink>(&mut self, taker: &mut Aggressor, out: &mut Output<'_, S>) -> Walk {
        let side = taker.side ^ 1;
        loop {
            let Some((key, level)) = self.halves[usize::from(side)].reached(taker.worst_key) else {
                return Walk::Done;
            };
            let price_ticks = flip(side, key);
            if self.levels.get(level).aside != NIL {
                return self.walk_any(taker, out);
            }
            let before = self.levels.get(level).quantity;
            let walk = self.walk_level::<PREVENT, S>(level, price_ticks, taker, out);
            let after = self.levels.get(level);
            // The walk can end at the first order it meets, having changed nothing.
            if after.quantity != before {
                let is_empty = after.count == 0;
                if is_empty {
                    self.halves[usize::from(side)].remove(&mut self.levels, level);
                }
                touched(out, side, price_ticks);
            }
            if walk != Walk::Done || taker.remaining == 0 {
                return walk;
            }
        }
    }

    /// One level, oldest order first, until it is empty or the aggressor is done. The level is removed by the caller.
    #[inline(always)]
    fn walk_level<const PREVENT: bool, S: EventSink>(
        &mut self,
        level: u32,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) -> Walk {
        loop {
            let slot = self.levels.get(level).queue.head;
            if slot == NIL {
                return Walk::Done;
            }
            let maker = *self.pool.order(slot);
            if PREVENT && self.is_own(taker, slot) {
                if self.prevent(slot, taker, out) == Walk::Ended {
                    return Walk::Ended;
                }
                continue;
            }
            let quantity = taker.remaining.min(maker.remaining());
            taker.remaining -= quantity;
            self.trade(price_ticks, &maker, quantity, quantity == maker.remaining(), taker, out);
            if quantity < maker.remaining() {
                self.pool.order_mut(slot).reduce(quantity);
                self.levels.get_mut(level).quantity -= u128::from(quantity);
                return Walk::Done;
            }
            self.pool.prefetch(maker.next);
            self.levels.get_mut(level).unlink(&mut self.pool, slot);
            self.release(slot);
            if taker.remaining == 0 {
                return Walk::Done;
            }
        }
    }

    #[inline(always)]
    pub(crate) fn trade<S: EventSink>(
        &mut self,
        price_ticks: i64,
        maker: &Order,
        quantity: u64,
        is_filled: bool,
        taker: &Aggressor,
        out: &mut Output<'_, S>,
    ) {
        self.last_trade_id += 1;
        self.last_trade_price = Some(price_ticks);
        self.statistics.trade(price_ticks, quantity);
        let traded = self.levels.traded_mut(maker.level);
        traded.trade_count += 1;
        traded.quantity += u128::from(quantity);
        traded.orders_filled += u64::from(is_filled);
        out.emit(Event {
            side: taker.side,
            account: maker.account,
            price_ticks,
            quantity_lots: quantity,
            order_id: maker.id,
            other: taker.id,
            detail: self.last_trade_id,
            ..Event::of(EventKind::Trade)
        });
    }

    /// R25: is the resting order the aggressor's own? Where its mode is `none`, nothing is.
    #[inline(always)]
    pub(crate) fn is_own(&self, taker: &Aggressor, slot: u32) -> bool {
        if taker.mode == SelfTradePrevention::None {
            return false;
        }
        let account = self.pool.order(slot).account;
        if taker.self_trade_group != 0 && account != 0 {
            let group = self.extras.get(self.pool.record(slot).extra).self_trade_group;
            if group != 0 {
                return group == taker.self_trade_group;
            }
        }
        account != 0 && account == taker.account
    }

    /// R25: what happens instead of a trade between own orders. `Ended` if the aggressor is gone.
    #[inline(never)]
    pub(crate) fn prevent<S: EventSink>(&mut self, slot: u32, taker: &mut Aggressor, out: &mut Output<'_, S>) -> Walk {
        let (resting, whole) = (*self.pool.order(slot), self.whole(slot));
        match taker.mode {
            SelfTradePrevention::None => return Walk::Done,
            SelfTradePrevention::CancelNewest => {}
            SelfTradePrevention::CancelOldest => {
                self.end_resting(slot, out);
                return Walk::Done;
            }
            SelfTradePrevention::CancelBoth => self.end_resting(slot, out),
            SelfTradePrevention::Decrement => {
                let quantity = taker.remaining.min(whole);
                out.emit(Event {
                    side: taker.side ^ 1,
                    account: resting.account,
                    price_ticks: self.price_of(&resting),
                    quantity_lots: quantity,
                    order_id: resting.id,
                    other: taker.id,
                    ..Event::of(EventKind::Decremented)
                });
                self.statistics.decremented_quantity += u128::from(quantity);
                taker.remaining -= quantity;
                taker.total -= quantity;
                self.pool.record_mut(slot).total -= quantity;
                self.shrink_in_place(slot, quantity, out);
                if quantity == whole {
                    self.end_resting(slot, out);
                }
                if taker.remaining > 0 {
                    return Walk::Done;
                }
            }
        }
        self.end_aggressor(CancelReason::SelfTrade, taker, out);
        taker.remaining = 0;
        Walk::Ended
    }

    /// Cancels a resting order for its owner's aggressor. Its level stays for the walk, even if it is empty now.
    fn end_resting<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let gone = self.describe(slot);
        debug_assert!(gone.order_id & COUNTER_MASK != 0);
        self.unlink_anywhere(slot);
        self.release(slot);
        self.count_canceled(CancelReason::SelfTrade);
        out.canceled(CancelReason::SelfTrade, gone);
    }

    /// Cancels what is left of the aggressor.
    pub(crate) fn end_aggressor<S: EventSink>(
        &mut self,
        reason: CancelReason,
        taker: &Aggressor,
        out: &mut Output<'_, S>,
    ) {
        let &Aggressor { id, account, side, price_ticks, remaining, .. } = taker;
        self.count_canceled(reason);
        out.canceled(reason, crate::book::Gone { order_id: id, account, side, price_ticks, quantity: remaining });
    }
}
