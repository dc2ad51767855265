//! What is refused, and why: the first reason of R8 that applies, for new orders and for amends.

use crate::book::OrderBook;
use crate::codes::{OrderType, Phase, RejectReason as Reject, TimeInForce};
use crate::enter::{Entry, Refusal};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::pool::{NIL, Place};
use crate::record::{Command, Extensions, MAX_QUANTITY_LOTS, Terms, fault, flag, present};

/// An iceberg shows at least this part of its total (R14).
const LEAST_SHOWN: u64 = 1024;

/// Those of an order that comes without.
static NO_TERMS: Terms = Terms::NONE;

/// An amend that was not refused.
pub(crate) struct Amendment {
    pub slot: u32,
    pub price_ticks: i64,
    pub total: u64,
    /// Where a sliding post-only order rests instead (R13).
    pub slid_to: Option<i64>,
}

/// What post-only makes of an order that would arrive now (R13).
#[derive(Clone, Copy, PartialEq, Eq)]
enum PostOnly {
    Rests,
    WouldTake,
    SlidesTo(i64),
    /// It would have to slide out of 64 bits, or out of the prices that its settlement knows.
    Nowhere,
}

impl<I: PriceIndex> OrderBook<I> {
    /// R8 for a new order, in its order.
    pub(crate) fn check_new<'a>(&self, c: &'a Command, x: &'a Extensions, faults: u8) -> Result<Entry<'a>, Refusal> {
        let terms = x.terms.as_ref().unwrap_or(&NO_TERMS);
        let has = |bit: u8| terms.present & bit != 0;
        if is_out_of_range(c.quantity_lots) || is_illegal_quantity(c, terms) {
            return Err(Reject::InvalidQuantity.into());
        }
        let order_type = OrderType::from_code(c.order_type).filter(|&kind| is_legal_combination(c, kind, terms));
        let post = match order_type {
            Some(_) => self.post_only(c.flags, c.side, c.price_ticks, c.quantity_lots),
            None => PostOnly::Rests,
        };
        let is_bad_trail = has(present::TRAIL) && !terms.trail().is_legal();
        let trails_away = order_type.is_some_and(OrderType::is_trailing) && self.trails_away(c.side, terms);
        let is_bad_price = c.flags & flag::PRICE_OFF_GRID != 0 || faults & fault::PRICE != 0;
        if is_bad_price || is_bad_trail || trails_away || post == PostOnly::Nowhere {
            return Err(Reject::InvalidPrice.into());
        }
        if has(present::EXPIRE_AT) && terms.expire_at_ns.wrapping_sub(1) >= i64::MAX as u64 {
            return Err(Reject::InvalidTime.into());
        }
        if x.client_id.is_some_and(|id| !id.is_legal()) {
            return Err(Reject::InvalidClientOrderId.into());
        }
        let order_type = order_type.filter(|_| faults & fault::COMBINATION == 0).ok_or(Reject::InvalidCombination)?;
        if !self.takes(c, order_type, terms) {
            return Err(Reject::NotAllowedInPhase.into());
        }
        if has(present::EXPIRE_AT) && terms.expire_at_ns <= self.now_ns {
            return Err(Reject::Expired.into());
        }
        if order_type.has_limit() && !self.is_in_band(c.price_ticks) {
            return Err(Reject::PriceOutOfBand.into());
        }
        let first_order_id = x.client_id.and_then(|id| self.client_ids.owner(&(c.account, id)));
        if let Some(first_order_id) = first_order_id {
            return Err(Refusal { reason: Reject::DuplicateClientOrderId, first_order_id });
        }
        if faults & fault::FUNDS != 0 {
            return Err(Reject::InsufficientFunds.into());
        }
        if post == PostOnly::WouldTake {
            return Err(Reject::PostOnlyWouldTake.into());
        }
        let slid_to = if let PostOnly::SlidesTo(price) = post { Some(price) } else { None };
        Ok(Entry { command: c, order_type, terms, client_id: x.client_id, slid_to })
    }

    /// R26: does the phase take such an order?
    fn takes(&self, c: &Command, order_type: OrderType, terms: &Terms) -> bool {
        match self.phase {
            Phase::Continuous => true,
            Phase::Halted | Phase::Closed => false,
            Phase::PreOpen | Phase::Auction => {
                let collects = [TimeInForce::Gtc, TimeInForce::Day, TimeInForce::Gtd];
                order_type.is_stop()
                    || (collects.iter().any(|time| time.code() == c.time_in_force)
                        && c.flags & flag::POST_ONLY == 0
                        && terms.present & present::MINIMUM == 0)
            }
        }
    }

    /// R1: would the first stop price of a trailing stop leave 64 bits?
    fn trails_away(&self, side: u8, terms: &Terms) -> bool {
        self.last_trade_price.is_some_and(|last| i64::try_from(terms.trail().trail(side, last)).is_err())
    }

    /// R13. Only in continuous trading does an order trade on arrival.
    fn post_only(&self, flags: u8, side: u8, price_ticks: i64, quantity: u64) -> PostOnly {
        if flags & flag::POST_ONLY == 0 || self.phase != Phase::Continuous {
            return PostOnly::Rests;
        }
        let Some(key) = self.best_met(side ^ 1, flip(side ^ 1, price_ticks), quantity) else {
            return PostOnly::Rests;
        };
        if flags & flag::SLIDE == 0 {
            return PostOnly::WouldTake;
        }
        let best = flip(side ^ 1, key);
        let behind = if side == 0 { best.checked_sub(1) } else { best.checked_add(1) };
        let (lowest, highest) = self.price_range;
        behind.filter(|price| (lowest..=highest).contains(price)).map_or(PostOnly::Nowhere, PostOnly::SlidesTo)
    }

    /// R8 for an amend, in its order. What asks about the order that it names is asked only where it names one.
    pub(crate) fn check_amend(&self, c: &Command, x: &Extensions, faults: u8) -> Result<Amendment, Refusal> {
        let has = |bit: u8| c.flags & bit != 0;
        let named = self.check_name(c, x).and_then(|()| self.named(c, x));
        if has(flag::QUANTITY) && is_out_of_range(c.quantity_lots) {
            return Err(Reject::InvalidQuantity.into());
        }
        if named.is_ok_and(|slot| has(flag::QUANTITY) && self.suits_ill(slot, c.quantity_lots)) {
            return Err(Reject::InvalidQuantity.into());
        }
        let has_changes = has(flag::QUANTITY) || has(flag::PRICE);
        let amendment = named.ok().filter(|_| has_changes).map(|slot| self.amendment(slot, c));
        let post = amendment.as_ref().map_or(PostOnly::Rests, |amendment| self.post_only_again(amendment));
        if has(flag::PRICE_OFF_GRID) || faults & fault::PRICE != 0 || post == PostOnly::Nowhere {
            return Err(Reject::InvalidPrice.into());
        }
        self.check_name(c, x)?;
        if !has_changes || named.is_ok_and(|slot| has(flag::PRICE) && self.limit_of(slot).is_none()) {
            return Err(Reject::InvalidCombination.into());
        }
        if !(self.phase == Phase::Continuous || self.phase.collects()) {
            return Err(Reject::NotAllowedInPhase.into());
        }
        let slot = named?;
        if has(flag::PRICE) && !self.is_in_band(c.price_ticks) {
            return Err(Reject::PriceOutOfBand.into());
        }
        if faults & fault::FUNDS != 0 {
            return Err(Reject::InsufficientFunds.into());
        }
        if post == PostOnly::WouldTake {
            return Err(Reject::PostOnlyWouldTake.into());
        }
        let slid_to = if let PostOnly::SlidesTo(price) = post { Some(price) } else { None };
        Ok(Amendment { slid_to, ..amendment.unwrap_or_else(|| self.amendment(slot, c)) })
    }

    /// What the order is to become; what the amend does not give stays.
    fn amendment(&self, slot: u32, c: &Command) -> Amendment {
        let price_ticks = if c.flags & flag::PRICE != 0 { c.price_ticks } else { self.limit_of(slot).unwrap_or(0) };
        let total = if c.flags & flag::QUANTITY != 0 { c.quantity_lots } else { self.pool.record(slot).total };
        Amendment { slot, price_ticks, total, slid_to: None }
    }

    /// R13: a post-only order that would arrive anew is looked at anew.
    fn post_only_again(&self, amendment: &Amendment) -> PostOnly {
        let traits = self.pool.order(amendment.slot).traits();
        let filled = self.filled(amendment.slot);
        if traits.post_flags() == 0 || amendment.total <= filled || self.stays(amendment) {
            return PostOnly::Rests;
        }
        self.post_only(traits.post_flags(), traits.side(), amendment.price_ticks, amendment.total - filled)
    }

    /// Less at the same price, or the same again.
    pub(crate) fn stays(&self, amendment: &Amendment) -> bool {
        let record = self.pool.record(amendment.slot);
        let has_price = self.limit_of(amendment.slot).is_none_or(|price| price == amendment.price_ticks);
        has_price && amendment.total <= record.total
    }

    pub(crate) fn filled(&self, slot: u32) -> u64 {
        self.pool.record(slot).total - self.whole(slot)
    }

    /// R14, R21: a total that the order's display or minimum quantity does not suit.
    fn suits_ill(&self, slot: u32, total: u64) -> bool {
        let special = self.extras.special(self.pool.record(slot).extra);
        let is_dormant = self.pool.order(slot).traits().place() == Place::Dormant;
        shows_too_little(special.display.unwrap_or(0), total) || (is_dormant && special.minimum > total)
    }

    /// R5, R23: an order is named by one id, its own or the client's; the client's needs the account.
    pub(crate) fn check_name(&self, c: &Command, x: &Extensions) -> Result<(), Reject> {
        match x.client_id {
            Some(id) if !id.is_legal() => Err(Reject::InvalidClientOrderId),
            Some(_) if c.order_id != 0 || c.account == 0 => Err(Reject::InvalidCombination),
            None if c.order_id == 0 => Err(Reject::InvalidCombination),
            _ => Ok(()),
        }
    }

    /// The live order that a checked command names.
    pub(crate) fn named(&self, c: &Command, x: &Extensions) -> Result<u32, Reject> {
        let order_id = match x.client_id {
            Some(id) => self.client_ids.live_owner(&(c.account, id)).unwrap_or(0),
            None => c.order_id,
        };
        self.authorised(self.slot_of(order_id), c.account)
    }

    /// R23: unknown, done or someone else's; without an account it is the operator's and finds any.
    fn authorised(&self, slot: u32, account: u32) -> Result<u32, Reject> {
        if slot == NIL || (account != 0 && self.pool.order(slot).account != account) {
            return Err(Reject::UnknownOrder);
        }
        Ok(slot)
    }
}

/// R1: quantities are 1 to 2^48 lots.
fn is_out_of_range(quantity: u64) -> bool {
    quantity.wrapping_sub(1) >= MAX_QUANTITY_LOTS
}

/// R14, R21: display and minimum quantity, whatever the order type.
fn is_illegal_quantity(c: &Command, terms: &Terms) -> bool {
    let has = |bit: u8| terms.present & bit != 0;
    let display = terms.display_lots;
    let is_bad_display = !is_legal_display(display, c.quantity_lots);
    let is_bad_minimum = terms.minimum_lots == 0 || terms.minimum_lots > c.quantity_lots;
    (has(present::DISPLAY) && is_bad_display) || (has(present::MINIMUM) && is_bad_minimum)
}

/// R14: a display quantity that a new order of that total may have.
pub(crate) fn is_legal_display(display: u64, total: u64) -> bool {
    display <= MAX_QUANTITY_LOTS && !shows_too_little(display, total)
}

/// R14: a slice of at least a 1,024th, rounded up; 0 is hidden.
fn shows_too_little(display: u64, total: u64) -> bool {
    display > 0 && display < total.div_ceil(LEAST_SHOWN)
}

/// The section "Combinations" of the rules.
fn is_legal_combination(c: &Command, order_type: OrderType, terms: &Terms) -> bool {
    let has = |bit: u8| terms.present & bit != 0;
    let has_flag = |bit: u8| c.flags & bit != 0;
    let time = |time: TimeInForce| c.time_in_force == time.code();
    let is_market = order_type == OrderType::Market;
    let at_once = time(TimeInForce::Ioc) || time(TimeInForce::Fok);
    let is_aon = time(TimeInForce::Aon);
    let is_trailing = order_type.is_trailing();
    let post_only = has_flag(flag::POST_ONLY);
    let needed = has_flag(flag::PRICE) == order_type.has_limit()
        && has(present::STOP) == (order_type.is_stop() && !is_trailing)
        && has(present::TRAIL) == is_trailing
        && has(present::EXPIRE_AT) == time(TimeInForce::Gtd);
    let contradicts = (post_only && (order_type != OrderType::Limit || at_once || is_aon || has(present::MINIMUM)))
        || (has_flag(flag::SLIDE) && !post_only)
        || (has(present::DISPLAY) && (!order_type.has_limit() || at_once || is_aon))
        || (has(present::MINIMUM) && is_aon)
        || (is_aon && !order_type.has_limit())
        || (is_market && time(TimeInForce::Gtd))
        || (has(present::PROTECTION) && !is_market)
        || has(present::BUDGET);
    c.side <= 1 && c.time_in_force <= TimeInForce::Aon.code() && needed && !contradicts
}
