//! The state of one instrument's book, and the small steps that every command is made of: emit an event, let an order rest,
//! take one away. What commands mean stands in `enter`, `arrive`, `matching`, `change`, `phases` and `clock`.

use crate::aside::Markets;
use crate::client_ids::ClientIds;
use crate::codes::{CancelReason, EventKind, Matching, Phase, Side};
use crate::expiry::Expiries;
use crate::extras::{Extra, Extras, Special};
use crate::half::{Half, flip};
use crate::ids::OrderIds;
use crate::index::PriceIndex;
use crate::level::Levels;
use crate::pool::{Handle, NIL, Order, Pool, Record, Traits};
use crate::record::{ClientId, Event, EventSink, NO_SIDE};
use crate::rules::Rules;
use crate::statistics::Statistics;
use crate::triggers::Triggers;

/// Order ids: the instrument's number above, a counter of this many bits below (R5).
pub const COUNTER_BITS: u32 = 40;
pub(crate) const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;

/// One book, with its price index compiled in.
pub struct OrderBook<I> {
    pub(crate) rules: Rules,
    /// Time of the last command, ns (R2).
    pub(crate) now_ns: u64,
    /// Until then time passes without effect: the first expiry, the first client id to become free, or the end of a halt.
    pub(crate) next_due_ns: u64,
    /// Until then a plain command needs no more than its plain path: as `next_due_ns`, or 0 where every command has more to
    /// ask (not in continuous trading, price bands, all-or-none orders to be tried again).
    pub(crate) plain_until_ns: u64,
    /// Sequence number of the last command.
    pub(crate) sequence: u64,
    pub(crate) phase: Phase,
    /// Is there more to do after an aggressor: a dormant stop to be looked for, a halt to be heeded? Kept up by
    /// [`OrderBook::look_around`], as the next.
    pub(crate) is_unsettled: bool,
    /// Is matching not oldest-first, or bounded by a circuit breaker?
    pub(crate) walks_otherwise: bool,
    /// When the circuit breaker's halt ends (R28).
    pub(crate) halt_end_ns: Option<u64>,
    /// Lowest and highest price that the static band leaves (R28).
    pub(crate) static_range: (i64, i64),
    /// Lowest and highest price that a sliding order may come to rest at (R13, R30). Not part of a snapshot: who settles the
    /// orders says it again.
    pub(crate) price_range: (i64, i64),
    /// Lowest and highest price that the circuit breaker lets print in this command (R28).
    pub(crate) printable: (i64, i64),
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
    /// Market orders that wait for an uncross: buys, sells.
    pub(crate) markets: [Markets; 2],
    /// Boxed, as few commands look there: what every command touches stays close together.
    pub(crate) triggers: Box<Triggers>,
    /// Counts the orders that joined a queue in which their age is written down.
    pub(crate) arrivals: u64,
    pub(crate) statistics: Statistics,
    /// Reused by commands that end many orders, so that they allocate nothing once it has grown.
    pub(crate) scratch: Vec<u32>,
    /// The orders of a pro rata round and what they still show, likewise.
    pub(crate) round: Vec<(u32, u64)>,
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
    /// If the rules contradict themselves: [`Rules::problem`].
    pub fn new(rules: Rules) -> OrderBook<I> {
        Self::with_capacity(rules, 0)
    }

    /// An empty book with memory laid out for that many live orders; it takes more too.
    ///
    /// # Panics
    /// As [`OrderBook::new`].
    pub fn with_capacity(rules: Rules, expected_orders: usize) -> OrderBook<I> {
        let problem = rules.problem();
        assert!(problem.is_none(), "rules: {}", problem.unwrap_or_default());
        let mut book = OrderBook {
            rules,
            now_ns: 0,
            next_due_ns: u64::MAX,
            plain_until_ns: u64::MAX,
            sequence: 0,
            phase: Phase::Continuous,
            is_unsettled: false,
            walks_otherwise: false,
            halt_end_ns: None,
            static_range: rules.static_range(),
            price_range: (i64::MIN, i64::MAX),
            printable: (i64::MIN, i64::MAX),
            last_trade_id: 0,
            last_trade_price: None,
            halves: [Half::new(), Half::new()],
            levels: Levels::new(),
            pool: Pool::new(expected_orders),
            ids: OrderIds::new(1),
            extras: Extras::new(),
            client_ids: ClientIds::new(rules.dedup_window_ns),
            expiries: Expiries::default(),
            markets: [Markets::default(); 2],
            triggers: Box::default(),
            arrivals: 0,
            statistics: Statistics::default(),
            scratch: Vec::new(),
            round: Vec::new(),
        };
        book.look_around();
        book
    }

    /// Finds out what the plain paths would miss from now on, after every command that took none of them. What these change of
    /// it, a cancel that takes the last stop, only leaves a question that need not be asked.
    pub(crate) fn look_around(&mut self) {
        let rules = &self.rules;
        let has_breaker = rules.circuit_breaker.is_some();
        let has_bands = has_breaker || rules.static_band.is_some();
        let asks_always = self.phase != Phase::Continuous || has_bands || self.triggers.has_aons();
        self.plain_until_ns = if asks_always { 0 } else { self.next_due_ns };
        self.walks_otherwise = has_breaker || rules.matching != Matching::Fifo;
        self.is_unsettled = self.triggers.has_stops();
    }

    /// Something is due at that time.
    pub(crate) fn due_by(&mut self, at_ns: u64) {
        self.next_due_ns = self.next_due_ns.min(at_ns);
        self.plain_until_ns = self.plain_until_ns.min(at_ns);
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

    /// What a `canceled` event says of a live order.
    pub(crate) fn describe(&self, slot: u32) -> Gone {
        let order = self.pool.order(slot);
        Gone {
            order_id: order.id,
            account: order.account,
            side: order.traits().side(),
            price_ticks: self.limit_of(slot).unwrap_or(0),
            quantity: self.whole(slot),
        }
    }

    /// Price of the level of a live order that stands in one.
    #[inline(always)]
    pub(crate) fn price_of(&self, order: &Order) -> i64 {
        let level = self.levels.get(order.level);
        flip(order.traits().side(), level.key)
    }

    /// Lets a new displayed order without rarer terms rest, last at its price, and gives it its place among the ids.
    #[inline(always)]
    pub(crate) fn rest_plainly<S: EventSink>(&mut self, order: Resting, total: u64, out: &mut Output<'_, S>) {
        let level = self.level_at(order.traits.side(), order.price_ticks);
        let record = Record { total, entered_ns: self.now_ns, extra: NIL, zero: 0 };
        let slot = self.pool.insert(Order::new(order.id, level, order.account, order.traits, order.remaining), record);
        self.levels.get_mut(level).push_back(&mut self.pool, slot, order.remaining);
        self.push_id(slot);
        touched(out, order.traits.side(), order.price_ticks);
    }

    /// Puts a new order with rarer terms where its traits say, last in its queue, and gives it its place among the ids.
    pub(crate) fn settle(&mut self, order: Resting, level: u32, total: u64, extra: Extra, special: Option<Special>) {
        let extra = self.extras.insert(extra);
        self.extras.set_special(extra, special);
        let record = Record { total, entered_ns: self.now_ns, extra, zero: 0 };
        let traits = order.traits.with_extra();
        let slot = self.pool.insert(Order::new(order.id, level, order.account, traits, order.remaining), record);
        self.join(slot);
        self.push_id(slot);
        self.note_extras(slot, order.id);
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
            self.due_by(extra.expire_at_ns);
        }
    }

    /// Takes a live order out of the book and forgets it. Returns what a `canceled` event says of it.
    pub(crate) fn remove<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) -> Gone {
        self.ids.remove(self.pool.order(slot).id & COUNTER_MASK, slot);
        self.remove_unnamed(slot, out)
    }

    /// The same for an order whose id is forgotten already.
    pub(crate) fn remove_unnamed<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) -> Gone {
        let gone = self.describe(slot);
        self.leave(slot, out);
        self.free(slot);
        gone
    }

    /// Takes a displayed order that shows all it has out of its level's queue; an empty level goes.
    #[inline(always)]
    pub(crate) fn leave_plainly<S: EventSink>(&mut self, slot: u32, out: &mut Output<'_, S>) {
        let level_number = self.pool.order(slot).level;
        let level = self.levels.get_mut(level_number);
        level.unlink(&mut self.pool, slot);
        let (side, key, is_empty) = (level.side as u8, level.key, level.is_empty());
        if is_empty {
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
        self.due_by(self.client_ids.next_ns());
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
