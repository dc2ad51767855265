//! Commands that make things: `Exchange.create_asset` and its siblings.

use super::Exchange;
use super::answer::Answered;
use super::commands::{Stamp, legible, name};
use super::receipt::Receipt;
use crate::arguments::{Argument, text};
use crate::book::{index_kind, instrument_of};
use crate::decimal::{Grid, Number};
use crate::enums::type_name;
use crate::instrument::{Facts, grid};
use crate::settlement::{DEFAULT_DECIMALS, FeeSettings, Fees, decimals, default_decimals, expressible};
use aeromatch_engine::codes::AdminKind;
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::records::{Admin, MAX_OUTCOMES, SettlementSlot};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PySet, PyString};

/// Size of an event's tick where nothing is said: one hundredth of a unit of cash.
const EVENT_TICK: Number = Number::Finite { digits: 1, exponent: -2 };

impl Exchange {
    fn create_named(
        &self,
        kind: AdminKind,
        value: &Bound<'_, PyAny>,
        places: u8,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let mut admin = Admin::named(kind, [name(value, "name")?]);
        admin.command.order_type = places;
        self.admin(value.py(), admin, Stamp::tagged(tag)?)
    }

    /// Decimal places for an asset and how many of its units a step is. Those asked for; else the asset's own; else its
    /// default. Where an asset that is there cannot express the step, the exchange is asked for one that can, and
    /// refuses.
    fn places(&self, asset: &str, asked: Option<u8>, step: Grid) -> (u8, u64) {
        let directory = self.directory();
        let own = directory.assets.find(asset).map(|number| directory.asset_grid(number).scale() as u8);
        let candidates = [asked.or(own), Some(default_decimals(step))];
        let fitting = candidates.into_iter().flatten().find_map(|places| Some((places, step.units(places)?)));
        fitting.unwrap_or_default()
    }

    fn settlement_slot(&self, facts: &Facts) -> Option<SettlementSlot> {
        let settlement = facts.settlement.as_ref()?;
        let money = facts.price_grid.times(facts.quantity_grid)?;
        let (base_decimals, lot_base_units) =
            self.places(&settlement.base, settlement.base_decimals, facts.quantity_grid);
        let (quote_decimals, tick_lot_units) = self.places(&settlement.quote, settlement.quote_decimals, money);
        Some(SettlementSlot {
            base_decimals,
            quote_decimals,
            maker_fee_bps: settlement.fees.maker_bps,
            taker_fee_bps: settlement.fees.taker_bps,
            lot_base_units,
            tick_lot_units,
            unit_ticks: 0,
        })
    }

    /// How an event is settled: its shares have the decimal places that a lot needs.
    fn event_slot(&self, currency: &str, tick: Grid, lot: Grid, fees: &Fees) -> PyResult<SettlementSlot> {
        let unit_ticks = tick.steps(Number::from_integer(1)).and_then(|ticks| u32::try_from(ticks).ok());
        let Some(unit_ticks) = unit_ticks else {
            let problem =
                format!("tick_size {} must go into one unit of cash a whole number of times", tick.step().as_str());
            return Err(PyValueError::new_err(problem));
        };
        expressible(Some(lot), Some(lot.scale() as u8), ("lot_size", "decimals"))?;
        expressible(tick.times(lot), None, ("tick_size times lot_size", "decimals"))?;
        let (quote_decimals, tick_lot_units) = self.places(currency, None, tick.times(lot).unwrap_or(Grid::ONE));
        let base_decimals = lot.scale() as u8;
        Ok(SettlementSlot {
            base_decimals,
            quote_decimals,
            maker_fee_bps: fees.maker_bps,
            taker_fee_bps: fees.taker_bps,
            lot_base_units: lot.units(base_decimals).unwrap_or(0),
            tick_lot_units,
            unit_ticks,
        })
    }
}

/// The names of an event's outcomes.
fn outcome_names(outcomes: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if outcomes.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("outcomes must be a sequence of str, not one str"));
    }
    if outcomes.is_instance_of::<PySet>() || outcomes.is_instance_of::<PyFrozenSet>() {
        let problem = format!("outcomes must be a sequence of str, not {}: a set has no order", type_name(outcomes));
        return Err(PyTypeError::new_err(problem));
    }
    let Ok(items) = outcomes.try_iter() else {
        return Err(PyTypeError::new_err(format!("outcomes must be a sequence of str, not {}", type_name(outcomes))));
    };
    let mut names = Vec::new();
    for (place, item) in items.enumerate() {
        names.push(name(&item?, &format!("outcomes[{place}]"))?.to_string());
    }
    if (2..=MAX_OUTCOMES).contains(&names.len()) {
        return Ok(names);
    }
    Err(PyValueError::new_err(format!("outcomes must be 2 to {MAX_OUTCOMES} names, not {}", names.len())))
}

#[pymethods]
impl Exchange {
    /// Makes an asset: money, a coin, whatever accounts hold.
    ///
    /// Arguments:
    ///     name: 1 to 63 bytes, without control characters, outer spaces and slashes.
    ///     decimals: Decimal places, 0 .. 18: balances are whole numbers of 10^-decimals.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The name is too long or empty, or the decimals are out of range.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (name, decimals=None, *, tag=None),
        text_signature = "($self, name, decimals=8, *, tag=0)"
    )]
    fn create_asset(
        &self,
        name: &Bound<'_, PyAny>,
        decimals: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let places = self::decimals(decimals, "decimals")?.unwrap_or(DEFAULT_DECIMALS);
        self.create_named(AdminKind::CreateAsset, name, places, tag)
    }

    /// Makes a clearing group: balances are kept per group, and instruments with settlement belong to one (R30).
    ///
    /// Arguments:
    ///     name: 1 to 63 bytes, without control characters and outer spaces.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The name is too long or empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(signature = (name, *, tag=None), text_signature = "($self, name, *, tag=0)")]
    fn create_group(&self, name: &Bound<'_, PyAny>, tag: Argument<'_, '_>) -> PyResult<Answered<Receipt>> {
        self.create_named(AdminKind::CreateGroup, name, 0, tag)
    }

    /// Makes an account, with nothing in it.
    ///
    /// Arguments:
    ///     name: 1 to 63 bytes, without control characters and outer spaces.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The name is too long or empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(signature = (name, *, tag=None), text_signature = "($self, name, *, tag=0)")]
    fn create_account(&self, name: &Bound<'_, PyAny>, tag: Argument<'_, '_>) -> PyResult<Answered<Receipt>> {
        self.create_named(AdminKind::CreateAccount, name, 0, tag)
    }

    /// Makes an instrument and its book.
    ///
    /// With settlement, also the assets, the clearing group and the fee account that it names, where they are not there
    /// yet.
    ///
    /// Arguments:
    ///     instrument: What is traded, in which units, under which settings. Its number 0 means the lowest free one
    ///         from 1.
    ///     index: Price index: "ladder", "btree", "skiplist" or "heap". Events do not depend on it (R3).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened and was made; rejected with "already_exists" where symbol or number are taken, "invalid_name",
    ///     or "invalid_quantity" where an asset is there with decimals that do not fit.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The index is unknown, or a name is too long or empty.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (instrument, *, index=None, tag=None),
        text_signature = "($self, instrument, *, index='ladder', tag=0)"
    )]
    fn create_instrument(
        &self,
        py: Python<'_>,
        instrument: &Bound<'_, PyAny>,
        index: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let facts = &instrument_of(instrument)?.get().facts;
        let index = index.map_or(Ok(IndexKind::default()), index_kind)?;
        let (tick, lot) = (facts.price_grid.step(), facts.quantity_grid.step());
        let mut texts = vec![legible(&facts.symbol, "symbol")?, tick.as_str(), lot.as_str()];
        if let Some(settlement) = &facts.settlement {
            texts.push(legible(&settlement.base, "base")?);
            texts.push(legible(&settlement.quote, "quote")?);
            texts.push(legible(&settlement.fees.group, "group")?);
            texts.push(legible(&settlement.fees.account, "fee_account")?);
        }
        let mut admin = Admin::named(AdminKind::CreateInstrument, texts);
        admin.command.instrument = facts.rules.instrument;
        admin.rules = Some((facts.rules, index));
        admin.settlement = self.settlement_slot(facts);
        self.admin(py, admin, Stamp::tagged(tag)?)
    }

    /// Makes an event market (R32).
    ///
    /// One unit of cash buys a full set of shares, one of each outcome, of which the winner's will be worth one unit
    /// and the others nothing. Each outcome trades as "event/outcome", at prices between 0 and 1. Two outcomes share
    /// one book, in which buying one at p is selling the other at 1 - p.
    ///
    /// Arguments:
    ///     name: The event's name: without control characters, outer spaces and slashes.
    ///     outcomes: 2 to 15 names, likewise, in their order; with the event's name and a slash at most 63 bytes.
    ///     currency: The asset that shares are paid in; it is made if it is not there.
    ///     tick_size: Size of one tick, in money; it goes into 1 a whole number of times.
    ///     lot_size: Size of one lot, in shares.
    ///     group: The clearing group; it is made if it is not there.
    ///     fee_account: The account that fees go to and rebates come from; it is made if it is not there.
    ///     maker_fee_bps: What a resting order pays, in basis points of what it trades; below 0 a rebate (R31).
    ///     taker_fee_bps: What an aggressor pays; both together are at least 0.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened and was made; rejected with "already_exists", "invalid_name", "invalid_quantity" (the currency
    ///     is there with decimals that do not fit), "invalid_price" (a tick of 1, which leaves no price between 0 and
    ///     1) or "invalid_combination" (two outcomes of one name, a rebate with two outcomes, shares as currency).
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A name is too long or empty, or a number is out of range.
    ///     JournalError: The journal has stopped; nothing was applied.
    ///     AeroMatchError: Another thread is using the exchange, or it was closed.
    #[pyo3(
        signature = (name, *, outcomes, currency, tick_size=None, lot_size=None, group=None, fee_account=None,
            maker_fee_bps=None, taker_fee_bps=None, tag=None),
        text_signature = "($self, name, *, outcomes, currency, tick_size='0.01', lot_size='1', group='main', fee_account='fees', maker_fee_bps=0, taker_fee_bps=0, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an event has that many settings")]
    fn create_event(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        outcomes: &Bound<'_, PyAny>,
        currency: &Bound<'_, PyAny>,
        tick_size: Argument<'_, '_>,
        lot_size: Argument<'_, '_>,
        group: Argument<'_, '_>,
        fee_account: Argument<'_, '_>,
        maker_fee_bps: Argument<'_, '_>,
        taker_fee_bps: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Answered<Receipt>> {
        let event = self::name(name, "name")?;
        let outcomes = outcome_names(outcomes)?;
        let currency = legible(text(currency, "currency")?, "currency")?;
        let tick = tick_size.map_or(Ok(Grid::new(EVENT_TICK).unwrap_or(Grid::ONE)), |size| grid(size, "tick_size"))?;
        let lot = lot_size.map_or(Ok(Grid::ONE), |size| grid(size, "lot_size"))?;
        let fees = FeeSettings { group, fee_account, maker_fee_bps, taker_fee_bps }.read()?;
        let (tick_text, lot_text) = (tick.step(), lot.step());
        let mut texts = vec![event, tick_text.as_str(), lot_text.as_str(), currency];
        texts.push(legible(&fees.group, "group")?);
        texts.push(legible(&fees.account, "fee_account")?);
        texts.extend(outcomes.iter().map(String::as_str));
        let mut admin = Admin::named(AdminKind::CreateEvent, texts);
        admin.settlement = Some(self.event_slot(currency, tick, lot, &fees)?);
        self.admin(py, admin, Stamp::tagged(tag)?)
    }
}
