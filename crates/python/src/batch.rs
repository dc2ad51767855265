//! Batches: slots in, events out.

use crate::buffer::{Bytes, ChangeBuffer, EventBuffer, Pool};
use crate::enums::type_name;
use crate::instrument::Context;
use crate::state::Shared;
use aeromatch_engine::record::SLOT_BYTES;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use std::sync::Arc;

/// The Python class around an [`EventBuffer`]: it knows NumPy and its friends, this crate does not.
static EVENTS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Tells the extension which class `OrderBook.process` returns; the package does so once, when it is imported.
///
/// Arguments:
///     events: A class that is made of an EventBuffer.
#[pyfunction]
#[pyo3(signature = (events, /))]
pub fn register_events(py: Python<'_>, events: Bound<'_, PyType>) {
    EVENTS.get_or_init(py, || events.unbind());
}

/// The batch's bytes: of an object with slots, an array of slots or of bytes, or bytes.
pub fn slots(batch: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let slots = batch.getattr_opt("slots")?;
    let bytes = Bytes::of(slots.as_ref().unwrap_or(batch), "batch")?;
    let item = bytes.item_bytes();
    if item == SLOT_BYTES || item == 1 {
        return Ok(bytes);
    }
    let problem = format!(
        "batch must be slots of {SLOT_BYTES} bytes or plain bytes, not {} with items of {item} bytes",
        type_name(batch)
    );
    Err(PyTypeError::new_err(problem))
}

/// `OrderBook.process`.
pub fn process(
    py: Python<'_>,
    context: &Arc<Context>,
    shared: &Shared,
    pool: &Pool,
    batch: &Bound<'_, PyAny>,
    level_changes: bool,
) -> PyResult<Py<PyAny>> {
    let class = EVENTS.get(py).ok_or_else(|| PyRuntimeError::new_err("import aeromatch, not aeromatch._core"))?;
    let input = slots(batch)?.stable(pool);
    let entry = shared.enter().map_err(|failure| failure.into_py(py))?;
    let done =
        py.detach(|| entry.with(|state| state.process(input.as_slice(), pool, level_changes)).and_then(|done| done));
    let done = done.map_err(|failure| failure.into_py(py))?;
    let changes = done.changes.map(|bytes| Py::new(py, ChangeBuffer::new(pool, bytes))).transpose()?;
    let events = EventBuffer::new(context, pool, done.events, done.commands, changes);
    class.call1(py, (Py::new(py, events)?,))
}
