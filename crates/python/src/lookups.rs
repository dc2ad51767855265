//! How `OrderBook`'s methods reach the book behind its lock, and find orders in it.

use crate::arguments::{self, Account, Argument, text};
use crate::book::OrderBook;
use crate::orders::Request;
use crate::report::Report;
use crate::state::State;
use crate::views::Order;
use aeromatch_engine::codes::{CommandKind, Side};
use aeromatch_engine::record::ClientId;
use aeromatch_engine::views::OrderView;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

impl OrderBook {
    #[inline]
    pub(crate) fn with<R>(&self, py: Python<'_>, action: impl FnOnce(&mut State) -> R) -> PyResult<R> {
        self.shared.with(action).map_err(|failure| failure.into_py(py))
    }

    /// The same with the interpreter let go meanwhile, for what takes its time.
    pub(crate) fn detached<R: Send>(&self, py: Python<'_>, action: impl FnOnce(&mut State) -> R + Send) -> PyResult<R> {
        let entry = self.shared.enter().map_err(|failure| failure.into_py(py))?;
        py.detach(|| entry.with(action)).map_err(|failure| failure.into_py(py))
    }

    #[inline]
    pub(crate) fn apply(&self, py: Python<'_>, kind: CommandKind, (command, extensions): Request) -> PyResult<Report> {
        let done = self.with(py, |state| state.apply(&command, &extensions))?;
        Ok(Report::new(&self.context, kind, done))
    }

    pub(crate) fn best<'py>(&self, py: Python<'py>, side: Side) -> PyResult<Option<Bound<'py, PyAny>>> {
        let best = self.with(py, |state| state.book.best(side))?;
        best.map(|ticks| self.context.price(py, ticks)).transpose()
    }

    /// Best bid and best ask, if there are both.
    pub(crate) fn touch(&self, py: Python<'_>) -> PyResult<Option<(i128, i128)>> {
        self.with(py, |state| {
            let (bid, ask) = (state.book.best(Side::Buy)?, state.book.best(Side::Sell)?);
            Some((i128::from(bid), i128::from(ask)))
        })
    }

    /// The live order of either id.
    pub(crate) fn find(
        &self,
        py: Python<'_>,
        order_id: Argument<'_, '_>,
        client_order_id: Argument<'_, '_>,
        account: Argument<'_, '_>,
    ) -> PyResult<Option<Order>> {
        if order_id.is_some() == client_order_id.is_some() {
            return Err(PyTypeError::new_err("order needs either order_id or client_order_id"));
        }
        let Some(number) = Account::parse(account)?.known(&self.context.names) else { return Ok(None) };
        let view = match client_order_id {
            Some(id) => {
                let id = ClientId::new(text(id, "client_order_id")?.as_bytes());
                self.with(py, |state| state.book.order_by_client_id(number, &id))?
            }
            None => {
                let id = arguments::order_id(order_id)?;
                let view = self.with(py, |state| state.book.order(id))?;
                view.filter(|view| account.is_none() || view.account == number)
            }
        };
        Ok(view.map(|view| Order::new(&self.context, view)))
    }

    /// Live orders in order of id: of one account or all, of one side or both.
    pub(crate) fn list<'py>(
        &self,
        py: Python<'py>,
        account: Argument<'_, '_>,
        side: Option<Side>,
    ) -> PyResult<Bound<'py, PyList>> {
        let Some(number) = Account::parse(account)?.known(&self.context.names) else { return Ok(PyList::empty(py)) };
        let mut views = self.with(py, |state| state.book.orders(account.map(|_| number)))?;
        views.retain(|view| side.is_none_or(|side| view.side == side));
        self.as_list(py, views)
    }

    /// Orders as Python sees them.
    pub(crate) fn as_list<'py>(&self, py: Python<'py>, views: Vec<OrderView>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for view in views {
            list.append(Order::new(&self.context, view))?;
        }
        Ok(list)
    }
}
