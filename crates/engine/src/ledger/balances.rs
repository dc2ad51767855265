//! What each account has of each asset in each clearing group, and which of it a command changed.

use crate::codes::EventKind;
use crate::extras::NumberHasher;
use crate::record::{Event, EventSink};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

/// What an account has of an asset in a clearing group, in the asset's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free to use. Below 0 only for a fee account that paid rebates ahead.
    pub available: i128,
    /// Bound by live orders.
    pub held: u128,
}

impl Balance {
    /// Nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.available == 0 && self.held == 0
    }
}

/// Whose balance, of what, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub group: u32,
    pub account: u32,
    pub asset: u32,
}

impl Key {
    /// The order in which balances are told: by account, then asset, then group.
    pub fn rank(&self) -> (u32, u32, u32) {
        (self.account, self.asset, self.group)
    }
}

/// One balance: a place in this list is found once by its key and then known by its number.
struct Entry {
    balance: Balance,
    key: Key,
    /// The round in which it was last noted as changed.
    round: u64,
}

/// All balances. Places are never given up, so their numbers stay good.
#[derive(Default)]
pub(super) struct Balances {
    entries: Vec<Entry>,
    /// For look-ups only.
    places: HashMap<Key, u32, BuildHasherDefault<NumberHasher>>,
    /// For every pass over all of them.
    ranked: BTreeMap<(u32, u32, u32), u32>,
    /// Grows with each command; 0 is no round.
    round: u64,
    /// Places that this round changed, and what they were before.
    changed: Vec<(u32, Balance)>,
}

impl Balances {
    pub fn new() -> Balances {
        Balances { round: 1, ..Balances::default() }
    }

    pub fn get(&self, key: Key) -> Balance {
        self.places.get(&key).map_or_else(Balance::default, |&place| self.at(place))
    }

    pub fn at(&self, place: u32) -> Balance {
        self.entries[place as usize].balance
    }

    pub fn key(&self, place: u32) -> Key {
        self.entries[place as usize].key
    }

    /// The place of a balance; it is made where there is none.
    #[inline]
    pub fn place(&mut self, key: Key) -> u32 {
        if let Some(&place) = self.places.get(&key) {
            return place;
        }
        self.add(key)
    }

    #[cold]
    fn add(&mut self, key: Key) -> u32 {
        let place = self.entries.len() as u32;
        self.entries.push(Entry { balance: Balance::default(), key, round: 0 });
        self.places.insert(key, place);
        self.ranked.insert(key.rank(), place);
        place
    }

    /// The balance at a place, about to be changed.
    #[inline]
    pub fn change(&mut self, place: u32) -> &mut Balance {
        let entry = &mut self.entries[place as usize];
        if entry.round != self.round {
            entry.round = self.round;
            self.changed.push((place, entry.balance));
        }
        &mut entry.balance
    }

    /// Adds to what is available, or takes off it. Sums stay below 2^127, as [`super::TOTAL_UNITS`] says, so the addition never
    /// stops at the end.
    #[inline]
    pub fn add_available(&mut self, place: u32, units: i128) {
        let balance = self.change(place);
        balance.available = balance.available.saturating_add(units);
    }

    /// An order that held `before` holds `after` now.
    #[inline]
    pub fn rebind(&mut self, place: u32, before: u128, after: u128) {
        let balance = self.change(place);
        // What is held is the sum of what the live orders hold, this one among them.
        balance.held = balance.held - before + after;
        balance.available = balance.available.saturating_add(before as i128 - after as i128);
    }

    /// Every balance that is not empty: by account, asset, group.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Balance)> {
        self.of_places(self.ranked.values())
    }

    /// Those of one account.
    pub fn of_account(&self, account: u32) -> impl Iterator<Item = (Key, Balance)> {
        self.of_places(self.ranked.range((account, 0, 0)..=(account, u32::MAX, u32::MAX)).map(|(_, place)| place))
    }

    fn of_places<'a>(&'a self, places: impl Iterator<Item = &'a u32>) -> impl Iterator<Item = (Key, Balance)> {
        places.map(|&place| (self.key(place), self.at(place))).filter(|(_, balance)| !balance.is_empty())
    }

    /// Places of every balance, in order of making.
    pub fn all_places(&self) -> std::ops::Range<u32> {
        0..self.entries.len() as u32
    }

    /// From here on changes are counted anew.
    pub fn begin(&mut self) {
        self.round += 1;
        self.changed.clear();
    }

    /// `funds` for every balance that is not what it was when the round began, by account, asset, group (R7).
    pub fn emit_changes<S: EventSink>(&mut self, sink: &mut S) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable_by_key(|&(place, _)| self.key(place).rank());
        for &(place, before) in &changed {
            let (key, now) = (self.key(place), self.at(place));
            if now != before {
                sink.event(Event {
                    instrument: key.asset,
                    account: key.account,
                    price_ticks: (now.available >> 64) as i64,
                    quantity_lots: now.available as u64,
                    order_id: now.held as u64,
                    other: (now.held >> 64) as u64,
                    detail: u64::from(key.group),
                    ..Event::of(EventKind::Funds)
                });
            }
        }
        self.changed = changed;
        self.begin();
    }
}
