//! What the exchange must know of an order before the book sees it: may it have that price, and can its account pay (R30)?

use super::balances::Key;
use super::terms::SettlementTerms;
use super::{Balance, Ledger};
use crate::codes::{OrderType, Side};
use crate::record::{Command, Extensions, MAX_QUANTITY_LOTS, fault, flag, present};

/// What is wrong with a new order, as far as accounts go, and how far it may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// [`fault`] bits.
    pub faults: u8,
    /// The protection price of a market order, in its own terms: as given, or what its budget affords.
    pub protection_ticks: Option<i64>,
}

impl Ledger {
    /// Of a new order, in its own outcome's terms. Its funds are looked at only where its price, quantity and combination
    /// leave something to look at: what is wrong with those comes first (R8).
    pub fn assess_new(
        &self,
        terms: &SettlementTerms,
        is_mirror: bool,
        side: Side,
        c: &Command,
        x: &Extensions,
    ) -> Assessment {
        let order_terms = x.terms.unwrap_or_default();
        let has = |bit: u8| order_terms.present & bit != 0;
        let (has_protection, has_budget) = (has(present::PROTECTION), has(present::BUDGET));
        let is_priced = c.flags & flag::PRICE != 0;
        let given = order_terms.protection_price_ticks;
        if (is_priced && !terms.is_price(c.price_ticks)) || (has_protection && !terms.is_price(given)) {
            return Assessment { faults: fault::PRICE, protection_ticks: None };
        }
        let order_type = OrderType::from_code(c.order_type);
        let has_limit = order_type.is_some_and(OrderType::has_limit);
        let is_market_buy = side == Side::Buy && order_type == Some(OrderType::Market);
        let is_unbounded = side == Side::Buy && !has_limit && !has_protection && !has_budget;
        if is_unbounded || (has_budget && (has_protection || !is_market_buy)) || has_limit != is_priced {
            return Assessment { faults: fault::COMBINATION, protection_ticks: None };
        }
        if c.quantity_lots.wrapping_sub(1) >= MAX_QUANTITY_LOTS {
            return Assessment::default(); // the book refuses it
        }
        let protection_ticks =
            if has_budget { terms.price_for(given as u64, c.quantity_lots) } else { has_protection.then_some(given) };
        let price_ticks = if has_limit { Some(c.price_ticks) } else { protection_ticks };
        let hold = match (side, price_ticks) {
            (Side::Sell, _) => Some(terms.base_units(c.quantity_lots)),
            (Side::Buy, Some(price)) => terms.buy_hold(price as u64, c.quantity_lots, 0), // not negative: a legal price
            (Side::Buy, None) => None,
        };
        let asset = if side == Side::Buy { terms.quote } else { terms.own_base(is_mirror) };
        let balance = self.balances.get(Key { group: terms.group, account: c.account, asset });
        let is_funded = hold.is_some_and(|hold| covers(balance.available, hold));
        Assessment { faults: if is_funded { 0 } else { fault::FUNDS }, protection_ticks }
    }

    /// Of an amend of that order, in the book's terms: [`fault`] bits. An order that is not there has no funds to lack; the
    /// book refuses it.
    pub fn assess_amend(&self, terms: &SettlementTerms, order_id: u64, c: &Command) -> u8 {
        // An event's prices are mirrored within their range, so this holds in anyone's terms.
        if c.flags & flag::PRICE != 0 && !terms.is_price(c.price_ticks) {
            return fault::PRICE;
        }
        let Some(order) = self.orders.get(&order_id) else {
            return 0;
        };
        let mut amended = *order;
        if c.flags & flag::QUANTITY != 0 {
            let Some(remaining) = c.quantity_lots.checked_sub(order.filled).filter(|&lots| lots > 0) else {
                return 0; // it is canceled
            };
            amended.remaining = remaining;
        }
        if c.flags & flag::PRICE != 0 {
            amended.set_limit(terms, c.price_ticks);
        }
        let Balance { available, .. } = self.balances.at(order.place);
        // What needs no more than it holds needs nothing, also of a fee account that owes.
        let hold = amended.hold(terms);
        let is_funded = hold <= order.held || covers(available.saturating_add(order.held as i128), hold);
        if is_funded { 0 } else { fault::FUNDS }
    }
}

/// Is that much there?
pub(super) fn covers(available: i128, units: u128) -> bool {
    u128::try_from(available).is_ok_and(|available| available >= units)
}
