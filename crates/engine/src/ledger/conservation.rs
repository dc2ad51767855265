//! The books of the ledger add up (R31): nothing is made or lost, and what is held is what the live orders hold.

use super::{Ledger, SettlementTerms};
use crate::views::OrderView;
use std::collections::{BTreeMap, BTreeSet};

impl Ledger {
    /// Adds up everything, for each asset in each clearing group. Whatever the state, it does not panic: a snapshot's is not to be trusted.
    ///
    /// # Errors
    /// What does not add up.
    pub fn check_conservation(&self) -> Result<(), String> {
        let mut held: BTreeMap<u32, u128> = BTreeMap::new();
        for order in self.orders.values() {
            let sum = held.entry(order.place).or_default();
            *sum = sum.checked_add(order.held).ok_or("the orders of one account hold more than there can be")?;
        }
        // By asset, then group.
        let mut sums: BTreeMap<(u32, u32), i128> = BTreeMap::new();
        let mut add = |asset: u32, group: u32, units: i128| -> Result<(), String> {
            let sum = sums.entry((asset, group)).or_default();
            *sum = sum.checked_add(units).ok_or(format!("asset {asset} in group {group}: more than there can be"))?;
            Ok(())
        };
        for place in self.balances.all_places() {
            let (key, balance) = (self.balances.key(place), self.balances.at(place));
            let by_orders = held.get(&place).copied().unwrap_or(0);
            if balance.held != by_orders {
                return Err(format!("{key:?}: held is {}, its orders hold {by_orders}", balance.held));
            }
            let units = i128::try_from(balance.held).ok().and_then(|held| held.checked_add(balance.available));
            add(key.asset, key.group, units.ok_or(format!("{key:?}: more than there can be"))?)?;
        }
        let mut expected: BTreeMap<(u32, u32), i128> = BTreeMap::new();
        for (&(asset, group), flow) in &self.flows {
            let units = flow.deposited.checked_add(flow.moved);
            expected.insert((asset, group), units.ok_or(format!("asset {asset}: more came and went than can be"))?);
        }
        for (number, market) in &self.events {
            let issued = market.issued_units().and_then(|units| i128::try_from(units).ok());
            let issued = issued.ok_or(format!("event {number}: more shares than there can be"))?;
            for &share in &market.terms.shares {
                expected.insert((share, market.terms.group), issued);
            }
            if market.worth() != Some(market.pot) || (market.is_settled && market.sets != 0) {
                return Err(format!("event {number}: {} in its pot against {} sets", market.pot, market.sets));
            }
            let pot = i128::try_from(market.pot).map_err(|_| format!("event {number}: a pot beyond all there is"))?;
            add(market.terms.cash, market.terms.group, pot)?;
        }
        let all: BTreeSet<(u32, u32)> = sums.keys().chain(expected.keys()).copied().collect();
        for (asset, group) in all {
            let [sum, expected] = [&sums, &expected].map(|units| units.get(&(asset, group)).copied().unwrap_or(0));
            if sum != expected {
                let problem = format!("accounts and pots have {sum}, there should be {expected}");
                return Err(format!("asset {asset} in group {group}: {problem}"));
            }
        }
        Ok(())
    }

    /// How many live orders there are, over all books.
    pub fn order_count(&self) -> usize {
        self.orders.len()
    }

    /// Are the live orders of a settled book known here, as they are there, and each with the hold that it needs? For snapshots,
    /// of which each part may be whole and still not belong to the other.
    pub fn agrees_with(&self, terms: &SettlementTerms, orders: &[OrderView]) -> bool {
        orders.iter().all(|view| {
            let Some(order) = self.orders.get(&view.order_id) else {
                return false;
            };
            let key = self.balances.key(order.place);
            let is_buy = (view.side.code() == 0) != order.is_mirror;
            let asset = if is_buy { terms.quote } else { terms.own_base(order.is_mirror) };
            let limit = if order.has_limit { Some(view.price_ticks) } else { view.protection_price_ticks };
            let price = limit.map(|price_ticks| terms.own_price(order.is_mirror, price_ticks));
            is_buy == order.is_buy
                && !(order.is_mirror && terms.mirror.is_none())
                && order.has_limit == view.order_type.has_limit()
                && (!order.has_limit || terms.is_price(view.price_ticks))
                && (key.group, key.account, key.asset) == (terms.group, view.account, asset)
                && (!is_buy || price == Some(order.price))
                && order.remaining == view.remaining_lots
                && order.filled == view.quantity_lots - view.remaining_lots
                && order.held == order.hold(terms)
        })
    }
}
