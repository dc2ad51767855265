//! Reading a book: best prices, depth, levels, orders. Reads change nothing and do not move time (R2).

use crate::book::OrderBook;
use crate::client_ids::Finished;
use crate::codes::{Phase, SelfTradePrevention, Side, TimeInForce};
use crate::half::{best_price, flip};
use crate::index::PriceIndex;
use crate::pool::NIL;
use crate::record::{ClientId, flag};
use crate::statistics::Statistics;

/// A price level as it is now, with its statistics since it came to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price_ticks: i64,
    /// Sum of what remains of its orders.
    pub quantity_lots: u128,
    /// Number of its orders.
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
    /// GTC, DAY or GTD.
    pub time_in_force: TimeInForce,
    /// Its own mode; `None` is the instrument's.
    pub self_trade_prevention: Option<SelfTradePrevention>,
    /// Post-only (R13).
    pub post_only: bool,
    /// Post-only, repriced rather than rejected.
    pub slide: bool,
    /// Its limit.
    pub price_ticks: i64,
    /// Total quantity, filled part included.
    pub quantity_lots: u64,
    /// What is live.
    pub remaining_lots: u64,
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
    /// Lots filled so far.
    pub fn filled_lots(&self) -> u64 {
        self.quantity_lots - self.remaining_lots
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Best price of a side.
    pub fn best(&self, side: Side) -> Option<i64> {
        best_price(&self.halves[usize::from(side.code())], side)
    }

    /// Levels of a side from the best price on, at most `limit`.
    pub fn depth(&self, side: Side, limit: usize) -> Vec<LevelView> {
        let half = &self.halves[usize::from(side.code())];
        half.iter().take(limit).map(|(_, level)| self.view_level(side, level)).collect()
    }

    /// The level at a price.
    pub fn level(&self, side: Side, price_ticks: i64) -> Option<LevelView> {
        let level = self.halves[usize::from(side.code())].find(flip(side.code(), price_ticks));
        (level != NIL).then(|| self.view_level(side, level))
    }

    /// Number of levels of a side.
    pub fn level_count(&self, side: Side) -> usize {
        self.halves[usize::from(side.code())].len()
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
                let mut orders: Vec<_> = self.by_priority(Side::Buy).chain(self.by_priority(Side::Sell)).collect();
                orders.retain(|order| account.is_none_or(|account| order.account == account));
                orders.sort_unstable_by_key(|order| order.order_id);
                orders
            }
        }
    }

    /// Live orders of a side: levels from the best price on, each in order of priority.
    pub fn by_priority(&self, side: Side) -> impl Iterator<Item = OrderView> {
        self.halves[usize::from(side.code())].iter().flat_map(|(_, level)| self.queue(level))
    }

    /// Orders of a level in order of priority.
    pub(crate) fn queue(&self, level: u32) -> impl Iterator<Item = OrderView> {
        let first = Some(self.levels.get(level).head).filter(|&slot| slot != NIL);
        let next = |&slot: &u32| Some(self.pool.order(slot).next).filter(|&next| next != NIL);
        std::iter::successors(first, next).map(|slot| self.view_order(slot))
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

    fn view_order(&self, slot: u32) -> OrderView {
        let (order, record) = (self.pool.order(slot), self.pool.record(slot));
        let (traits, extra) = (order.traits(), self.extras.get(record.extra));
        OrderView {
            order_id: order.id,
            account: order.account,
            side: if traits.side() == 0 { Side::Buy } else { Side::Sell },
            time_in_force: TimeInForce::from_code(traits.time_in_force()).unwrap_or(TimeInForce::Gtc),
            self_trade_prevention: SelfTradePrevention::from_code(traits.self_trade_prevention()),
            post_only: traits.post_flags() & flag::POST_ONLY != 0,
            slide: traits.post_flags() & flag::SLIDE != 0,
            price_ticks: self.price_of(order),
            quantity_lots: record.total,
            remaining_lots: order.remaining(),
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
            order_count: level.count,
            orders_added: level.orders_added,
            orders_filled: traded.orders_filled,
            orders_removed: level.orders_added - traded.orders_filled - u64::from(level.count),
            trade_count: traded.trade_count,
            traded_quantity: traded.quantity,
        }
    }
}
