//! What an exchange has by name: assets and event markets, as Python sees them.

use super::directory::Directory;
use crate::arguments::to_decimal;
use crate::decimal::Grid;
use crate::names::Name;
use crate::settlement::Settlement;
use aeromatch_engine::exchange::registry::EventInfo;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use std::sync::Arc;

/// Something that accounts hold. Immutable.
#[pyclass(frozen, eq, hash, module = "aeromatch")]
#[derive(PartialEq, Eq, Hash)]
pub struct Asset {
    name: Name,
    decimals: u8,
}

impl Asset {
    pub fn new(name: Name, decimals: u8) -> Asset {
        Asset { name, decimals }
    }
}

#[pymethods]
impl Asset {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Decimal places: balances are whole numbers of 10^-decimals.
    #[getter]
    fn decimals(&self) -> u8 {
        self.decimals
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Asset({}, decimals={})", PyString::new(py, &self.name).repr()?, self.decimals))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// An event market, as it was when it was asked for (R32). Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct EventMarket {
    directory: Arc<Directory>,
    name: Name,
    info: Arc<EventInfo>,
    is_settled: bool,
}

impl EventMarket {
    pub fn new(directory: &Arc<Directory>, name: Name, info: Arc<EventInfo>, is_settled: bool) -> EventMarket {
        EventMarket { directory: Arc::clone(directory), name, info, is_settled }
    }

    /// Sizes of a tick and a lot, which all its instruments share.
    fn grids(&self) -> (Grid, Grid) {
        let first = self.info.outcomes.first().map_or(0, |first| first.instrument);
        let facts = &self.directory.context(first).facts;
        (facts.price_grid, facts.quantity_grid)
    }

    fn settlement<R>(&self, read: impl FnOnce(&Settlement) -> R) -> Option<R> {
        let first = self.info.outcomes.first().map_or(0, |first| first.instrument);
        self.directory.context(first).facts.settlement.as_ref().map(read)
    }
}

#[pymethods]
impl EventMarket {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The names of its outcomes, in their order.
    #[getter]
    fn outcomes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.info.outcomes.iter().map(|outcome| &*outcome.name))
    }

    /// The symbols at which its outcomes trade, which are also the names of their shares.
    #[getter]
    fn symbols<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.info.outcomes.iter().map(|outcome| format!("{}/{}", &*self.name, outcome.name)))
    }

    /// The asset that its shares are paid in.
    #[getter]
    fn currency(&self) -> Option<Name> {
        self.directory.assets.name(self.info.currency)
    }

    /// Its clearing group (R30).
    #[getter]
    fn group(&self) -> Option<Name> {
        self.directory.groups.name(self.info.group)
    }

    /// The account that fees go to (R31).
    #[getter]
    fn fee_account(&self) -> Option<String> {
        self.settlement(|settlement| settlement.fees.account.clone())
    }

    /// What a resting order pays, in basis points, below 0 a rebate (R31).
    #[getter]
    fn maker_fee_bps(&self) -> Option<i16> {
        self.settlement(|settlement| settlement.fees.maker_bps)
    }

    /// What an aggressor pays, in basis points (R31).
    #[getter]
    fn taker_fee_bps(&self) -> Option<i16> {
        self.settlement(|settlement| settlement.fees.taker_bps)
    }

    /// Size of one tick, in money.
    #[getter]
    fn tick_size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.grids().0, 1)
    }

    /// Size of one lot, in shares.
    #[getter]
    fn lot_size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.grids().1, 1)
    }

    /// Whether it was settled or voided.
    #[getter]
    fn settled(&self) -> bool {
        self.is_settled
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "EventMarket({}, outcomes={}, currency={}, settled={})",
            PyString::new(py, &self.name).repr()?.to_string_lossy(),
            self.outcomes(py)?.repr()?.to_string_lossy(),
            PyString::new(py, self.currency().as_deref().unwrap_or_default()).repr()?.to_string_lossy(),
            if self.is_settled { "True" } else { "False" }
        ))
    }

    fn __eq__(&self, other: &EventMarket) -> bool {
        (&self.name, &self.info, self.is_settled) == (&other.name, &other.info, other.is_settled)
            && (self.currency(), self.group(), self.grids()) == (other.currency(), other.group(), other.grids())
    }

    fn __hash__(&self) -> u64 {
        u64::from(self.info.unit_ticks) ^ (self.name.len() as u64) << 32
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
