//! The answer to one command. A report keeps the command's events as they came out of the engine; what Python asks for is
//! derived from them when it is asked for, so that answering costs next to nothing.

use crate::arguments::decimal_type;
use crate::decimal::Grid;
use crate::enums::{OrderStatus, member_of};
use crate::events::{Event, Trade};
use crate::levels::LevelChange;
use crate::scope::Scope;
use aeromatch_engine::codes::{CommandKind, EventKind, RejectReason};
use aeromatch_engine::collector::{Change, Done};
use aeromatch_engine::record::Event as Record;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

/// What a command did. Immutable; amounts are exact Decimals.
///
/// A rejection is data: `status` is "rejected" and `reject_reason` says why (R8).
#[pyclass(frozen, module = "aeromatch")]
pub struct Report {
    scope: Scope,
    kind: CommandKind,
    events: Box<[Record]>,
    changes: Box<[Change]>,
    /// The order that the command was about waits for its stop price: no event says so of an amended one.
    is_dormant: bool,
}

/// What the events say about the order that the command was about, as aggressor and as maker: a command can go on after
/// its order has come to rest (R16, R20).
#[derive(Default)]
pub struct Outcome {
    /// Total and live quantity before any trade of this command.
    pub total: u64,
    pub live: u64,
    pub filled: u64,
    pub notional: i128,
    is_canceled: bool,
}

impl Outcome {
    /// Of the order of a command of that kind, which had these events.
    pub fn of(kind: CommandKind, events: &[Record]) -> Outcome {
        let mut own = events.iter().skip_while(|event| event.kind != EventKind::Accepted.code());
        let Some(accepted) = own.next() else { return Outcome::default() };
        let mut outcome = Outcome::default();
        if kind == CommandKind::New {
            (outcome.total, outcome.live) = (accepted.quantity_lots, accepted.quantity_lots);
        }
        let id = accepted.order_id;
        for event in own {
            match EventKind::from_code(event.kind) {
                Some(EventKind::Trade) if event.other == id || event.order_id == id => {
                    outcome.filled += event.quantity_lots;
                    outcome.notional += i128::from(event.price_ticks) * i128::from(event.quantity_lots);
                    outcome.live = outcome.live.saturating_sub(event.quantity_lots);
                }
                Some(EventKind::Decremented) if event.other == id || event.order_id == id => {
                    outcome.total = outcome.total.saturating_sub(event.quantity_lots);
                    outcome.live = outcome.live.saturating_sub(event.quantity_lots);
                }
                Some(EventKind::Amended) if event.order_id == id => {
                    (outcome.total, outcome.live) = (event.other, event.quantity_lots);
                }
                Some(EventKind::Canceled) if event.order_id == id => {
                    (outcome.live, outcome.is_canceled) = (0, true);
                }
                _ => {}
            }
        }
        outcome
    }

    /// Its status (R9), given whether it waits for its stop price as long as it lives.
    pub fn status(&self, is_dormant: bool) -> OrderStatus {
        match self {
            Outcome { is_canceled: true, .. } => OrderStatus::Canceled,
            Outcome { live: 0, .. } => OrderStatus::Filled,
            _ if is_dormant => OrderStatus::Dormant,
            Outcome { live, total, .. } if live < total => OrderStatus::PartiallyFilled,
            _ => OrderStatus::Open,
        }
    }
}

static DIVISION: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// R9: averages are exact to 28 digits, half-even, whatever the caller's decimal context is.
fn division(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let context = DIVISION.get_or_try_init(py, || {
        let options = PyDict::new(py);
        options.set_item("prec", 28)?;
        options.set_item("rounding", "ROUND_HALF_EVEN")?;
        options.set_item("Emin", -999_999)?;
        options.set_item("Emax", 999_999)?;
        options.set_item("clamp", 0)?;
        options.set_item("traps", PyList::empty(py))?;
        py.import("decimal")?.getattr("Context")?.call((), Some(&options)).map(Bound::unbind)
    })?;
    Ok(context.bind(py))
}

/// The command's own first event: `accepted` or `rejected` (R6). Effects of time may stand before it.
pub fn answer(events: &[Record]) -> Option<&Record> {
    let own = |event: &&Record| event.kind == EventKind::Accepted.code() || event.kind == EventKind::Rejected.code();
    events.iter().find(own)
}

/// Why the command with this answer was rejected.
pub fn rejection(answer: Option<&Record>) -> Option<RejectReason> {
    answer
        .filter(|event| event.kind == EventKind::Rejected.code())
        .and_then(|event| RejectReason::from_code(event.reason))
}

/// An average price (R9), of what is not nothing: ticks times lots, by lots.
pub fn average(py: Python<'_>, grid: Grid, notional: i128, filled: u64) -> PyResult<Bound<'_, PyAny>> {
    let digits = notional.into_pyobject(py)?.mul(grid.mantissa())?;
    let decimal = decimal_type(py)?;
    let dividend = decimal.call1((format!("{}e-{}", digits.str()?.to_str()?, grid.scale()),))?;
    let divisor = decimal.call1((filled,))?;
    division(py)?.call_method1("divide", (dividend, divisor))
}

impl Report {
    pub fn new(scope: Scope, kind: CommandKind, done: Done) -> Report {
        let Done { events, changes, is_dormant } = done;
        Report { scope, kind, events, changes, is_dormant }
    }

    fn answer(&self) -> Option<&Record> {
        answer(&self.events)
    }

    fn is_accepted(&self) -> bool {
        self.answer().is_some_and(|event| event.kind == EventKind::Accepted.code())
    }

    fn outcome(&self) -> Outcome {
        Outcome::of(self.kind, &self.events)
    }

    fn is_about_an_order(&self) -> bool {
        matches!(self.kind, CommandKind::New | CommandKind::Cancel | CommandKind::Amend)
    }

    fn order_status(&self) -> Option<OrderStatus> {
        if !self.is_accepted() {
            return Some(OrderStatus::Rejected);
        }
        if !self.is_about_an_order() {
            return None;
        }
        Some(self.outcome().status(self.is_dormant))
    }

    fn reason(&self) -> Option<RejectReason> {
        rejection(self.answer())
    }
}

#[pymethods]
impl Report {
    /// Id of the order that the command made, changed or ended; None if rejected, or about no single order.
    #[getter]
    fn order_id(&self) -> Option<u64> {
        let id = self.answer().filter(|_| self.is_accepted())?.order_id;
        (id != 0).then_some(id)
    }

    /// Status of that order after the whole command (R9); "rejected" if it was; None if about no single order.
    #[getter]
    fn status(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, self.order_status())
    }

    /// Whether the command was accepted (R6).
    #[getter]
    fn accepted(&self) -> bool {
        self.is_accepted()
    }

    /// What the order traded in this command, in units.
    #[getter]
    fn filled_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.scope.context.quantity(py, self.outcome().filled)
    }

    /// What of the order is live after the command, in units; 0 once it is done.
    #[getter]
    fn remaining_quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.scope.context.quantity(py, self.outcome().live)
    }

    /// Average price of `filled_quantity`: exact to 28 digits, half-even (R9); None without a fill.
    #[getter]
    fn average_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let outcome = self.outcome();
        if outcome.filled == 0 {
            return Ok(None);
        }
        average(py, self.scope.context.facts.price_grid, outcome.notional, outcome.filled).map(Some)
    }

    /// The trades of this command, in order.
    #[getter]
    fn trades<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let trades = self.events.iter().filter(|event| event.kind == EventKind::Trade.code());
        let list = PyList::empty(py);
        for event in trades {
            list.append(Trade::new(&self.scope, *event))?;
        }
        Ok(list)
    }

    /// All events of this command in order (R7), effects of time first (R6).
    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for event in &self.events {
            list.append(Event::new(&self.scope, *event))?;
        }
        Ok(list)
    }

    /// The price levels that this command changed, as it left them: bids, then asks, best price first (R7).
    #[getter]
    fn level_changes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for change in &self.changes {
            list.append(LevelChange::new(&self.scope, *change))?;
        }
        Ok(list)
    }

    /// Why the command was rejected (R8), None if it was not.
    #[getter]
    fn reject_reason(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, self.reason())
    }

    /// The command's number in the log (R4).
    #[getter]
    fn sequence(&self) -> u64 {
        self.answer().map_or(0, |event| event.sequence)
    }

    /// The book's time after the command, in nanoseconds since the Unix epoch (R2).
    #[getter]
    fn timestamp(&self) -> u64 {
        self.answer().map_or(0, |event| event.other)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = String::from("Report(");
        match (self.order_status(), self.reason()) {
            (_, Some(reason)) => text += &format!("status='rejected', reject_reason='{}'", reason.slug()),
            (Some(status), _) => text += &format!("status='{}'", status.slug()),
            (None, _) => text += &format!("accepted='{}'", self.kind.slug()),
        }
        if let Some(id) = self.order_id() {
            text += &format!(", order_id={id}");
        }
        let outcome = self.outcome();
        if self.is_accepted() && self.kind == CommandKind::New {
            let (filled, live) =
                (self.scope.context.quantity(py, outcome.filled)?, self.scope.context.quantity(py, outcome.live)?);
            text += &format!(", filled_quantity={filled}, remaining_quantity={live}");
        }
        if let Some(average) = self.average_price(py)? {
            text += &format!(", average_price={average}");
        }
        Ok(text + &format!(", events={})", self.events.len()))
    }

    fn __eq__(&self, other: &Report) -> bool {
        (self.kind, &self.events, &self.changes, self.is_dormant)
            == (other.kind, &other.events, &other.changes, other.is_dormant)
            && self.scope.context.facts == other.scope.context.facts
    }

    fn __hash__(&self) -> u64 {
        self.answer().map_or(0, |event| event.sequence)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
