//! `aeromatch.BookView`: how a book is read, be it one of its own or one of an exchange.

use crate::arguments::{self, Account, Argument, number, text, to_decimal, unsigned};
use crate::enums::{member, parse};
use crate::errors::Failure;
use crate::exchange::handle::{Best, Handle};
use crate::indicative::Indicative;
use crate::instrument::{Context, Instrument};
use crate::lens::{Lens, Mirror};
use crate::levels::{Depth, Level};
use crate::state::{Shared, State};
use crate::views::{Order, Statistics};
use aeromatch_engine::codes::Side;
use aeromatch_engine::record::ClientId;
use aeromatch_engine::views::OrderView;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use std::sync::Arc;

/// A live view of one instrument's book: each read shows it as it is then.
///
/// Reads change nothing and do not move time (R2).
/// `Exchange.book` gives one; an OrderBook is one that also takes commands. The view of an event's second outcome shows
/// the book of both in that outcome's own terms: sides swapped, prices one unit less those of the first (R32). It keeps
/// its exchange alive.
#[pyclass(frozen, subclass, module = "aeromatch")]
pub struct BookView {
    context: Arc<Context>,
    instrument: Py<Instrument>,
    source: Source,
}

/// Where the book is.
pub enum Source {
    /// An OrderBook's own.
    Own(Arc<Shared<State>>),
    /// An exchange's, by its number.
    Exchange { handle: Arc<Handle>, number: u32, mirror: Option<Mirror> },
}

impl BookView {
    pub fn new(context: Arc<Context>, instrument: Py<Instrument>, source: Source) -> BookView {
        BookView { context, instrument, source }
    }

    /// Lets `action` look at the book.
    fn read<R: Send>(&self, py: Python<'_>, action: impl FnOnce(Lens<'_>) -> R + Send) -> PyResult<R> {
        let read = match &self.source {
            Source::Own(shared) => shared.with(|state| action(Lens::direct(&state.book))),
            // A shard may have a disk to wait for.
            Source::Exchange { handle, .. } if handle.core.is_some() => return self.detached(py, action),
            Source::Exchange { handle, number, mirror } => handle.read_book(*number, *mirror, action),
        };
        read.map_err(|failure| failure.into_py(py))
    }

    /// The same with the interpreter let go meanwhile, for what takes its time.
    fn detached<R: Send>(&self, py: Python<'_>, action: impl FnOnce(Lens<'_>) -> R + Send) -> PyResult<R> {
        let fail = |failure: Failure| failure.into_py(py);
        match &self.source {
            Source::Own(shared) => {
                let entry = shared.enter().map_err(fail)?;
                py.detach(|| entry.with(|state| action(Lens::direct(&state.book)))).map_err(fail)
            }
            Source::Exchange { handle, number, mirror } => {
                py.detach(|| handle.read_book(*number, *mirror, action)).map_err(fail)
            }
        }
    }

    /// Best bid and best ask, as far as there are any: as the book's shard has published them, if it does.
    fn best(&self, py: Python<'_>) -> PyResult<Best> {
        if let Source::Exchange { handle, number, mirror } = &self.source
            && let Some(best) = handle.published_best(*number, *mirror).map_err(|failure| failure.into_py(py))?
        {
            return Ok(best);
        }
        self.read(py, |book| (book.best(Side::Buy), book.best(Side::Sell)))
    }

    /// A price in money.
    fn price<'py>(&self, py: Python<'py>, ticks: Option<i64>) -> PyResult<Option<Bound<'py, PyAny>>> {
        ticks.map(|ticks| self.context.price(py, ticks)).transpose()
    }

    /// Best bid and best ask, if there are both.
    fn touch(&self, py: Python<'_>) -> PyResult<Option<(i128, i128)>> {
        let (bid, ask) = self.best(py)?;
        Ok(bid.zip(ask).map(|(bid, ask)| (i128::from(bid), i128::from(ask))))
    }

    /// Orders as Python sees them.
    fn as_list<'py>(&self, py: Python<'py>, views: Vec<OrderView>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for view in views {
            list.append(Order::new(&self.context, view))?;
        }
        Ok(list)
    }
}

#[pymethods]
impl BookView {
    /// Highest displayed bid in money; None if there is none.
    #[getter]
    fn best_bid<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.price(py, self.best(py)?.0)
    }

    /// Lowest displayed ask in money; None if there is none.
    #[getter]
    fn best_ask<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.price(py, self.best(py)?.1)
    }

    /// Best ask minus best bid in money; None unless there are both.
    #[getter]
    fn spread<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some((bid, ask)) = self.touch(py)? else { return Ok(None) };
        to_decimal(py, self.context.facts.price_grid, ask - bid).map(Some)
    }

    /// Middle of best bid and best ask in money, exact; None unless there are both.
    #[getter]
    fn mid_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some((bid, ask)) = self.touch(py)? else { return Ok(None) };
        let middle = self.context.facts.price_grid.half_text(bid + ask);
        middle.map(|text| arguments::decimal_type(py)?.call1((text.as_str(),))).transpose()
    }

    /// The best price levels of both sides: what is displayed.
    ///
    /// Arguments:
    ///     n: At most so many levels a side; None: all.
    ///
    /// Returns:
    ///     The levels as they are now, best first.
    #[pyo3(signature = (n=None))]
    fn depth(&self, py: Python<'_>, n: Argument<'_, '_>) -> PyResult<Depth> {
        let limit = n.map_or(Ok(u64::MAX), |n| unsigned(n, "n", 0, u64::MAX))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let sides = |book: Lens<'_>| (book.depth(Side::Buy, limit), book.depth(Side::Sell, limit));
        let (bids, asks) = self.read(py, sides)?;
        Ok(Depth::new(&self.context, bids, asks))
    }

    /// The price level at a price.
    ///
    /// Arguments:
    ///     side: "buy" or "sell".
    ///     price: In money; a price off the grid has no level.
    ///
    /// Returns:
    ///     The level as it is now; None if nothing is displayed there.
    fn level(&self, py: Python<'_>, side: &Bound<'_, PyAny>, price: &Bound<'_, PyAny>) -> PyResult<Option<Level>> {
        let side = parse::<Side>(side, "side")?;
        let Some(ticks) = self.context.facts.price_grid.ticks(number(price, "price")?) else { return Ok(None) };
        let view = self.read(py, |book| book.level(side, ticks))?;
        Ok(view.map(|view| Level::new(&self.context, view)))
    }

    /// The orders that stand at a price, in the order in which they would trade (R10).
    ///
    /// Arguments:
    ///     side: "buy" or "sell".
    ///     price: In money; at a price off the grid there are none.
    ///
    /// Returns:
    ///     A new list: displayed orders, then hidden and all-or-none ones, the oldest first.
    fn queue<'py>(
        &self,
        py: Python<'py>,
        side: &Bound<'_, PyAny>,
        price: &Bound<'_, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let side = parse::<Side>(side, "side")?;
        let ticks = self.context.facts.price_grid.ticks(number(price, "price")?);
        let views = ticks.map(|ticks| self.read(py, |book| book.queue_at(side, ticks))).transpose()?;
        self.as_list(py, views.unwrap_or_default())
    }

    /// A live order.
    ///
    /// Arguments:
    ///     order_id: Its id; or
    ///     client_order_id: its client order id, and
    ///     account: its account (orders without one share one namespace, R5).
    ///
    /// Returns:
    ///     The order as it is now; None if there is no such live order.
    ///
    /// Raises:
    ///     TypeError: Not exactly one of both ids was given, or an argument has the wrong type.
    ///     UnknownNameError: An exchange has no such account.
    #[pyo3(signature = (order_id=None, *, client_order_id=None, account=None))]
    fn order(
        &self,
        py: Python<'_>,
        order_id: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
    ) -> PyResult<Option<Order>> {
        if order_id.is_some() == client_order_id.is_some() {
            return Err(PyTypeError::new_err("order needs either order_id or client_order_id"));
        }
        let Some(number) = Account::parse(account)?.known(py, &self.context.names)? else { return Ok(None) };
        let view = match client_order_id {
            Some(id) => {
                let id = ClientId::new(text(id, "client_order_id")?.as_bytes());
                self.read(py, |book| book.order_by_client_id(number, &id))?
            }
            None => {
                let id = arguments::order_id(order_id)?;
                let view = self.read(py, |book| book.order(id))?;
                view.filter(|view| account.is_none() || view.account == number)
            }
        };
        Ok(view.map(|view| Order::new(&self.context, view)))
    }

    /// Live orders in order of id.
    ///
    /// Arguments:
    ///     account: Only that account's; None: everybody's.
    ///     side: Only that side's; None: both.
    ///
    /// Returns:
    ///     A new list.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The side is unknown.
    ///     UnknownNameError: An exchange has no such account.
    #[pyo3(signature = (*, account=None, side=None))]
    fn orders<'py>(
        &self,
        py: Python<'py>,
        account: Argument<'_, '_>,
        side: Argument<'_, '_>,
    ) -> PyResult<Bound<'py, PyList>> {
        let side = side.map(|side| parse::<Side>(side, "side")).transpose()?;
        let Some(number) = Account::parse(account)?.known(py, &self.context.names)? else {
            return Ok(PyList::empty(py));
        };
        let account = account.map(|_| number);
        let mut views = self.read(py, |book| book.orders(account))?;
        views.retain(|view| side.is_none_or(|side| view.side == side));
        self.as_list(py, views)
    }

    /// Orders that wait for their stop price (R15).
    ///
    /// Returns:
    ///     A new list: buys, then sells, in the order in which they would be triggered; those that wait for a first
    ///     trade stand last.
    fn stops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let views = self.read(py, |book| book.stops())?;
        self.as_list(py, views)
    }

    /// What an uncross would do now, in whatever phase (R27).
    ///
    /// Returns:
    ///     Price, quantity and surplus.
    fn indicative(&self, py: Python<'_>) -> PyResult<Indicative> {
        Ok(Indicative::new(&self.context, self.read(py, |book| book.indicative())?))
    }

    /// Price of the last trade in money; None before the first.
    #[getter]
    fn last_trade_price<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let last = self.read(py, |book| book.last_trade_price())?;
        last.map(|ticks| self.context.price(py, ticks)).transpose()
    }

    /// What the book has seen since it was made.
    #[getter]
    fn statistics(&self, py: Python<'_>) -> PyResult<Statistics> {
        self.read(py, |book| Statistics::new(&self.context, &book))
    }

    /// The name of an account's number.
    ///
    /// Arguments:
    ///     number: 0 .. 2^32 - 1.
    ///
    /// Returns:
    ///     The name; None if that number has none.
    fn account_name<'py>(&self, py: Python<'py>, number: u32) -> Option<Bound<'py, PyString>> {
        self.context.account(py, number)
    }

    /// What is traded.
    #[getter]
    fn instrument(&self, py: Python<'_>) -> Py<Instrument> {
        self.instrument.clone_ref(py)
    }

    /// The price index: "ladder", "btree", "skiplist" or "heap".
    #[getter]
    fn index(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.read(py, |book| book.book.index().slug())
    }

    /// Time of the last command in nanoseconds since the Unix epoch; 0 before the first that brought one (R2).
    #[getter]
    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        self.read(py, |book| book.book.now_ns())
    }

    /// The trading phase (R26).
    #[getter]
    fn phase(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(member(py, self.read(py, |book| book.book.phase())?))
    }

    /// When a halt will become an auction, in nanoseconds since the Unix epoch; None if none will (R28).
    #[getter]
    fn halt_end(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.read(py, |book| book.book.halt_end_ns())
    }

    /// Number of the last command (R4).
    #[getter]
    fn sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.read(py, |book| book.book.sequence())
    }

    /// Hash of all that can influence a later event (docs/records.md): equal for every index and platform.
    ///
    /// Returns:
    ///     64 hexadecimal digits.
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        let digest = self.detached(py, |book| book.book.digest())?;
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |book| book.book.order_count())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (py, view) = (slf.py(), slf.get());
        let shown = |price: Option<Bound<'_, PyAny>>| {
            price.map_or_else(|| Ok("None".to_string()), |price| arguments::shown(&price))
        };
        Ok(format!(
            "{}({}, index='{}', best_bid={}, best_ask={}, orders={})",
            slf.get_type().name()?.to_string_lossy(),
            view.instrument.bind(py).repr()?.to_string_lossy(),
            view.index(py)?,
            shown(view.best_bid(py)?)?,
            shown(view.best_ask(py)?)?,
            view.__len__(py)?
        ))
    }
}
