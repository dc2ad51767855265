//! What an exchange knows by name: assets, clearing groups, accounts, instruments, events. Numbers are given in order of
//! creation and never again, so the log alone says what they mean.

use crate::ledger::SettlementTerms;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names by number from 1, and back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, u32>,
}

impl Names {
    /// The number of a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// The name of a number.
    pub fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get((number as usize).wrapping_sub(1))
    }

    /// Is there such a number?
    pub fn contains(&self, number: u32) -> bool {
        (number as usize).wrapping_sub(1) < self.names.len()
    }

    /// How many there are: their numbers are 1 to this.
    pub fn len(&self) -> u32 {
        self.names.len() as u32
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All, by number from 1.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.names.iter()
    }

    /// Gives a name the next number; `None` if it has one.
    pub(crate) fn add(&mut self, name: &str) -> Option<u32> {
        if self.numbers.contains_key(name) {
            return None;
        }
        let name: Arc<str> = Arc::from(name);
        let number = self.len() + 1;
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Some(number)
    }
}

/// What is traded at a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentInfo {
    /// Its symbol.
    pub symbol: Arc<str>,
    /// Size of a tick, as the exact decimal that its maker wrote.
    pub tick_size: Arc<str>,
    /// Size of a lot.
    pub lot_size: Arc<str>,
    /// Place of its book among the exchange's; `None`: it lives on another shard.
    pub(crate) book: Option<usize>,
    /// Is it the second outcome of a two-outcome event, traded in the first one's book (R32)?
    pub is_mirror: bool,
    /// What its settlement needs, of a mirror those of its book; `None`: no accounts looked at (R30).
    pub terms: Option<Arc<SettlementTerms>>,
}

/// An event market (R32).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// Its clearing group.
    pub group: u32,
    /// The asset that it pays in.
    pub currency: u32,
    /// Ticks in one unit of cash.
    pub unit_ticks: u32,
    /// Its outcomes, in their order.
    pub outcomes: Vec<OutcomeInfo>,
}

/// One outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeInfo {
    /// Its name.
    pub name: Arc<str>,
    /// The asset that its shares are.
    pub asset: u32,
    /// The instrument at which they trade.
    pub instrument: u32,
}

/// Everything that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// Assets.
    pub assets: Names,
    /// Decimals of asset `i + 1`.
    pub(crate) decimals: Vec<u8>,
    /// Clearing groups.
    pub groups: Names,
    /// Accounts.
    pub accounts: Names,
    /// Events.
    pub events: Names,
    /// What event `i + 1` is.
    pub(crate) event_infos: Vec<EventInfo>,
    pub(crate) instruments: BTreeMap<u32, InstrumentInfo>,
    pub(crate) symbols: BTreeMap<Arc<str>, u32>,
}

impl Registry {
    /// Decimals of an asset: its unit is 10 to the power of minus that.
    pub fn decimals(&self, asset: u32) -> Option<u8> {
        self.decimals.get((asset as usize).wrapping_sub(1)).copied()
    }

    /// The instrument of a number.
    pub fn instrument(&self, number: u32) -> Option<&InstrumentInfo> {
        self.instruments.get(&number)
    }

    /// The number of a symbol.
    pub fn find_instrument(&self, symbol: &str) -> Option<u32> {
        self.symbols.get(symbol).copied()
    }

    /// Instruments by number.
    pub fn instruments(&self) -> impl Iterator<Item = (u32, &InstrumentInfo)> {
        self.instruments.iter().map(|(&number, info)| (number, info))
    }

    /// How many instruments there are.
    pub fn instrument_count(&self) -> usize {
        self.instruments.len()
    }

    /// The event of a number.
    pub fn event(&self, number: u32) -> Option<&EventInfo> {
        self.event_infos.get((number as usize).wrapping_sub(1))
    }

    /// The lowest number from 1 that no instrument has, and from `after` on.
    pub(crate) fn free_instrument(&self, after: u32) -> u32 {
        let taken = self.instruments.range(after..).map(|(&number, _)| number);
        taken.zip(after..).take_while(|(number, expected)| number == expected).count() as u32 + after
    }

    pub(crate) fn add_asset(&mut self, name: &str, decimals: u8) -> Option<u32> {
        let number = self.assets.add(name)?;
        self.decimals.push(decimals);
        Some(number)
    }

    pub(crate) fn add_instrument(&mut self, number: u32, info: InstrumentInfo) {
        self.symbols.insert(Arc::clone(&info.symbol), number);
        self.instruments.insert(number, info);
    }
}

/// May people call something that? No control characters and no spaces around it.
pub fn is_legal_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.chars().any(char::is_control)
}

/// May an event or an outcome be called that? Their names are joined by a slash.
pub(crate) fn is_legal_part(name: &str) -> bool {
    is_legal_name(name) && !name.contains('/')
}
