//! Batches: slots in, events out.

use crate::buffer::{Bytes, ChangeBuffer, EventBuffer, Pool, Stable};
use crate::enums::type_name;
use crate::scope::Scope;
use crate::state::BatchDone;
use aeromatch_engine::record::SLOT_BYTES;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// The Python class around an [`EventBuffer`]: it knows NumPy and its friends, this crate does not.
static EVENTS: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Tells the extension which class holds the events of a batch; the package does so once, when it is imported.
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

fn events_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    let class = EVENTS.get(py).ok_or_else(|| PyRuntimeError::new_err("import aeromatch, not aeromatch._core"))?;
    Ok(class.bind(py))
}

/// The slots of a batch, in memory that does not change while they are read.
pub fn input(batch: &Bound<'_, PyAny>, pool: &Pool) -> PyResult<Stable> {
    events_class(batch.py())?;
    Ok(slots(batch)?.stable(pool))
}

/// What a batch did, as Python sees it.
pub fn output(py: Python<'_>, scope: Scope, pool: &Pool, done: BatchDone) -> PyResult<Py<PyAny>> {
    let changes = done.changes.map(|bytes| Py::new(py, ChangeBuffer::new(pool, bytes))).transpose()?;
    let events = EventBuffer::new(scope, pool, done.events, done.commands, changes);
    events_class(py)?.call1((Py::new(py, events)?,)).map(Bound::unbind)
}
