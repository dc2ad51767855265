//! What an uncross would do now (R27).

use crate::arguments::to_decimal;
use crate::instrument::Context;
use aeromatch_engine::auction::Indicative as View;
use pyo3::prelude::*;
use std::sync::Arc;

/// What an uncross would do, as it was when it was asked for (R27). Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Indicative {
    context: Arc<Context>,
    view: View,
}

impl Indicative {
    pub fn new(context: &Arc<Context>, view: View) -> Indicative {
        Indicative { context: Arc::clone(context), view }
    }
}

#[pymethods]
impl Indicative {
    /// The one price that everything would trade at, in money; None if nothing would trade.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.view.price_ticks.map(|ticks| self.context.price(py, ticks)).transpose()
    }

    /// What would trade, in units.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.total(py, self.view.quantity_lots)
    }

    /// What would be left over at that price, in units: above 0 on the buy side, below 0 on the sell side.
    #[getter]
    fn surplus<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_decimal(py, self.context.facts.quantity_grid, self.view.surplus_lots)
    }

    /// That price in ticks; None if nothing would trade.
    #[getter]
    fn price_ticks(&self) -> Option<i64> {
        self.view.price_ticks
    }

    /// What would trade, in lots.
    #[getter]
    fn quantity_lots(&self) -> u128 {
        self.view.quantity_lots
    }

    /// What would be left over, in lots.
    #[getter]
    fn surplus_lots(&self) -> i128 {
        self.view.surplus_lots
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let price = self.price(py)?.map_or_else(|| "None".to_string(), |price| price.to_string());
        Ok(format!("Indicative(price={price}, quantity={}, surplus={})", self.quantity(py)?, self.surplus(py)?))
    }

    fn __eq__(&self, other: &Indicative) -> bool {
        self.view == other.view && self.context.facts == other.context.facts
    }

    fn __hash__(&self) -> u64 {
        self.view.price_ticks.map_or(0, |ticks| ticks as u64) ^ (self.view.quantity_lots as u64).rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
