//! How the methods of `Exchange` reach the exchange behind its lock: commands in, reports and receipts out.

use super::Exchange;
use super::directory::Listing;
use super::machine::Machine;
use super::receipt::Receipt;
use crate::arguments::{Account, Argument, number, text, unsigned_or_zero};
use crate::decimal::Grid;
use crate::errors::Failure;
use crate::lens::Mirror;
use crate::orders::Request;
use crate::report::Report;
use crate::scope::Scope;
use aeromatch_engine::codes::CommandKind;
use aeromatch_engine::collector::Done;
use aeromatch_engine::exchange::records::{Admin, MAX_TEXT_BYTES};
use aeromatch_runtime::Durability;
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

    /// The same for a command: where it waits for a disk, the interpreter is let go meanwhile.
    fn command<R: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Machine) -> Result<R, Failure> + Send,
    ) -> PyResult<R> {
        let waits = self.handle.opened.as_ref().is_some_and(|opened| opened.durability == Durability::Disk);
        if waits { self.detached(py, action) } else { self.with(py, action) }
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
        (command, extensions): Request,
    ) -> PyResult<Report> {
        let mut done = self.command(py, |machine| machine.apply(&command, &extensions))?;
        if let Some(mirror) = listing.mirror {
            show_mirrored(&mut done, listing.book, mirror);
        }
        let scope = Scope { context: Arc::clone(&listing.context), directory: Some(Arc::clone(self.directory())) };
        Ok(Report::new(scope, kind, done))
    }

    /// A command for all books.
    pub(super) fn order_all(
        &self,
        py: Python<'_>,
        kind: CommandKind,
        (command, extensions): Request,
    ) -> PyResult<Report> {
        let done = self.command(py, |machine| machine.apply(&command, &extensions))?;
        Ok(Report::new(self.scope(), kind, done))
    }

    /// A command to the exchange itself.
    pub(super) fn admin(&self, py: Python<'_>, mut admin: Admin, stamp: Stamp) -> PyResult<Receipt> {
        (admin.command.timestamp_ns, admin.command.tag) = (stamp.timestamp_ns, stamp.tag);
        let events = self.command(py, |machine| {
            let events = machine.apply_admin(&admin)?;
            self.directory().catch_up(machine.exchange()?);
            Ok(events)
        })?;
        Ok(Receipt::new(self.scope(), admin.kind, events))
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

/// What a command did to the book of both outcomes, in the second one's terms (R32).
fn show_mirrored(done: &mut Done, book: u32, mirror: Mirror) {
    for event in done.events.iter_mut().filter(|event| event.instrument == book) {
        *event = mirror.event(*event);
    }
    for change in done.changes.iter_mut().filter(|change| change.instrument == book) {
        (change.side, change.price_ticks) = (mirror.side(change.side), mirror.price(change.price_ticks));
        change.instrument = mirror.instrument;
    }
    done.changes.sort_by_key(|change| (change.instrument, change.side));
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
