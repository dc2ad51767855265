//! Depth for market data: `DepthReader` copies a book between two batches of its shard, `DepthDiffer` says what changed from one
//! copy to the next, both with amounts as text.

use crate::arguments::{Argument, product, text, unsigned};
use crate::decimal::Grid;
use crate::errors::Failure;
use crate::exchange::Exchange;
use crate::exchange::directory::Listing;
use crate::exchange::handle::Handle;
use crate::instrument::Facts;
use aeromatch_runtime::feed::depth::{self, DepthCopy, DepthLevel};
use aeromatch_runtime::{PublishedLevel, Top};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A copy of a book's best levels, of one moment between two batches of its shard.
///
/// `read` makes a new one, past whatever door other threads use the exchange by; it waits until the shard is between
/// two batches, so an event loop is no place for it. What it has read stays until the next time: any thread may look
/// at it.
///
/// Arguments:
///     exchange: Whose book it is.
///     symbol: The instrument; of an event's second outcome the levels are in that outcome's own terms (R32).
///     levels: At most so many of each side; 0: all.
///
/// Raises:
///     TypeError: An argument has the wrong type.
///     UnknownNameError: There is no such instrument.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct DepthReader {
    handle: Arc<Handle>,
    listing: Arc<Listing>,
    limit: usize,
    /// As it was read last.
    copy: Mutex<DepthCopy>,
    /// The memory of the one before.
    spare: Mutex<DepthCopy>,
}

/// What changed of a book since the last time that this was asked.
///
/// It begins with the reader's copy as it is: `snapshot`. Whoever applies every `take` to that has what the reader had
/// then; each begins one above the id that the last one ended with.
///
/// Arguments:
///     reader: Where the copies come from; several differs may follow one.
///     levels: At most so many of each side; 0: all that the reader has.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct DepthDiffer {
    reader: Py<DepthReader>,
    differ: Mutex<depth::DepthDiffer>,
}

/// Sequence number, time, bids and asks.
type Snapshot<'py> = (u64, u64, Bound<'py, PyList>, Bound<'py, PyList>);
/// First and last id, time, bids and asks.
type Change<'py> = (u64, u64, u64, Bound<'py, PyList>, Bound<'py, PyList>);
/// Sequence number, then price and quantity of the best bid, and of the best ask.
type Best<'py> = (u64, Option<Bound<'py, PyTuple>>, Option<Bound<'py, PyTuple>>);

/// A panic leaves a copy whole: it is written by one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number of levels; 0 means all.
fn limit(levels: Argument<'_, '_>) -> PyResult<usize> {
    let levels = levels.map_or(Ok(0), |levels| unsigned(levels, "levels", 0, u64::from(u32::MAX)))?;
    Ok(if levels == 0 { usize::MAX } else { levels as usize })
}

/// An amount as text.
fn amount<'py>(py: Python<'py>, grid: Grid, steps: i128) -> PyResult<Bound<'py, PyString>> {
    match grid.text(steps) {
        Some(text) => Ok(PyString::new(py, text.as_str())),
        None => Ok(product(py, steps, &[grid])?.call_method1("__format__", ("f",))?.cast_into()?),
    }
}

/// A price and a quantity.
fn pair<'py>(py: Python<'py>, facts: &Facts, level: DepthLevel) -> PyResult<Bound<'py, PyTuple>> {
    let lots = i128::try_from(level.quantity_lots).unwrap_or(i128::MAX);
    let price = amount(py, facts.price_grid, i128::from(level.price_ticks))?;
    // What is gone is "0" on every grid.
    let quantity = if lots == 0 { PyString::new(py, "0") } else { amount(py, facts.quantity_grid, lots)? };
    PyTuple::new(py, [price, quantity])
}

fn side<'py>(py: Python<'py>, facts: &Facts, levels: &[DepthLevel]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for level in levels {
        list.append(pair(py, facts, *level)?)?;
    }
    Ok(list)
}

fn snapshot<'py>(py: Python<'py>, facts: &Facts, copy: &DepthCopy, limit: usize) -> PyResult<Snapshot<'py>> {
    let best = |levels: &[DepthLevel]| side(py, facts, &levels[..limit.min(levels.len())]);
    Ok((copy.sequence, copy.timestamp_ns, best(&copy.bids)?, best(&copy.asks)?))
}

impl DepthReader {
    fn facts(&self) -> &Facts {
        &self.listing.context.facts
    }

    fn refresh(&self) -> Result<bool, Failure> {
        let mut spare = lock(&self.spare);
        let (limit, fresh) = (self.limit, &mut *spare);
        self.handle.watch_book(self.listing.number, |book, sequence| fresh.read(book, sequence, limit))?;
        if let Some(mirror) = self.listing.mirror {
            fresh.mirror(mirror.unit_ticks);
        }
        let mut copy = lock(&self.copy);
        let is_other = (&copy.bids, &copy.asks) != (&fresh.bids, &fresh.asks);
        std::mem::swap(&mut *copy, fresh);
        Ok(is_other)
    }

    /// The best levels as the shard has published them; where it publishes none, of the copy.
    fn top_levels(&self) -> Result<(u64, Option<DepthLevel>, Option<DepthLevel>), Failure> {
        let published = match &self.handle.core {
            Some(core) => core.published(self.listing.number)?,
            None => None,
        };
        let Some(published) = published else {
            let copy = lock(&self.copy);
            return Ok((copy.sequence, copy.bids.first().copied(), copy.asks.first().copied()));
        };
        let Top { sequence, bid, ask } = published.top();
        let level = |level: PublishedLevel| {
            let price = level.price_ticks;
            let price_ticks = self.listing.mirror.map_or(price, |mirror| mirror.price(price));
            DepthLevel { price_ticks, quantity_lots: u128::from(level.quantity_lots) }
        };
        let (bid, ask) = if self.listing.mirror.is_some() { (ask, bid) } else { (bid, ask) };
        Ok((sequence, bid.map(level), ask.map(level)))
    }
}

#[pymethods]
impl DepthReader {
    #[new]
    #[pyo3(signature = (exchange, symbol, levels=None), text_signature = "(exchange, symbol, levels=0)")]
    fn new(
        exchange: &Bound<'_, Exchange>,
        symbol: &Bound<'_, PyAny>,
        levels: Argument<'_, '_>,
    ) -> PyResult<DepthReader> {
        let handle = Arc::clone(exchange.get().handle());
        let name = text(symbol, "symbol")?;
        let unknown = || Failure::UnknownName("symbol", name.to_string()).into_py(symbol.py());
        let listing = handle.directory.find(name).ok_or_else(unknown)?;
        let (copy, spare) = (Mutex::default(), Mutex::default());
        Ok(DepthReader { handle, listing, limit: limit(levels)?, copy, spare })
    }

    /// The instrument.
    #[getter]
    fn symbol(&self) -> &str {
        &self.facts().symbol
    }

    /// The instrument's number.
    #[getter]
    fn instrument(&self) -> u32 {
        self.listing.number
    }

    /// The number of the instrument in whose book this one trades: its own, or the event's first outcome.
    #[getter]
    fn book(&self) -> u32 {
        self.listing.book
    }

    /// The shard that has the book, from 0; without shards 0.
    #[getter]
    fn shard(&self, py: Python<'_>) -> PyResult<u16> {
        self.handle.shard_of(self.listing.number).map_err(|failure| failure.into_py(py))
    }

    /// Number of the last command that the copy has seen; 0 before the first `read`.
    #[getter]
    fn sequence(&self) -> u64 {
        lock(&self.copy).sequence
    }

    /// Copies the book as it is now.
    ///
    /// Returns:
    ///     Whether its levels are others than the last time.
    ///
    /// Raises:
    ///     JournalError: The shard has stopped.
    ///     AeroMatchError: The exchange was closed; or, without shards, another thread is using it.
    fn read(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.refresh()).map_err(|failure| failure.into_py(py))
    }

    /// The copy's best levels.
    ///
    /// Arguments:
    ///     levels: At most so many of each side; 0: all that were read.
    ///
    /// Returns:
    ///     Its sequence number, the time of the book's last command in nanoseconds since the Unix epoch, bids and asks:
    ///     lists of price and quantity as text, best first.
    #[pyo3(signature = (levels=None), text_signature = "($self, levels=0)")]
    fn levels<'py>(&self, py: Python<'py>, levels: Argument<'_, 'py>) -> PyResult<Snapshot<'py>> {
        let limit = limit(levels)?;
        // Python's objects are not made under the lock.
        let copy = lock(&self.copy).clone();
        snapshot(py, self.facts(), &copy, limit)
    }

    /// The best levels as the shard has published them: nobody waits for that. Of the copy, where it publishes none.
    ///
    /// Returns:
    ///     A sequence number, then price and quantity of the best bid and of the best ask; None where there is none.
    ///
    /// Raises:
    ///     AeroMatchError: The exchange was closed.
    fn top<'py>(&self, py: Python<'py>) -> PyResult<Best<'py>> {
        let (sequence, bid, ask) = self.top_levels().map_err(|failure| failure.into_py(py))?;
        let pair = |level: Option<DepthLevel>| level.map(|level| pair(py, self.facts(), level)).transpose();
        Ok((sequence, pair(bid)?, pair(ask)?))
    }

    fn __repr__(&self) -> String {
        format!("DepthReader('{}', sequence={})", self.facts().symbol, lock(&self.copy).sequence)
    }
}

#[pymethods]
impl DepthDiffer {
    #[new]
    #[pyo3(signature = (reader, levels=None), text_signature = "(reader, levels=0)")]
    fn new(reader: Py<DepthReader>, levels: Argument<'_, '_>) -> PyResult<DepthDiffer> {
        let differ = depth::DepthDiffer::new(&lock(&reader.get().copy), limit(levels)?);
        Ok(DepthDiffer { reader, differ: Mutex::new(differ) })
    }

    /// What is different in the reader's copy since the last `take`, or the beginning.
    ///
    /// Returns:
    ///     First id, last id, time, and the bids and asks that changed: lists of price and quantity as text, best
    ///     first; quantity "0": the level is gone, or, of those that are followed, out of sight. None: nothing changed.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Change<'py>>> {
        let reader = self.reader.get();
        let change = lock(&self.differ).take(&lock(&reader.copy));
        let Some(change) = change else { return Ok(None) };
        let facts = reader.facts();
        let (bids, asks) = (side(py, facts, &change.bids)?, side(py, facts, &change.asks)?);
        Ok(Some((change.first_id, change.last_id, change.timestamp_ns, bids, asks)))
    }

    /// The levels that the next `take` leads on from.
    ///
    /// Returns:
    ///     The id that the last `take` ended with, time, bids and asks, as of `DepthReader.levels`.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Snapshot<'py>> {
        let copy = lock(&self.differ).snapshot().clone();
        snapshot(py, self.reader.get().facts(), &copy, usize::MAX)
    }

    fn __repr__(&self) -> String {
        let sequence = lock(&self.differ).snapshot().sequence;
        format!("DepthDiffer('{}', sequence={sequence})", self.reader.get().facts().symbol)
    }
}
