//! The state of one instrument's book, and the small steps that every command is made of: emit an event, let an order rest,
//! take one away. What commands mean stands in `enter`, `matching`, `self_trade`, `change` and `clock`.

use crate::client_ids::ClientIds;
use crate::codes::{CancelReason, EventKind, Phase, SelfTradePrevention, Side};
use crate::expiry::Expiries;
use crate::extras::{Extra, Extras};
use crate::half::{Half, flip};
use crate::ids::OrderIds;
use crate::index::PriceIndex;
use crate::level::Levels;
use crate::pool::{Handle, NIL, Order, Pool, Record, Traits};
use crate::record::{ClientId, Event, EventSink, NO_SIDE};
use crate::statistics::Statistics;

/// Order ids: the instrument's number above, a counter of this many bits below (R5).
pub const COUNTER_BITS: u32 = 40;
pub(crate) const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;

/// What an instrument is to its book. Immutable; a snapshot carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The instrument's number, 24 bits.
    pub instrument: u32,
    /// How long a finished order's client id stays taken, in ns of log time (R5).
    pub dedup_window_ns: u64,
    /// The mode of orders that name none (R25).
    pub self_trade_prevention: SelfTradePrevention,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { instrument: 0, dedup_window_ns: 0, self_trade_prevention: SelfTradePrevention::None }
    }
}

/// One book, with its price index compiled in.
pub struct OrderBook<I> {
    pub(crate) rules: Rules,
    /// Time of the last command, ns (R2).
    pub(crate) now_ns: u64,
    /// Until then time passes without effect: the first expiry or the first client id to become free.
    pub(crate) next_due_ns: u64,
    /// Sequence number of the last command.
    pub(crate) sequence: u64,
    pub(crate) phase: Phase,
    pub(crate) last_trade_id: u64,
    pub(crate) last_trade_price: Option<i64>,
    /// Bids, asks.
    pub(crate) halves: [Half<I>; 2],
    pub(crate) levels: Levels,
    pub(crate) pool: Pool,
    pub(crate) ids: OrderIds,
    pub(crate) extras: Extras,
    pub(crate) client_ids: ClientIds,
    pub(crate) expiries: Expiries,
    pub(crate) statistics: Statistics,
    /// Reused by commands that end many orders, so that they allocate nothing once it has grown.
    pub(crate) scratch: Vec<u32>,
}

/// Numbers the events of one command and hands them on (R4).
pub(crate) struct Output<'a, S> {
    pub sink: &'a mut S,
    pub sequence: u64,
    pub instrument: u32,
    pub index: u32,
}

impl<S: EventSink> Output<'_, S> {
    #[inline(always)]
    pub fn emit(&mut self, event: Event) {
        let Output { sequence, instrument, index, .. } = *self;
        self.sink.event(Event { sequence, instrument, index, ..event });
        self.index += 1;
    }

    /// The answer to a command that is not a new order.
    #[inline(always)]
    pub fn accepted(&mut self, order_id: u64, account: u32, now_ns: u64, tag: u64) {
        self.emit(Event { order_id, account, other: now_ns, detail: tag, ..Event::of(EventKind::Accepted) });
    }

    #[inline(always)]
    pub fn canceled(&mut self, reason: CancelReason, gone: Gone) {
        self.emit(Event {
            reason: reason.code(),
            side: gone.side,
            account: gone.account,
            price_ticks: gone.price_ticks,
            quantity_lots: gone.quantity,
            order_id: gone.order_id,
            ..Event::of(EventKind::Canceled)
        });
    }
}

/// What a `canceled` event says of an order.
#[derive(Clone, Copy)]
pub(crate) struct Gone {
    pub order_id: u64,
    pub account: u32,
    pub side: u8,
    pub price_ticks: i64,
    pub quantity: u64,
}

/// An order about to rest.
#[derive(Clone, Copy)]
pub(crate) struct Resting {
    pub id: u64,
    pub account: u32,
    pub traits: Traits,
    pub price_ticks: i64,
    pub remaining: u64,
}

impl<I: PriceIndex> OrderBook<I> {
    /// An empty book.
    ///
    /// # Panics
    /// If the instrument's number has more than 24 bits.
    pub fn new(rules: Rules) -> OrderBook<I> {
        Self::with_capacity(rules, 0)
    }

    /// An empty book with memory laid out for that many live orders; it takes more too.
    ///
    /// # Panics
    /// As [`OrderBook::new`].
    pub fn with_capacity(rules: Rules, expected_orders: usize) -> OrderBook<I> {
        assert!(rules.instrument < 1 << 24, "instrument: {} has more than 24 bits", rules.instrument);
        OrderBook {
            rules,
            now_ns: 0,
            next_due_ns: u64::MAX,
            sequence: 0,
            phase: Phase::Continuous,
            last_trade_id: 0,
            last_trade_price: None,
            halves: [Half::new(), Half::new()],
            levels: Levels::new(),
            pool: Pool::new(expected_orders),
            ids: OrderIds::new(1),
            extras: Extras::new(),
            client_ids: ClientIds::new(rules.dedup_window_ns),
            expiries: Expiries::default(),
            statistics: Statistics::default(),
            scratch: Vec::new(),
        }
    }

    /// The order id of a counter.
    #[inline(always)]
    pub(crate) fn order_id(&self, counter: u64) -> u64 {
        u64::from(self.rules.instrument) << COUNTER_BITS | counter
    }

    /// The slot of a live order; [`NIL`] if there is none. The id in the slot is the stamp that proves it.
    #[inline(always)]
    pub(crate) fn slot_of(&self, order_id: u64) -> u32 {
        if order_id == 0 {
            return NIL; // a free slot carries this id
        }
        self.ids.find(order_id & COUNTER_MASK, |slot| self.pool.order(slot).id == order_id)
    }

    /// Price of a live order.
    #[inline(always)]
    pub(crate) fn price_of(&self, order: &Order) -> i64 {
        let level = self.levels.get(order.level);
        flip(order.traits().side(), level.key)
    }

    /// Lets a new order rest, last at its price, and gives it its place among the ids.
    #[inline(always)]
    pub(crate) fn rest<const PLAIN: bool, S: EventSink>(
        &mut self,
        order: Resting,
        total: u64,
        terms: Option<Extra>,
        out: &mut Output<'_, S>,
    ) {
        let level = self.level_for(&order);
        let extra = match terms {
            Some(terms) if !PLAIN => self.extras.insert(terms),
            _ => NIL,
        };
        let record = Record { total, entered_ns: self.now_ns, extra, zero: 0 };
        let slot = self.pool.insert(Order::new(order.id, level, order.account, order.traits, order.remaining), record);
        self.levels.get_mut(level).push_back(&mut self.pool, slot, order.remaining);
        self.push_id(slot);
        if !PLAIN {
            self.note_extras(slot, order.id);
        }
        touched(out, order.traits.side(), order.price_ticks);
    }

    /// Takes the next order counter for the order in `slot`, or for one that does not rest.
    #[inline(always)]
    pub(crate) fn push_id(&mut self, slot: u32) {
        let pool = &self.pool;
        self.ids.push(slot, |slot| pool.order(slot).id & COUNTER_MASK);
    }

    /// Enters a resting order into the lists that its rarer terms ask for.
    pub(crate) fn note_extras(&mut self, slot: u32, id: u64) {
        let extra = *self.extras.get(self.pool.record(slot).extra);
        if self.pool.order(slot).account != 0 {
            self.extras.link(&self.pool, slot);
        }
        if extra.expire_at_ns != 0 {
            self.expiries.insert(extra.expire_at_ns, Handle { id, slot });
            self.expiries.tidy(&self.pool);
            self.next_due_ns = self.next_due_ns.min(extra.expire_at_ns);
        }
    }

    /// The level that an order is to rest in, made if it is not there.
    #[inline(always)]
    pub(crate) fn level_for(&mut self, order: &Resting) -> u32 {
        let side = order.traits.side();
        self.halves[usize::from(side & 1)].level_at(&mut self.levels, side, flip(side, order.price_ticks))
    }

    /// Takes a live order out of the book and forgets it. Returns what a `canceled` event says of it.
    #[inline(always)]
    pub(crate) fn remove<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) -> Gone {
        self.ids.remove(self.pool.order(slot).id & COUNTER_MASK, slot);
        self.remove_unnamed(slot, out)
    }

    /// The same for an order whose id is forgotten already.
    #[inline(always)]
    pub(crate) fn remove_unnamed<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) -> Gone {
        let gone = self.describe(self.pool.order(slot));
        self.leave_level(slot, out);
        self.free(slot);
        gone
    }

    /// Takes an order out of its level's queue; an empty level goes.
    #[inline(always)]
    pub(crate) fn leave_level<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let level_number = self.pool.order(slot).level;
        let level = self.levels.get_mut(level_number);
        level.unlink(&mut self.pool, slot);
        let (side, key) = (level.side as u8, level.key);
        if level.count == 0 {
            self.halves[usize::from(side & 1)].remove(&mut self.levels, level_number);
        }
        touched(out, side, flip(side, key));
    }

    /// Forgets an order that stands in no level any more: its id, its rarer terms, its slot.
    #[inline(always)]
    pub(crate) fn release(&mut self, slot: u32) {
        self.ids.remove(self.pool.order(slot).id & COUNTER_MASK, slot);
        self.free(slot);
    }

    /// Forgets the rarer terms of an order and frees its slot.
    #[inline(always)]
    fn free(&mut self, slot: u32) {
        if self.pool.order(slot).traits().has_extra() {
            self.release_extra(slot);
        }
        self.pool.remove(slot);
    }

    #[inline(never)]
    fn release_extra(&mut self, slot: u32) {
        let place = self.pool.record(slot).extra;
        let extra = *self.extras.get(place);
        let account = self.pool.order(slot).account;
        if account != 0 {
            self.extras.unlink(&self.pool, slot);
        }
        if extra.has_client_id {
            self.finish_client_id(account, extra.client_id);
        }
        if extra.expire_at_ns != 0 {
            self.expiries.forget();
        }
        self.extras.remove(place);
    }

    /// The order with this client id is done.
    pub(crate) fn finish_client_id(&mut self, account: u32, id: ClientId) {
        self.client_ids.finish((account, id), self.now_ns);
        self.next_due_ns = self.next_due_ns.min(self.client_ids.next_ns());
    }

    #[inline(always)]
    pub(crate) fn count_canceled(&mut self, reason: CancelReason) {
        self.statistics.canceled[reason as usize] += 1;
    }

    /// Bytes of memory that the book's structures hold.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.pool.bytes()
            + self.levels.bytes()
            + self.ids.bytes()
            + self.extras.bytes()
            + self.client_ids.bytes()
            + self.halves.iter().map(Half::bytes).sum::<usize>()
    }
}

/// Tells the sink that a level changed.
#[inline(always)]
pub(crate) fn touched<S: EventSink>(out: &mut Output<'_, S>, side: u8, price_ticks: i64) {
    debug_assert!(side != NO_SIDE);
    out.sink.level_touched(if side == 0 { Side::Buy } else { Side::Sell }, price_ticks);
}
