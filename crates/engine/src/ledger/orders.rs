//! The orders of settled instruments: what each holds, from `accepted` to its end, and what its trades pay (R30, R31).

use super::Ledger;
use super::balances::{Balances, Key};
use super::terms::{SettlementTerms, UNAFFORDABLE, charge};
use crate::codes::OrderType;
use crate::record::Event;
use std::collections::hash_map::Entry;

/// The low bits of an accepted order's `reason`: its type.
const TYPE_BITS: u8 = 7;

/// One live order, in its own outcome's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LiveOrder {
    pub account: u32,
    /// Place of the balance that it holds from: cash for a buy, what it sells for a sell.
    pub place: u32,
    pub is_buy: bool,
    /// Is it an order of the second outcome, for which the book has the other side?
    pub is_mirror: bool,
    /// Without one, the price of a buy is its protection.
    pub has_limit: bool,
    /// Charged ahead of its fees, in 10,000ths of a unit: 0 to 9,999.
    pub credit: u16,
    /// The most that a buy pays for a lot; 0 for a sell.
    pub price: u64,
    pub remaining: u64,
    pub filled: u64,
    pub held: u128,
}

impl LiveOrder {
    /// What it has to hold now. It was found affordable before it, or its amend, was accepted.
    pub fn hold(&self, terms: &SettlementTerms) -> u128 {
        if self.remaining == 0 {
            0
        } else if self.is_buy {
            terms.buy_hold(self.price, self.remaining, self.credit).unwrap_or(UNAFFORDABLE)
        } else {
            terms.base_units(self.remaining)
        }
    }

    /// Holds what it has to, no more and no less.
    fn hold_anew(&mut self, terms: &SettlementTerms, balances: &mut Balances) {
        let hold = self.hold(terms);
        if hold != self.held {
            balances.rebind(self.place, self.held, hold);
            self.held = hold;
        }
    }
}

impl Ledger {
    /// A new order was accepted.
    pub(super) fn enter(
        &mut self,
        terms: &SettlementTerms,
        accepted: &Event,
        is_mirror: bool,
        protection: Option<i64>,
    ) {
        let is_buy = (accepted.side == 0) != is_mirror;
        let has_limit = OrderType::from_code(accepted.reason & TYPE_BITS).is_some_and(OrderType::has_limit);
        let price_ticks = if has_limit { accepted.price_ticks } else { protection.unwrap_or(accepted.price_ticks) };
        let asset = if is_buy { terms.quote } else { terms.own_base(is_mirror) };
        let mut order = LiveOrder {
            account: accepted.account,
            place: self.balances.place(Key { group: terms.group, account: accepted.account, asset }),
            is_buy,
            is_mirror,
            has_limit,
            credit: 0,
            price: if is_buy { terms.own_price(is_mirror, price_ticks) } else { 0 },
            remaining: accepted.quantity_lots,
            filled: 0,
            held: 0,
        };
        order.hold_anew(terms, &mut self.balances);
        self.orders.insert(accepted.order_id, order);
    }

    /// It changes where it stands; what it holds follows.
    fn change_order(&mut self, terms: &SettlementTerms, order_id: u64, change: impl FnOnce(&mut LiveOrder)) {
        let order = self.orders.get_mut(&order_id);
        debug_assert!(order.is_some(), "an order that the ledger does not know");
        if let Some(order) = order {
            change(order);
            order.hold_anew(terms, &mut self.balances);
        }
    }

    pub(super) fn reprice(&mut self, terms: &SettlementTerms, repriced: &Event) {
        self.change_order(terms, repriced.order_id, |order| order.set_limit(terms, repriced.price_ticks));
    }

    pub(super) fn amend(&mut self, terms: &SettlementTerms, amended: &Event) {
        self.change_order(terms, amended.order_id, |order| {
            debug_assert_eq!(order.filled + amended.quantity_lots, amended.other);
            order.remaining = amended.quantity_lots;
            order.set_limit(terms, amended.price_ticks);
        });
    }

    /// R25: both orders lose as much. One that has nothing left is canceled by the event that follows.
    pub(super) fn decrement(&mut self, terms: &SettlementTerms, decremented: &Event) {
        for order_id in [decremented.order_id, decremented.other] {
            self.change_order(terms, order_id, |order| {
                order.remaining = order.remaining.saturating_sub(decremented.quantity_lots);
            });
        }
    }

    /// What was live of an order is gone: its hold is released to the last unit.
    pub(super) fn end(&mut self, canceled: &Event) {
        let order = self.orders.remove(&canceled.order_id);
        debug_assert!(order.is_some(), "an order that the ledger does not know");
        if let Some(order) = order.filter(|order| order.held > 0) {
            self.balances.rebind(order.place, order.held, 0);
        }
    }

    /// Two orders traded. In an uncross the older one is the maker. Where both buy, or both sell, they are of the two outcomes
    /// of an event: full sets are made, or go (R32).
    pub(super) fn trade(&mut self, terms: &SettlementTerms, trade: &Event) {
        let maker_buys = self.fill(terms, trade.order_id, trade, true);
        let taker_buys = self.fill(terms, trade.other, trade, false);
        if maker_buys == taker_buys
            && let (Some(is_minted), Some(market)) = (maker_buys, self.events.get_mut(&terms.event))
        {
            market.count_sets(trade.quantity_lots, is_minted);
        }
    }

    /// One side of a trade: pays out of its hold, gets what it traded for, less its fee. Says whether it buys.
    fn fill(&mut self, terms: &SettlementTerms, order_id: u64, trade: &Event, is_maker: bool) -> Option<bool> {
        let Entry::Occupied(mut entry) = self.orders.entry(order_id) else {
            debug_assert!(false, "an order that the ledger does not know");
            return None;
        };
        let order = entry.get_mut();
        let lots = trade.quantity_lots;
        let price = terms.own_price(order.is_mirror, trade.price_ticks);
        // What a buyer holds covers it, and what a seller gets comes from there or from a pot: it is far from unaffordable.
        let notional = terms.notional(price, lots).unwrap_or(0);
        let base = terms.base_units(lots) as i128;
        let fee = charge(&mut order.credit, notional, terms.fee_bps(is_maker));
        order.remaining = order.remaining.saturating_sub(lots);
        order.filled += lots;
        order.hold_anew(terms, &mut self.balances);
        let own_base = terms.own_base(order.is_mirror);
        let (paid, gained, gained_asset) = if order.is_buy {
            (notional as i128 + fee, base, own_base)
        } else {
            (base, notional as i128 - fee, terms.quote)
        };
        let LiveOrder { account, is_buy, is_mirror, remaining, place, .. } = *order;
        if remaining == 0 {
            entry.remove();
        }
        self.balances.add_available(place, -paid);
        let gainer = self.balances.place(Key { group: terms.group, account, asset: gained_asset });
        self.balances.add_available(gainer, gained);
        if fee != 0 {
            let key = Key { group: terms.group, account: terms.fee_account, asset: terms.quote };
            let collector = self.balances.place(key);
            self.balances.add_available(collector, fee);
        }
        let position = self.positions.entry((account, terms.own_instrument(is_mirror))).or_default();
        position.note(is_buy, lots, notional, fee);
        Some(is_buy)
    }
}

impl LiveOrder {
    /// The book's price for it. A sell holds the same at any price; a market order has none but its protection.
    pub fn set_limit(&mut self, terms: &SettlementTerms, price_ticks: i64) {
        if self.is_buy && self.has_limit {
            self.price = terms.own_price(self.is_mirror, price_ticks);
        }
    }
}
