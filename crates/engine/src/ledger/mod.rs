//! Who has what: balances, holds of live orders, fees, positions, transfers, event markets (R30 to R32). Pure, as the books are:
//! [`Settling`] tells it what they say. Names and clearing groups are the exchange's business; here all are numbers.
//!
//! Nothing is made or lost: what all accounts and pots have of an asset is what was deposited and not withdrawn, or, of an event's
//! shares, what was minted and not taken back. [`Ledger::check_conservation`] adds it up.

mod assess;
mod balances;
mod conservation;
mod events;
mod orders;
mod settling;
mod state;
mod terms;

pub use assess::Assessment;
pub use balances::Balance;
pub use events::EventTerms;
pub use settling::Settling;
pub use terms::{Mirror, SettlementTerms};

use crate::codes::RejectReason;
use crate::extras::NumberHasher;
use crate::record::EventSink;
use assess::covers;
use balances::{Balances, Key};
use events::Market;
use orders::LiveOrder;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

/// There is never more of a deposited asset than this, over all accounts: sums cannot leave 128 bits.
pub const LIMIT_UNITS: u128 = 1 << 100;
/// Longest id of a deposit, withdrawal or transfer, in bytes.
pub const LONGEST_ID: usize = 36;

/// What an account traded of an instrument. What it has of it is a balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lots bought.
    pub bought_lots: u128,
    /// What they cost without fees, in quote units.
    pub bought_units: u128,
    /// Lots sold.
    pub sold_lots: u128,
    /// What they brought without fees, in quote units.
    pub sold_units: u128,
    /// Fees paid less rebates got, in quote units.
    pub fee_units: i128,
}

impl Position {
    /// Notes one side of a trade. The sums only grow, over the whole life of an account; at their ends, which nobody lives to see,
    /// they would stay.
    fn note(&mut self, is_buy: bool, lots: u64, notional: u128, fee: i128) {
        let (total_lots, total_units) = if is_buy {
            (&mut self.bought_lots, &mut self.bought_units)
        } else {
            (&mut self.sold_lots, &mut self.sold_units)
        };
        *total_lots = total_lots.saturating_add(u128::from(lots));
        *total_units = total_units.saturating_add(notional);
        self.fee_units = self.fee_units.saturating_add(fee);
    }
}

/// All accounts' funds.
pub struct Ledger {
    balances: Balances,
    /// Live orders of settled instruments, for look-ups only.
    orders: HashMap<u64, LiveOrder, BuildHasherDefault<NumberHasher>>,
    /// By account, then instrument.
    positions: BTreeMap<(u32, u32), Position>,
    events: BTreeMap<u32, Market>,
    /// The event of each share.
    shares: BTreeMap<u32, u32>,
    /// Deposited less withdrawn, by asset.
    totals: BTreeMap<u32, i128>,
    /// Ids that each account's deposits, withdrawals and transfers used up.
    used_ids: BTreeMap<u32, BTreeSet<Box<[u8]>>>,
}

impl Default for Ledger {
    fn default() -> Ledger {
        Ledger::new()
    }
}

impl Ledger {
    /// Nobody has anything.
    pub fn new() -> Ledger {
        Ledger {
            balances: Balances::new(),
            orders: HashMap::default(),
            positions: BTreeMap::new(),
            events: BTreeMap::new(),
            shares: BTreeMap::new(),
            totals: BTreeMap::new(),
            used_ids: BTreeMap::new(),
        }
    }

    /// What an account has of an asset in a group.
    pub fn balance(&self, group: u32, account: u32, asset: u32) -> Balance {
        self.balances.get(Key { group, account, asset })
    }

    /// Every balance that is not empty, as group, account, asset, balance: in order of account, asset, group.
    pub fn balances(&self) -> impl Iterator<Item = (u32, u32, u32, Balance)> {
        self.balances.iter().map(|(key, balance)| (key.group, key.account, key.asset, balance))
    }

    /// The same of one account.
    pub fn balances_of(&self, account: u32) -> impl Iterator<Item = (u32, u32, u32, Balance)> {
        self.balances.of_account(account).map(|(key, balance)| (key.group, key.account, key.asset, balance))
    }

    /// What an account traded, by instrument.
    pub fn positions(&self, account: u32) -> impl Iterator<Item = (u32, Position)> {
        let range = (account, 0)..=(account, u32::MAX);
        self.positions.range(range).map(|(&(_, instrument), &position)| (instrument, position))
    }

    /// What an account traded of an instrument.
    pub fn position(&self, account: u32, instrument: u32) -> Position {
        self.positions.get(&(account, instrument)).copied().unwrap_or_default()
    }

    /// Start of a command: what changes from here on is what [`Ledger::emit_changes`] tells.
    pub fn begin(&mut self) {
        self.balances.begin();
    }

    /// A `funds` event for each balance that differs from what it was at [`Ledger::begin`], in order of account, asset, group (R7).
    /// The sink numbers them.
    pub fn emit_changes<S: EventSink>(&mut self, sink: &mut S) {
        self.balances.emit_changes(sink);
    }

    /// Brings funds in.
    ///
    /// # Errors
    /// `invalid_name`: an id that is not 1 to 36 bytes; `invalid_quantity`: nothing, or more than [`LIMIT_UNITS`] over all;
    /// `invalid_combination`: shares of an event, which are minted; `duplicate_transfer`: the account used this id before.
    pub fn deposit(
        &mut self,
        group: u32,
        account: u32,
        asset: u32,
        amount: u128,
        id: Option<&[u8]>,
    ) -> Result<(), RejectReason> {
        let total = self.total(asset).saturating_add_unsigned(amount);
        let is_amount = amount <= LIMIT_UNITS && total <= LIMIT_UNITS as i128;
        self.check_movement(account, asset, amount, is_amount, id)?;
        self.totals.insert(asset, total);
        self.use_up(account, id);
        let place = self.balances.place(Key { group, account, asset });
        self.balances.add_available(place, amount as i128);
        Ok(())
    }

    /// Takes available funds out.
    ///
    /// # Errors
    /// As [`Ledger::deposit`]; and `insufficient_funds`.
    pub fn withdraw(
        &mut self,
        group: u32,
        account: u32,
        asset: u32,
        amount: u128,
        id: Option<&[u8]>,
    ) -> Result<(), RejectReason> {
        self.check_movement(account, asset, amount, true, id)?;
        let key = Key { group, account, asset };
        if !covers(self.balances.get(key).available, amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        // What one account has is at most what is deposited and what fee accounts owe: far below 2^127.
        self.totals.insert(asset, self.total(asset) - amount as i128);
        self.use_up(account, id);
        let place = self.balances.place(key);
        self.balances.add_available(place, -(amount as i128));
        Ok(())
    }

    /// Moves an account's available funds from one clearing group to another, once for each id (R30).
    ///
    /// # Errors
    /// As [`Ledger::withdraw`]; `invalid_combination` also where both groups are one.
    pub fn transfer(
        &mut self,
        from: u32,
        to: u32,
        account: u32,
        asset: u32,
        amount: u128,
        id: &[u8],
    ) -> Result<(), RejectReason> {
        let is_one_group = from == to;
        self.check_movement(account, asset, amount, true, (!is_one_group).then_some(id))?;
        if is_one_group {
            return Err(RejectReason::InvalidCombination);
        }
        let source = Key { group: from, account, asset };
        if !covers(self.balances.get(source).available, amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.use_up(account, Some(id));
        let place = self.balances.place(source);
        self.balances.add_available(place, -(amount as i128));
        let place = self.balances.place(Key { group: to, ..source });
        self.balances.add_available(place, amount as i128);
        Ok(())
    }

    /// Deposited less withdrawn. Below 0 only where a fee account owes what another withdrew.
    fn total(&self, asset: u32) -> i128 {
        self.totals.get(&asset).copied().unwrap_or(0)
    }

    /// What is wrong with a movement of funds before it is asked whether they are there, in order of precedence.
    fn check_movement(
        &self,
        account: u32,
        asset: u32,
        amount: u128,
        is_amount: bool,
        id: Option<&[u8]>,
    ) -> Result<(), RejectReason> {
        if id.is_some_and(|id| !(1..=LONGEST_ID).contains(&id.len())) {
            return Err(RejectReason::InvalidName);
        }
        if amount == 0 || amount > LIMIT_UNITS || !is_amount {
            return Err(RejectReason::InvalidQuantity);
        }
        if self.shares.contains_key(&asset) {
            return Err(RejectReason::InvalidCombination);
        }
        let used = self.used_ids.get(&account);
        if used.zip(id).is_some_and(|(used, id)| used.contains(id)) {
            return Err(RejectReason::DuplicateTransfer);
        }
        Ok(())
    }

    fn use_up(&mut self, account: u32, id: Option<&[u8]>) {
        if let Some(id) = id {
            self.used_ids.entry(account).or_default().insert(id.into());
        }
    }
}
