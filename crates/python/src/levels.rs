//! Price levels: as they are now, and as a command changed them (R7).

use crate::enums::member;
use crate::instrument::Context;
use crate::scope::Scope;
use aeromatch_engine::collector::Change;
use aeromatch_engine::views::LevelView;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::Arc;

/// A price level as a command left it (R7). Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct LevelChange {
    context: Arc<Context>,
    change: Change,
}

impl LevelChange {
    pub fn new(scope: &Scope, change: Change) -> LevelChange {
        LevelChange { context: scope.at(change.instrument).context, change }
    }
}

#[pymethods]
impl LevelChange {
    /// Its side.
    #[getter]
    fn side(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.change.side)
    }

    /// Its price in money.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.price(py, self.change.price_ticks)
    }

    /// What is displayed there now, in units; 0 if the level is gone.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.change.quantity_lots)
    }

    /// Number of orders displayed there now.
    #[getter]
    fn order_count(&self) -> u32 {
        self.change.order_count
    }

    /// The instrument's number.
    #[getter]
    fn instrument(&self) -> u32 {
        self.change.instrument
    }

    /// Its price in ticks.
    #[getter]
    fn price_ticks(&self) -> i64 {
        self.change.price_ticks
    }

    /// What is displayed there now, in lots.
    #[getter]
    fn quantity_lots(&self) -> u64 {
        self.change.quantity_lots
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "LevelChange(side='{}', price={}, quantity={}, order_count={})",
            self.change.side.slug(),
            self.price(py)?,
            self.quantity(py)?,
            self.change.order_count
        ))
    }

    fn __eq__(&self, other: &LevelChange) -> bool {
        self.change == other.change
    }

    fn __hash__(&self) -> u64 {
        self.change.sequence ^ (self.change.price_ticks as u64).rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// A price level as it was when it was asked for, with its statistics since it came to exist. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Level {
    context: Arc<Context>,
    view: LevelView,
}

impl Level {
    pub fn new(context: &Arc<Context>, view: LevelView) -> Level {
        Level { context: Arc::clone(context), view }
    }
}

#[pymethods]
impl Level {
    /// Its side.
    #[getter]
    fn side(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.view.side)
    }

    /// Its price in money.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.price(py, self.view.price_ticks)
    }

    /// Sum of what its orders display, in units; hidden ones are not counted (R14).
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.total(py, self.view.quantity_lots)
    }

    /// Number of its displayed orders.
    #[getter]
    fn order_count(&self) -> u32 {
        self.view.order_count
    }

    /// Its price in ticks.
    #[getter]
    fn price_ticks(&self) -> i64 {
        self.view.price_ticks
    }

    /// Sum of what its orders display, in lots.
    #[getter]
    fn quantity_lots(&self) -> u128 {
        self.view.quantity_lots
    }

    /// Orders that came to rest here since the level came to exist.
    #[getter]
    fn orders_added(&self) -> u64 {
        self.view.orders_added
    }

    /// Of these, how many were filled here.
    #[getter]
    fn orders_filled(&self) -> u64 {
        self.view.orders_filled
    }

    /// Of these, how many left otherwise: canceled, expired, amended away.
    #[getter]
    fn orders_canceled(&self) -> u64 {
        self.view.orders_removed
    }

    /// Trades at this level since it came to exist.
    #[getter]
    fn trade_count(&self) -> u64 {
        self.view.trade_count
    }

    /// What traded at this level since it came to exist, in units.
    #[getter]
    fn traded_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.total(py, self.view.traded_quantity)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Level(side='{}', price={}, quantity={}, order_count={})",
            self.view.side.slug(),
            self.price(py)?,
            self.quantity(py)?,
            self.view.order_count
        ))
    }

    fn __eq__(&self, other: &Level) -> bool {
        self.view == other.view && self.context.facts == other.context.facts
    }

    fn __hash__(&self) -> u64 {
        (self.view.price_ticks as u64) ^ u64::from(self.view.order_count)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// The best levels of both sides as they were when they were asked for. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Depth {
    context: Arc<Context>,
    bids: Vec<LevelView>,
    asks: Vec<LevelView>,
}

impl Depth {
    pub fn new(context: &Arc<Context>, bids: Vec<LevelView>, asks: Vec<LevelView>) -> Depth {
        Depth { context: Arc::clone(context), bids, asks }
    }

    fn side<'py>(&self, py: Python<'py>, levels: &[LevelView]) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for view in levels {
            list.append(Level::new(&self.context, *view))?;
        }
        Ok(list)
    }
}

#[pymethods]
impl Depth {
    /// Bids, best (highest) first.
    #[getter]
    fn bids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.side(py, &self.bids)
    }

    /// Asks, best (lowest) first.
    #[getter]
    fn asks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.side(py, &self.asks)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Depth(bids={}, asks={})",
            self.bids(py)?.repr()?.to_string_lossy(),
            self.asks(py)?.repr()?.to_string_lossy()
        ))
    }

    fn __eq__(&self, other: &Depth) -> bool {
        (&self.bids, &self.asks) == (&other.bids, &other.asks) && self.context.facts == other.context.facts
    }

    fn __hash__(&self) -> u64 {
        let best = |levels: &[LevelView]| levels.first().map_or(0, |level| level.price_ticks as u64);
        best(&self.bids) ^ best(&self.asks).rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
