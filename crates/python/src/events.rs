//! One event, and one trade, as Python objects over the engine's record.

use crate::arguments::{amount, decimal_type, to_decimal};
use crate::enums::{member, member_of};
use crate::instrument::Context;
use crate::names::Name;
use crate::scope::Scope;
use aeromatch_engine::codes::{
    CancelReason, CreatedKind, EventKind, OrderType, Phase, RejectReason, SettlementMode, Side,
};
use aeromatch_engine::record::{Event as Record, shape};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One thing that happened (R7). Immutable.
///
/// What a field means depends on the kind (docs/records.md); a field that the kind does not have is None.
/// `price_ticks`, `quantity_lots`, `other` and `detail` are the record's own numbers.
#[pyclass(frozen, module = "aeromatch")]
pub struct Event {
    scope: Scope,
    record: Record,
}

/// A record's kind; what this version does not know has none of the optional fields.
fn kind_of(record: &Record) -> Option<EventKind> {
    EventKind::from_code(record.kind)
}

/// The order type in an accepted event, which shares its byte with the order's shape.
fn order_type_of(record: &Record) -> Option<OrderType> {
    OrderType::from_code(record.reason & !shape::ALL)
}

/// A 128-bit number from its halves.
fn wide(high: u64, low: u64) -> i128 {
    (u128::from(high) << 64 | u128::from(low)) as i128
}

fn hash_record(record: &Record) -> u64 {
    let mut hasher = DefaultHasher::new();
    (record.sequence, record.index, record.kind, record.order_id).hash(&mut hasher);
    hasher.finish()
}

impl Event {
    pub fn new(scope: &Scope, record: Record) -> Event {
        Event { scope: scope.at(record.instrument), record }
    }

    /// An exchange's own event: of what it knows by name, under that number, if it is of that kind.
    fn named(&self, kind: EventKind, what: CreatedKind, number: u64) -> Option<Name> {
        if !self.kind_is(&[kind]) {
            return None;
        }
        self.scope.directory.as_ref()?.name(what, u32::try_from(number).ok()?)
    }

    /// An amount of the asset that a `funds` event is about.
    fn amount<'py>(&self, py: Python<'py>, units: i128) -> PyResult<Option<Bound<'py, PyAny>>> {
        let directory = self.scope.directory.as_ref().filter(|_| self.kind_is(&[EventKind::Funds]));
        directory.map(|directory| to_decimal(py, directory.asset_grid(self.record.instrument), units)).transpose()
    }

    fn kind_is(&self, kinds: &[EventKind]) -> bool {
        kind_of(&self.record).is_some_and(|kind| kinds.contains(&kind))
    }

    fn answers(&self) -> bool {
        self.kind_is(&[EventKind::Accepted, EventKind::Rejected])
    }

    /// Did it accept a new order?
    fn accepts_order(&self) -> bool {
        self.kind_is(&[EventKind::Accepted]) && Side::from_code(self.record.side).is_some()
    }

    /// Has the accepted order that `shape`?
    fn has_shape(&self, shape: u8) -> Option<bool> {
        self.accepts_order().then_some(self.record.reason & shape != 0)
    }

    fn has_amounts(&self) -> bool {
        match kind_of(&self.record) {
            Some(EventKind::Accepted) => self.accepts_order(),
            Some(EventKind::Triggered | EventKind::Trade | EventKind::Replenished) => true,
            Some(EventKind::Decremented | EventKind::Canceled | EventKind::Amended) => true,
            _ => false,
        }
    }
}

#[pymethods]
impl Event {
    /// What happened.
    #[getter]
    fn kind(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, kind_of(&self.record))
    }

    /// Why: a RejectReason or a CancelReason; None for other kinds.
    #[getter]
    fn reason(&self, py: Python<'_>) -> Py<PyAny> {
        match kind_of(&self.record) {
            Some(EventKind::Rejected) => member_of(py, RejectReason::from_code(self.record.reason)),
            Some(EventKind::Canceled) => member_of(py, CancelReason::from_code(self.record.reason)),
            _ => py.None(),
        }
    }

    /// The new phase of a `phase` event.
    #[getter]
    fn phase(&self, py: Python<'_>) -> Py<PyAny> {
        let phase = self.kind_is(&[EventKind::Phase]).then(|| Phase::from_code(self.record.reason)).flatten();
        member_of(py, phase)
    }

    /// What an accepted order does on arrival or once its stop price is reached; None in other events.
    #[getter]
    fn order_type(&self, py: Python<'_>) -> Py<PyAny> {
        let order_type = self.accepts_order().then(|| order_type_of(&self.record)).flatten();
        member_of(py, order_type)
    }

    /// Whether an accepted order is not displayed where it rests: hidden (R14) or all-or-none (R20).
    #[getter]
    fn undisplayed(&self) -> Option<bool> {
        self.has_shape(shape::UNDISPLAYED)
    }

    /// Whether an accepted order is an iceberg, which shows a slice at a time (R14).
    #[getter]
    fn iceberg(&self) -> Option<bool> {
        self.has_shape(shape::SLICES)
    }

    /// The order's side; of a trade the aggressor's, None in an uncross (R27).
    #[getter]
    fn side(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, Side::from_code(self.record.side))
    }

    /// Price in money; 0 for an order without a limit.
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let has_price = self.has_amounts() || self.kind_is(&[EventKind::Repriced]);
        has_price.then(|| self.scope.context.price(py, self.record.price_ticks)).transpose()
    }

    /// Quantity in units: asked, traded, taken off, canceled, live (amended, triggered) or shown (replenished).
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.has_amounts().then(|| self.scope.context.quantity(py, self.record.quantity_lots)).transpose()
    }

    /// The order; of a trade the maker, of a rejected duplicate the first order.
    #[getter]
    fn order_id(&self) -> Option<u64> {
        let is_about_names = self.kind_is(&[EventKind::Created, EventKind::Funds, EventKind::Settled]);
        (self.record.order_id != 0 && !is_about_names).then_some(self.record.order_id)
    }

    /// The second order: a trade's taker, a decrement's aggressor.
    #[getter]
    fn other_order_id(&self) -> Option<u64> {
        self.kind_is(&[EventKind::Trade, EventKind::Decremented]).then_some(self.record.other)
    }

    /// An amended order's new total, filled part included, in units.
    #[getter]
    fn total_quantity<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.kind_is(&[EventKind::Amended]).then(|| self.scope.context.quantity(py, self.record.other)).transpose()
    }

    /// Whether an amended order kept its priority (R22).
    #[getter]
    fn priority_kept(&self) -> Option<bool> {
        self.kind_is(&[EventKind::Amended]).then_some(self.record.reason == 1)
    }

    /// A trade's number, from 1 without gaps (R4).
    #[getter]
    fn trade_id(&self) -> Option<u64> {
        self.kind_is(&[EventKind::Trade]).then_some(self.record.detail)
    }

    /// The command's own tag, in its accepted or rejected event.
    #[getter]
    fn tag(&self) -> Option<u64> {
        self.answers().then_some(self.record.detail)
    }

    /// The book's time, in its accepted or rejected event: nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp(&self) -> Option<u64> {
        self.answers().then_some(self.record.other)
    }

    /// What a `created` event says was made: "asset", "group", "account", "instrument" or "event".
    #[getter]
    fn created(&self, py: Python<'_>) -> Py<PyAny> {
        let what = self.kind_is(&[EventKind::Created]).then(|| CreatedKind::from_code(self.record.reason)).flatten();
        member_of(py, what)
    }

    /// The name of what a `created` event says was made.
    #[getter]
    fn name(&self) -> Option<Name> {
        self.named(EventKind::Created, CreatedKind::from_code(self.record.reason)?, self.record.order_id)
    }

    /// The asset of a `funds` event.
    #[getter]
    fn asset(&self) -> Option<Name> {
        self.named(EventKind::Funds, CreatedKind::Asset, u64::from(self.record.instrument))
    }

    /// The clearing group of a `funds` event.
    #[getter]
    fn group(&self) -> Option<Name> {
        self.named(EventKind::Funds, CreatedKind::Group, self.record.detail)
    }

    /// What the account has available of the asset, after the command.
    #[getter]
    fn available<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.amount(py, wide(self.record.price_ticks as u64, self.record.quantity_lots))
    }

    /// What is held for its live orders, after the command.
    #[getter]
    fn held<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.amount(py, wide(self.record.other, self.record.order_id))
    }

    /// The event market that a `settled` event is about (R32).
    #[getter]
    fn event(&self) -> Option<Name> {
        self.named(EventKind::Settled, CreatedKind::Event, self.record.order_id)
    }

    /// How it was settled: "full", "scalar" or "void" (R32).
    #[getter]
    fn mode(&self, py: Python<'_>) -> Py<PyAny> {
        let mode = self.kind_is(&[EventKind::Settled]).then(|| SettlementMode::from_code(self.record.reason)).flatten();
        member_of(py, mode)
    }

    /// The outcome that won, in full settlement.
    #[getter]
    fn outcome(&self) -> Option<Name> {
        let is_full = self.kind_is(&[EventKind::Settled]) && self.record.reason == SettlementMode::Full.code();
        let directory = self.scope.directory.as_ref().filter(|_| is_full)?;
        directory.outcome(u32::try_from(self.record.order_id).ok()?, self.record.quantity_lots)
    }

    /// Name of the account of the order in `order_id` (of the command in a rejection); None if it has no name.
    #[getter]
    fn account<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.scope.context.account(py, self.record.account)
    }

    /// Number of that account, 0 for none.
    #[getter]
    fn account_number(&self) -> u32 {
        self.record.account
    }

    /// The instrument's number; in a `funds` event the asset's.
    #[getter]
    fn instrument(&self) -> u32 {
        self.record.instrument
    }

    /// The command's number in the log (R4).
    #[getter]
    fn sequence(&self) -> u64 {
        self.record.sequence
    }

    /// The event's place within its command, from 0 (R4).
    #[getter]
    fn index(&self) -> u32 {
        self.record.index
    }

    /// Price in ticks.
    #[getter]
    fn price_ticks(&self) -> i64 {
        self.record.price_ticks
    }

    /// Quantity in lots.
    #[getter]
    fn quantity_lots(&self) -> u64 {
        self.record.quantity_lots
    }

    /// The record's field `other`.
    #[getter]
    fn other(&self) -> u64 {
        self.record.other
    }

    /// The record's field `detail`.
    #[getter]
    fn detail(&self) -> u64 {
        self.record.detail
    }

    /// The fields that this kind of event has, by name.
    ///
    /// Returns:
    ///     A new dict: enum members, Decimals, ints and bools.
    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("kind", self.kind(py))?;
        set(&dict, "reason", Some(self.reason(py)).filter(|reason| !reason.is_none(py)))?;
        set(&dict, "phase", Some(self.phase(py)).filter(|phase| !phase.is_none(py)))?;
        set(&dict, "order_type", Some(self.order_type(py)).filter(|order_type| !order_type.is_none(py)))?;
        set(&dict, "undisplayed", self.undisplayed().filter(|&is_set| is_set))?;
        set(&dict, "iceberg", self.iceberg().filter(|&is_set| is_set))?;
        set(&dict, "side", Side::from_code(self.record.side).map(|side| member(py, side)))?;
        set(&dict, "price", self.price(py)?)?;
        set(&dict, "quantity", self.quantity(py)?)?;
        set(&dict, "order_id", self.order_id())?;
        set(&dict, "other_order_id", self.other_order_id())?;
        set(&dict, "total_quantity", self.total_quantity(py)?)?;
        set(&dict, "priority_kept", self.priority_kept())?;
        set(&dict, "trade_id", self.trade_id())?;
        set(&dict, "created", Some(self.created(py)).filter(|created| !created.is_none(py)))?;
        set(&dict, "name", self.name())?;
        set(&dict, "event", self.event())?;
        set(&dict, "mode", Some(self.mode(py)).filter(|mode| !mode.is_none(py)))?;
        set(&dict, "outcome", self.outcome())?;
        set(&dict, "account", self.account(py))?;
        set(&dict, "asset", self.asset())?;
        set(&dict, "group", self.group())?;
        set(&dict, "available", self.available(py)?)?;
        set(&dict, "held", self.held(py)?)?;
        set(&dict, "timestamp", self.timestamp())?;
        set(&dict, "tag", self.tag().filter(|&tag| tag != 0))?;
        dict.set_item("sequence", self.record.sequence)?;
        dict.set_item("index", self.record.index)?;
        Ok(dict)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = String::from("Event(");
        for (name, value) in self.as_dict(py)? {
            if text.len() > 6 {
                text += ", ";
            }
            text += &format!("{name}={}", plain(&value)?);
        }
        Ok(text + ")")
    }

    fn __eq__(&self, other: &Event) -> bool {
        self.record == other.record
    }

    fn __hash__(&self) -> u64 {
        hash_record(&self.record)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// A value as a repr shows it: words in quotes, Decimals bare.
fn plain(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_instance(decimal_type(value.py())?)? {
        return amount(value);
    }
    let text = if value.is_instance_of::<PyString>() { value.str()?.repr()? } else { value.str()? };
    Ok(text.to_string_lossy().into_owned())
}

fn set<'py, T: IntoPyObject<'py>>(dict: &Bound<'py, PyDict>, name: &str, value: Option<T>) -> PyResult<()> {
    value.map_or(Ok(()), |value| dict.set_item(name, value))
}

/// Two orders traded. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Trade {
    context: Arc<Context>,
    record: Record,
}

impl Trade {
    pub fn new(scope: &Scope, record: Record) -> Trade {
        Trade { context: scope.at(record.instrument).context, record }
    }
}

#[pymethods]
impl Trade {
    /// Its number: per instrument, from 1, without gaps (R4).
    #[getter]
    fn trade_id(&self) -> u64 {
        self.record.detail
    }

    /// Price in money: the maker's (R10), or an uncross's one price (R27).
    #[getter]
    fn price<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.price(py, self.record.price_ticks)
    }

    /// Quantity in units.
    #[getter]
    fn quantity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.context.quantity(py, self.record.quantity_lots)
    }

    /// Price in ticks.
    #[getter]
    fn price_ticks(&self) -> i64 {
        self.record.price_ticks
    }

    /// Quantity in lots.
    #[getter]
    fn quantity_lots(&self) -> u64 {
        self.record.quantity_lots
    }

    /// The resting order; in an uncross the one with the lower id (R27).
    #[getter]
    fn maker_order_id(&self) -> u64 {
        self.record.order_id
    }

    /// The aggressor; in an uncross the order with the higher id.
    #[getter]
    fn taker_order_id(&self) -> u64 {
        self.record.other
    }

    /// Side of the aggressor; None in an uncross, which has none.
    #[getter]
    fn aggressor_side(&self, py: Python<'_>) -> Py<PyAny> {
        member_of(py, Side::from_code(self.record.side))
    }

    /// Name of the maker's account; None if it has no name.
    #[getter]
    fn maker_account<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.context.account(py, self.record.account)
    }

    /// The command's number in the log (R4).
    #[getter]
    fn sequence(&self) -> u64 {
        self.record.sequence
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Trade(trade_id={}, price={}, quantity={}, maker_order_id={}, taker_order_id={}, aggressor_side={})",
            self.record.detail,
            self.price(py)?,
            self.quantity(py)?,
            self.record.order_id,
            self.record.other,
            Side::from_code(self.record.side).map_or_else(|| "None".to_string(), |side| format!("'{}'", side.slug()))
        ))
    }

    fn __eq__(&self, other: &Trade) -> bool {
        self.record == other.record
    }

    fn __hash__(&self) -> u64 {
        hash_record(&self.record)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}
