//! `_core.OrderTracker`: the orders of an exchange, followed through its events, as rows for NumPy.

use crate::buffer::{Bytes, Pool, Stable};
use crate::enums::{OrderStatus, type_name};
use crate::exchange::Exchange;
use crate::exchange::handle::Handle;
use aeromatch_engine::record::{Event, SLOT_BYTES};
use aeromatch_runtime::feed::orders::{
    Changes, FILL_BYTES, Mirrored, ORDER_BYTES, OrderRow, OrderStatus as Code, OrderTracker as Tracker, TrackError,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const _: () = {
    assert!(Code::Dormant as u8 == OrderStatus::Dormant as u8 && Code::Open as u8 == OrderStatus::Open as u8);
    assert!(Code::PartiallyFilled as u8 == OrderStatus::PartiallyFilled as u8);
    assert!(Code::Filled as u8 == OrderStatus::Filled as u8 && Code::Canceled as u8 == OrderStatus::Canceled as u8);
};

/// Follows every order of an exchange through its events, from its `accepted` to its end (R7, R9).
///
/// Rows are in the orders' own terms, also those entered for the second of two outcomes, which stand in the first one's
/// book (R32). An order that has ended is told of once more and then forgotten.
///
/// Arguments:
///     exchange: Whose events they are: it knows second outcomes. Without it there are none.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct OrderTracker {
    handle: Option<Arc<Handle>>,
    pool: Pool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tracker: Tracker,
    /// Second outcomes by the number of their book: what is there never changes.
    seconds: HashMap<u32, Mirrored>,
    events: Vec<Event>,
    /// What went wrong, once it has: what follows would be wrong too.
    broken: Option<TrackError>,
}

impl OrderTracker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The second outcome of a book. A command on one shard may be read before the one on another that made the event.
    fn second(&self, book: u32) -> Option<Mirrored> {
        let handle = self.handle.as_ref()?;
        let find = || handle.directory.second_of(book);
        let found = find().or_else(|| {
            // A closed exchange makes nothing any more.
            let _ = handle.core.as_ref()?.catch_up(&handle.directory);
            find()
        })?;
        let unit_ticks = u32::try_from(found.unit_ticks).ok()?;
        Some(Mirrored { instrument: found.instrument, unit_ticks })
    }

    fn follow(&self, shard: usize, bytes: &[u8]) -> Result<Changes, TrackError> {
        let mut state = self.state();
        if let Some(error) = state.broken {
            return Err(error);
        }
        let State { tracker, seconds, events, broken } = &mut *state;
        events.clear();
        events.extend(bytes.chunks_exact(SLOT_BYTES).map(event_of));
        let known = RefCell::new(seconds);
        let second = |book: u32| {
            let mut known = known.borrow_mut();
            if let Some(found) = known.get(&book) {
                return Some(*found);
            }
            let found = self.second(book)?;
            known.insert(book, found);
            Some(found)
        };
        let mut changes = Changes::default();
        tracker.apply(shard, events, second, &mut changes).inspect_err(|error| *broken = Some(*error))?;
        Ok(changes)
    }
}

#[pymethods]
impl OrderTracker {
    #[new]
    #[pyo3(signature = (exchange=None))]
    fn new(exchange: Option<&Bound<'_, Exchange>>) -> OrderTracker {
        let handle = exchange.map(|exchange| Arc::clone(exchange.get().handle()));
        OrderTracker { handle, pool: Pool::default(), state: Mutex::default() }
    }

    /// Takes events of whole commands of one shard, each shard's in order.
    ///
    /// Arguments:
    ///     events: Events, or an array of EVENT_DTYPE.
    ///     shard: Which shard's they are.
    ///
    /// Returns:
    ///     Two arrays: of ORDER_DTYPE the orders that changed, each once and as the events leave it, and of FILL_DTYPE
    ///     what was traded, two rows for each trade.
    ///
    /// Raises:
    ///     TypeError: They are no events.
    ///     ValueError: They do not follow from what was taken before; then the tracker is of no more use.
    #[pyo3(signature = (events, /, shard=0))]
    fn apply<'py>(
        &self,
        py: Python<'py>,
        events: &Bound<'py, PyAny>,
        shard: u16,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let records = if events.hasattr("to_numpy")? { events.call_method0("to_numpy")? } else { events.clone() };
        let bytes = rows_of(&records, "events", SLOT_BYTES, &self.pool)?;
        let changes = py.detach(|| self.follow(usize::from(shard), bytes.as_slice()));
        let changes = changes.map_err(|error| PyValueError::new_err(format!("events: {error}")))?;
        Ok((array(py, &changes.orders, "ORDER_DTYPE")?, array(py, &changes.fills, "FILL_DTYPE")?))
    }

    /// Goes on where another tracker was: to be called before `apply`.
    ///
    /// Arguments:
    ///     orders: Rows of ORDER_DTYPE; those that have ended are passed over.
    ///     times_ns: The time of each shard, as the other one's `time_ns` gave it.
    ///
    /// Returns:
    ///     How many orders are live now.
    ///
    /// Raises:
    ///     TypeError: They are no such rows.
    #[pyo3(signature = (orders, /, *, times_ns=Vec::new()))]
    fn load(&self, orders: &Bound<'_, PyAny>, times_ns: Vec<u64>) -> PyResult<usize> {
        let bytes = rows_of(orders, "orders", ORDER_BYTES, &self.pool)?;
        let mut state = self.state();
        for row in bytes.as_slice().as_chunks::<ORDER_BYTES>().0 {
            state.tracker.load(&OrderRow::read(row));
        }
        for (shard, &time_ns) in times_ns.iter().enumerate() {
            state.tracker.set_time(shard, time_ns);
        }
        Ok(state.tracker.live())
    }

    /// A live order as it is now: a row of ORDER_DTYPE.
    ///
    /// Arguments:
    ///     order_id: Its id.
    ///
    /// Returns:
    ///     The row; None where no such order is live.
    #[pyo3(signature = (order_id, /))]
    fn order<'py>(&self, py: Python<'py>, order_id: u64) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(row) = self.state().tracker.order(order_id) else { return Ok(None) };
        let mut bytes = Vec::with_capacity(ORDER_BYTES);
        row.write(&mut bytes);
        array(py, &bytes, "ORDER_DTYPE")?.get_item(0).map(Some)
    }

    /// Live orders in order of id, as an array of ORDER_DTYPE.
    ///
    /// Arguments:
    ///     account: Only those of this account, by number; None: of all.
    ///     instrument: Only those entered for this instrument, by number; None: for any.
    #[pyo3(signature = (*, account=None, instrument=None))]
    fn live_orders<'py>(
        &self,
        py: Python<'py>,
        account: Option<u32>,
        instrument: Option<u32>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let bytes = py.detach(|| {
            let state = self.state();
            let chosen = state.tracker.live_orders().filter(|row| {
                account.is_none_or(|account| row.account == account)
                    && instrument.is_none_or(|instrument| row.instrument == instrument)
            });
            let mut rows: Vec<OrderRow> = chosen.collect();
            drop(state);
            rows.sort_unstable_by_key(|row| row.order_id);
            let mut bytes = Vec::with_capacity(rows.len() * ORDER_BYTES);
            rows.iter().for_each(|row| row.write(&mut bytes));
            bytes
        });
        array(py, &bytes, "ORDER_DTYPE")
    }

    /// Time of the last answer of a shard, in nanoseconds since the Unix epoch (R2); 0 before the first.
    #[pyo3(signature = (shard=0, /))]
    fn time_ns(&self, shard: u16) -> u64 {
        self.state().tracker.time_ns(usize::from(shard))
    }

    /// How many orders are live.
    fn __len__(&self) -> usize {
        self.state().tracker.live()
    }
}

/// The bytes of an array of rows.
fn rows_of(rows: &Bound<'_, PyAny>, argument: &str, row_bytes: usize, pool: &Pool) -> PyResult<Stable> {
    let bytes = Bytes::of(rows, argument)?;
    let item = bytes.item_bytes();
    if (item == row_bytes || item == 1) && bytes.as_slice().len().is_multiple_of(row_bytes) {
        return Ok(bytes.stable(pool));
    }
    let name = type_name(rows);
    Err(PyTypeError::new_err(format!(
        "{argument} must be rows of {row_bytes} bytes, not {name} with items of {item} bytes"
    )))
}

/// Rows as a NumPy array of one of the dtypes of `aeromatch.market.records`.
fn array<'py>(py: Python<'py>, bytes: &[u8], dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    debug_assert!(bytes.len().is_multiple_of(ORDER_BYTES) || bytes.len().is_multiple_of(FILL_BYTES));
    let dtype = py.import("aeromatch.market.records")?.getattr(dtype)?;
    py.import("numpy")?.call_method1("frombuffer", (PyBytes::new(py, bytes), dtype))
}

/// The event of a slot.
fn event_of(slot: &[u8]) -> Event {
    let half = |at: usize| u32::from_le_bytes([slot[at], slot[at + 1], slot[at + 2], slot[at + 3]]);
    let word = |at: usize| u64::from(half(at)) | u64::from(half(at + 4)) << 32;
    Event {
        kind: slot[0],
        version: slot[1],
        reason: slot[2],
        side: slot[3],
        instrument: half(4),
        account: half(8),
        index: half(12),
        price_ticks: word(16) as i64,
        quantity_lots: word(24),
        order_id: word(32),
        other: word(40),
        sequence: word(48),
        detail: word(56),
    }
}
