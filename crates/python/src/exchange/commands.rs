//! How the methods of `Exchange` reach the exchange behind its lock: commands in, reports and receipts out.

use super::Exchange;
use super::answer::{AdminQuestion, Answered, OrderQuestion, Question};
use super::directory::Listing;
use super::machine::{Machine, slots_of};
use super::receipt::Receipt;
use crate::arguments::{Account, Argument, number, text, unsigned_or_zero};
use crate::decimal::Grid;
use crate::errors::Failure;
use crate::orders::Request;
use crate::report::Report;
use crate::scope::Scope;
use aeromatch_engine::codes::CommandKind;
use aeromatch_engine::exchange::records::{Admin, MAX_TEXT_BYTES};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::sync::Arc;

impl Exchange {
    /// Lets `action` use the exchange.
    pub(super) fn with<R: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Machine) -> Result<R, Failure> + Send,
    ) -> PyResult<R> {
        self.handle.with(action).map_err(|failure| failure.into_py(py))
    }

    /// The same for a command: where it waits, for a disk or a shard, the interpreter is let go meanwhile.
    pub(super) fn command<R: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Machine) -> Result<R, Failure> + Send,
    ) -> PyResult<R> {
        if self.handle.waits { self.detached(py, action) } else { self.with(py, action) }
    }

    /// The same with the interpreter let go meanwhile, for what takes its time.
    pub(super) fn detached<R: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Machine) -> Result<R, Failure> + Send,
    ) -> PyResult<R> {
        let entry = self.handle.enter().map_err(|failure| failure.into_py(py))?;
        let done = py.detach(|| entry.with(action)).and_then(|done| done);
        done.map_err(|failure| failure.into_py(py))
    }

    /// A command for one instrument's book.
    pub(super) fn order(
        &self,
        py: Python<'_>,
        listing: &Listing,
        kind: CommandKind,
        request: Request,
    ) -> PyResult<Answered<Report>> {
        let scope = Scope { context: Arc::clone(&listing.context), directory: Some(Arc::clone(self.directory())) };
        let mirror = listing.mirror.map(|mirror| (listing.book, mirror));
        self.ask_about_orders(py, request, OrderQuestion { scope, kind, mirror })
    }

    /// A command for all books.
    pub(super) fn order_all(&self, py: Python<'_>, kind: CommandKind, request: Request) -> PyResult<Answered<Report>> {
        self.ask_about_orders(py, request, OrderQuestion { scope: self.scope(), kind, mirror: None })
    }

    fn ask_about_orders(
        &self,
        py: Python<'_>,
        (command, extensions): Request,
        question: OrderQuestion,
    ) -> PyResult<Answered<Report>> {
        if self.answers_later {
            let slots = slots_of(&command, &extensions);
            return self.detached(py, |machine| machine.send(&slots, Question::Order(question))).map(Answered::Later);
        }
        let done = self.command(py, |machine| machine.apply(&command, &extensions))?;
        Ok(Answered::Now(question.report(done)))
    }

    /// A command to the exchange itself.
    pub(super) fn admin(&self, py: Python<'_>, mut admin: Admin, stamp: Stamp) -> PyResult<Answered<Receipt>> {
        (admin.command.timestamp_ns, admin.command.tag) = (stamp.timestamp_ns, stamp.tag);
        let question = AdminQuestion { scope: self.scope(), kind: admin.kind };
        if self.answers_later {
            let slots = admin.to_bytes();
            return self.detached(py, |machine| machine.send(&slots, Question::Admin(question))).map(Answered::Later);
        }
        let events = self.command(py, |machine| {
            let events = machine.apply_admin(&admin)?;
            machine.catch_up(self.directory())?;
            Ok(events)
        })?;
        Ok(Answered::Now(question.receipt(events)))
    }

    /// The number of an account for a command; one that is not there is refused by the exchange.
    pub(super) fn account(&self, account: &Bound<'_, PyAny>) -> PyResult<u32> {
        somebody(account)?.number(&self.directory().accounts)
    }

    /// The number of an account for a read.
    pub(super) fn known_account(&self, account: &Bound<'_, PyAny>) -> PyResult<u32> {
        let (py, accounts) = (account.py(), &self.directory().accounts);
        let number = somebody(account)?.known(py, accounts)?.unwrap_or_default();
        if accounts.name(number).is_none() {
            return Err(Failure::UnknownNumber("account", number).into_py(py));
        }
        Ok(number)
    }
}

/// An account that cannot be left out.
fn somebody<'a>(account: &'a Bound<'_, PyAny>) -> PyResult<Account<'a>> {
    if account.cast::<PyString>().is_ok_and(|name| name.is_empty().unwrap_or(false)) {
        return Err(PyValueError::new_err("account must not be empty"));
    }
    Account::parse(Some(account))
}

/// Time and tag of a command.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    timestamp_ns: u64,
    tag: u64,
}

impl Stamp {
    pub(super) fn read(timestamp: Argument<'_, '_>, tag: Argument<'_, '_>) -> PyResult<Stamp> {
        Ok(Stamp { timestamp_ns: unsigned_or_zero(timestamp, "timestamp")?, tag: unsigned_or_zero(tag, "tag")? })
    }

    /// Of a command that does not move time.
    pub(super) fn tagged(tag: Argument<'_, '_>) -> PyResult<Stamp> {
        Stamp::read(None, tag)
    }
}

/// A name that something is made under, as a text slot takes it. What else may be wrong with it the exchange says.
pub(super) fn legible<'a>(name: &'a str, argument: &str) -> PyResult<&'a str> {
    if (1..=MAX_TEXT_BYTES).contains(&name.len()) {
        return Ok(name);
    }
    let found = name.len();
    Err(PyValueError::new_err(format!("{argument} must have 1 to {MAX_TEXT_BYTES} bytes in UTF-8, not {found}")))
}

/// The same of an argument.
pub(super) fn name<'a>(value: &'a Bound<'_, PyAny>, argument: &str) -> PyResult<&'a str> {
    legible(text(value, argument)?, argument)
}

/// An amount in whole units of an asset; what is no amount of it is 0, which the exchange refuses (R1).
pub(super) fn units(value: &Bound<'_, PyAny>, argument: &str, grid: Grid) -> PyResult<u128> {
    Ok(grid.steps(number(value, argument)?).and_then(|units| u128::try_from(units).ok()).unwrap_or(0))
}
