//! Commands about orders that are there: cancel (R23), amend (R22), mass cancel (R24).

use crate::arrive::Arrival;
use crate::book::{COUNTER_MASK, Gone, OrderBook, Output, touched};
use crate::check::Amendment;
use crate::codes::{CancelReason, EventKind, Phase, Side};
use crate::enter::Refusal;
use crate::extras::is_on;
use crate::index::PriceIndex;
use crate::pool::{Order, Place};
use crate::record::{Command, Event, EventSink, Extensions, PLAIN_CANCEL, PLAIN_RESIZE};

impl<I: PriceIndex> OrderBook<I> {
    /// Is the command a cancel by order id?
    #[inline(always)]
    pub(crate) fn is_plain_cancel(c: &Command) -> bool {
        c.header() == PLAIN_CANCEL && c.order_id != 0
    }

    /// The live order that a plain cancel names, its id forgotten; [`NIL`](crate::pool::NIL) if there is none for this
    /// account (R23).
    #[inline(always)]
    pub(crate) fn take_plain(&mut self, c: &Command) -> u32 {
        let pool = &self.pool;
        self.ids.take(c.order_id & COUNTER_MASK, |slot| {
            let order = pool.order(slot);
            order.id == c.order_id && (c.account == 0 || order.account == c.account)
        })
    }

    /// Cancels an order that `take_plain` found. One with rarer terms is left to a function out of line, so that the others'
    /// path stays small.
    #[inline(always)]
    pub(crate) fn cancel_taken<S: EventSink>(&mut self, slot: u32, c: &Command, mut out: Output<'_, S>) {
        let order = self.pool.order(slot);
        if order.traits().has_extra() {
            return self.cancel_rare(slot, c.order_id, c.tag, out);
        }
        out.accepted(c.order_id, order.account, self.now_ns, c.tag);
        let order = self.pool.order(slot);
        let gone = Gone {
            order_id: order.id,
            account: order.account,
            side: order.traits().side(),
            price_ticks: self.price_of(order),
            quantity: order.remaining(),
        };
        self.leave_plainly(slot, &mut out);
        self.pool.remove(slot);
        self.count_canceled(CancelReason::Requested);
        out.canceled(CancelReason::Requested, gone);
    }

    #[inline(never)]
    fn cancel_rare<S: EventSink>(&mut self, slot: u32, order_id: u64, tag: u64, mut out: Output<'_, S>) {
        out.accepted(order_id, self.pool.order(slot).account, self.now_ns, tag);
        let gone = self.remove_unnamed(slot, &mut out);
        self.count_canceled(CancelReason::Requested);
        out.canceled(CancelReason::Requested, gone);
    }

    /// The order that an amend makes smaller where it stands, if that is all it does: most amends do. Such an order shows all
    /// it has, so nothing more has to be asked (R22).
    pub(crate) fn to_reduce(&self, c: &Command) -> Option<u32> {
        if c.header() != PLAIN_RESIZE {
            return None;
        }
        let slot = self.named(c, &Extensions::NONE).ok()?;
        let (order, total) = (self.pool.order(slot), self.pool.record(slot).total);
        let shows_all = order.traits().place() == Place::Displayed && !order.traits().has_slices();
        (shows_all && c.quantity_lots <= total && c.quantity_lots > total - order.remaining()).then_some(slot)
    }

    /// Carries out what `to_reduce` found.
    pub(crate) fn reduce<S: EventSink>(&mut self, slot: u32, c: &Command, out: &mut Output<'_, S>) {
        let order = *self.pool.order(slot);
        let price_ticks = self.price_of(&order);
        let less = self.pool.record(slot).total - c.quantity_lots;
        out.accepted(order.id, order.account, self.now_ns, c.tag);
        self.statistics.amended += 1;
        let amendment = Amendment { slot, price_ticks, total: c.quantity_lots, slid_to: None };
        self.amended(&order, &amendment, order.remaining() - less, true, out);
        self.pool.record_mut(slot).total = c.quantity_lots;
        if less > 0 {
            self.pool.order_mut(slot).reduce(less);
            self.levels.get_mut(order.level).quantity -= u128::from(less);
            touched(out, order.traits().side(), price_ticks);
        }
    }

    pub(crate) fn cancel_any<S: EventSink>(
        &mut self,
        c: &Command,
        x: &Extensions,
        out: &mut Output<'_, S>,
    ) -> Result<(), Refusal> {
        self.check_name(c, x)?;
        let slot = self.named(c, x)?;
        let order = self.pool.order(slot);
        out.accepted(order.id, order.account, self.now_ns, c.tag);
        self.cancel(slot, CancelReason::Requested, out);
        Ok(())
    }

    /// Ends a live order with all that is left of it.
    #[inline(always)]
    pub(crate) fn cancel<S: EventSink>(&mut self, slot: u32, reason: CancelReason, out: &mut Output<'_, S>) {
        let gone = self.remove(slot, out);
        self.count_canceled(reason);
        out.canceled(reason, gone);
    }

    pub(crate) fn amend<S: EventSink>(
        &mut self,
        c: &Command,
        x: &Extensions,
        out: &mut Output<'_, S>,
    ) -> Result<(), Refusal> {
        let amendment = self.check_amend(c, x, out.sink.faults())?;
        let slot = amendment.slot;
        let order = *self.pool.order(slot);
        out.accepted(order.id, order.account, self.now_ns, c.tag);
        if amendment.total <= self.filled(slot) {
            self.cancel(slot, CancelReason::Amended, out);
            return Ok(());
        }
        self.statistics.amended += 1;
        let place = order.traits().place();
        if place == Place::Dormant {
            self.amend_dormant(&amendment, out);
        } else if self.stays(&amendment) {
            let less = self.pool.record(slot).total - amendment.total;
            self.amended(&order, &amendment, self.whole(slot) - less, true, out);
            self.pool.record_mut(slot).total = amendment.total;
            if less > 0 {
                self.shrink_in_place(slot, less, out);
            }
        } else if place == Place::Waiting {
            self.amend_waiting(&amendment, out);
        } else {
            self.replace(&amendment, out);
        }
        Ok(())
    }

    /// More, or another price: the order leaves, trades if it crosses and the book trades, and rests last at its price. Its id,
    /// its slot and its place in its account's list stay; no other command can see it in between.
    fn replace<S: EventSink>(&mut self, amendment: &Amendment, out: &mut Output<'_, S>) {
        let &Amendment { slot, price_ticks, total, slid_to } = amendment;
        let order = *self.pool.order(slot);
        let remaining = total - self.filled(slot);
        let mut arrival = Arrival::of_slot(self, slot);
        arrival.taker.total = total;
        arrival.taker.remaining = remaining;
        arrival.taker.price_ticks = slid_to.unwrap_or(price_ticks);
        self.amended(&order, amendment, remaining, false, out);
        self.leave(slot, out);
        if slid_to.is_some() {
            self.reprice(&arrival.taker, out);
        }
        if self.phase == Phase::Continuous {
            self.bound(&mut arrival);
            self.arrive_again(arrival, slot, out);
        } else {
            self.rest_again(&arrival, slot, out);
        }
    }

    /// R22: a dormant order changes its quantity, of which more loses time, and its limit.
    fn amend_dormant<S: EventSink>(&mut self, amendment: &Amendment, out: &mut Output<'_, S>) {
        let &Amendment { slot, price_ticks, total, .. } = amendment;
        let (order, extra) = (*self.pool.order(slot), self.pool.record(slot).extra);
        let is_more = total > self.pool.record(slot).total;
        self.amended(&order, amendment, total, !is_more, out);
        if is_more {
            self.leave(slot, out);
        }
        if let Some(special) = self.extras.special_mut(extra) {
            special.limit_ticks = price_ticks;
        }
        self.pool.record_mut(slot).total = total;
        self.pool.order_mut(slot).reenter(order.traits(), order.level, total);
        if is_more {
            self.join(slot);
        }
    }

    /// A market order that waits for an uncross wants more: it loses its time.
    fn amend_waiting<S: EventSink>(&mut self, amendment: &Amendment, out: &mut Output<'_, S>) {
        let &Amendment { slot, total, .. } = amendment;
        let order = *self.pool.order(slot);
        let protection = self.extras.special(self.pool.record(slot).extra).protection_ticks;
        let remaining = total - self.filled(slot);
        self.amended(&order, amendment, remaining, false, out);
        self.leave(slot, out);
        let level = match protection {
            Some(price) => self.level_at(order.traits().side(), price),
            None => order.level,
        };
        self.pool.record_mut(slot).total = total;
        self.pool.order_mut(slot).reenter(order.traits(), level, remaining);
        self.join(slot);
    }

    fn amended<S: EventSink>(
        &self,
        order: &Order,
        amendment: &Amendment,
        remaining: u64,
        keeps_priority: bool,
        out: &mut Output<'_, S>,
    ) {
        out.emit(Event {
            reason: u8::from(keeps_priority),
            side: order.traits().side(),
            account: order.account,
            price_ticks: amendment.price_ticks,
            quantity_lots: remaining,
            order_id: order.id,
            other: amendment.total,
            ..Event::of(EventKind::Amended)
        });
    }

    /// R24: every order of an account (0: of all), on one side or both, in order of id.
    pub(crate) fn mass_cancel<S: EventSink>(&mut self, c: &Command, out: &mut Output<'_, S>) -> Result<(), Refusal> {
        out.accepted(0, c.account, self.now_ns, c.tag);
        let side = Side::from_code(c.side);
        let slots = if c.account == 0 {
            self.live_slots(|order| is_on(side, order.traits().side()))
        } else {
            let mut slots = std::mem::take(&mut self.scratch);
            let of_account = self.extras.of_account(&self.pool, c.account);
            slots.extend(of_account.filter(|&slot| is_on(side, self.pool.order(slot).traits().side())));
            slots
        };
        self.cancel_all(slots, CancelReason::MassCancel, out);
        Ok(())
    }

    /// R32: trading ends for good. Every order goes, in order of id, and the book closes without an uncross.
    pub(crate) fn wind_up<S: EventSink>(&mut self, sequence: u64, sink: &mut S) {
        let mut out = Output { sink, sequence, instrument: self.rules.instrument, index: 0 };
        let slots = self.live_slots(|_| true);
        self.cancel_all(slots, CancelReason::Settled, &mut out);
        self.halt_end_ns = None;
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.announce_phase(&mut out);
        }
        self.find_next_due();
        self.look_around();
    }

    /// Slots of live orders that pass, in order of id. The vector goes back with [`OrderBook::cancel_all`].
    pub(crate) fn live_slots(&mut self, passes: impl Fn(&Order) -> bool) -> Vec<u32> {
        let mut slots = std::mem::take(&mut self.scratch);
        slots.extend(self.all_slots().filter(|&slot| passes(self.pool.order(slot))));
        slots.sort_unstable_by_key(|&slot| self.pool.order(slot).id & COUNTER_MASK);
        slots
    }

    pub(crate) fn cancel_all<S: EventSink>(
        &mut self,
        mut slots: Vec<u32>,
        reason: CancelReason,
        out: &mut Output<'_, S>,
    ) {
        for &slot in &slots {
            self.cancel(slot, reason, out);
        }
        slots.clear();
        self.scratch = slots;
    }
}
