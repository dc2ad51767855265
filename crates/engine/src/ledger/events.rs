//! Event markets (R32): full sets of shares are minted for cash that lies in the event's pot, redeemed from it, and paid out of
//! it once, when the event is settled.

use super::assess::covers;
use super::balances::Key;
use super::{LIMIT_UNITS, Ledger};
use crate::codes::RejectReason;
use crate::record::MAX_QUANTITY_LOTS;

/// For one unit of cash an event may issue at most as many units of each share as this has bits, so that shares for all the cash
/// there is stay within 2^126.
const MOST_SHARE_BITS: u32 = 20;

/// What an event market is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTerms {
    /// Its clearing group.
    pub group: u32,
    /// The asset that its shares are paid in.
    pub cash: u32,
    /// The assets of its outcomes, in their order.
    pub shares: Vec<u32>,
    /// Units of a share in one lot.
    pub lot_base_units: u64,
    /// Units of cash in one tick times one lot.
    pub tick_lot_units: u64,
    /// Ticks in one unit of cash.
    pub unit_ticks: u32,
}

impl EventTerms {
    /// What is wrong with these terms, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        let set_units = self.set_units(1);
        if self.shares.len() < 2 {
            Some("fewer than two outcomes")
        } else if self.unit_ticks < 2 {
            Some("no price lies within one unit of cash")
        } else if self.tick_lot_units == 0 || self.lot_base_units == 0 {
            Some("a lot or a tick of nothing")
        } else if u128::from(self.lot_base_units) > set_units << MOST_SHARE_BITS {
            Some("shares far finer than the cash they are paid in")
        } else {
            None
        }
    }

    /// What that many lots of full sets are worth; at its end it stays there, where nobody can pay it.
    fn set_units(&self, lots: u64) -> u128 {
        (u128::from(self.unit_ticks) * u128::from(self.tick_lot_units)).saturating_mul(u128::from(lots))
    }

    fn share_units(&self, lots: u64) -> u128 {
        u128::from(self.lot_base_units) * u128::from(lots)
    }
}

/// An event market and what lies in its pot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Market {
    pub terms: EventTerms,
    /// Lots of full sets that were issued and not taken back.
    pub sets: u128,
    /// Cash against them: what they are worth, in units.
    pub pot: u128,
    pub is_settled: bool,
}

impl Market {
    /// Issues full sets against cash, or takes them back. Shares and cash pass through the caller's hands.
    pub fn count_sets(&mut self, lots: u64, is_minted: bool) {
        let (sets, cash) = (u128::from(lots), self.terms.set_units(lots));
        if is_minted {
            self.sets += sets;
            self.pot += cash;
        } else {
            // Every share lies with an account, and those of this many sets just came back.
            self.sets -= sets;
            self.pot -= cash;
        }
    }

    /// What the sets are worth in cash.
    pub fn worth(&self) -> Option<u128> {
        self.sets.checked_mul(self.terms.set_units(1))
    }

    /// Units of each share that are out.
    pub fn issued_units(&self) -> Option<u128> {
        self.sets.checked_mul(u128::from(self.terms.lot_base_units))
    }
}

impl Ledger {
    /// Opens an event's market, with shares that nobody has. The terms have no [`EventTerms::problem`], and neither the event nor
    /// its shares were here before.
    pub fn open_event(&mut self, event: u32, terms: EventTerms) {
        debug_assert_eq!(terms.problem(), None);
        for &share in &terms.shares {
            self.shares.insert(share, event);
        }
        self.events.insert(event, Market { terms, sets: 0, pot: 0, is_settled: false });
    }

    /// Pays cash into the pot for that many lots of full sets.
    ///
    /// # Errors
    /// `unknown_event`, `already_settled`; `invalid_quantity`: 0 or too many; `insufficient_funds`.
    pub fn mint(&mut self, event: u32, account: u32, lots: u64) -> Result<(), RejectReason> {
        let market = self.open_market(event, lots)?;
        let (cash, share) = (market.terms.set_units(lots), market.terms.share_units(lots));
        if market.issued_units().is_none_or(|units| units + share > LIMIT_UNITS) {
            return Err(RejectReason::InvalidQuantity);
        }
        let key = Key { group: market.terms.group, account, asset: market.terms.cash };
        if !covers(self.balances.get(key).available, cash) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.exchange_sets(event, account, lots, true);
        Ok(())
    }

    /// Takes back that many lots of full sets for cash from the pot.
    ///
    /// # Errors
    /// As [`Ledger::mint`]; the funds are shares of every outcome.
    pub fn redeem(&mut self, event: u32, account: u32, lots: u64) -> Result<(), RejectReason> {
        let market = self.open_market(event, lots)?;
        let (group, units) = (market.terms.group, market.terms.share_units(lots));
        let has = |&asset: &u32| covers(self.balances.get(Key { group, account, asset }).available, units);
        if !market.terms.shares.iter().all(has) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.exchange_sets(event, account, lots, false);
        Ok(())
    }

    fn open_market(&self, event: u32, lots: u64) -> Result<&Market, RejectReason> {
        let market = self.events.get(&event).ok_or(RejectReason::UnknownEvent)?;
        if market.is_settled {
            return Err(RejectReason::AlreadySettled);
        }
        if lots.wrapping_sub(1) >= MAX_QUANTITY_LOTS {
            return Err(RejectReason::InvalidQuantity);
        }
        Ok(market)
    }

    /// Cash against full sets of an open event, either way; the account can pay.
    fn exchange_sets(&mut self, event: u32, account: u32, lots: u64, is_minted: bool) {
        let Some(market) = self.events.get_mut(&event) else {
            return;
        };
        market.count_sets(lots, is_minted);
        let EventTerms { group, cash, ref shares, .. } = market.terms;
        let sign = if is_minted { 1 } else { -1 };
        // Both amounts are covered by a balance or by the limit of what is issued: far below 2^127.
        let (paid, issued) = (market.terms.set_units(lots) as i128, market.terms.share_units(lots) as i128);
        let place = self.balances.place(Key { group, account, asset: cash });
        self.balances.add_available(place, -sign * paid);
        for &asset in shares {
            let place = self.balances.place(Key { group, account, asset });
            self.balances.add_available(place, sign * issued);
        }
    }

    /// Pays each lot of an outcome's shares its payout in ticks from the pot and takes the shares back, for good. The event is open,
    /// its orders were canceled, and the payouts, one an outcome, make one unit of cash: so the pot ends empty.
    pub fn settle_event(&mut self, event: u32, payouts: &[u32]) {
        let Some(market) = self.events.get_mut(&event).filter(|market| !market.is_settled) else {
            debug_assert!(false, "an event that is not open");
            return;
        };
        market.is_settled = true;
        let terms = &market.terms;
        for place in self.balances.all_places() {
            let key = self.balances.key(place);
            let Some(outcome) = terms.shares.iter().position(|&share| share == key.asset) else {
                continue;
            };
            let balance = self.balances.at(place);
            debug_assert_eq!(balance.held, 0, "shares bound by a live order");
            let lots = balance.available.max(0).unsigned_abs() / u128::from(terms.lot_base_units);
            if lots == 0 {
                continue;
            }
            self.balances.add_available(place, -balance.available);
            let ticks = payouts.get(outcome).copied().unwrap_or(0);
            // At most what lies in the pot.
            let paid = lots * u128::from(ticks) * u128::from(terms.tick_lot_units);
            market.pot -= paid;
            let cash = self.balances.place(Key { asset: terms.cash, ..key });
            self.balances.add_available(cash, paid as i128);
        }
        debug_assert_eq!(market.pot, 0, "payouts that do not make one unit of cash");
        market.sets = 0;
    }

    /// How many events there are.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Has that event those shares, in that order?
    pub(crate) fn is_event_of(&self, event: u32, shares: impl Iterator<Item = u32>) -> bool {
        self.events.get(&event).is_some_and(|market| market.terms.shares.iter().copied().eq(shares))
    }

    /// Was this event settled?
    pub fn is_settled(&self, event: u32) -> bool {
        self.events.get(&event).is_some_and(|market| market.is_settled)
    }
}
