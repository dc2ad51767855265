//! Commands that make things: assets, clearing groups, accounts, instruments, events. Each is refused before it changes
//! anything, or makes all that it has to make.

use super::numbered::Numbered;
use super::records::{Admin, MAX_TEXT_BYTES, SettlementSlot};
use super::registry::{EventInfo, InstrumentInfo, OutcomeInfo, Registry, is_legal_name, is_legal_part};
use super::{Clock, Exchange, Market};
use crate::codes::{AdminKind, CreatedKind, EventKind, RejectReason as Reject};
use crate::engine::{Book, IndexKind};
use crate::ledger::{EventTerms, MAX_GROUPS, Mirror, SettlementTerms};
use crate::record::Event;
use crate::rules::Rules;
use std::sync::Arc;

/// Most decimals of an asset.
pub const MAX_DECIMALS: u8 = 18;
/// Most basis points of a fee, or of a rebate.
pub(super) const MAX_FEE_BPS: i16 = 10_000;
/// Instrument numbers have 24 bits (R5).
const INSTRUMENT_END: u32 = 1 << 24;

/// The names of what an instrument or event is settled in; what does not exist yet is made with it.
struct Venue<'a> {
    /// Name and decimals of the assets that it needs.
    assets: Vec<(&'a str, u8)>,
    group: &'a str,
    fee_account: &'a str,
}

impl Exchange {
    pub(super) fn carry_out(&mut self, admin: &Admin, is_first: bool, out: &mut Numbered<'_>) -> Result<(), Reject> {
        match admin.kind {
            AdminKind::CreateAsset => self.create_asset(admin, out),
            AdminKind::CreateGroup | AdminKind::CreateAccount => self.create_named(admin, out),
            AdminKind::CreateInstrument => self.create_instrument(admin, out),
            AdminKind::CreateEvent => self.create_event(admin, out),
            AdminKind::Deposit | AdminKind::Withdraw => self.move_funds(admin, out),
            AdminKind::Transfer => self.transfer(admin, out),
            AdminKind::Mint | AdminKind::Redeem => self.convert(admin, out),
            AdminKind::Settle => self.settle(admin, out),
            AdminKind::Partition => self.divide(admin, is_first, out),
            AdminKind::Place => self.place(admin, out),
        }
    }

    fn create_asset(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let (name, decimals) = (admin.texts[0].as_str(), admin.command.order_type);
        check(is_legal_part(name), Reject::InvalidName)?;
        check(decimals <= MAX_DECIMALS, Reject::InvalidQuantity)?;
        check(self.registry.assets.find(name).is_none(), Reject::AlreadyExists)?;
        self.accept(&admin.command, out);
        self.make_assets(&[(name, decimals)], out);
        Ok(())
    }

    fn create_named(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let name = admin.texts[0].as_str();
        check(is_legal_name(name), Reject::InvalidName)?;
        let is_group = admin.kind == AdminKind::CreateGroup;
        let names = if is_group { &self.registry.groups } else { &self.registry.accounts };
        check(!is_group || self.has_room_for_group(name), Reject::InvalidQuantity)?;
        check(names.find(name).is_none(), Reject::AlreadyExists)?;
        self.accept(&admin.command, out);
        if is_group {
            self.make_group(name, out);
        } else {
            self.make_account(name, out);
        }
        Ok(())
    }

    fn create_instrument(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let texts: Vec<&str> = admin.texts.iter().map(String::as_str).collect();
        check(texts.iter().all(|text| is_legal_name(text)), Reject::InvalidName)?;
        let asked = admin.command.instrument;
        let number = if asked == 0 { self.registry.free_instrument(1) } else { asked };
        let (rules, index) = admin.rules.ok_or(Reject::InvalidCombination)?;
        let rules = Rules { instrument: number, ..rules };
        let venue = match (admin.settlement, &texts[3..]) {
            (None, []) => None,
            (Some(slot), &[base, quote, group, fee_account]) => {
                let assets = vec![(base, slot.base_decimals), (quote, slot.quote_decimals)];
                Some((slot, Venue { assets, group, fee_account }))
            }
            _ => return Err(Reject::InvalidCombination),
        };
        if let Some((slot, venue)) = &venue {
            self.check_venue(slot, venue)?;
            let [(base, _), (quote, _)] = venue.assets[..] else {
                return Err(Reject::InvalidCombination);
            };
            check(rules.reference_price_ticks.is_none_or(|price| price >= 0), Reject::InvalidPrice)?;
            let are_paid_in_cash = base != quote && is_legal_part(base) && is_legal_part(quote);
            check(slot.unit_ticks == 0 && are_paid_in_cash && are_legal_fees(slot), Reject::InvalidCombination)?;
        }
        check(rules.problem().is_none(), Reject::InvalidCombination)?;
        let is_taken = self.registry.instrument(number).is_some() || self.registry.find_instrument(texts[0]).is_some();
        check(!is_taken, Reject::AlreadyExists)?;
        self.accept(&admin.command, out);
        let terms = venue.map(|(slot, venue)| {
            let assets = self.make_assets(&venue.assets, out);
            let (group, fee_account) = self.make_venue(&venue, out);
            let SettlementSlot { maker_fee_bps, taker_fee_bps, lot_base_units, tick_lot_units, .. } = slot;
            let [base, quote] = [assets[0], assets[1]];
            let fees = (fee_account, maker_fee_bps, taker_fee_bps);
            settlement_terms(number, group, (base, quote), fees, (lot_base_units, tick_lot_units))
        });
        let terms = terms.map(Arc::new);
        let book = self.add_market(rules, index, texts[0], terms.clone());
        self.make_instrument(number, &texts[..3], (book, false, terms), out);
        Ok(())
    }

    fn create_event(&mut self, admin: &Admin, out: &mut Numbered<'_>) -> Result<(), Reject> {
        let texts: Vec<&str> = admin.texts.iter().map(String::as_str).collect();
        let &[event, tick, lot, currency, group, fee_account, ref outcomes @ ..] = &texts[..] else {
            return Err(Reject::InvalidCombination);
        };
        let symbols: Vec<String> = outcomes.iter().map(|outcome| format!("{event}/{outcome}")).collect();
        let are_legal = [tick, lot, currency, group, fee_account].into_iter().all(is_legal_name)
            && is_legal_part(event)
            && outcomes.iter().all(|outcome| is_legal_part(outcome))
            && symbols.iter().all(|symbol| symbol.len() <= MAX_TEXT_BYTES);
        check(are_legal, Reject::InvalidName)?;
        let slot = admin.settlement.ok_or(Reject::InvalidCombination)?;
        let venue = Venue { assets: vec![(currency, slot.quote_decimals)], group, fee_account };
        self.check_venue(&slot, &venue)?;
        check(slot.unit_ticks >= 2, Reject::InvalidPrice)?;
        let market = NewEvent { number: self.registry.events.len() + 1, slot, group: 0, fee_account: 0, currency: 0 };
        check(market.terms(vec![0; outcomes.len()]).problem().is_none(), Reject::InvalidQuantity)?;
        let (rules, index) = admin.rules.unwrap_or_default();
        let prices = market.settlement(0, 0).price_range();
        let is_possible = |price: i64| (prices.0..=prices.1).contains(&price);
        check(rules.reference_price_ticks.is_none_or(is_possible), Reject::InvalidPrice)?;
        let are_distinct = (1..symbols.len()).all(|place| !symbols[..place].contains(&symbols[place]));
        // Two buyers pay on two notionals: no fee on the one need cover a rebate on the other.
        let has_rebate = outcomes.len() == 2 && slot.maker_fee_bps.min(slot.taker_fee_bps) < 0;
        let is_bad = has_rebate || !are_legal_fees(&slot) || !are_distinct || !is_legal_part(currency);
        check(!is_bad && rules.problem().is_none(), Reject::InvalidCombination)?;
        let is_there = |symbol: &String| {
            self.registry.find_instrument(symbol).is_some() || self.registry.assets.find(symbol).is_some()
        };
        let is_taken = self.registry.events.find(event).is_some() || symbols.iter().any(is_there);
        check(!is_taken, Reject::AlreadyExists)?;
        let instruments = self.free_instruments(symbols.len());
        check(instruments.iter().all(|&number| number < INSTRUMENT_END), Reject::InvalidCombination)?;
        self.accept(&admin.command, out);
        let shares = symbols.iter().map(|symbol| (symbol.as_str(), slot.base_decimals));
        let all: Vec<_> = venue.assets.iter().copied().chain(shares).collect();
        let assets = self.make_assets(&all, out);
        let (group, fee_account) = self.make_venue(&venue, out);
        let market = NewEvent { group, fee_account, currency: assets[0], ..market };
        let tradables: Vec<_> = instruments.iter().copied().zip(assets[1..].iter().copied()).collect();
        self.make_event_books(&market, (rules, index), &symbols, &tradables, [tick, lot], out);
        self.registry.events.add(event);
        let infos = outcomes.iter().zip(&tradables);
        let outcomes =
            infos.map(|(name, &(instrument, asset))| OutcomeInfo { name: Arc::from(*name), asset, instrument });
        self.registry.event_infos.push(EventInfo {
            group,
            currency: assets[0],
            unit_ticks: slot.unit_ticks,
            outcomes: outcomes.collect(),
        });
        if self.has_group(group) {
            self.ledger.open_event(market.number, market.terms(assets[1..].to_vec()));
        }
        created(CreatedKind::Event, market.number, out);
        Ok(())
    }

    /// A book for each outcome, whose instruments' and shares' numbers are `tradables`; of two outcomes one book, in which the second is the first's mirror (R32).
    fn make_event_books(
        &mut self,
        market: &NewEvent,
        (rules, index): (Rules, IndexKind),
        symbols: &[String],
        tradables: &[(u32, u32)],
        units: [&str; 2],
        out: &mut Numbered<'_>,
    ) {
        let is_pair = symbols.len() == 2;
        let mut shared = (None, None);
        for (place, symbol) in symbols.iter().enumerate() {
            let (number, share) = tradables[place];
            let is_mirror = is_pair && place == 1;
            if !is_mirror {
                let mirror = is_pair.then(|| Mirror { instrument: tradables[1].0, base: tradables[1].1 });
                let terms = Some(Arc::new(SettlementTerms { mirror, ..market.settlement(number, share) }));
                let rules = Rules { instrument: number, ..rules };
                shared = (self.add_market(rules, index, symbol, terms.clone()), terms);
            }
            let (book, terms) = shared.clone();
            self.make_instrument(number, &[symbol.as_str(), units[0], units[1]], (book, is_mirror, terms), out);
        }
    }

    /// The lowest instrument numbers that are free.
    fn free_instruments(&self, count: usize) -> Vec<u32> {
        let first = self.registry.free_instrument(1);
        let next = |&number: &u32| Some(self.registry.free_instrument(number + 1));
        std::iter::successors(Some(first), next).take(count).collect()
    }

    /// What an instrument or event is settled in: units of something, the decimals that an asset has, a group that can be made.
    fn check_venue(&self, slot: &SettlementSlot, venue: &Venue<'_>) -> Result<(), Reject> {
        let is_known_otherwise = |&(name, decimals): &(&str, u8)| {
            self.registry.assets.find(name).is_some_and(|asset| self.registry.decimals(asset) != Some(decimals))
        };
        let is_bad = slot.base_decimals > MAX_DECIMALS
            || slot.quote_decimals > MAX_DECIMALS
            || slot.lot_base_units == 0
            || slot.tick_lot_units == 0
            || venue.assets.iter().any(is_known_otherwise)
            || !self.has_room_for_group(venue.group);
        check(!is_bad, Reject::InvalidQuantity)
    }

    /// Is that group there, or can it be made?
    fn has_room_for_group(&self, name: &str) -> bool {
        self.registry.groups.len() < MAX_GROUPS || self.registry.groups.find(name).is_some()
    }

    /// The numbers of these assets; those that do not exist are made.
    fn make_assets(&mut self, assets: &[(&str, u8)], out: &mut Numbered<'_>) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(assets.len());
        for &(name, decimals) in assets {
            let there = self.registry.assets.find(name);
            numbers.push(there.unwrap_or_else(|| {
                let number = self.registry.add_asset(name, decimals).unwrap_or_default();
                created(CreatedKind::Asset, number, out);
                number
            }));
        }
        numbers
    }

    fn make_venue(&mut self, venue: &Venue<'_>, out: &mut Numbered<'_>) -> (u32, u32) {
        let group = self.registry.groups.find(venue.group);
        let group = group.unwrap_or_else(|| self.make_group(venue.group, out));
        let fee_account = self.registry.accounts.find(venue.fee_account);
        (group, fee_account.unwrap_or_else(|| self.make_account(venue.fee_account, out)))
    }

    fn make_group(&mut self, name: &str, out: &mut Numbered<'_>) -> u32 {
        let number = self.registry.groups.add(name).unwrap_or_default();
        self.clocks.push(Clock::default());
        created(CreatedKind::Group, number, out);
        number
    }

    fn make_account(&mut self, name: &str, out: &mut Numbered<'_>) -> u32 {
        let number = self.registry.accounts.add(name).unwrap_or_default();
        created(CreatedKind::Account, number, out);
        number
    }

    /// Adds a book and returns its place, if this is its shard.
    fn add_market(
        &mut self,
        rules: Rules,
        index: IndexKind,
        symbol: &str,
        terms: Option<Arc<SettlementTerms>>,
    ) -> Option<usize> {
        if !self.is_here(self.home_of(rules.instrument, symbol, terms.as_deref())) {
            return None;
        }
        let place = self.markets.len();
        let mut book = Book::new(rules, index);
        if let Some(terms) = &terms {
            book.set_price_range(terms.price_range());
        }
        self.markets.push(Market { book, number: rules.instrument, terms, listed_due_ns: None });
        Some(place)
    }

    /// Names an instrument: its book, if that is here; whether it is the second outcome there; its settlement.
    fn make_instrument(
        &mut self,
        number: u32,
        texts: &[&str],
        (book, is_mirror, terms): (Option<usize>, bool, Option<Arc<SettlementTerms>>),
        out: &mut Numbered<'_>,
    ) {
        let [symbol, tick_size, lot_size] = std::array::from_fn(|place| Arc::from(texts[place]));
        self.enlist(number, InstrumentInfo { symbol, tick_size, lot_size, book, is_mirror, terms });
        created(CreatedKind::Instrument, number, out);
    }

    /// Lets an instrument be found: by number, by symbol.
    pub(super) fn enlist(&mut self, number: u32, info: InstrumentInfo) {
        self.add_route(number, &info);
        self.registry.add_instrument(number, info);
    }
}

/// An event that is being made.
struct NewEvent {
    number: u32,
    slot: SettlementSlot,
    group: u32,
    fee_account: u32,
    currency: u32,
}

impl NewEvent {
    fn settlement(&self, instrument: u32, share: u32) -> SettlementTerms {
        let SettlementSlot { maker_fee_bps, taker_fee_bps, lot_base_units, tick_lot_units, unit_ticks, .. } = self.slot;
        let fees = (self.fee_account, maker_fee_bps, taker_fee_bps);
        let units = (lot_base_units, tick_lot_units);
        let terms = settlement_terms(instrument, self.group, (share, self.currency), fees, units);
        SettlementTerms { unit_ticks, event: self.number, ..terms }
    }

    fn terms(&self, shares: Vec<u32>) -> EventTerms {
        let SettlementSlot { lot_base_units, tick_lot_units, unit_ticks, .. } = self.slot;
        EventTerms { group: self.group, cash: self.currency, shares, lot_base_units, tick_lot_units, unit_ticks }
    }
}

/// Terms of an instrument that is no event's: base and quote; fee account, maker's and taker's fee; units of a lot, and of a
/// lot at a price of one tick.
fn settlement_terms(
    instrument: u32,
    group: u32,
    (base, quote): (u32, u32),
    (fee_account, maker_fee_bps, taker_fee_bps): (u32, i16, i16),
    (lot_base_units, tick_lot_units): (u64, u64),
) -> SettlementTerms {
    SettlementTerms {
        instrument,
        group,
        base,
        quote,
        fee_account,
        maker_fee_bps,
        taker_fee_bps,
        lot_base_units,
        tick_lot_units,
        unit_ticks: 0,
        event: 0,
        mirror: None,
    }
}

/// R31: no fee beyond what is traded, no rebate that no fee pays for.
fn are_legal_fees(slot: &SettlementSlot) -> bool {
    let fees = [slot.maker_fee_bps, slot.taker_fee_bps];
    fees.iter().all(|fee| (-MAX_FEE_BPS..=MAX_FEE_BPS).contains(fee)) && fees[0] + fees[1] >= 0
}

pub(super) fn check(holds: bool, reason: Reject) -> Result<(), Reject> {
    if holds { Ok(()) } else { Err(reason) }
}

fn created(kind: CreatedKind, number: u32, out: &mut Numbered<'_>) {
    out.answer(Event {
        reason: kind.code(),
        order_id: u64::from(number),
        instrument: if kind == CreatedKind::Instrument { number } else { 0 },
        account: if kind == CreatedKind::Account { number } else { 0 },
        ..Event::of(EventKind::Created)
    });
}

impl Registry {
    /// Is an asset the shares of an event's outcome? These come and go by mint, redeem and settlement alone (R32).
    pub fn is_share(&self, asset: u32) -> bool {
        self.assets.get(asset).is_some_and(|name| name.contains('/'))
    }
}
