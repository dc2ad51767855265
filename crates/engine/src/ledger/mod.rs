//! Who has what: balances, holds of live orders, fees, positions, transfers, event markets (R30 to R32). Pure, as the books are:
//! [`Settling`] tells it what they say. Names and clearing groups are the exchange's business; here all are numbers.
//!
//! Nothing is made or lost: what all accounts and pots of a clearing group have of an asset is what was deposited there and not
//! withdrawn, and what transfers brought and did not take; or, of an event's shares, what was minted and not taken back.
//! [`Ledger::check_conservation`] adds it up, group by group: another group's funds may be kept by another shard's ledger.

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

/// Most clearing groups of an exchange.
pub const MAX_GROUPS: u32 = 1 << 12;
/// Of an asset no clearing group ever has more deposited, less what was withdrawn there, than this; and no amount is above it.
pub const LIMIT_UNITS: u128 = 1 << 94;
/// There is never more of a deposited asset than this, over all accounts, groups and shards: sums cannot leave 128 bits.
///
/// That holds although a transfer's second half is never refused and a group knows nothing of the others'. Let d be a group's
/// deposits less withdrawals. A deposit is what raises it, and is refused where d would pass [`LIMIT_UNITS`]; so over at most
/// [`MAX_GROUPS`] groups the sum of all d, which is all there is of the asset, stays within the product of both. Transfers change
/// no d: they move what there is. A group may therefore hold more than its own limit, but never more than all there is.
///
/// Shares are paid for with that: [`EventTerms::problem`] makes them at most 2^20 times finer, so they stay within 2^126.
pub(crate) const TOTAL_UNITS: u128 = LIMIT_UNITS * MAX_GROUPS as u128;
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

/// What came into a clearing group of an asset, and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    /// Deposits less withdrawals. Below 0 where what others deposited elsewhere was withdrawn here.
    deposited: i128,
    /// What transfers brought less what they took.
    moved: i128,
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
    /// By asset, then group.
    flows: BTreeMap<(u32, u32), Flow>,
    /// Ids that deposits, withdrawals and transfers used up, by account, then the group that they came to or left.
    used_ids: BTreeMap<(u32, u32), BTreeSet<Box<[u8]>>>,
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
            flows: BTreeMap::new(),
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
    /// `invalid_name`: an id that is not 1 to 36 bytes; `invalid_quantity`: nothing, or more than [`LIMIT_UNITS`] over all
    /// accounts of the group; `invalid_combination`: shares of an event, which are minted; `duplicate_transfer`: the account used
    /// this id before in this group.
    pub fn deposit(
        &mut self,
        group: u32,
        account: u32,
        asset: u32,
        amount: u128,
        id: Option<&[u8]>,
    ) -> Result<(), RejectReason> {
        let before = self.flows.get(&(asset, group)).copied().unwrap_or_default();
        let deposited = before.deposited.saturating_add_unsigned(amount);
        let key = Key { group, account, asset };
        self.check_movement(key, amount, deposited <= LIMIT_UNITS as i128, id)?;
        self.flows.insert((asset, group), Flow { deposited, ..before });
        self.use_up(key, id);
        let place = self.balances.place(key);
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
        let units = self.take(Key { group, account, asset }, amount, id)?;
        let flow = self.flows.entry((asset, group)).or_default();
        flow.deposited = flow.deposited.saturating_sub(units);
        Ok(())
    }

    /// The first half of a transfer: an account's available funds leave a clearing group, once for each id (R30).
    ///
    /// # Errors
    /// As [`Ledger::withdraw`].
    pub fn send(&mut self, source: u32, account: u32, asset: u32, amount: u128, id: &[u8]) -> Result<(), RejectReason> {
        let units = self.take(Key { group: source, account, asset }, amount, Some(id))?;
        let flow = self.flows.entry((asset, source)).or_default();
        flow.moved = flow.moved.saturating_sub(units);
        Ok(())
    }

    /// The second half: what left another group arrives. It happens once for each first half, which the caller sees to; it cannot
    /// be refused, and need not be: see [`TOTAL_UNITS`].
    pub fn receive(&mut self, target: u32, account: u32, asset: u32, amount: u128) {
        // A first half moved no more than [`LIMIT_UNITS`].
        let units = i128::try_from(amount).unwrap_or(i128::MAX);
        let flow = self.flows.entry((asset, target)).or_default();
        flow.moved = flow.moved.saturating_add(units);
        let place = self.balances.place(Key { group: target, account, asset });
        self.balances.add_available(place, units);
    }

    /// Takes available funds off an account, and returns them as a signed number.
    fn take(&mut self, key: Key, amount: u128, id: Option<&[u8]>) -> Result<i128, RejectReason> {
        self.check_movement(key, amount, true, id)?;
        if !covers(self.balances.get(key).available, amount) {
            return Err(RejectReason::InsufficientFunds);
        }
        self.use_up(key, id);
        let place = self.balances.place(key);
        let units = amount as i128; // at most LIMIT_UNITS
        self.balances.add_available(place, -units);
        Ok(units)
    }

    /// What is wrong with a movement of funds before it is asked whether they are there, in order of precedence.
    fn check_movement(&self, key: Key, amount: u128, has_room: bool, id: Option<&[u8]>) -> Result<(), RejectReason> {
        if id.is_some_and(|id| !(1..=LONGEST_ID).contains(&id.len())) {
            return Err(RejectReason::InvalidName);
        }
        if amount == 0 || amount > LIMIT_UNITS || !has_room {
            return Err(RejectReason::InvalidQuantity);
        }
        if self.shares.contains_key(&key.asset) {
            return Err(RejectReason::InvalidCombination);
        }
        if id.is_some_and(|id| self.has_used(key.account, key.group, id)) {
            return Err(RejectReason::DuplicateTransfer);
        }
        Ok(())
    }

    /// Has an account used up that id, of what came to that group or left it?
    pub fn has_used(&self, account: u32, group: u32, id: &[u8]) -> bool {
        self.used_ids.get(&(account, group)).is_some_and(|used| used.contains(id))
    }

    fn use_up(&mut self, key: Key, id: Option<&[u8]>) {
        if let Some(id) = id {
            self.used_ids.entry((key.account, key.group)).or_default().insert(id.into());
        }
    }
}
