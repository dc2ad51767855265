//! An instrument's rules: as keyword arguments of `Instrument`, and back.

use crate::arguments::{Argument, number, unsigned};
use crate::enums::parse;
use crate::instrument::{Facts, off_grid};
use crate::settlement;
use aeromatch_engine::codes::{Matching, OffsetUnit, SelfTradePrevention};
use aeromatch_engine::offset::Offset;
use aeromatch_engine::rules::Rules;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

/// Largest instrument number: 24 bits of an order id (R5).
const MAX_NUMBER: u64 = (1 << 24) - 1;
/// The whole of something, in basis points.
const WHOLE_BPS: u64 = 10_000;
/// Largest width of a band and largest time.
const MAX_SIGNED: u64 = i64::MAX as u64;

/// The arguments that make an instrument's rules, as they came.
pub struct Settings<'a, 'py> {
    pub number: Argument<'a, 'py>,
    pub self_trade_prevention: Argument<'a, 'py>,
    pub dedup_window_ns: Argument<'a, 'py>,
    pub matching: Argument<'a, 'py>,
    pub fifo_share_bps: Argument<'a, 'py>,
    pub reference_price: Argument<'a, 'py>,
    pub static_band_ticks: Argument<'a, 'py>,
    pub static_band_bps: Argument<'a, 'py>,
    pub circuit_breaker_ticks: Argument<'a, 'py>,
    pub circuit_breaker_bps: Argument<'a, 'py>,
    pub halt_ns: Argument<'a, 'py>,
}

/// A band's width, in ticks or in basis points.
fn band(ticks: (Argument<'_, '_>, &str), bps: (Argument<'_, '_>, &str)) -> PyResult<Option<Offset>> {
    let width =
        |(value, name): (Argument<'_, '_>, &str)| value.map(|value| unsigned(value, name, 1, MAX_SIGNED)).transpose();
    match (width(ticks)?, width(bps)?) {
        (Some(_), Some(_)) => Err(PyValueError::new_err(format!("{} and {} exclude one another", ticks.1, bps.1))),
        (Some(value), None) => Ok(Some(Offset::ticks(value))),
        (None, bps) => Ok(bps.map(Offset::bps)),
    }
}

/// The name of the first of both arguments that was given.
fn given<'a>(ticks: (Argument<'_, '_>, &'a str), bps: (Argument<'_, '_>, &'a str)) -> &'a str {
    if ticks.0.is_some() { ticks.1 } else { bps.1 }
}

impl Settings<'_, '_> {
    /// The rules, once every argument has been read; `facts` has the units.
    pub fn rules(&self, facts: &Facts) -> PyResult<Rules> {
        let static_band = [(self.static_band_ticks, "static_band_ticks"), (self.static_band_bps, "static_band_bps")];
        let breaker =
            [(self.circuit_breaker_ticks, "circuit_breaker_ticks"), (self.circuit_breaker_bps, "circuit_breaker_bps")];
        let (matching, fifo_share_bps) = self.matching()?;
        let rules = Rules {
            instrument: self.number.map_or(Ok(0), |value| unsigned(value, "number", 0, MAX_NUMBER))? as u32,
            dedup_window_ns: self
                .dedup_window_ns
                .map_or(Ok(0), |value| unsigned(value, "dedup_window_ns", 0, u64::MAX))?,
            self_trade_prevention: self
                .self_trade_prevention
                .map_or(Ok(SelfTradePrevention::None), |mode| parse(mode, "self_trade_prevention"))?,
            matching,
            fifo_share_bps,
            reference_price_ticks: self.reference_price_ticks(facts)?,
            static_band: band(static_band[0], static_band[1])?,
            circuit_breaker: band(breaker[0], breaker[1])?,
            halt_ns: self.halt_ns.map_or(Ok(0), |value| unsigned(value, "halt_ns", 1, MAX_SIGNED))?,
        };
        if rules.static_band.is_some() && rules.reference_price_ticks.is_none() {
            let name = given(static_band[0], static_band[1]);
            return Err(PyValueError::new_err(format!("{name} needs reference_price, the middle of the band")));
        }
        if rules.halt_ns > 0 && rules.circuit_breaker.is_none() {
            return Err(PyValueError::new_err("halt_ns needs circuit_breaker_ticks or circuit_breaker_bps"));
        }
        rules.problem().map_or(Ok(rules), |problem| Err(PyValueError::new_err(problem)))
    }

    fn matching(&self) -> PyResult<(Matching, u16)> {
        let matching = self.matching.map_or(Ok(Matching::Fifo), |value| parse(value, "matching"))?;
        let share = self.fifo_share_bps.map(|value| unsigned(value, "fifo_share_bps", 0, WHOLE_BPS)).transpose()?;
        match (matching, share) {
            (Matching::FifoProRata, Some(share)) => Ok((matching, share as u16)),
            (Matching::FifoProRata, None) => {
                Err(PyValueError::new_err("fifo_share_bps is needed where matching is 'fifo_pro_rata'"))
            }
            (_, None) => Ok((matching, 0)),
            (_, Some(_)) => Err(PyValueError::new_err("fifo_share_bps needs matching='fifo_pro_rata'")),
        }
    }

    fn reference_price_ticks(&self, facts: &Facts) -> PyResult<Option<i64>> {
        let Some(value) = self.reference_price else { return Ok(None) };
        let ticks = facts.price_grid.ticks(number(value, "reference_price")?);
        ticks.map(Some).ok_or_else(|| off_grid(value, "reference_price", facts.price_grid, "tick"))
    }
}

/// The width of a band that is measured in that unit.
pub fn width(band: Option<Offset>, unit: OffsetUnit) -> Option<u64> {
    band.filter(|band| band.unit == unit).map(|band| band.value)
}

/// The share that goes oldest first, where the rules have one.
pub fn fifo_share(rules: &Rules) -> Option<u16> {
    (rules.matching == Matching::FifoProRata).then_some(rules.fifo_share_bps)
}

/// An argument's value as Python shows it, and takes it.
pub enum Setting {
    Number(u64),
    Signed(i64),
    Flag(bool),
    Word(String),
}

impl Setting {
    /// As source code.
    pub fn repr(&self, py: Python<'_>) -> PyResult<String> {
        Ok(match self {
            Setting::Number(number) => number.to_string(),
            Setting::Signed(number) => number.to_string(),
            Setting::Flag(flag) => if *flag { "True" } else { "False" }.to_string(),
            Setting::Word(word) => PyString::new(py, word).repr()?.to_string_lossy().into_owned(),
        })
    }

    /// As the argument's value.
    pub fn value(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(match self {
            Setting::Number(number) => number.into_pyobject(py)?.into_any(),
            Setting::Signed(number) => number.into_pyobject(py)?.into_any(),
            Setting::Flag(flag) => PyBool::new(py, flag).to_owned().into_any(),
            Setting::Word(word) => PyString::new(py, &word).into_any(),
        })
    }
}

/// The settings that are not the default, by the name of their argument.
pub fn settings(facts: &Facts) -> Vec<(&'static str, Setting)> {
    let rules = &facts.rules;
    let word = |word: &str| Setting::Word(word.to_string());
    let price = |ticks: i64| facts.price_grid.text(i128::from(ticks)).map(|text| word(text.as_str()));
    let all = [
        ("number", (rules.instrument != 0).then_some(Setting::Number(u64::from(rules.instrument)))),
        (
            "self_trade_prevention",
            (rules.self_trade_prevention != SelfTradePrevention::None)
                .then(|| word(rules.self_trade_prevention.slug())),
        ),
        ("dedup_window_ns", (rules.dedup_window_ns != 0).then_some(Setting::Number(rules.dedup_window_ns))),
        ("matching", (rules.matching != Matching::Fifo).then(|| word(rules.matching.slug()))),
        ("fifo_share_bps", fifo_share(rules).map(|share| Setting::Number(u64::from(share)))),
        ("reference_price", rules.reference_price_ticks.and_then(price)),
        ("static_band_ticks", width(rules.static_band, OffsetUnit::Ticks).map(Setting::Number)),
        ("static_band_bps", width(rules.static_band, OffsetUnit::Bps).map(Setting::Number)),
        ("circuit_breaker_ticks", width(rules.circuit_breaker, OffsetUnit::Ticks).map(Setting::Number)),
        ("circuit_breaker_bps", width(rules.circuit_breaker, OffsetUnit::Bps).map(Setting::Number)),
        ("halt_ns", (rules.halt_ns != 0).then_some(Setting::Number(rules.halt_ns))),
    ];
    let rules = all.into_iter().filter_map(|(name, setting)| setting.map(|setting| (name, setting)));
    rules.chain(facts.settlement.iter().flat_map(settlement::settings)).collect()
}
