//! New orders: what is refused (R8), and how the others enter: accepted, trade what they can, rest or are canceled.

use crate::book::{Gone, OrderBook, Output, Resting};
use crate::codes::{
    CancelReason, CommandKind, EventKind, OrderType, Phase, RejectReason, SelfTradePrevention, TimeInForce,
};
use crate::extras::Extra;
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::pool::{NIL, Traits};
use crate::record::{
    ClientId, Command, Event, EventSink, Extensions, MAX_QUANTITY_LOTS, PLAIN_FREE, PLAIN_LIMIT, Terms, flag, present,
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
struct Entry<'a> {
    command: &'a Command,
    terms: Terms,
    client_id: Option<ClientId>,
    /// Where a sliding post-only order rests instead (R13).
    slid_to: Option<i64>,
}

impl<I: PriceIndex> OrderBook<I> {
    /// Is the command one of the plainest new orders, which can be refused for nothing but its instrument and have nothing
    /// that must be remembered?
    #[inline(always)]
    pub(crate) fn is_plain_order(&self, c: &Command) -> bool {
        c.header() & !PLAIN_FREE == PLAIN_LIMIT
            && c.time_in_force != TimeInForce::Gtd.code()
            && c.account == 0
            && c.quantity_lots.wrapping_sub(1) < MAX_QUANTITY_LOTS
            && self.phase == Phase::Continuous
    }

    /// Enters a plain order. What trades is left to a function out of line, so that what does not stays small.
    #[inline(always)]
    pub(crate) fn enter_plain<S: EventSink>(&mut self, c: &Command, mut out: Output<'_, S>) {
        let id = self.order_id(self.ids.next());
        let may_trade = self.halves[usize::from(c.side & 1 ^ 1)].may_reach(flip(c.side ^ 1, c.price_ticks));
        if may_trade || c.time_in_force == TimeInForce::Ioc.code() {
            return self.cross_plain(std::hint::black_box(*c), id, out);
        }
        // Its one event comes last: across the call to an unknown sink nothing need be kept in registers.
        self.rest_plain(c, id, c.quantity_lots, c.quantity_lots, &mut out);
        self.accept(c, id, &mut out);
    }

    #[inline(never)]
    fn cross_plain<S: EventSink>(&mut self, command: Command, id: u64, mut out: Output<'_, S>) {
        let c = &command;
        self.accept(c, id, &mut out);
        let mut taker = Aggressor {
            id,
            account: 0,
            self_trade_group: 0,
            side: c.side,
            mode: SelfTradePrevention::None,
            price_ticks: c.price_ticks,
            worst_key: flip(c.side ^ 1, c.price_ticks),
            total: c.quantity_lots,
            remaining: c.quantity_lots,
        };
        self.take(&mut taker, &mut out);
        if taker.remaining == 0 {
            self.push_id(NIL);
        } else if c.time_in_force == TimeInForce::Ioc.code() {
            self.kill_plain(c, id, taker.remaining, out);
        } else {
            self.rest_plain(c, id, taker.total, taker.remaining, &mut out);
        }
    }

    #[inline(always)]
    fn rest_plain<S: EventSink>(&mut self, c: &Command, id: u64, total: u64, remaining: u64, out: &mut Output<'_, S>) {
        let traits = Traits::new(c.side, c.time_in_force, 0, 0);
        let resting = Resting { id, account: 0, traits, price_ticks: c.price_ticks, remaining };
        self.rest::<true, S>(resting, total, None, out);
    }

    /// R18: an IOC order's rest is canceled.
    #[inline(always)]
    fn kill_plain<S: EventSink>(&mut self, c: &Command, id: u64, quantity: u64, mut out: Output<'_, S>) {
        self.push_id(NIL);
        self.count_canceled(CancelReason::ImmediateOrCancel);
        let gone = Gone { order_id: id, account: 0, side: c.side, price_ticks: c.price_ticks, quantity };
        out.canceled(CancelReason::ImmediateOrCancel, gone);
    }

    pub(crate) fn enter_any<S: EventSink>(&mut self, c: &Command, x: &Extensions, out: &mut Output<'_, S>) {
        match self.check_new(c, x) {
            Ok(entry) => self.enter(&entry, out),
            Err(refusal) => self.reject(c, refusal, out),
        }
    }

    fn enter<S: EventSink>(&mut self, entry: &Entry<'_>, out: &mut Output<'_, S>) {
        let c = entry.command;
        let mut taker = self.aggressor(entry);
        self.accept(c, taker.id, out);
        if let Some(price_ticks) = entry.slid_to {
            taker.price_ticks = price_ticks;
            taker.worst_key = flip(c.side ^ 1, price_ticks);
            self.reprice(&taker, out);
        }
        if c.time_in_force == TimeInForce::Fok.code() && !self.can_fill(&taker) {
            self.end_aggressor(CancelReason::FillOrKill, &taker, out);
            return self.never_rests(entry, taker.id);
        }
        let walk = self.take(&mut taker, out);
        if walk == Walk::Ended || taker.remaining == 0 {
            return self.never_rests(entry, taker.id);
        }
        if let Some(reason) = reason_not_to_rest(c) {
            self.end_aggressor(reason, &taker, out);
            return self.never_rests(entry, taker.id);
        }
        self.rest_entry(entry, &taker, out);
    }

    fn aggressor(&self, entry: &Entry<'_>) -> Aggressor {
        let c = entry.command;
        let worst_price = if c.order_type == OrderType::Limit.code() {
            Some(c.price_ticks)
        } else {
            Some(entry.terms.protection_price_ticks).filter(|_| entry.terms.present & present::PROTECTION != 0)
        };
        Aggressor {
            id: self.order_id(self.ids.next()),
            account: c.account,
            self_trade_group: entry.terms.self_trade_group,
            side: c.side,
            mode: self.mode(c.self_trade_prevention, c.account),
            price_ticks: c.price_ticks,
            worst_key: worst_price.map_or(i64::MIN, |price| flip(c.side ^ 1, price)),
            total: c.quantity_lots,
            remaining: c.quantity_lots,
        }
    }

    /// The self-trade mode that counts for an aggressor: its own, else the instrument's; none without an account (R25).
    pub(crate) fn mode(&self, own: u8, account: u32) -> SelfTradePrevention {
        if account == 0 {
            return SelfTradePrevention::None;
        }
        SelfTradePrevention::from_code(own).unwrap_or(self.rules.self_trade_prevention)
    }

    fn rest_entry<S: EventSink>(&mut self, entry: &Entry<'_>, taker: &Aggressor, out: &mut Output<'_, S>) {
        let c = entry.command;
        if let Some(id) = entry.client_id {
            self.client_ids.insert((c.account, id), taker.id);
        }
        let post_flags = c.flags & (flag::POST_ONLY | flag::SLIDE);
        let traits = Traits::new(c.side, c.time_in_force, c.self_trade_prevention, post_flags);
        let &Aggressor { id, account, price_ticks, total, remaining, self_trade_group, .. } = taker;
        let expire_at_ns = entry.terms.expire_at_ns;
        let is_bare = account == 0 && self_trade_group == 0 && expire_at_ns == 0 && entry.client_id.is_none();
        let traits = if is_bare { traits } else { traits.with_extra() };
        let extra = (!is_bare).then(|| Extra::new(self_trade_group, expire_at_ns, entry.client_id));
        self.rest::<false, S>(Resting { id, account, traits, price_ticks, remaining }, total, extra, out);
    }

    /// An order that is done with its own command: it uses its id, and its client id's window starts.
    fn never_rests(&mut self, entry: &Entry<'_>, order_id: u64) {
        self.push_id(NIL);
        if let Some(id) = entry.client_id {
            let account = entry.command.account;
            self.client_ids.insert((account, id), order_id);
            self.finish_client_id(account, id);
        }
    }

    #[inline(always)]
    fn accept<S: EventSink>(&mut self, c: &Command, order_id: u64, out: &mut Output<'_, S>) {
        out.emit(Event {
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
        self.statistics.rejected[refusal.reason as usize] += 1;
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

    /// R8, in its order.
    fn check_new<'a>(&self, c: &'a Command, x: &Extensions) -> Result<Entry<'a>, Refusal> {
        use RejectReason as Reject;
        let terms = x.terms.unwrap_or_default();
        if c.quantity_lots.wrapping_sub(1) >= MAX_QUANTITY_LOTS {
            return Err(Reject::InvalidQuantity.into());
        }
        if c.flags & flag::PRICE_OFF_GRID != 0 {
            return Err(Reject::InvalidPrice.into());
        }
        let is_legal = is_legal_combination(c, &terms);
        let would_take = is_legal && c.flags & flag::POST_ONLY != 0 && self.would_take(c.side, c.price_ticks);
        let mut slid_to = None;
        if would_take && c.flags & flag::SLIDE != 0 {
            slid_to = Some(self.behind_best(c.side).ok_or(Reject::InvalidPrice)?);
        }
        if terms.present & present::EXPIRE_AT != 0 && terms.expire_at_ns.wrapping_sub(1) >= i64::MAX as u64 {
            return Err(Reject::InvalidTime.into());
        }
        if x.client_id.is_some_and(|id| !id.is_legal()) {
            return Err(Reject::InvalidClientOrderId.into());
        }
        if !is_legal {
            return Err(Reject::InvalidCombination.into());
        }
        if self.phase != Phase::Continuous {
            return Err(Reject::NotAllowedInPhase.into());
        }
        if c.time_in_force == TimeInForce::Gtd.code() && terms.expire_at_ns <= self.now_ns {
            return Err(Reject::Expired.into());
        }
        let first_order_id = x.client_id.and_then(|id| self.client_ids.owner(&(c.account, id)));
        if let Some(first_order_id) = first_order_id {
            return Err(Refusal { reason: Reject::DuplicateClientOrderId, first_order_id });
        }
        if would_take && slid_to.is_none() {
            return Err(Reject::PostOnlyWouldTake.into());
        }
        Ok(Entry { command: c, terms, client_id: x.client_id, slid_to })
    }

    /// R13: would an order at that price meet one of the other side? Own orders count whatever the mode.
    pub(crate) fn would_take(&self, side: u8, price_ticks: i64) -> bool {
        let best = self.halves[usize::from(side ^ 1)].best();
        best.is_some_and(|(key, _)| key >= flip(side ^ 1, price_ticks))
    }

    /// One tick behind the best price of the other side; `None` if that leaves 64 bits (R1).
    pub(crate) fn behind_best(&self, side: u8) -> Option<i64> {
        let best = flip(side ^ 1, self.halves[usize::from(side ^ 1)].best()?.0);
        if side == 0 { best.checked_sub(1) } else { best.checked_add(1) }
    }
}

/// Why what is left of an order may not rest, or `None` if it may (R12, R17, R18). A FOK order that got past its dry run has
/// nothing left.
fn reason_not_to_rest(c: &Command) -> Option<CancelReason> {
    if c.order_type == OrderType::Market.code() {
        return Some(CancelReason::NoLiquidity);
    }
    (c.time_in_force == TimeInForce::Ioc.code()).then_some(CancelReason::ImmediateOrCancel)
}

/// The section "Combinations" of the rules, as far as these order types go.
fn is_legal_combination(c: &Command, terms: &Terms) -> bool {
    let is_market = c.order_type == OrderType::Market.code();
    let is_gtd = c.time_in_force == TimeInForce::Gtd.code();
    let at_once = c.time_in_force == TimeInForce::Ioc.code() || c.time_in_force == TimeInForce::Fok.code();
    let has = |bit: u8| terms.present & bit != 0;
    let has_flag = |bit: u8| c.flags & bit != 0;
    c.order_type <= OrderType::Market.code()
        && c.time_in_force <= TimeInForce::Fok.code()
        && c.side <= 1
        && has_flag(flag::PRICE) != is_market
        && has(present::EXPIRE_AT) == is_gtd
        && !(is_market && is_gtd)
        && (is_market || !has(present::PROTECTION))
        && !(has_flag(flag::POST_ONLY) && (is_market || at_once))
        && (has_flag(flag::POST_ONLY) || !has_flag(flag::SLIDE))
}
