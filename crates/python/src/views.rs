//! What a book shows of itself: a live order, and its statistics.

use crate::arguments::to_decimal;
use crate::enums::{OrderStatus, member, member_of};
use crate::instrument::Context;
use crate::lens::Lens;
use crate::rules::width;
use aeromatch_engine::codes::{CancelReason, OffsetUnit, OrderType, RejectReason, Side};
use aeromatch_engine::statistics::Statistics as Counts;
use aeromatch_engine::views::OrderView;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::sync::Arc;

/// A live order as it was when it was asked for. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Order {
    context: Arc<Context>,
    view: OrderView,
}

impl Order {
    pub fn new(context: &Arc<Context>, view: OrderView) -> Order {
        Order { context: Arc::clone(context), view }
    }

    fn order_status(&self) -> OrderStatus {
        match (self.view.is_dormant, self.view.filled_lots()) {
            (true, _) => OrderStatus::Dormant,
            (false, 0) => OrderStatus::Open,
            (false, _) => OrderStatus::PartiallyFilled,
        }
    }

    fn money<'py>(&self, py: Python<'py>, ticks: Option<i64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        ticks.map(|ticks| self.context.price(py, ticks)).transpose()
    }
}

#[pymethods]
impl Order {
    /// Its id (R5).
    #[getter]
    fn order_id(&self) -> u64 {
        self.view.order_id
    }

    /// Its side.
    #[getter]
    fn side(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.view.side)
    }

    /// Its limit price in money; None if it has no limit.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.money(py, self.price_ticks())
    }

    /// Its total quantity in units, filled part included.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.view.quantity_lots)
    }

    /// What of it has been filled, in units.
    #[getter]
    fn filled_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.view.filled_lots())
    }

    /// What of it is live, in units.
    #[getter]
    fn remaining_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.view.remaining_lots)
    }

    /// Its status: "dormant", "open" or "partially_filled" (R9).
    #[getter]
    fn status(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.order_status())
    }

    /// Its type; a stop that was triggered is the limit or market order that it became (R15).
    #[getter]
    fn order_type(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.view.order_type)
    }

    /// How long it lives (R17 to R20): "gtc", "day", "gtd" or "aon"; a dormant order's may be any.
    #[getter]
    fn time_in_force(&self, py: Python<'_>) -> Py<PyAny> {
        member(py, self.view.time_in_force)
    }

    /// Name of its account; None if it has no name.
    #[getter]
    fn account<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.context.account(py, self.view.account)
    }

    /// Number of its account, 0 for none.
    #[getter]
    fn account_number(&self) -> u32 {
        self.view.account
    }

    /// Its client order id, None if it has none.
    #[getter]
    fn client_order_id<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.view.client_id.map(|id| PyString::new(py, &String::from_utf8_lossy(id.bytes())))
    }

    /// When it was accepted, in nanoseconds since the Unix epoch (R2).
    #[getter]
    fn timestamp(&self) -> u64 {
        self.view.entered_ns
    }

    /// When it ends, in nanoseconds since the Unix epoch; None unless GTD (R17).
    #[getter]
    fn expire_at(&self) -> Option<u64> {
        (self.view.expire_at_ns != 0).then_some(self.view.expire_at_ns)
    }

    /// Whether it is post-only: False, True, or "slide" (R13).
    #[getter]
    fn post_only<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match (self.view.post_only, self.view.slide) {
            (true, true) => Ok(PyString::intern(py, "slide").into_any()),
            (is_post_only, _) => Ok(is_post_only.into_pyobject(py)?.to_owned().into_any()),
        }
    }

    /// Its own self-trade prevention; None for the instrument's (R25).
    #[getter]
    fn self_trade_prevention(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, self.view.self_trade_prevention)
    }

    /// Its self-trade group; None if it has none (R25).
    #[getter]
    fn self_trade_group(&self) -> Option<u32> {
        (self.view.self_trade_group != 0).then_some(self.view.self_trade_group)
    }

    /// Price that wakes a dormant order, in money; None if it has none, or none yet (R15).
    #[getter]
    fn stop_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.money(py, self.view.stop_price_ticks)
    }

    /// How far its stop price follows the last trade, in money; None unless trailing so (R15).
    #[getter]
    fn trail_offset<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let grid = self.context.facts.price_grid;
        self.trail_offset_ticks().map(|ticks| to_decimal(py, grid, i128::from(ticks))).transpose()
    }

    /// How far its stop price follows the last trade, in basis points of it; None unless trailing so (R15).
    #[getter]
    fn trail_offset_bps(&self) -> Option<u64> {
        width(self.view.trail, OffsetUnit::Bps)
    }

    /// What it shows at most, in units: 0 if hidden, None if all (R14).
    #[getter]
    fn display_quantity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.view.display_lots.map(|lots| self.context.quantity(py, lots)).transpose()
    }

    /// What of it is displayed now, in units: 0 for hidden, all-or-none, dormant and waiting market orders.
    #[getter]
    fn shown_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.view.shown_lots)
    }

    /// The least that it trades once its stop price is reached, in units; None if any, or not dormant (R21).
    #[getter]
    fn min_quantity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.min_lots().map(|lots| self.context.quantity(py, lots)).transpose()
    }

    /// A market order's worst price, in money; None if it has none (R12).
    #[getter]
    fn protection_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.money(py, self.view.protection_price_ticks)
    }

    /// Its limit price in ticks; None if it has no limit.
    #[getter]
    fn price_ticks(&self) -> Option<i64> {
        self.view.order_type.has_limit().then_some(self.view.price_ticks)
    }

    /// Its stop price in ticks.
    #[getter]
    fn stop_price_ticks(&self) -> Option<i64> {
        self.view.stop_price_ticks
    }

    /// Its trail offset in ticks.
    #[getter]
    fn trail_offset_ticks(&self) -> Option<u64> {
        width(self.view.trail, OffsetUnit::Ticks)
    }

    /// Its protection price in ticks.
    #[getter]
    fn protection_price_ticks(&self) -> Option<i64> {
        self.view.protection_price_ticks
    }

    /// Its total quantity in lots.
    #[getter]
    fn quantity_lots(&self) -> u64 {
        self.view.quantity_lots
    }

    /// What of it is live, in lots.
    #[getter]
    fn remaining_lots(&self) -> u64 {
        self.view.remaining_lots
    }

    /// What it shows at most, in lots.
    #[getter]
    fn display_lots(&self) -> Option<u64> {
        self.view.display_lots
    }

    /// What of it is displayed now, in lots.
    #[getter]
    fn shown_lots(&self) -> u64 {
        self.view.shown_lots
    }

    /// The least that it trades once its stop price is reached, in lots.
    #[getter]
    fn min_lots(&self) -> Option<u64> {
        (self.view.minimum_lots != 0).then_some(self.view.minimum_lots)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let view = &self.view;
        let mut text = format!("Order(order_id={}, side='{}'", view.order_id, view.side.slug());
        if view.order_type != OrderType::Limit {
            text += &format!(", order_type='{}'", view.order_type.slug());
        }
        let money = [
            ("price", self.price(py)?),
            ("stop_price", self.stop_price(py)?),
            ("trail_offset", self.trail_offset(py)?),
        ];
        for (name, amount) in money.into_iter().filter_map(|(name, amount)| amount.map(|amount| (name, amount))) {
            text += &format!(", {name}={amount}");
        }
        if let Some(bps) = self.trail_offset_bps() {
            text += &format!(", trail_offset_bps={bps}");
        }
        let (total, live) = (self.quantity(py)?, self.remaining_quantity(py)?);
        text += &format!(", quantity={total}, remaining_quantity={live}");
        if let Some(display) = self.display_quantity(py)? {
            text += &format!(", display_quantity={display}");
        }
        text += &format!(", time_in_force='{}'", view.time_in_force.slug());
        if view.is_dormant {
            text += ", status='dormant'";
        }
        if let Some(account) = self.account(py) {
            text += &format!(", account={}", account.repr()?.to_string_lossy());
        }
        if let Some(id) = self.client_order_id(py) {
            text += &format!(", client_order_id={}", id.repr()?.to_string_lossy());
        }
        Ok(text + ")")
    }

    fn __eq__(&self, other: &Order) -> bool {
        self.view == other.view && self.context.facts == other.context.facts
    }

    fn __hash__(&self) -> u64 {
        self.view.order_id ^ self.view.remaining_lots.rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// What a book has seen since it was made, as it was when it was asked for. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Statistics {
    context: Arc<Context>,
    counts: Counts,
    last_price: Option<i64>,
    order_count: usize,
    levels: [usize; 2],
    memory_bytes: usize,
}

impl Statistics {
    pub fn new(context: &Arc<Context>, lens: &Lens<'_>) -> Statistics {
        Statistics {
            context: Arc::clone(context),
            counts: lens.statistics(),
            last_price: lens.last_trade_price(),
            order_count: lens.book.order_count(),
            levels: [lens.level_count(Side::Buy), lens.level_count(Side::Sell)],
            memory_bytes: lens.book.memory_bytes(),
        }
    }

    fn price<'py>(&self, py: Python<'py>, ticks: Option<i64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        ticks.map(|ticks| self.context.price(py, ticks)).transpose()
    }
}

#[pymethods]
impl Statistics {
    /// Commands that took a sequence number in this book (R4).
    #[getter]
    fn commands(&self) -> u64 {
        self.counts.commands
    }

    /// New orders accepted.
    #[getter]
    fn orders_accepted(&self) -> u64 {
        self.counts.orders_accepted
    }

    /// Orders amended (R22).
    #[getter]
    fn orders_amended(&self) -> u64 {
        self.counts.amended
    }

    /// Commands rejected, by RejectReason; reasons that never occurred are left out (R8).
    #[getter]
    fn rejected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for reason in RejectReason::ALL {
            let count = self.counts.rejected.get(usize::from(reason.code())).copied().unwrap_or_default();
            if count > 0 {
                dict.set_item(member(py, *reason), count)?;
            }
        }
        Ok(dict)
    }

    /// Orders canceled, in whole or what was left, by CancelReason; those that never occurred left out (R8).
    #[getter]
    fn canceled<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for reason in CancelReason::ALL {
            let count = self.counts.canceled[usize::from(reason.code())];
            if count > 0 {
                dict.set_item(member(py, *reason), count)?;
            }
        }
        Ok(dict)
    }

    /// Trades.
    #[getter]
    fn trade_count(&self) -> u64 {
        self.counts.trade_count
    }

    /// Sum of the trades' quantities, in units.
    #[getter]
    fn traded_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.total(py, self.counts.traded_quantity)
    }

    /// Sum of price times quantity over all trades, in money.
    #[getter]
    fn notional<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.money(py, self.counts.notional)
    }

    /// Taken off by self-trade prevention's decrement, in units, counted once a pair (R25).
    #[getter]
    fn decremented_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.total(py, self.counts.decremented_quantity)
    }

    /// Price of the last trade in money; None before the first.
    #[getter]
    fn last_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.price(py, self.last_price)
    }

    /// Highest price of a trade in money; None before the first.
    #[getter]
    fn high_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.price(py, self.counts.high_ticks)
    }

    /// Lowest price of a trade in money; None before the first.
    #[getter]
    fn low_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.price(py, self.counts.low_ticks)
    }

    /// Live orders now.
    #[getter]
    fn order_count(&self) -> usize {
        self.order_count
    }

    /// Price levels with bids now.
    #[getter]
    fn bid_levels(&self) -> usize {
        self.levels[0]
    }

    /// Price levels with asks now.
    #[getter]
    fn ask_levels(&self) -> usize {
        self.levels[1]
    }

    /// Bytes of memory that the book's structures hold.
    #[getter]
    fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// All of it, by name.
    ///
    /// Returns:
    ///     A new dict; the counts by reason are dicts themselves.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("commands", self.counts.commands)?;
        dict.set_item("orders_accepted", self.counts.orders_accepted)?;
        dict.set_item("orders_amended", self.counts.amended)?;
        dict.set_item("rejected", self.rejected(py)?)?;
        dict.set_item("canceled", self.canceled(py)?)?;
        dict.set_item("trade_count", self.counts.trade_count)?;
        dict.set_item("traded_quantity", self.traded_quantity(py)?)?;
        dict.set_item("notional", self.notional(py)?)?;
        dict.set_item("decremented_quantity", self.decremented_quantity(py)?)?;
        dict.set_item("last_price", self.last_price(py)?)?;
        dict.set_item("high_price", self.high_price(py)?)?;
        dict.set_item("low_price", self.low_price(py)?)?;
        dict.set_item("order_count", self.order_count)?;
        dict.set_item("bid_levels", self.levels[0])?;
        dict.set_item("ask_levels", self.levels[1])?;
        dict.set_item("memory_bytes", self.memory_bytes)?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Statistics(commands={}, orders_accepted={}, trade_count={}, traded_quantity={}, order_count={})",
            self.counts.commands,
            self.counts.orders_accepted,
            self.counts.trade_count,
            self.traded_quantity(py)?,
            self.order_count
        ))
    }
    fn __eq__(&self, other: &Statistics) -> bool {
        (&self.counts, self.last_price, self.order_count, self.levels)
            == (&other.counts, other.last_price, other.order_count, other.levels)
            && self.context.facts == other.context.facts
    }

    fn __hash__(&self) -> u64 {
        self.counts.commands ^ self.counts.trade_count.rotate_left(32)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
