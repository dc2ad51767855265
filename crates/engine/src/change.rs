//! Commands about orders that are there: cancel (R23), amend (R22), mass cancel (R24); and the change of phase (R17).

use crate::book::{COUNTER_MASK, Gone, OrderBook, Output, Resting, touched};
use crate::codes::{CancelReason, EventKind, Phase, RejectReason, Side, TimeInForce};
use crate::enter::Refusal;
use crate::extras::is_on;
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::pool::{NIL, Order};
use crate::record::{Command, Event, EventSink, Extensions, MAX_QUANTITY_LOTS, PLAIN_CANCEL, flag};

/// An amend that was not refused.
struct Amendment {
    slot: u32,
    price_ticks: i64,
    total: u64,
    /// Where a sliding post-only order rests instead (R13).
    slid_to: Option<i64>,
}

impl<I: PriceIndex> OrderBook<I> {
    /// Is the command a cancel by order id?
    #[inline(always)]
    pub(crate) fn is_plain_cancel(c: &Command) -> bool {
        c.header() == PLAIN_CANCEL && c.order_id != 0
    }

    /// The live order that a plain cancel names, its id forgotten; [`NIL`] if there is none for this account (R23).
    #[inline(always)]
    pub(crate) fn take_plain(&mut self, c: &Command) -> u32 {
        let pool = &self.pool;
        self.ids.take(c.order_id & COUNTER_MASK, |slot| {
            let order = pool.order(slot);
            order.id == c.order_id && (c.account == 0 || order.account == c.account)
        })
    }

    /// Cancels an order that `take_plain` found.
    #[inline(always)]
    pub(crate) fn cancel_taken<S: EventSink>(&mut self, slot: u32, c: &Command, out: &mut Output<'_, S>) {
        out.accepted(c.order_id, self.pool.order(slot).account, self.now_ns, c.tag);
        let gone = self.remove_unnamed(slot, out);
        self.count_canceled(CancelReason::Requested);
        out.canceled(CancelReason::Requested, gone);
    }

    pub(crate) fn cancel_any<S: EventSink>(&mut self, c: &Command, x: &Extensions, out: &mut Output<'_, S>) {
        match self.check_name(c, x).and_then(|()| self.named(c, x)) {
            Ok(slot) => self.cancel(slot, c, out),
            Err(reason) => self.reject(c, reason.into(), out),
        }
    }

    #[inline(always)]
    pub(crate) fn cancel<S: EventSink>(&mut self, slot: u32, c: &Command, out: &mut Output<'_, S>) {
        let order = self.pool.order(slot);
        out.accepted(order.id, order.account, self.now_ns, c.tag);
        let gone = self.remove(slot, out);
        self.count_canceled(CancelReason::Requested);
        out.canceled(CancelReason::Requested, gone);
    }

    /// R5, R23: an order is named by one id, its own or the client's; the client's needs the account.
    fn check_name(&self, c: &Command, x: &Extensions) -> Result<(), RejectReason> {
        match x.client_id {
            Some(id) if !id.is_legal() => Err(RejectReason::InvalidClientOrderId),
            Some(_) if c.order_id != 0 || c.account == 0 => Err(RejectReason::InvalidCombination),
            None if c.order_id == 0 => Err(RejectReason::InvalidCombination),
            _ => Ok(()),
        }
    }

    /// The live order that a checked command names.
    fn named(&self, c: &Command, x: &Extensions) -> Result<u32, RejectReason> {
        let order_id = match x.client_id {
            Some(id) => self.client_ids.live_owner(&(c.account, id)).unwrap_or(0),
            None => c.order_id,
        };
        self.authorised(self.slot_of(order_id), c.account)
    }

    /// R23: unknown, done or someone else's; without an account it is the operator's and finds any.
    #[inline(always)]
    fn authorised(&self, slot: u32, account: u32) -> Result<u32, RejectReason> {
        if slot == NIL || (account != 0 && self.pool.order(slot).account != account) {
            return Err(RejectReason::UnknownOrder);
        }
        Ok(slot)
    }

    pub(crate) fn amend<S: EventSink>(&mut self, c: &Command, x: &Extensions, out: &mut Output<'_, S>) {
        let amendment = match self.check_amend(c, x) {
            Ok(amendment) => amendment,
            Err(refusal) => return self.reject(c, refusal, out),
        };
        let order = *self.pool.order(amendment.slot);
        out.accepted(order.id, order.account, self.now_ns, c.tag);
        let record = *self.pool.record(amendment.slot);
        if amendment.total <= record.total - order.remaining() {
            let gone = self.remove(amendment.slot, out);
            self.count_canceled(CancelReason::Amended);
            return out.canceled(CancelReason::Amended, gone);
        }
        self.statistics.amended += 1;
        if amendment.price_ticks == self.price_of(&order) && amendment.total <= record.total {
            self.shrink(&amendment, out);
        } else {
            self.replace(&amendment, out);
        }
    }

    /// R8 for an amend, in its order.
    fn check_amend(&self, c: &Command, x: &Extensions) -> Result<Amendment, Refusal> {
        use RejectReason as Reject;
        let has = |bit: u8| c.flags & bit != 0;
        if has(flag::QUANTITY) && c.quantity_lots.wrapping_sub(1) >= MAX_QUANTITY_LOTS {
            return Err(Reject::InvalidQuantity.into());
        }
        if has(flag::PRICE_OFF_GRID) {
            return Err(Reject::InvalidPrice.into());
        }
        self.check_name(c, x)?;
        if !has(flag::QUANTITY) && !has(flag::PRICE) {
            return Err(Reject::InvalidCombination.into());
        }
        if self.phase != Phase::Continuous {
            return Err(Reject::NotAllowedInPhase.into());
        }
        let slot = self.named(c, x)?;
        let (order, record) = (self.pool.order(slot), self.pool.record(slot));
        let price_ticks = if has(flag::PRICE) { c.price_ticks } else { self.price_of(order) };
        let total = if has(flag::QUANTITY) { c.quantity_lots } else { record.total };
        let mut amendment = Amendment { slot, price_ticks, total, slid_to: None };
        let traits = order.traits();
        let ends = total <= record.total - order.remaining();
        let stays = price_ticks == self.price_of(order) && total <= record.total;
        if traits.post_flags() & flag::POST_ONLY == 0 || ends || stays {
            return Ok(amendment);
        }
        // R13: a post-only order that would arrive anew is checked anew.
        if self.would_take(traits.side(), price_ticks) {
            if traits.post_flags() & flag::SLIDE == 0 {
                return Err(Reject::PostOnlyWouldTake.into());
            }
            amendment.slid_to = Some(self.behind_best(traits.side()).ok_or(Reject::InvalidPrice)?);
        }
        Ok(amendment)
    }

    /// Less at the same price, or the same again: the order keeps its place.
    fn shrink<S: EventSink>(&mut self, amendment: &Amendment, out: &mut Output<'_, S>) {
        let &Amendment { slot, total, .. } = amendment;
        let less = self.pool.record(slot).total - total;
        self.pool.record_mut(slot).total = total;
        self.pool.order_mut(slot).reduce(less);
        let order = *self.pool.order(slot);
        self.levels.get_mut(order.level).quantity -= u128::from(less);
        self.amended(&order, amendment, order.remaining(), true, out);
        if less > 0 {
            touched(out, order.traits().side(), amendment.price_ticks);
        }
    }

    /// More, or another price: the order leaves, trades if it crosses, and rests last at its price. Its id, its slot and its
    /// place in its account's list stay; no other command can see it in between.
    fn replace<S: EventSink>(&mut self, amendment: &Amendment, out: &mut Output<'_, S>) {
        let &Amendment { slot, price_ticks, total, slid_to } = amendment;
        let (order, record) = (*self.pool.order(slot), *self.pool.record(slot));
        let (traits, side) = (order.traits(), order.traits().side());
        let remaining = total - (record.total - order.remaining());
        self.amended(&order, amendment, remaining, false, out);
        self.leave_level(slot, out);
        let price_ticks = slid_to.unwrap_or(price_ticks);
        let mut taker = Aggressor {
            id: order.id,
            account: order.account,
            self_trade_group: self.extras.get(record.extra).self_trade_group,
            side,
            mode: self.mode(traits.self_trade_prevention(), order.account),
            price_ticks,
            worst_key: flip(side ^ 1, price_ticks),
            total,
            remaining,
        };
        if slid_to.is_some() {
            self.reprice(&taker, out);
        }
        if self.take(&mut taker, out) == Walk::Ended || taker.remaining == 0 {
            return self.release(slot);
        }
        let Aggressor { total, remaining, .. } = taker;
        let resting = Resting { id: order.id, account: order.account, traits, price_ticks, remaining };
        let level = self.level_for(&resting);
        self.pool.order_mut(slot).reenter(level, remaining);
        self.pool.record_mut(slot).total = total;
        self.levels.get_mut(level).push_back(&mut self.pool, slot, remaining);
        touched(out, side, price_ticks);
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
    pub(crate) fn mass_cancel<S: EventSink>(&mut self, c: &Command, out: &mut Output<'_, S>) {
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
    }

    /// R17, R26: the phase changes; closing ends the DAY orders, in order of id.
    pub(crate) fn change_phase<S: EventSink>(&mut self, c: &Command, out: &mut Output<'_, S>) {
        let Some(phase) = Phase::from_code(c.order_type) else {
            return self.reject(c, RejectReason::InvalidCombination.into(), out);
        };
        out.accepted(0, c.account, self.now_ns, c.tag);
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        out.emit(Event { reason: phase.code(), ..Event::of(EventKind::Phase) });
        if phase == Phase::Closed {
            let slots = self.live_slots(|order| order.traits().time_in_force() == TimeInForce::Day.code());
            self.cancel_all(slots, CancelReason::SessionClosed, out);
        }
    }

    /// Slots of live orders that pass, in order of id. The vector goes back with [`OrderBook::cancel_all`].
    fn live_slots(&mut self, passes: impl Fn(&Order) -> bool) -> Vec<u32> {
        let mut slots = std::mem::take(&mut self.scratch);
        for half in &self.halves {
            for (_, level) in half.iter() {
                let mut slot = self.levels.get(level).head;
                while slot != NIL {
                    let order = self.pool.order(slot);
                    if passes(order) {
                        slots.push(slot);
                    }
                    slot = order.next;
                }
            }
        }
        slots.sort_unstable_by_key(|&slot| self.pool.order(slot).id & COUNTER_MASK);
        slots
    }

    fn cancel_all<S: EventSink>(&mut self, mut slots: Vec<u32>, reason: CancelReason, out: &mut Output<'_, S>) {
        for &slot in &slots {
            let gone = self.remove(slot, out);
            self.count_canceled(reason);
            out.canceled(reason, gone);
        }
        slots.clear();
        self.scratch = slots;
    }

    /// What a `canceled` event says of a resting order.
    #[inline(always)]
    pub(crate) fn describe(&self, order: &Order) -> Gone {
        Gone {
            order_id: order.id,
            account: order.account,
            side: order.traits().side(),
            price_ticks: self.price_of(order),
            quantity: order.remaining(),
        }
    }
}
