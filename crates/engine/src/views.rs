//! Reading a book: best prices, depth, levels, orders. Reads change nothing and do not move time (R2).

use crate::book::OrderBook;
use crate::client_ids::Finished;
use crate::codes::{OrderType, Phase, SelfTradePrevention, Side, TimeInForce};
use crate::half::{Half, flip};
use crate::index::PriceIndex;
use crate::offset::Offset;
use crate::pool::{NIL, Place};
use crate::record::{ClientId, flag, present};
use crate::statistics::Statistics;

/// A price level as it is now, with its statistics since it came to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price_ticks: i64,
    /// Sum of what its orders display.
    pub quantity_lots: u128,
    /// Number of its displayed orders.
    pub order_count: u32,
    /// Orders that came to rest here.
    pub orders_added: u64,
    /// Of these, how many were filled here.
    pub orders_filled: u64,
    /// Of these, how many left otherwise: canceled, expired, amended away.
    pub orders_removed: u64,
    /// Trades at this level.
    pub trade_count: u64,
    /// Lots traded at this level.
    pub traded_quantity: u128,
}

/// A live order as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its id (R5).
    pub order_id: u64,
    /// Its account, 0 for none.
    pub account: u32,
    /// Its side.
    pub side: Side,
    /// What it is now: a stop that was triggered is the limit order that it became.
    pub order_type: OrderType,
    /// Is it a stop that waits?
    pub is_dormant: bool,
    /// Its time in force; of a dormant stop, that of the order it becomes.
    pub time_in_force: TimeInForce,
    /// Its own mode; `None` is the instrument's.
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// Post-only (R13).
    pub post_only: bool,
    /// Post-only, repriced rather than rejected.
    pub slide: bool,
    /// Its limit; 0 where its type has none.
    pub price_ticks: i64,
    /// Total quantity, filled part included.
    pub quantity_lots: u64,
    /// What is live, of an iceberg its reserve included.
    pub remaining_lots: u64,
    /// What of it is displayed: of an iceberg the slice, of hidden, all-or-none, waiting and dormant orders nothing.
    pub shown_lots: u64,
    /// An iceberg's slice; 0 is hidden, `None` displayed in full.
    pub display_lots: Option<u64>,
    /// Of a dormant order; 0 where it has none.
    pub minimum_lots: u64,
    /// Of a dormant order; `None` too before a trailing stop's first trade.
    pub stop_price_ticks: Option<i64>,
    /// How far a trailing stop follows.
    pub trail: Option<Offset>,
    /// Of a market order that waits for an uncross.
    pub protection_price_ticks: Option<i64>,
    /// When it was accepted.
    pub entered_ns: u64,
    /// When it ends; 0 unless GTD.
    pub expire_at_ns: u64,
    /// Its group (R25), 0 for none.
    pub self_trade_group: u32,
    /// Its client order id.
    pub client_id: Option<ClientId>,
}

impl OrderView {
    /// The bits of [`present`] for the terms that still matter.
    pub(crate) fn present(&self) -> u8 {
        let bit = |has: bool, bit: u8| if has { bit } else { 0 };
        bit(self.stop_price_ticks.is_some(), present::STOP)
            | bit(self.trail.is_some(), present::TRAIL)
            | bit(self.display_lots.is_some(), present::DISPLAY)
            | bit(self.minimum_lots > 0, present::MINIMUM)
            | bit(self.protection_price_ticks.is_some(), present::PROTECTION)
    }

    /// Lots filled so far.
    pub fn filled_lots(&self) -> u64 {
        self.quantity_lots - self.remaining_lots
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Best displayed price of a side.
    pub fn best(&self, side: Side) -> Option<i64> {
        self.displayed(side).next().map(|(key, _)| flip(side.code(), key))
    }

    /// Levels of a side with something on display, from the best price on, at most `limit`.
    pub fn depth(&self, side: Side, limit: usize) -> Vec<LevelView> {
        self.displayed(side).take(limit).map(|(_, level)| self.view_level(side, level)).collect()
    }

    /// Price, displayed lots and displayed orders of a side's best levels, at most `limit`: [`OrderBook::depth`] without its
    /// memory and statistics, for whoever publishes them after every batch.
    pub fn best_levels(&self, side: Side, limit: usize, mut visit: impl FnMut(i64, u128, u32)) {
        for (key, number) in self.displayed(side).take(limit) {
            let level = self.levels.get(number);
            visit(flip(side.code(), key), level.quantity, level.count - self.levels.aside(number).others());
        }
    }

    /// The level at a price, if something is displayed there.
    pub fn level(&self, side: Side, price_ticks: i64) -> Option<LevelView> {
        let level = self.halves[usize::from(side.code())].find(flip(side.code(), price_ticks));
        (level != NIL && self.levels.get(level).quantity > 0).then(|| self.view_level(side, level))
    }

    /// Live orders at a price in order of priority (R10), undisplayed ones included; not those that wait without a price.
    pub fn queue_at(&self, side: Side, price_ticks: i64) -> Vec<OrderView> {
        let level = self.halves[usize::from(side.code())].find(flip(side.code(), price_ticks));
        if level == NIL {
            return Vec::new();
        }
        self.queue(level).map(|slot| self.view_order(slot)).collect()
    }

    /// Number of levels of a side with something on display.
    pub fn level_count(&self, side: Side) -> usize {
        if self.levels.has_asides() { self.displayed(side).count() } else { self.half(side).len() }
    }

    fn half(&self, side: Side) -> &Half<I> {
        &self.halves[usize::from(side.code())]
    }

    /// Keys and numbers of the levels of a side with something on display, best first.
    fn displayed(&self, side: Side) -> impl Iterator<Item = (i64, u32)> {
        self.half(side).iter().filter(|&(_, level)| self.levels.get(level).quantity > 0)
    }

    /// Bytes of memory that the price indexes of both sides hold.
    pub fn index_bytes(&self) -> usize {
        self.halves.iter().map(|half| half.bytes()).sum()
    }

    /// A live order by its id.
    pub fn order(&self, order_id: u64) -> Option<OrderView> {
        let slot = self.slot_of(order_id);
        (slot != NIL).then(|| self.view_order(slot))
    }

    /// The displayed order of a side that trades next under price-time priority: the oldest at the best displayed price.
    #[inline]
    pub fn first_in_line(&self, side: Side) -> Option<(u64, i64)> {
        let (key, level) = self.displayed(side).next()?;
        let order = self.pool.order(self.levels.get(level).queue.head);
        Some((order.id, flip(side.code(), key)))
    }

    /// Is there a live order with this id?
    #[inline(always)]
    pub fn is_live(&self, order_id: u64) -> bool {
        self.slot_of(order_id) != NIL
    }

    /// A live order by its client id.
    pub fn order_by_client_id(&self, account: u32, client_id: &ClientId) -> Option<OrderView> {
        self.client_ids.live_owner(&(account, *client_id)).and_then(|order_id| self.order(order_id))
    }

    /// Live orders in order of id: of one account, or all.
    pub fn orders(&self, account: Option<u32>) -> Vec<OrderView> {
        match account {
            Some(account) if account != 0 => {
                self.extras.of_account(&self.pool, account).map(|slot| self.view_order(slot)).collect()
            }
            _ => {
                let mut orders: Vec<_> = self.all_slots().map(|slot| self.view_order(slot)).collect();
                orders.retain(|order| account.is_none_or(|account| order.account == account));
                orders.sort_unstable_by_key(|order| order.order_id);
                orders
            }
        }
    }

    /// Dormant stops: buys, then sells, in the order in which they would be triggered; those that wait for a first trade last.
    pub fn stops(&self) -> Vec<OrderView> {
        self.dormant_slots().map(|slot| self.view_order(slot)).collect()
    }

    /// Slots of a side's orders but for the dormant ones: market orders that wait, then levels from the best price on, each in
    /// order of priority.
    pub(crate) fn by_priority(&self, side: Side) -> impl Iterator<Item = u32> {
        let markets = self.markets[usize::from(side.code())].queue;
        let of_levels = self.half(side).iter().flat_map(|(_, level)| self.queue(level));
        markets.iter(&self.pool).chain(of_levels)
    }

    /// Slots of a level's orders in order of priority.
    pub(crate) fn queue(&self, level: u32) -> impl Iterator<Item = u32> {
        let (displayed, undisplayed) = (self.levels.get(level).queue, self.levels.aside(level).queue);
        displayed.iter(&self.pool).chain(undisplayed.iter(&self.pool))
    }

    /// Slots of all live orders.
    pub(crate) fn all_slots(&self) -> impl Iterator<Item = u32> {
        self.by_priority(Side::Buy).chain(self.by_priority(Side::Sell)).chain(self.dormant_slots())
    }

    /// Dormant orders by arrival, which is what decides between stops that come to one price (R16).
    pub(crate) fn dormant_by_arrival(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self.dormant_slots().collect();
        slots.sort_unstable_by_key(|&slot| self.extras.special(self.pool.record(slot).extra).arrival);
        slots
    }

    /// When the circuit breaker's halt ends, ns.
    pub fn halt_end_ns(&self) -> Option<u64> {
        self.halt_end_ns
    }

    /// Number of live orders.
    pub fn order_count(&self) -> usize {
        self.pool.live()
    }

    /// Time of the last command, ns.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Number of the last command.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The trading phase.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Price of the last trade.
    pub fn last_trade_price(&self) -> Option<i64> {
        self.last_trade_price
    }

    /// Counts since the book was made.
    pub fn statistics(&self) -> Statistics {
        // Every accepted order took the next counter, so the hot path need not count them again.
        Statistics { orders_accepted: self.last_order_counter(), ..self.statistics.clone() }
    }

    /// The counter of the last order id given, 0 before the first.
    pub fn last_order_counter(&self) -> u64 {
        self.ids.next() - 1
    }

    /// Finished client ids that are still taken, in the order in which they finished.
    pub(crate) fn finished_client_ids(&self) -> impl ExactSizeIterator<Item = &Finished> {
        self.client_ids.finished()
    }

    pub(crate) fn view_order(&self, slot: u32) -> OrderView {
        let (order, record) = (self.pool.order(slot), self.pool.record(slot));
        let (traits, extra) = (order.traits(), self.extras.get(record.extra));
        let special = self.extras.special(record.extra);
        let is_shown = traits.place() == Place::Displayed;
        OrderView {
            order_id: order.id,
            account: order.account,
            side: if traits.side() == 0 { Side::Buy } else { Side::Sell },
            order_type: special.order_type,
            is_dormant: traits.place() == Place::Dormant,
            time_in_force: TimeInForce::from_code(traits.time_in_force()).unwrap_or(TimeInForce::Gtc),
            self_trade_prevention: SelfTradePrevention::from_code(traits.self_trade_prevention()),
            post_only: traits.post_flags() & flag::POST_ONLY != 0,
            slide: traits.post_flags() & flag::SLIDE != 0,
            price_ticks: self.limit_of(slot).unwrap_or(0),
            quantity_lots: record.total,
            remaining_lots: self.whole(slot),
            shown_lots: if is_shown { order.remaining() } else { 0 },
            display_lots: special.display,
            minimum_lots: special.minimum,
            stop_price_ticks: special.stop_ticks,
            trail: special.trail,
            protection_price_ticks: special.protection_ticks,
            entered_ns: record.entered_ns,
            expire_at_ns: extra.expire_at_ns,
            self_trade_group: extra.self_trade_group,
            client_id: extra.has_client_id.then_some(extra.client_id),
        }
    }

    fn view_level(&self, side: Side, number: u32) -> LevelView {
        let (level, traded) = (self.levels.get(number), self.levels.traded(number));
        LevelView {
            side,
            price_ticks: flip(side.code(), level.key),
            quantity_lots: level.quantity,
            order_count: level.count - self.levels.aside(number).others(),
            orders_added: level.orders_added,
            orders_filled: traded.orders_filled,
            orders_removed: level.orders_added - traded.orders_filled - u64::from(level.count),
            trade_count: traded.trade_count,
            traded_quantity: traded.quantity,
        }
    }
}
