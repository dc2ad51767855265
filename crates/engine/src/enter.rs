//! New orders, once they are not refused (`check`): accepted, trade what they can, rest, wait, or are canceled.

use crate::arrive::{Arrival, NO_LEVEL, Outcome, resting_shape};
use crate::book::{OrderBook, Output, Resting, touched};
use crate::codes::{
    CancelReason, CommandKind, EventKind, OrderType, Phase, RejectReason, SelfTradePrevention, TimeInForce,
};
use crate::extras::{Extra, PLAIN, Special};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::offset::Offset;
use crate::pool::{NIL, Place, Traits};
use crate::record::{
    ClientId, Command, Event, EventSink, Extensions, MAX_QUANTITY_LOTS, PLAIN_FREE, PLAIN_LIMIT, Terms, flag, present,
    shape,
};

/// Why a command is refused, and, for a repeated client id, the first order's id.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub reason: RejectReason,
    pub first_order_id: u64,
}

impl From<RejectReason> for Refusal {
    fn from(reason: RejectReason) -> Refusal {
        Refusal { reason, first_order_id: 0 }
    }
}

/// A new order that was not refused.
pub(crate) struct Entry<'a> {
    pub command: &'a Command,
    pub order_type: OrderType,
    pub terms: &'a Terms,
    pub client_id: Option<ClientId>,
    /// Where a sliding post-only order rests instead (R13).
    pub slid_to: Option<i64>,
}

impl Entry<'_> {
    fn has(&self, term: u8) -> bool {
        self.terms.present & term != 0
    }

    fn display(&self) -> Option<u64> {
        self.has(present::DISPLAY).then_some(self.terms.display_lots)
    }

    fn protection_ticks(&self) -> Option<i64> {
        self.has(present::PROTECTION).then_some(self.terms.protection_price_ticks)
    }

    fn trail(&self) -> Option<Offset> {
        self.has(present::TRAIL).then(|| self.terms.trail())
    }

    /// The rarer terms that it has beside its account.
    fn extra(&self) -> Option<Extra> {
        let &Terms { self_trade_group, expire_at_ns, .. } = self.terms;
        let is_bare = self_trade_group == 0 && expire_at_ns == 0 && self.client_id.is_none();
        (!is_bare).then(|| Extra::new(self_trade_group, expire_at_ns, self.client_id))
    }
}

impl<I: PriceIndex> OrderBook<I> {
    /// Is the command one of the plainest new orders: a limit order that can be refused for nothing but its instrument, the
    /// phase or a band, and of which nothing must be remembered but its account?
    #[inline(always)]
    pub(crate) fn is_plain_order(c: &Command) -> bool {
        c.header() & !PLAIN_FREE == PLAIN_LIMIT
            && c.time_in_force != TimeInForce::Gtd.code()
            && c.quantity_lots.wrapping_sub(1) < MAX_QUANTITY_LOTS
    }

    /// Enters a plain order. What trades is left to a function out of line, so that what does not stays small.
    #[inline(always)]
    pub(crate) fn enter_plain<S: EventSink>(&mut self, c: &Command, mut out: Output<'_, S>) {
        let id = self.order_id(self.ids.next());
        let may_trade = self.halves[usize::from(c.side & 1 ^ 1)].may_reach(flip(c.side ^ 1, c.price_ticks));
        if may_trade || c.time_in_force == TimeInForce::Ioc.code() {
            let command = std::hint::black_box(*c);
            return if c.account == 0 {
                self.cross_plain::<false, S>(command, id, out)
            } else {
                self.cross_plain::<true, S>(command, id, out)
            };
        }
        // Its one event comes last: across the call to an unknown sink nothing need be kept in registers.
        if c.account == 0 {
            self.rest_plain::<false, S>(c, id, c.quantity_lots, c.quantity_lots, &mut out);
        } else {
            self.rest_plain::<true, S>(c, id, c.quantity_lots, c.quantity_lots, &mut out);
        }
        self.accept(c, id, 0, &mut out);
    }

    /// An order of an account is `OWNED`: it may meet its own orders, and is entered into the account's list.
    #[inline(never)]
    fn cross_plain<const OWNED: bool, S: EventSink>(&mut self, command: Command, id: u64, mut out: Output<'_, S>) {
        let c = &command;
        self.accept(c, id, 0, &mut out);
        let mut taker = Aggressor {
            id,
            account: if OWNED { c.account } else { 0 },
            self_trade_group: 0,
            side: c.side,
            mode: if OWNED { self.rules.self_trade_prevention } else { SelfTradePrevention::None },
            price_ticks: c.price_ticks,
            worst_key: flip(c.side ^ 1, c.price_ticks),
            total: c.quantity_lots,
            remaining: c.quantity_lots,
        };
        let walk = self.take(&mut taker, &mut out);
        if taker.remaining == 0 {
            self.push_id(NIL);
        } else if c.time_in_force == TimeInForce::Ioc.code() {
            self.kill_plain(&taker, walk, &mut out);
        } else {
            self.rest_plain::<OWNED, S>(c, id, taker.total, taker.remaining, &mut out);
        }
        if self.is_unsettled {
            self.settle_down(&mut out);
            self.look_around();
        }
    }

    #[inline(always)]
    fn rest_plain<const OWNED: bool, S: EventSink>(
        &mut self,
        c: &Command,
        id: u64,
        total: u64,
        remaining: u64,
        out: &mut Output<'_, S>,
    ) {
        let traits = Traits::new(c.side, c.time_in_force, 0, 0);
        let account = if OWNED { c.account } else { 0 };
        let resting = Resting { id, account, traits, price_ticks: c.price_ticks, remaining };
        if OWNED {
            self.rest_with_account(resting, total, out);
        } else {
            self.rest_plainly(resting, total, out);
        }
    }

    /// R18: an IOC order's rest is canceled.
    #[inline(always)]
    fn kill_plain<S: EventSink>(&mut self, taker: &Aggressor, walk: Walk, out: &mut Output<'_, S>) {
        let is_halted = walk == Walk::Halted;
        let reason = if is_halted { CancelReason::Halted } else { CancelReason::ImmediateOrCancel };
        self.push_id(NIL);
        self.end_aggressor(reason, taker, out);
    }

    #[inline(never)]
    fn rest_with_account<S: EventSink>(&mut self, order: Resting, total: u64, out: &mut Output<'_, S>) {
        let level = self.level_at(order.traits.side(), order.price_ticks);
        self.settle(order, level, total, Extra::default(), None);
        touched(out, order.traits.side(), order.price_ticks);
    }

    pub(crate) fn enter_any<S: EventSink>(
        &mut self,
        c: &Command,
        x: &Extensions,
        out: &mut Output<'_, S>,
    ) -> Result<(), Refusal> {
        let entry = self.check_new(c, x, out.sink.faults())?;
        let mut arrival = self.arrival(&entry);
        self.accept_shaped(&entry, arrival.taker.id, out);
        if let Some(price_ticks) = entry.slid_to {
            arrival.taker.price_ticks = price_ticks;
            self.reprice(&arrival.taker, out);
        }
        if self.phase != Phase::Continuous || (entry.order_type.is_stop() && !self.is_reached(&entry)) {
            self.collect(&entry, &arrival, out);
            return Ok(());
        }
        if entry.order_type.is_stop() {
            self.triggered(&arrival, out);
        }
        self.bound(&mut arrival);
        match self.arrive(&mut arrival, out) {
            Outcome::Gone => self.never_rests(&entry, arrival.taker.id),
            Outcome::Rests => self.rest_entry(&entry, &arrival, out),
        }
        Ok(())
    }

    fn arrival(&self, entry: &Entry<'_>) -> Arrival {
        let (c, terms) = (entry.command, entry.terms);
        let post_flags = c.flags & (flag::POST_ONLY | flag::SLIDE);
        let taker = Aggressor {
            id: self.order_id(self.ids.next()),
            account: c.account,
            self_trade_group: terms.self_trade_group,
            side: c.side,
            mode: self.mode(c.self_trade_prevention, c.account),
            price_ticks: c.price_ticks,
            worst_key: i64::MIN,
            total: c.quantity_lots,
            remaining: c.quantity_lots,
        };
        Arrival {
            taker,
            traits: Traits::new(c.side, c.time_in_force, c.self_trade_prevention, post_flags),
            is_market: !entry.order_type.has_limit(),
            minimum: terms.minimum_lots,
            protection_ticks: entry.protection_ticks(),
        }
    }

    /// R15: is the stop reached on entry? A trailing one stands behind the last price, so it never is.
    fn is_reached(&self, entry: &Entry<'_>) -> bool {
        let side = entry.command.side;
        let stop = (!entry.order_type.is_trailing()).then_some(entry.terms.stop_price_ticks);
        stop.zip(self.last_trade_price).is_some_and(|(stop, last)| flip(side, stop) <= flip(side, last))
    }

    /// The self-trade mode that counts for an aggressor: its own, else the instrument's; none without an account (R25).
    pub(crate) fn mode(&self, own: u8, account: u32) -> SelfTradePrevention {
        if account == 0 {
            return SelfTradePrevention::None;
        }
        SelfTradePrevention::from_code(own).unwrap_or(self.rules.self_trade_prevention)
    }

    /// A limit order rests.
    fn rest_entry<S: EventSink>(&mut self, entry: &Entry<'_>, arrival: &Arrival, out: &mut Output<'_, S>) {
        let &Aggressor { id, account, side, price_ticks, total, remaining, .. } = &arrival.taker;
        let (special, traits) = resting_shape(arrival.traits, entry.display(), remaining);
        let resting = Resting { id, account, traits, price_ticks, remaining };
        let extra = entry.extra();
        if special.is_none() && account == 0 && extra.is_none() {
            return self.rest_plainly(resting, total, out);
        }
        self.note_client_id(entry, id);
        let level = self.level_at(side, price_ticks);
        let shown = remaining - special.map_or(0, |special| special.reserve);
        self.settle(Resting { remaining: shown, ..resting }, level, total, extra.unwrap_or_default(), special);
        if traits.place() == Place::Displayed {
            touched(out, side, price_ticks);
        }
    }

    /// R15, R26: a stop that is not reached goes to sleep; a book that collects takes orders without a trade.
    fn collect<S: EventSink>(&mut self, entry: &Entry<'_>, arrival: &Arrival, out: &mut Output<'_, S>) {
        let &Aggressor { id, account, side, price_ticks, total, remaining, .. } = &arrival.taker;
        if entry.order_type == OrderType::Limit {
            return self.rest_entry(entry, arrival, out);
        }
        let place = if entry.order_type.is_stop() { Place::Dormant } else { Place::Waiting };
        let traits = arrival.traits.at(place);
        let mut special = Special {
            order_type: entry.order_type,
            limit_ticks: price_ticks,
            stop_ticks: (entry.terms.present & present::STOP != 0).then_some(entry.terms.stop_price_ticks),
            trail: entry.trail(),
            display: entry.display(),
            minimum: entry.terms.minimum_lots,
            protection_ticks: arrival.protection_ticks,
            ..PLAIN
        };
        if let Some(last) = self.last_trade_price {
            special = special.following(side, last);
        }
        let level = match arrival.protection_ticks {
            Some(price) if place == Place::Waiting => self.level_at(side, price),
            _ => NO_LEVEL,
        };
        self.note_client_id(entry, id);
        let resting = Resting { id, account, traits, price_ticks, remaining };
        self.settle(resting, level, total, entry.extra().unwrap_or_default(), Some(special));
    }

    fn note_client_id(&mut self, entry: &Entry<'_>, order_id: u64) {
        if let Some(id) = entry.client_id {
            self.client_ids.insert((entry.command.account, id), order_id);
        }
    }

    /// An order that is done with its own command: it uses its id, and its client id's window starts.
    fn never_rests(&mut self, entry: &Entry<'_>, order_id: u64) {
        self.push_id(NIL);
        self.note_client_id(entry, order_id);
        if let Some(id) = entry.client_id {
            self.finish_client_id(entry.command.account, id);
        }
    }

    /// `accepted` for an order that is not a plain one: it says what it is.
    fn accept_shaped<S: EventSink>(&mut self, entry: &Entry<'_>, order_id: u64, out: &mut Output<'_, S>) {
        let is_undisplayed = entry.display() == Some(0) || entry.command.time_in_force == TimeInForce::Aon.code();
        let shape = entry.order_type.code()
            | if is_undisplayed { shape::UNDISPLAYED } else { 0 }
            | if entry.display().is_some_and(|display| display > 0) { shape::SLICES } else { 0 };
        self.accept(entry.command, order_id, shape, out);
    }

    #[inline(always)]
    fn accept<S: EventSink>(&self, c: &Command, order_id: u64, shape: u8, out: &mut Output<'_, S>) {
        out.emit(Event {
            reason: shape,
            side: c.side,
            account: c.account,
            price_ticks: c.price_ticks,
            quantity_lots: c.quantity_lots,
            order_id,
            other: self.now_ns,
            detail: c.tag,
            ..Event::of(EventKind::Accepted)
        });
    }

    pub(crate) fn reprice<S: EventSink>(&self, order: &Aggressor, out: &mut Output<'_, S>) {
        out.emit(Event {
            side: order.side,
            account: order.account,
            price_ticks: order.price_ticks,
            order_id: order.id,
            ..Event::of(EventKind::Repriced)
        });
    }

    #[inline(never)]
    pub(crate) fn reject<S: EventSink>(&mut self, c: &Command, refusal: Refusal, out: &mut Output<'_, S>) {
        // Reasons of the exchange alone are not counted by book.
        if let Some(count) = self.statistics.rejected.get_mut(refusal.reason as usize) {
            *count += 1;
        }
        let side = if c.kind == CommandKind::New.code() { c.side } else { crate::record::NO_SIDE };
        out.emit(Event {
            reason: refusal.reason.code(),
            side,
            account: c.account,
            order_id: refusal.first_order_id,
            other: self.now_ns,
            detail: c.tag,
            ..Event::of(EventKind::Rejected)
        });
    }
}
