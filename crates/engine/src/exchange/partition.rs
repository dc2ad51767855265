//! One exchange as one shard of several (R3): what lives here, what lives elsewhere, and who answers.
//!
//! Every shard knows every name: the commands that make things, place things, or concern all instruments go to all shards, in
//! one same order. Books and balances are only where they are at home, so a shard's events about them depend on nothing that
//! other shards are told.

use super::Exchange;
use super::admin::check;
use super::numbered::Numbered;
use super::records::Admin;
use super::registry::{EventInfo, InstrumentInfo, is_legal_name};
use crate::codes::{PlaceKind, RejectReason as Reject};
use crate::ledger::SettlementTerms;
use crate::record::Command;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most shards of an exchange.
pub const MAX_SHARDS: u16 = 1024;
/// It answers commands that go to all shards, and is the home of everything that is nowhere.
const FIRST_SHARD: u16 = 0;

/// Which shard of how many an exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    pub shard: u16,
    /// At least 1, and above `shard`.
    pub shards: u16,
    /// Commands to all shards that were applied.
    pub broadcasts: u64,
    /// Where clearing groups live that were placed, by name.
    pub groups: BTreeMap<Arc<str>, u16>,
    /// The same of instruments that are not settled, by symbol.
    pub instruments: BTreeMap<Arc<str>, u16>,
}

impl Default for Partition {
    /// Everything lives here.
    fn default() -> Partition {
        Partition { shard: 0, shards: 1, broadcasts: 0, groups: BTreeMap::new(), instruments: BTreeMap::new() }
    }
}

impl Partition {
    /// Where the group or instrument of that number and name lives; numbers count from 1.
    fn home(&self, placed: &BTreeMap<Arc<str>, u16>, number: u32, name: &str) -> u16 {
        if self.shards == 1 {
            return 0;
        }
        placed.get(name).copied().unwrap_or((number.wrapping_sub(1) % u32::from(self.shards)) as u16)
    }
}

impl Exchange {
    /// Which shard of how many this is: 0 of 1 unless its log began with `partition`.
    pub fn partition(&self) -> (u16, u16) {
        (self.partition.shard, self.partition.shards)
    }

    /// How many commands to all shards it has applied, refused ones among them.
    pub fn broadcast_count(&self) -> u64 {
        self.partition.broadcasts
    }

    /// The shard of an instrument's book; `None` if there is no such instrument.
    pub fn home_of_instrument(&self, instrument: u32) -> Option<u16> {
        let info = self.registry.instrument(instrument)?;
        Some(self.home_of(instrument, &info.symbol, info.terms.as_deref()))
    }

    /// The shard of a clearing group's funds.
    pub fn home_of_group(&self, group: u32) -> Option<u16> {
        let name = self.registry.groups.get(group)?;
        Some(self.partition.home(&self.partition.groups, group, name))
    }

    /// The shard of an event market.
    pub fn home_of_event(&self, event: u32) -> Option<u16> {
        self.home_of_group(self.registry.event(event)?.group)
    }

    /// The shard of an instrument with that symbol and those terms.
    pub(super) fn home_of(&self, instrument: u32, symbol: &str, terms: Option<&SettlementTerms>) -> u16 {
        match terms {
            Some(terms) => self.home_of_group(terms.group).unwrap_or(FIRST_SHARD),
            None => self.partition.home(&self.partition.instruments, instrument, symbol),
        }
    }

    /// Is it this shard?
    pub(super) fn is_here(&self, home: u16) -> bool {
        home == self.partition.shard
    }

    /// Are the funds of that clearing group kept here?
    pub(super) fn has_group(&self, group: u32) -> bool {
        self.home_of_group(group).is_some_and(|home| self.is_here(home))
    }

    /// The event market of that number, if it is here.
    pub(super) fn event_here(&self, event: u32) -> Option<&EventInfo> {
        self.registry.event(event).filter(|info| self.has_group(info.group))
    }

    /// The events whose markets are here, by number.
    pub(super) fn events_here(&self) -> impl Iterator<Item = (u32, &EventInfo)> {
        let all = (1..).zip(&self.registry.event_infos);
        all.filter(|(_, info)| self.has_group(info.group))
    }

    /// Every instrument whose book is here, in order of its number, and the book's place. A book of two outcomes is the first's.
    pub(super) fn books_here(&self) -> impl Iterator<Item = (u32, &InstrumentInfo, usize)> {
        let own = self.registry.instruments().filter(|(_, info)| !info.is_mirror);
        own.filter_map(|(number, info)| Some((number, info, info.book?)))
    }

    /// A command that goes to all shards begins: it is counted, it moves the time of what is no group's and no book's, and the
    /// first shard alone answers it.
    pub(super) fn begin_broadcast(&mut self, c: &Command, out: &mut Numbered<'_>) {
        self.partition.broadcasts += 1;
        self.now_ns = self.now_ns.max(c.timestamp_ns);
        out.is_muted = self.partition.shard != FIRST_SHARD;
    }

    /// Says which shard this is, before anything else is said.
    pub(super) fn divide(&mut self, admin: &Admin, is_first: bool, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let (shard, shards) = (admin.command.quantity_lots, admin.command.order_id);
        check((1..=u64::from(MAX_SHARDS)).contains(&shards) && shard < shards, Reject::InvalidQuantity)?;
        check(is_first, Reject::InvalidCombination)?;
        (self.partition.shard, self.partition.shards) = (shard as u16, shards as u16);
        out.is_muted = self.partition.shard != FIRST_SHARD;
        self.accept(&admin.command, out);
        Ok(())
    }

    /// Says where something will live that is not there yet.
    pub(super) fn place(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let (name, shard) = (admin.texts[0].as_str(), admin.command.quantity_lots);
        let is_group = admin.command.order_type == PlaceKind::Group.code();
        check(is_legal_name(name), Reject::InvalidName)?;
        check(shard < u64::from(self.partition.shards), Reject::InvalidQuantity)?;
        let found = if is_group { self.registry.groups.find(name) } else { self.registry.find_instrument(name) };
        let partition = &mut self.partition;
        let placed = if is_group { &mut partition.groups } else { &mut partition.instruments };
        check(found.is_none() && !placed.contains_key(name), Reject::AlreadyExists)?;
        placed.insert(Arc::from(name), shard as u16);
        self.accept(&admin.command, out);
        Ok(())
    }
}

impl Exchange {
    /// The shard on which the clearing group or instrument of that name was placed, whether or not its place was of effect; else
    /// the one on which it lives. `None`: that is not decided.
    pub fn placement(&self, kind: PlaceKind, name: &str) -> Option<u16> {
        let placed = match kind {
            PlaceKind::Group => &self.partition.groups,
            PlaceKind::Instrument => &self.partition.instruments,
        };
        let home = || match kind {
            PlaceKind::Group => self.home_of_group(self.registry.groups.find(name)?),
            PlaceKind::Instrument => self.home_of_instrument(self.registry.find_instrument(name)?),
        };
        placed.get(name).copied().or_else(home)
    }
}
