//! `_core.ItchReader`: TotalView-ITCH files, read and replayed with the interpreter let go. Files are Python's business.

use crate::arguments::text;
use crate::book::OrderBook;
use crate::buffer::{Bytes, Pool};
use aeromatch_itch::message::{LAYOUTS, LENGTHS, Symbol};
use aeromatch_itch::reader::Reader;
use aeromatch_itch::tally::{Excuse, Reason, Refusal, Tally, UNKNOWN, Volume};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

/// Reads a TotalView-ITCH 5.0 file that comes in chunks. For one thread at a time.
///
/// It counts messages, and either replays those of one symbol into a book or keeps some as they are.
///
/// Arguments:
///     symbol: The symbol to replay, or to keep messages of; None for none, or every one.
///     book: An empty book that the symbol's messages are replayed into; one tick is 0.0001, one lot a share.
///     types: The types of messages that `feed` returns, as letters; "" for all of them, None for none.
///
/// Raises:
///     TypeError: An argument has the wrong type.
///     ValueError: The symbol cannot be one, a type is unknown, or there are both a book and types.
#[pyclass(module = "aeromatch._core")]
pub struct ItchReader {
    reader: Reader,
    book: Option<Py<OrderBook>>,
    pool: Pool,
}

#[pymethods]
impl ItchReader {
    #[new]
    #[pyo3(signature = (symbol=None, *, book=None, types=None))]
    fn new(
        symbol: Option<&Bound<'_, PyAny>>,
        book: Option<Py<OrderBook>>,
        types: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ItchReader> {
        let symbol = symbol.map(parse_symbol).transpose()?;
        let reader = match types {
            None => Reader::new(symbol),
            Some(_) if book.is_some() => {
                return Err(PyValueError::new_err("types: messages are either replayed into a book or kept"));
            }
            Some(types) => Reader::keeping(symbol, &parse_types(text(types, "types")?)?),
        };
        Ok(ItchReader { reader, book, pool: Pool::default() })
    }

    /// Takes the next bytes of the file. Behind a damage nothing is read.
    ///
    /// Arguments:
    ///     chunk: The bytes, as many or few as there are.
    ///
    /// Returns:
    ///     The messages to keep, one after the other, without what stands between them in the file.
    ///
    /// Raises:
    ///     TypeError: The chunk has no bytes.
    ///     ValueError: Its bytes are not contiguous.
    ///     AeroMatchError: Another thread is using the book.
    #[pyo3(signature = (chunk, /))]
    fn feed<'py>(&mut self, py: Python<'py>, chunk: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = Bytes::of(chunk, "chunk")?.stable(&self.pool);
        let reader = &mut self.reader;
        // A damage is kept by the reader, for `damage`.
        if let Some(book) = &self.book {
            let _ = book.get().detached(py, |state| reader.feed(bytes.as_slice(), &mut state.book))?;
            return Ok(PyBytes::new(py, b""));
        }
        let mut kept = self.pool.take_bytes();
        let _ = py.detach(|| reader.keep(bytes.as_slice(), &mut kept));
        let messages = PyBytes::new(py, &kept);
        self.pool.give_bytes(kept);
        Ok(messages)
    }

    /// Says that the file is over: it is damaged if it ends inside a message.
    fn finish(&mut self) {
        let _ = self.reader.finish();
    }

    /// Where the file stops making sense: the offset of a byte, and what is wrong there. None: nowhere yet.
    #[getter]
    fn damage(&self) -> Option<(u64, String)> {
        self.reader.stream().damage().map(|damage| (damage.offset, damage.problem.clone()))
    }

    /// The symbol's number in the file; None while no directory message has named it.
    #[getter]
    fn locate(&self) -> Option<u16> {
        self.reader.locate()
    }

    /// Gives the symbols of the file, in order of their numbers.
    ///
    /// Returns:
    ///     Symbol, number and count of messages of each.
    fn symbols(&self) -> Vec<(String, u16, u64)> {
        self.reader.day().symbols().map(|found| (found.symbol.text(), found.locate, found.messages)).collect()
    }

    /// Sums up the file.
    ///
    /// Returns:
    ///     A new dict.
    fn day<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (stream, day) = (self.reader.stream(), self.reader.day());
        let sum = PyDict::new(py);
        sum.set_item("framing", stream.framing().map(|framing| framing.slug()))?;
        sum.set_item("bytes", stream.offset())?;
        sum.set_item("messages", day.messages())?;
        let by_type = PyDict::new(py);
        for (letter, count) in day.by_type() {
            by_type.set_item(char::from(letter), count)?;
        }
        sum.set_item("messages_by_type", by_type)?;
        sum.set_item("unknown_types", stream.unknown())?;
        sum.set_item("first_time_ns", day.first_ns().unwrap_or(0))?;
        sum.set_item("last_time_ns", day.last_ns())?;
        let events: Vec<_> = day.events().iter().map(|&(time_ns, code)| (time_ns, char::from(code))).collect();
        sum.set_item("system_events", events)?;
        Ok(sum)
    }

    /// Sums up the replay of the symbol.
    ///
    /// Returns:
    ///     A new dict.
    fn replayed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let replay = self.reader.replay();
        let sum = PyDict::new(py);
        counts(&sum, replay.tally())?;
        sum.set_item("orders_left", replay.orders())?;
        sum.set_item("orders_waiting", replay.parked())?;
        Ok(sum)
    }
}

fn parse_symbol(symbol: &Bound<'_, PyAny>) -> PyResult<Symbol> {
    let symbol = text(symbol, "symbol")?;
    Symbol::parse(symbol).ok_or_else(|| {
        PyValueError::new_err(format!("symbol must be 1 to 8 printable ASCII characters, not {symbol:?}"))
    })
}

fn parse_types(letters: &str) -> PyResult<Vec<u8>> {
    let known = |letter: &char| u8::try_from(*letter).is_ok_and(|letter| LENGTHS[usize::from(letter)] > 0);
    match letters.chars().find(|letter| !known(letter)) {
        Some(letter) => Err(PyValueError::new_err(format!("types: {letter:?} is no type of an ITCH 5.0 message"))),
        None => Ok(letters.bytes().collect()),
    }
}

fn counts(sum: &Bound<'_, PyDict>, tally: &Tally) -> PyResult<()> {
    let py = sum.py();
    sum.set_item("symbol_messages", tally.messages)?;
    sum.set_item("orders_added", tally.added)?;
    sum.set_item("orders_replaced", tally.replaced)?;
    sum.set_item("orders_reduced", tally.reduced)?;
    sum.set_item("orders_canceled", tally.canceled)?;
    sum.set_item("orders_filled", tally.filled)?;
    sum.set_item("orders_waited", tally.parked)?;
    sum.set_item("executions_judged", tally.judged)?;
    sum.set_item("executions_agreed", tally.agreed)?;
    sum.set_item("different", named(py, Reason::ALL.iter().map(|reason| reason.slug()), &tally.reasons)?)?;
    sum.set_item("not_judged", named(py, Excuse::ALL.iter().map(|excuse| excuse.slug()), &tally.excuses)?)?;
    sum.set_item("refused", named(py, Refusal::ALL.iter().map(|refusal| refusal.slug()), &tally.refusals)?)?;
    sum.set_item("unknown_orders", named(py, UNKNOWN.map(|letter| char::from(letter).to_string()), &tally.unknown)?)?;
    sum.set_item("executions", volume(&tally.executed))?;
    sum.set_item("hidden_trades", volume(&tally.hidden))?;
    sum.set_item("crosses", volume(&tally.crosses))?;
    sum.set_item("broken_trades", tally.broken)?;
    let actions = PyList::empty(py);
    for action in &tally.actions {
        actions.append((action.time_ns, &action.state, &action.reason))?;
    }
    sum.set_item("trading_actions", actions)?;
    sum.set_item("differences", tally.differences.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn volume(volume: &Volume) -> (u64, u128) {
    (volume.count, volume.shares)
}

/// Counts by name, those that are not zero.
fn named<'py>(
    py: Python<'py>,
    names: impl IntoIterator<Item = impl AsRef<str>>,
    counts: &[u64],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, &count) in names.into_iter().zip(counts) {
        if count > 0 {
            dict.set_item(name.as_ref(), count)?;
        }
    }
    Ok(dict)
}

/// Adds the class, and the table of messages.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let table = PyDict::new(module.py());
    for layout in LAYOUTS {
        let fields: Vec<_> =
            layout.fields.iter().map(|field| (field.name, field.kind.slug(), field.at, field.length)).collect();
        table.set_item(char::from(layout.letter), (layout.name, layout.length, fields))?;
    }
    module.add("ITCH_MESSAGES", table)?;
    module.add_class::<ItchReader>()
}
