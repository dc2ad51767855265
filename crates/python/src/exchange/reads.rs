//! What can be read of an exchange: accounts, markets, books, the whole of it as a digest or a snapshot. Reads change nothing
//! and do not move time (R2); one that names what is not there raises UnknownNameError.

use super::Exchange;
use super::accounts::{Balance, Position};
use super::directory::{Directory, Listing, known};
use super::handle::Handle;
use super::machine::Subject;
use super::markets::{Asset, EventMarket};
use super::settings::Wanted;
use super::sharded::Core;
use crate::arguments::{Argument, unsigned};
use crate::book_view::{BookView, Source};
use crate::buffer::{Bytes, Pool};
use crate::errors::Failure;
use crate::instrument::Instrument;
use crate::names::Name;
use crate::settlement::MAIN_GROUP;
use aeromatch_engine::exchange::Exchange as Engine;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::sync::Arc;

impl Exchange {
    pub(super) fn over(handle: Arc<Handle>) -> Exchange {
        Exchange { handle, pool: Pool::default(), answers_later: false }
    }

    /// The number of a clearing group for a read.
    fn known_group(&self, py: Python<'_>, group: Argument<'_, '_>) -> PyResult<u32> {
        let groups = &self.directory().groups;
        match group {
            Some(group) => known(groups, group, "group"),
            None => {
                groups.find(MAIN_GROUP).ok_or_else(|| Failure::UnknownName("group", MAIN_GROUP.to_string()).into_py(py))
            }
        }
    }

    /// Lets `action` look at the state where something lives.
    fn look<R: Send>(&self, py: Python<'_>, subject: Subject, action: impl FnOnce(&Engine) -> R + Send) -> PyResult<R> {
        self.command(py, |machine| machine.look(subject, action))
    }

    /// The same of every shard in turn.
    fn look_at_each<R: Send>(&self, py: Python<'_>, action: impl FnMut(&Engine) -> R + Send) -> PyResult<Vec<R>> {
        self.command(py, |machine| machine.look_at_each(action))
    }

    /// The number of a shard.
    pub(super) fn shard(&self, shard: Argument<'_, '_>) -> PyResult<Option<u16>> {
        let last = self.handle.core.as_ref().map_or(0, |core| core.shard_count - 1);
        Ok(shard.map(|shard| unsigned(shard, "shard", 0, u64::from(last))).transpose()?.map(|shard| shard as u16))
    }

    /// Refuses what each of several shards has for itself.
    pub(super) fn only(&self, py: Python<'_>, name: &'static str) -> PyResult<()> {
        let one = self.handle.core.as_ref().map_or(Ok(0), |core| core.only(None, name));
        one.map(drop).map_err(|failure| failure.into_py(py))
    }

    fn market(&self, number: u32, is_settled: bool) -> Option<EventMarket> {
        let directory: &Arc<Directory> = self.directory();
        let (name, info) = (directory.events.name(number)?, directory.event(number)?);
        Some(EventMarket::new(directory, name, info, is_settled))
    }
}

#[pymethods]
impl Exchange {
    #[new]
    #[pyo3(signature = (shards=None))]
    fn new(py: Python<'_>, shards: Argument<'_, '_>) -> PyResult<Exchange> {
        let wanted = shards.map(Wanted::read).transpose()?;
        let open = || match wanted {
            Some(wanted) => Handle::sharded(Core::in_memory(wanted.options(None))?, None),
            None => Handle::in_memory(Engine::new()),
        };
        py.detach(open).map(Exchange::over).map_err(|failure| failure.into_py(py))
    }

    /// What an account has of an asset.
    ///
    /// Arguments:
    ///     account: Its name or number.
    ///     asset: The asset.
    ///     group: The clearing group (R30).
    ///
    /// Returns:
    ///     What is available and what is held, exact Decimals with the asset's decimal places; 0 where nothing ever
    ///     was.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     UnknownNameError: There is no such account, asset or group.
    ///     AeroMatchError: Another thread is using the exchange.
    #[pyo3(signature = (account, asset, group=None), text_signature = "($self, account, asset, group='main')")]
    fn balance(
        &self,
        py: Python<'_>,
        account: &Bound<'_, PyAny>,
        asset: &Bound<'_, PyAny>,
        group: Argument<'_, '_>,
    ) -> PyResult<Balance> {
        let directory = self.directory();
        let account = self.known_account(account)?;
        let asset = known(&directory.assets, asset, "asset")?;
        let group = self.known_group(py, group)?;
        let units =
            self.look(py, Subject::Group(group), |exchange| exchange.ledger().balance(group, account, asset))?;
        Ok(Balance::new(directory, (group, account, asset), units))
    }

    /// Everything that an account has.
    ///
    /// Arguments:
    ///     account: Its name or number.
    ///
    /// Returns:
    ///     A tuple of its balances that are not 0, in order in which assets, then groups, were made.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     UnknownNameError: There is no such account.
    ///     AeroMatchError: Another thread is using the exchange.
    fn balances<'py>(&self, py: Python<'py>, account: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let account = self.known_account(account)?;
        let mut found = Vec::new();
        self.look_at_each(py, |exchange| found.extend(exchange.ledger().balances_of(account)))?;
        // Groups live on different shards.
        found.sort_by_key(|&(group, _, asset, _)| (asset, group));
        let balances = found.into_iter().map(|(group, account, asset, units)| {
            Balance::new(self.directory(), (group, account, asset), units).into_pyobject(py)
        });
        PyTuple::new(py, balances.collect::<PyResult<Vec<_>>>()?)
    }

    /// What an account traded of each instrument with settlement, and has of it.
    ///
    /// Arguments:
    ///     account: Its name or number.
    ///
    /// Returns:
    ///     A tuple of positions by number of instrument; instruments that it never traded are left out.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     UnknownNameError: There is no such account.
    ///     AeroMatchError: Another thread is using the exchange.
    fn positions<'py>(&self, py: Python<'py>, account: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        let account = self.known_account(account)?;
        let directory = self.directory();
        let mut found = Vec::new();
        self.look_at_each(py, |exchange| {
            let traded = exchange.ledger().positions(account);
            let listed = traded.filter_map(|(instrument, traded)| Some((directory.find_number(instrument)?, traded)));
            let with_balance = listed.map(|(listing, traded)| {
                let balance = exchange.ledger().balance(listing.group, account, listing.base);
                (listing, traded, balance.available.saturating_add(balance.held as i128))
            });
            found.extend(with_balance);
        })?;
        found.sort_by_key(|(listing, ..): &(Arc<Listing>, _, _)| listing.number);
        let positions = found.into_iter().map(|(listing, traded, units)| {
            Position::new(directory, listing, account, traded, units).into_pyobject(py)
        });
        PyTuple::new(py, positions.collect::<PyResult<Vec<_>>>()?)
    }

    /// An instrument's book: a live, read-only view.
    ///
    /// Arguments:
    ///     symbol: The instrument; of an event "event/outcome".
    ///
    /// Returns:
    ///     A view that shows the book as it is whenever it is asked; of the second of two outcomes in that outcome's
    ///     terms.
    ///
    /// Raises:
    ///     TypeError: The symbol is no str.
    ///     UnknownNameError: There is no such instrument.
    fn book(&self, py: Python<'_>, symbol: &Bound<'_, PyAny>) -> PyResult<BookView> {
        let listing = self.directory().listing(symbol)?;
        let instrument = Py::new(py, Instrument { facts: Arc::clone(&listing.context.facts) })?;
        let source =
            Source::Exchange { handle: Arc::clone(&self.handle), number: listing.book, mirror: listing.mirror };
        Ok(BookView::new(Arc::clone(&listing.context), instrument, source))
    }

    /// Every instrument, by number, as it is here: with its number, and of its assets the decimals.
    ///
    /// Returns:
    ///     A tuple of Instrument.
    fn instruments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let listings = self.directory().listings().into_iter();
        let all = listings.map(|listing| Instrument { facts: Arc::clone(&listing.context.facts) }.into_pyobject(py));
        PyTuple::new(py, all.collect::<PyResult<Vec<_>>>()?)
    }

    /// The names of all accounts, in the order in which they were made: number 1 first.
    ///
    /// Returns:
    ///     A tuple of str.
    fn accounts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.directory().accounts.all())
    }

    /// The names of all clearing groups, in the order in which they were made (R30).
    ///
    /// Returns:
    ///     A tuple of str.
    fn groups<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.directory().groups.all())
    }

    /// All assets, in the order in which they were made; shares of events are called "event/outcome".
    ///
    /// Returns:
    ///     A tuple of Asset.
    fn assets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let directory = self.directory();
        let names = directory.assets.all().into_iter().zip(1u32..);
        let all =
            names.map(|(name, number)| Asset::new(name, directory.asset_grid(number).scale() as u8).into_pyobject(py));
        PyTuple::new(py, all.collect::<PyResult<Vec<_>>>()?)
    }

    /// All event markets, in the order in which they were made (R32).
    ///
    /// Returns:
    ///     A tuple of EventMarket.
    ///
    /// Raises:
    ///     AeroMatchError: Another thread is using the exchange.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let count = self.directory().events.len() as u32;
        let each = self.look_at_each(py, |exchange| {
            (1..=count).map(|event| exchange.ledger().is_settled(event)).collect::<Vec<bool>>()
        })?;
        // An event is settled at its home, and nowhere else.
        let settled = (0..count as usize).map(|place| each.iter().any(|shard| shard[place]));
        let all = (1..=count).zip(settled).filter_map(|(number, is_settled)| self.market(number, is_settled));
        PyTuple::new(py, all.map(|market| market.into_pyobject(py)).collect::<PyResult<Vec<_>>>()?)
    }

    /// The number of an account, which batches carry.
    ///
    /// Arguments:
    ///     name: The account.
    ///
    /// Returns:
    ///     1, 2, ... in the order in which accounts were made.
    ///
    /// Raises:
    ///     TypeError: The name is no str.
    ///     UnknownNameError: There is no such account.
    fn account_number(&self, name: &Bound<'_, PyAny>) -> PyResult<u32> {
        known(&self.directory().accounts, name, "name")
    }

    /// The name of an account's number.
    ///
    /// Arguments:
    ///     number: 0 .. 2^32 - 1.
    ///
    /// Returns:
    ///     The name; None if that number has none.
    fn account_name(&self, number: &Bound<'_, PyAny>) -> PyResult<Option<Name>> {
        let number = unsigned(number, "number", 0, u64::from(u32::MAX))?;
        Ok(u32::try_from(number).ok().and_then(|number| self.directory().accounts.name(number)))
    }

    /// The number of an instrument, which batches carry.
    ///
    /// Arguments:
    ///     symbol: The instrument.
    ///
    /// Returns:
    ///     1 .. 2^24 - 1.
    ///
    /// Raises:
    ///     TypeError: The symbol is no str.
    ///     UnknownNameError: There is no such instrument.
    fn instrument_number(&self, symbol: &Bound<'_, PyAny>) -> PyResult<u32> {
        Ok(self.directory().listing(symbol)?.number)
    }

    /// Number of the last command (R4).
    ///
    /// Several shards have a log each, and so a number each: AeroMatchError, see `sequences`.
    #[getter]
    fn sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.only(py, "sequence")?;
        self.look(py, Subject::Anything, Engine::sequence)
    }

    /// Number of the last command of each shard, as a tuple; of one number where there is one log.
    #[getter]
    fn sequences<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.look_at_each(py, Engine::sequence)?)
    }

    /// How many shards there are; None: none, commands are applied by the thread that brings them.
    #[getter]
    fn shards(&self) -> Option<u16> {
        self.handle.core.as_ref().map(|core| core.shard_count)
    }

    /// The latest time of any book, clearing group or the registry (D59), Unix time in ns; 0 before the first.
    #[getter]
    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.look_at_each(py, Engine::now_ns)?.into_iter().max().unwrap_or(0))
    }

    /// Bytes of memory that the books' structures hold.
    #[getter]
    fn memory_bytes(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.look_at_each(py, Engine::memory_bytes)?.into_iter().sum())
    }

    /// Hash of all that can influence a later event (docs/records.md): equal for every index and platform.
    ///
    /// Of several shards it is the hash, BLAKE2b of 32 bytes too, of their digests in order.
    ///
    /// Returns:
    ///     64 hexadecimal digits.
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        let digests = self.detached(py, |machine| machine.look_at_each(Engine::digest))?;
        if let [only] = digests.as_slice() {
            return Ok(only.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        let options = PyDict::new(py);
        options.set_item("digest_size", 32)?;
        let all = PyBytes::new(py, &digests.concat());
        py.import("hashlib")?.call_method("blake2b", (all,), Some(&options))?.call_method0("hexdigest")?.extract()
    }

    /// The whole exchange as versioned, checksummed bytes.
    ///
    /// Several shards have a state each: a snapshot is of one of them, and what is restored from it is that shard
    /// alone, which refuses what lives elsewhere.
    ///
    /// Arguments:
    ///     shard: Of which shard, from 0; None: of the only one.
    ///
    /// Returns:
    ///     What `restore` takes.
    ///
    /// Raises:
    ///     AeroMatchError: There are several shards and none of them was named.
    #[pyo3(signature = (shard=None))]
    fn snapshot<'py>(&self, py: Python<'py>, shard: Argument<'_, '_>) -> PyResult<Bound<'py, PyBytes>> {
        let shard = self.shard(shard)?;
        let bytes = self.detached(py, |machine| machine.look_at(shard, "snapshot", Engine::snapshot))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The exchange of a snapshot, in memory: the same commands lead to the same events as in the old one (R3).
    ///
    /// Arguments:
    ///     blob: What `snapshot` gave, as bytes or any contiguous buffer.
    ///
    /// Returns:
    ///     A new exchange.
    ///
    /// Raises:
    ///     SnapshotError: The bytes are no snapshot, of another version, or damaged: it says what is wrong.
    ///     TypeError: The blob has no bytes.
    #[staticmethod]
    fn restore(py: Python<'_>, blob: &Bound<'_, PyAny>) -> PyResult<Exchange> {
        let bytes = Bytes::of(blob, "blob")?.stable(&Pool::default());
        let restored = py.detach(|| Engine::restore(bytes.as_slice()));
        let engine = restored.map_err(|error| Failure::Snapshot(error.to_string()).into_py(py))?;
        Handle::in_memory(engine).map(Exchange::over).map_err(|failure| failure.into_py(py))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let directory = self.directory();
        let state = match self.handle.with(|machine| machine.look_at_each(Engine::sequence)) {
            Ok(sequences) => match sequences.as_slice() {
                [sequence] => format!("sequence={sequence}"),
                several => format!("shards={}, sequences={}", several.len(), PyTuple::new(py, several)?.repr()?),
            },
            Err(Failure::Closed(_)) => "closed=True".to_string(),
            Err(failure) => return Err(failure.into_py(py)),
        };
        let (instruments, accounts) = (directory.listings().len(), directory.accounts.len());
        Ok(format!("Exchange(instruments={instruments}, accounts={accounts}, {state})"))
    }
}
