//! Memory shared with Python: batches in, events out, neither copied.
//!
//! `unsafe` here is the buffer protocol: taking a view of someone's bytes, and lending ours.

use crate::enums::type_name;
use crate::events::Event;
use crate::scope::Scope;
use aeromatch_engine::collector::CHANGE_BYTES;
use aeromatch_engine::record::{Event as Record, SLOT_BYTES, as_bytes};
use pyo3::exceptions::{PyBufferError, PyIndexError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, PoisonError};

/// Someone's bytes for as long as this lives.
pub struct Bytes {
    // Boxed: an exporter may keep pointers into the view.
    view: Box<ffi::Py_buffer>,
}

// SAFETY: the view is only read through `as_slice`, and released with the interpreter attached (see `drop`).
unsafe impl Send for Bytes {}
// SAFETY: as above; nothing is changed through a shared reference.
unsafe impl Sync for Bytes {}

impl Bytes {
    /// The contiguous bytes of an object with the buffer protocol.
    ///
    /// # Errors
    /// TypeError if it has no buffer, ValueError if its memory is not contiguous.
    pub fn of(object: &Bound<'_, PyAny>, argument: &str) -> PyResult<Bytes> {
        let mut view = Box::new(MaybeUninit::<ffi::Py_buffer>::zeroed());
        // SAFETY: `view` is memory for one `Py_buffer`; on success CPython has filled it.
        let outcome = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), view.as_mut_ptr(), ffi::PyBUF_SIMPLE) };
        if outcome == 0 {
            // SAFETY: filled, as just said; the box keeps its place.
            let view = unsafe { Box::from_raw(Box::into_raw(view).cast::<ffi::Py_buffer>()) };
            return Ok(Bytes { view });
        }
        let error = PyErr::fetch(object.py());
        if error.is_instance_of::<PyTypeError>(object.py()) {
            let problem = format!("{argument} must be an object with the buffer protocol, not {}", type_name(object));
            return Err(PyTypeError::new_err(problem));
        }
        Err(PyValueError::new_err(format!("{argument} must be contiguous in memory: {}", error.value(object.py()))))
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        if self.view.len <= 0 {
            return &[];
        }
        // SAFETY: the exporter guarantees `len` readable bytes at `buf` until the view is released. That nobody writes to
        // them meanwhile is up to the callers: they copy what is writable before they let go of the interpreter.
        unsafe { std::slice::from_raw_parts(self.view.buf.cast::<u8>(), self.view.len as usize) }
    }

    /// Bytes that nobody else can write to: the exporter's own where it promises not to write, else a copy made now,
    /// while the interpreter is ours.
    pub fn stable(self, pool: &Pool) -> Stable {
        if self.view.readonly != 0 {
            return Stable::Lent(self);
        }
        let mut copy = pool.take_bytes();
        copy.extend_from_slice(self.as_slice());
        Stable::Copied(copy, pool.clone())
    }

    /// Bytes of one item, as the exporter sees it.
    pub fn item_bytes(&self) -> usize {
        usize::try_from(self.view.itemsize).unwrap_or(0)
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: the view was filled by `PyObject_GetBuffer` and is released once.
        Python::attach(|_| unsafe { ffi::PyBuffer_Release(&raw mut *self.view) });
    }
}

/// Bytes that do not change while they are read.
pub enum Stable {
    Lent(Bytes),
    Copied(Vec<u8>, Pool),
}

impl Stable {
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Stable::Lent(bytes) => bytes.as_slice(),
            Stable::Copied(bytes, _) => bytes,
        }
    }
}

impl Drop for Stable {
    fn drop(&mut self) {
        if let Stable::Copied(bytes, pool) = self {
            pool.give_bytes(std::mem::take(bytes));
        }
    }
}

/// Output memory that waits to be used again, so that batches of like size allocate nothing.
#[derive(Clone, Default)]
pub struct Pool(Arc<Mutex<Idle>>);

#[derive(Default)]
struct Idle {
    events: Vec<Vec<Record>>,
    bytes: Vec<Vec<u8>>,
}

/// How many buffers of a kind wait at most.
const IDLE_BUFFERS: usize = 4;

impl Pool {
    fn idle<R>(&self, action: impl FnOnce(&mut Idle) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn take_events(&self) -> Vec<Record> {
        self.idle(|idle| idle.events.pop()).unwrap_or_default()
    }

    pub fn take_bytes(&self) -> Vec<u8> {
        self.idle(|idle| idle.bytes.pop()).unwrap_or_default()
    }

    pub fn give_events(&self, mut events: Vec<Record>) {
        events.clear();
        self.idle(|idle| {
            if idle.events.len() < IDLE_BUFFERS {
                idle.events.push(events)
            }
        });
    }

    pub fn give_bytes(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.idle(|idle| {
            if idle.bytes.len() < IDLE_BUFFERS {
                idle.bytes.push(bytes)
            }
        });
    }
}

/// The events of a batch, as bytes that NumPy reads in place. Read-only; lives as long as an array over it.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct EventBuffer {
    scope: Scope,
    pool: Pool,
    events: Vec<Record>,
    commands: usize,
    changes: Option<Py<ChangeBuffer>>,
}

impl EventBuffer {
    pub fn new(
        scope: Scope,
        pool: &Pool,
        events: Vec<Record>,
        commands: usize,
        changes: Option<Py<ChangeBuffer>>,
    ) -> EventBuffer {
        EventBuffer { scope, pool: pool.clone(), events, commands, changes }
    }
}

impl Drop for EventBuffer {
    fn drop(&mut self) {
        self.pool.give_events(std::mem::take(&mut self.events));
    }
}

#[pymethods]
impl EventBuffer {
    /// Number of commands that the batch had.
    #[getter]
    fn commands(&self) -> usize {
        self.commands
    }

    /// The level changes of the batch, None unless they were asked for.
    #[getter]
    fn changes(&self, py: Python<'_>) -> Option<Py<ChangeBuffer>> {
        self.changes.as_ref().map(|changes| changes.clone_ref(py))
    }

    /// The event at a place.
    ///
    /// Arguments:
    ///     place: From 0 to one below the number of events.
    ///
    /// Raises:
    ///     IndexError: There is no such event.
    #[pyo3(signature = (place, /))]
    fn event(&self, place: usize) -> PyResult<Event> {
        let record = self.events.get(place).ok_or_else(|| PyIndexError::new_err("no such event"))?;
        Ok(Event::new(&self.scope, *record))
    }

    fn __len__(&self) -> usize {
        self.events.len()
    }

    /// # Safety
    /// Called by CPython only, which passes a `Py_buffer` to fill.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let bytes = as_bytes(&slf.get().events);
        // SAFETY: the vector is neither changed nor freed while an object refers to this one, which `lend` makes the view do.
        unsafe { lend(slf.as_any(), bytes, SLOT_BYTES, view, flags) }
    }
}

/// The level changes of a batch, as bytes that NumPy reads in place. Read-only.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct ChangeBuffer {
    pool: Pool,
    bytes: Vec<u8>,
}

impl ChangeBuffer {
    pub fn new(pool: &Pool, bytes: Vec<u8>) -> ChangeBuffer {
        ChangeBuffer { pool: pool.clone(), bytes }
    }
}

impl Drop for ChangeBuffer {
    fn drop(&mut self) {
        self.pool.give_bytes(std::mem::take(&mut self.bytes));
    }
}

#[pymethods]
impl ChangeBuffer {
    fn __len__(&self) -> usize {
        self.bytes.len() / CHANGE_BYTES
    }

    /// # Safety
    /// Called by CPython only, which passes a `Py_buffer` to fill.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: the vector is neither changed nor freed while an object refers to this one, which `lend` makes the view do.
        unsafe { lend(slf.as_any(), &slf.get().bytes, CHANGE_BYTES, view, flags) }
    }
}

/// Fills a view of `owner`'s bytes, read-only.
///
/// # Safety
/// `view` is null or writable; `bytes` stay where they are, unchanged, as long as `owner` lives.
unsafe fn lend(
    owner: &Bound<'_, PyAny>,
    bytes: &[u8],
    item: usize,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    debug_assert!(bytes.len().is_multiple_of(item));
    if view.is_null() {
        return Err(PyBufferError::new_err("no view to fill"));
    }
    let start = bytes.as_ptr().cast_mut().cast::<c_void>();
    // SAFETY: `view` is writable; `PyBuffer_FillInfo` keeps a reference to the owner in it and refuses writable requests.
    let outcome =
        unsafe { ffi::PyBuffer_FillInfo(view, owner.as_ptr(), start, bytes.len() as ffi::Py_ssize_t, 1, flags) };
    if outcome == 0 { Ok(()) } else { Err(PyErr::fetch(owner.py())) }
}
