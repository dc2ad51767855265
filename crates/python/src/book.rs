//! `aeromatch.OrderBook`: arguments in, reports out. What it means is the engine's business.

use crate::arguments::{Account, Argument, text};
use crate::batch;
use crate::book_view::{BookView, Source};
use crate::buffer::{Bytes, Pool};
use crate::container;
use crate::enums::{parse, type_name};
use crate::instrument::{Context, Instrument};
use crate::names::Names;
use crate::orders::{self, NewOrder, Request, Target};
use crate::report::Report;
use crate::scope::Scope;
use crate::state::{Shared, State};
use aeromatch_engine::codes::{CommandKind, Phase};
use aeromatch_engine::engine::{Book, IndexKind};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

/// One instrument's limit order book: price, then time (R10), deterministic (R3).
///
/// Commands answer with a Report; a rejection is data, an exception means misuse and uses no sequence number
/// (R9). Prices and quantities are Decimal, str, int or float (a float by its shortest repr), exact or refused
/// (R1). Times are nanoseconds since the Unix epoch; without one the book's last time counts (R2). Accounts are
/// names, which the book numbers 1, 2, ... as they come, or such numbers. A book is used by one thread at a time;
/// a second one gets an AeroMatchError, never a wait.
///
/// Arguments:
///     instrument: What is traded, and in which units.
///     index: Price index: "ladder" (constant time), "btree", "skiplist" or "heap". Events do not depend on it (R3).
///
/// Raises:
///     TypeError: An argument has the wrong type.
///     ValueError: The index is unknown, or the instrument is one with settlement.
#[pyclass(frozen, extends = BookView, module = "aeromatch")]
pub struct OrderBook {
    context: Arc<Context>,
    pool: Pool,
    shared: Arc<Shared<State>>,
}

impl OrderBook {
    fn make(context: Context, instrument: Py<Instrument>, book: Book) -> PyClassInitializer<OrderBook> {
        let (context, shared) = (Arc::new(context), Arc::new(Shared::new(State::new(book))));
        let view = BookView::new(Arc::clone(&context), instrument, Source::Own(Arc::clone(&shared)));
        PyClassInitializer::from(view).add_subclass(OrderBook { context, pool: Pool::default(), shared })
    }

    /// Lets `action` use the book with the interpreter let go meanwhile, for what takes its time.
    pub(crate) fn detached<R: Send>(&self, py: Python<'_>, action: impl FnOnce(&mut State) -> R + Send) -> PyResult<R> {
        let entry = self.shared.enter().map_err(|failure| failure.into_py(py))?;
        py.detach(|| entry.with(action)).map_err(|failure| failure.into_py(py))
    }

    #[inline]
    fn apply(&self, py: Python<'_>, kind: CommandKind, (command, extensions): Request) -> PyResult<Report> {
        let done = self.shared.with(|state| state.apply(&command, &extensions));
        let done = done.map_err(|failure| failure.into_py(py))?;
        Ok(Report::new(Scope::book(&self.context), kind, done))
    }
}

/// The argument of that name.
pub(crate) fn instrument_of<'a, 'py>(instrument: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, Instrument>> {
    instrument
        .cast::<Instrument>()
        .map_err(|_| PyTypeError::new_err(format!("instrument must be an Instrument, not {}", type_name(instrument))))
}

pub(crate) fn index_kind(value: &Bound<'_, PyAny>) -> PyResult<IndexKind> {
    index_of_slug(text(value, "index")?)
}

/// The price index of a public name.
pub(crate) fn index_of_slug(slug: &str) -> PyResult<IndexKind> {
    IndexKind::from_slug(slug).ok_or_else(|| {
        let names: Vec<_> = IndexKind::ALL.iter().map(|kind| format!("'{}'", kind.slug())).collect();
        PyValueError::new_err(format!("index must be one of {}; got {slug:?}", names.join(", ")))
    })
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (instrument, *, index=None), text_signature = "(instrument, *, index='ladder')")]
    fn new(instrument: &Bound<'_, PyAny>, index: Argument<'_, '_>) -> PyResult<PyClassInitializer<OrderBook>> {
        let instrument = instrument_of(instrument)?;
        let facts = Arc::clone(&instrument.get().facts);
        if facts.settlement.is_some() {
            return Err(PyValueError::new_err("instrument: its settlement needs the accounts of an Exchange"));
        }
        let index = index.map_or(Ok(IndexKind::default()), index_kind)?;
        let book = Book::new(facts.rules, index);
        Ok(OrderBook::make(
            Context { facts, names: Names::default(), quote_grid: None },
            instrument.clone().unbind(),
            book,
        ))
    }

    /// Enters a new order.
    ///
    /// Arguments:
    ///     side: Side.BUY or Side.SELL, or "buy", "sell".
    ///     quantity: In units, a whole number of lots, 1 .. 2^48 of them.
    ///     price: Limit price in money, a whole number of ticks; for order types with a limit only.
    ///     order_type: "limit" (R11), "market" (R12), or "stop", "stop_limit", "trailing_stop", "trailing_stop_limit".
    ///     time_in_force: "gtc", "day", "gtd" (R17), "ioc" (R18), "fok" (R19) or "aon" (R20).
    ///     account: Whose order it is; None for nobody's.
    ///     client_order_id: The sender's own id, 1 to 36 printable ASCII characters, unique per account (R5).
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     expire_at: When a "gtd" order ends, in nanoseconds (R17).
    ///     post_only: True: rejected rather than taking; "slide": repriced one tick behind what it would take (R13).
    ///     protection_price: A market order's worst price, in money (R12).
    ///     stop_price: Last trade price that wakes a "stop" or "stop_limit" order, in money (R15).
    ///     trail_offset: How far a trailing stop's price follows the last trade, in money; or
    ///     trail_offset_bps: the same in basis points of that price.
    ///     display_quantity: What an iceberg shows at a time, in units; 0: hidden; None: all of it (R14).
    ///     min_quantity: What it finds on arrival is nothing or at least this, in units; else it is canceled (R21).
    ///     self_trade_prevention: The order's own mode; None: the instrument's (R25).
    ///     self_trade_group: Orders of one group count as one owner (R25).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     What happened; `status` is "rejected" where the rules refuse the order (R8).
    ///
    /// Raises:
    ///     TypeError: An argument is missing or has the wrong type.
    ///     ValueError: A word is unknown, a text is no number, a number does not fit, or both trail offsets are given.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(
        signature = (side, *, quantity, price=None, order_type=None, time_in_force=None, account=None, client_order_id=None,
            timestamp=None, expire_at=None, post_only=None, protection_price=None, stop_price=None, trail_offset=None,
            trail_offset_bps=None, display_quantity=None, min_quantity=None, self_trade_prevention=None,
            self_trade_group=None, tag=None),
        text_signature = "($self, side, *, quantity, price=None, order_type='limit', time_in_force='gtc', account=None, client_order_id=None, timestamp=None, expire_at=None, post_only=False, protection_price=None, stop_price=None, trail_offset=None, trail_offset_bps=None, display_quantity=None, min_quantity=None, self_trade_prevention=None, self_trade_group=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an order has that many fields")]
    fn submit(
        &self,
        py: Python<'_>,
        side: &Bound<'_, PyAny>,
        quantity: &Bound<'_, PyAny>,
        price: Argument<'_, '_>,
        order_type: Argument<'_, '_>,
        time_in_force: Argument<'_, '_>,
        account: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        expire_at: Argument<'_, '_>,
        post_only: Argument<'_, '_>,
        protection_price: Argument<'_, '_>,
        stop_price: Argument<'_, '_>,
        trail_offset: Argument<'_, '_>,
        trail_offset_bps: Argument<'_, '_>,
        display_quantity: Argument<'_, '_>,
        min_quantity: Argument<'_, '_>,
        self_trade_prevention: Argument<'_, '_>,
        self_trade_group: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Report> {
        let order = NewOrder {
            side,
            quantity,
            price,
            order_type,
            time_in_force,
            account,
            client_order_id,
            timestamp,
            expire_at,
            post_only,
            protection_price,
            budget: None,
            stop_price,
            trail_offset,
            trail_offset_bps,
            display_quantity,
            min_quantity,
            self_trade_prevention,
            self_trade_group,
            tag,
        };
        self.apply(py, CommandKind::New, order.request(&self.context)?)
    }

    /// Cancels a live order (R23).
    ///
    /// Arguments:
    ///     order_id: Its id; or
    ///     client_order_id: its client order id, which needs the account.
    ///     account: Whose order it must be; None asks as the operator, who finds any order by its id.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     Status "canceled", or "rejected" with "unknown_order" where there is no such live order.
    ///
    /// Raises:
    ///     TypeError: No id was given, or a client_order_id without account, or a wrong type.
    ///     ValueError: A number does not fit its field.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(
        signature = (order_id=None, *, client_order_id=None, account=None, timestamp=None, tag=None),
        text_signature = "($self, order_id=None, *, client_order_id=None, account=None, timestamp=None, tag=0)"
    )]
    fn cancel(
        &self,
        py: Python<'_>,
        order_id: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Report> {
        let target = Target { order_id, client_order_id, account, timestamp, tag };
        self.apply(py, CommandKind::Cancel, target.request(CommandKind::Cancel, &self.context)?)
    }

    /// Changes a live order's total quantity, its price, or both (R22).
    ///
    /// Less at the same price keeps its priority. More, or another price, loses it: the order trades if it crosses,
    /// and rests with what is left. A total of no more than what is filled cancels the order.
    ///
    /// Arguments:
    ///     order_id: Its id; or
    ///     quantity: The new total in units, filled part included; None: as it is.
    ///     price: The new limit price in money; None: as it is.
    ///     client_order_id: its client order id, which needs the account.
    ///     account: Whose order it must be; None asks as the operator, who finds any order by its id.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     The order's status after it; "rejected" leaves the order as it was.
    ///
    /// Raises:
    ///     TypeError: No id was given, or a client_order_id without account, or a wrong type.
    ///     ValueError: A text is no number, or a number does not fit its field.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(
        signature = (order_id=None, *, quantity=None, price=None, client_order_id=None, account=None, timestamp=None, tag=None),
        text_signature = "($self, order_id=None, *, quantity=None, price=None, client_order_id=None, account=None, timestamp=None, tag=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "an amend has that many fields")]
    fn amend(
        &self,
        py: Python<'_>,
        order_id: Argument<'_, '_>,
        quantity: Argument<'_, '_>,
        price: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Report> {
        let target = Target { order_id, client_order_id, account, timestamp, tag };
        self.apply(py, CommandKind::Amend, target.amend(quantity, price, &self.context)?)
    }

    /// Cancels every live order of an account, in order of id (R24). Finding none is accepted.
    ///
    /// Arguments:
    ///     account: Whose orders; None: everybody's, as the operator.
    ///     side: Only that side; None: both.
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report whose events name the canceled orders; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: A word is unknown, or a number does not fit its field.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(
        signature = (*, account=None, side=None, timestamp=None, tag=None),
        text_signature = "($self, *, account=None, side=None, timestamp=None, tag=0)"
    )]
    fn mass_cancel(
        &self,
        py: Python<'_>,
        account: Argument<'_, '_>,
        side: Argument<'_, '_>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Report> {
        let request = orders::mass_cancel(account, side, timestamp, tag, &self.context)?;
        self.apply(py, CommandKind::MassCancel, request)
    }

    /// Changes the trading phase (R26); the same phase again has no effect.
    ///
    /// "pre_open" and "auction" collect orders without trading. A change to "continuous", and one from "auction" to
    /// "closed", trades them at one price (R27). "halted" and "closed" take cancels only. Closing ends DAY orders
    /// (R17).
    ///
    /// Arguments:
    ///     phase: "continuous", "pre_open", "auction", "halted" or "closed".
    ///     timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report with the events; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The phase is unknown, or a number does not fit its field.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(
        signature = (phase, *, timestamp=None, tag=None),
        text_signature = "($self, phase, *, timestamp=None, tag=0)"
    )]
    fn set_phase(
        &self,
        py: Python<'_>,
        phase: &Bound<'_, PyAny>,
        timestamp: Argument<'_, '_>,
        tag: Argument<'_, '_>,
    ) -> PyResult<Report> {
        let phase = parse::<Phase>(phase, "phase")?;
        let request = orders::plain(CommandKind::Phase, phase.code(), timestamp, tag, &self.context)?;
        self.apply(py, CommandKind::Phase, request)
    }

    /// Lets time pass (R2): what expires by then ends (R17), a halt that ends by then becomes an auction (R28).
    ///
    /// Arguments:
    ///     timestamp: The time it is now, in nanoseconds; earlier than the last one seen counts as that.
    ///     tag: The sender's own number, returned in the command's first event.
    ///
    /// Returns:
    ///     A report with the events; its `status` is None, it is about no single order.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: A number does not fit its field.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(signature = (timestamp, *, tag=None), text_signature = "($self, timestamp, *, tag=0)")]
    fn advance_time(&self, py: Python<'_>, timestamp: &Bound<'_, PyAny>, tag: Argument<'_, '_>) -> PyResult<Report> {
        let request = orders::plain(CommandKind::AdvanceTime, 0, Some(timestamp), tag, &self.context)?;
        self.apply(py, CommandKind::AdvanceTime, request)
    }

    /// Applies a batch, all or nothing, with the interpreter lock released.
    ///
    /// Ctrl-C is seen when the batch is done: the book holds its effects, its events are lost. Split what takes long.
    ///
    /// Arguments:
    ///     batch: What `aeromatch.commands` made, or 64-byte slots (docs/records.md) as a contiguous array of
    ///         COMMAND_DTYPE or of bytes, or as bytes. Read-only memory is read in place, writable memory is copied
    ///         first.
    ///     level_changes: Also collect each level that each command changed (R7).
    ///
    /// Returns:
    ///     The events, in memory that the book uses again once nothing refers to it any more.
    ///
    /// Raises:
    ///     TypeError: The batch is nothing of this kind.
    ///     ValueError: The array's memory is not contiguous.
    ///     RecordError: A slot is no command; it says which, and why. Nothing was applied.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(signature = (batch, *, level_changes=false))]
    fn process(&self, py: Python<'_>, batch: &Bound<'_, PyAny>, level_changes: bool) -> PyResult<Py<PyAny>> {
        let input = batch::input(batch, &self.pool)?;
        let done = self.detached(py, |state| state.process(input.as_slice(), &self.pool, level_changes))?;
        let done = done.map_err(|failure| failure.into_py(py))?;
        batch::output(py, Scope::book(&self.context), &self.pool, done)
    }

    /// The number of an account's name, a new one if the name is new: what batches carry.
    ///
    /// Arguments:
    ///     name: Not empty.
    ///
    /// Returns:
    ///     1, 2, ... in the order in which names came.
    fn account_number(&self, name: &Bound<'_, PyAny>) -> PyResult<u32> {
        text(name, "name")?;
        Account::parse(Some(name))?.number(&self.context.names)
    }

    /// The whole book as versioned, checksummed bytes: orders, statistics, instrument, account names.
    ///
    /// Returns:
    ///     What `restore` takes.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.detached(py, |state| container::write(&self.context, &state.book))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The book of a snapshot: the same commands lead to the same events as in the book it was taken of (R3).
    ///
    /// Arguments:
    ///     blob: What `snapshot` gave, as bytes or any contiguous buffer.
    ///     index: Another price index than the snapshot's; None: the same.
    ///
    /// Returns:
    ///     A new book.
    ///
    /// Raises:
    ///     SnapshotError: The bytes are no snapshot, of another version, or damaged: it says what is wrong.
    ///     TypeError: The blob has no bytes.
    ///     ValueError: The index is unknown.
    #[staticmethod]
    #[pyo3(signature = (blob, *, index=None))]
    fn restore(py: Python<'_>, blob: &Bound<'_, PyAny>, index: Argument<'_, '_>) -> PyResult<Py<OrderBook>> {
        let index = index.map(index_kind).transpose()?;
        let bytes = Bytes::of(blob, "blob")?.stable(&Pool::default());
        let restored = py.detach(|| container::read(bytes.as_slice(), index));
        let (context, book) = restored.map_err(|failure| failure.into_py(py))?;
        let instrument = Py::new(py, Instrument { facts: Arc::clone(&context.facts) })?;
        Py::new(py, OrderBook::make(context, instrument, book))
    }
}
