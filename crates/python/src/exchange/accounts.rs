//! What accounts have: balances and positions, as they were when they were asked for.

use super::directory::{Directory, Listing};
use crate::arguments::{amount, to_decimal};
use crate::decimal::Grid;
use crate::names::Name;
use aeromatch_engine::ledger::{Balance as Units, Position as Traded};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;

/// What an account has of one asset in one clearing group, as it was when it was asked for. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Balance {
    directory: Arc<Directory>,
    group: u32,
    account: u32,
    asset: u32,
    units: Units,
}

impl Balance {
    pub fn new(directory: &Arc<Directory>, (group, account, asset): (u32, u32, u32), units: Units) -> Balance {
        Balance { directory: Arc::clone(directory), group, account, asset, units }
    }

    fn decimal<'py>(&self, py: Python<'py>, units: i128) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.directory.asset_grid(self.asset), units)
    }
}

#[pymethods]
impl Balance {
    /// Name of the account.
    #[getter]
    fn account(&self) -> Option<Name> {
        self.directory.accounts.name(self.account)
    }

    /// Name of the asset.
    #[getter]
    fn asset(&self) -> Option<Name> {
        self.directory.assets.name(self.asset)
    }

    /// Name of the clearing group (R30).
    #[getter]
    fn group(&self) -> Option<Name> {
        self.directory.groups.name(self.group)
    }

    /// What can be spent or withdrawn; below 0 only in a fee account, by rebates ahead of fees (R31).
    #[getter]
    fn available<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.decimal(py, self.units.available)
    }

    /// What is held for live orders (R30).
    #[getter]
    fn held<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.decimal(py, self.units.held as i128)
    }

    /// Both together.
    #[getter]
    fn total<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.decimal(py, self.units.available.saturating_add(self.units.held as i128))
    }

    /// Its fields, by name.
    ///
    /// Returns:
    ///     A new dict: names and Decimals.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("account", self.account())?;
        dict.set_item("asset", self.asset())?;
        dict.set_item("group", self.group())?;
        dict.set_item("available", self.available(py)?)?;
        dict.set_item("held", self.held(py)?)?;
        dict.set_item("total", self.total(py)?)?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |name: Option<Name>| -> PyResult<String> {
            Ok(PyString::new(py, name.as_deref().unwrap_or_default()).repr()?.to_string_lossy().into_owned())
        };
        Ok(format!(
            "Balance(account={}, asset={}, group={}, available={}, held={})",
            shown(self.account())?,
            shown(self.asset())?,
            shown(self.group())?,
            amount(&self.available(py)?)?,
            amount(&self.held(py)?)?
        ))
    }

    fn __eq__(&self, other: &Balance) -> bool {
        (self.account(), self.asset(), self.group()) == (other.account(), other.asset(), other.group())
            && self.units == other.units
            && self.directory.asset_grid(self.asset) == other.directory.asset_grid(other.asset)
    }

    fn __hash__(&self) -> u64 {
        self.units.available as u64 ^ (self.units.held as u64).rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// What an account traded of one instrument and has of it, as it was when it was asked for. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Position {
    directory: Arc<Directory>,
    listing: Arc<Listing>,
    account: u32,
    traded: Traded,
    /// What the account has of the asset, in its units.
    units: i128,
}

impl Position {
    pub fn new(
        directory: &Arc<Directory>,
        listing: Arc<Listing>,
        account: u32,
        traded: Traded,
        units: i128,
    ) -> Position {
        Position { directory: Arc::clone(directory), listing, account, traded, units }
    }

    /// An amount of the asset that trades are paid in.
    fn money<'py>(&self, py: Python<'py>, units: i128) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.listing.context.quote_grid.unwrap_or(Grid::ONE), units)
    }
}

#[pymethods]
impl Position {
    /// Name of the account.
    #[getter]
    fn account(&self) -> Option<Name> {
        self.directory.accounts.name(self.account)
    }

    /// Symbol of the instrument.
    #[getter]
    fn symbol(&self) -> &str {
        &self.listing.context.facts.symbol
    }

    /// What the account has of the traded asset in the instrument's clearing group, held part included.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.directory.asset_grid(self.listing.base), self.units)
    }

    /// What it bought, in units.
    #[getter]
    fn bought_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.listing.context.total(py, self.traded.bought_lots)
    }

    /// What that cost without fees, in money.
    #[getter]
    fn bought_notional<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.money(py, self.traded.bought_units as i128)
    }

    /// What it sold, in units.
    #[getter]
    fn sold_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.listing.context.total(py, self.traded.sold_lots)
    }

    /// What that brought without fees, in money.
    #[getter]
    fn sold_notional<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.money(py, self.traded.sold_units as i128)
    }

    /// Fees paid less rebates received, in money (R31).
    #[getter]
    fn fees<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.money(py, self.traded.fee_units)
    }

    /// Its fields, by name.
    ///
    /// Returns:
    ///     A new dict: names and Decimals.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("account", self.account())?;
        dict.set_item("symbol", self.symbol())?;
        dict.set_item("quantity", self.quantity(py)?)?;
        dict.set_item("bought_quantity", self.bought_quantity(py)?)?;
        dict.set_item("bought_notional", self.bought_notional(py)?)?;
        dict.set_item("sold_quantity", self.sold_quantity(py)?)?;
        dict.set_item("sold_notional", self.sold_notional(py)?)?;
        dict.set_item("fees", self.fees(py)?)?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Position(account={}, symbol={}, quantity={}, bought_quantity={}, sold_quantity={}, fees={})",
            PyString::new(py, self.account().as_deref().unwrap_or_default()).repr()?.to_string_lossy(),
            PyString::new(py, self.symbol()).repr()?.to_string_lossy(),
            amount(&self.quantity(py)?)?,
            amount(&self.bought_quantity(py)?)?,
            amount(&self.sold_quantity(py)?)?,
            amount(&self.fees(py)?)?
        ))
    }

    fn __eq__(&self, other: &Position) -> bool {
        self.account() == other.account()
            && self.listing.context.facts == other.listing.context.facts
            && (self.traded, self.units) == (other.traded, other.units)
    }

    fn __hash__(&self) -> u64 {
        self.units as u64 ^ (self.traded.bought_lots as u64).rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
