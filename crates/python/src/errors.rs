//! The one place where native errors become Python's.

use aeromatch_engine::record::RecordError;
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The exception classes of the package.
struct Classes {
    base: Py<PyType>,
    record: Py<PyType>,
    snapshot: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

const BASE_DOC: &str = "Base of the package's own exceptions.

Raised itself where a book is used from two threads at once, or after an internal error has made it unusable.
Wrong types, unknown words and missing arguments are Python's TypeError and ValueError, which name the argument.";

const RECORD_DOC: &str = "A slot of a batch is no command (docs/records.md); nothing of the batch was applied.

Attributes:
    slot: Number of the offending 64-byte slot, from 0.
    offset: Byte offset from the start of the batch.
    field: Name of the field, as in docs/records.md.
    problem: What was found, and what would be legal.";

const SNAPSHOT_DOC: &str = "These bytes are no snapshot that this version can restore: the message says what is wrong.";

fn make(py: Python<'_>) -> PyResult<Classes> {
    let plain = PyDict::new(py);
    let fields = PyDict::new(py);
    fields.set_item("slot", 0)?;
    fields.set_item("offset", 0)?;
    fields.set_item("field", "")?;
    fields.set_item("problem", "")?;
    let base = class(py, "AeroMatchError", BASE_DOC, &[PyException::type_object(py)], &plain)?;
    let bases = [base.clone(), PyValueError::type_object(py)];
    Ok(Classes {
        record: class(py, "RecordError", RECORD_DOC, &bases, &fields)?.unbind(),
        snapshot: class(py, "SnapshotError", SNAPSHOT_DOC, &bases, &plain)?.unbind(),
        base: base.unbind(),
    })
}

fn class<'py>(
    py: Python<'py>,
    name: &str,
    doc: &str,
    bases: &[Bound<'py, PyType>],
    attributes: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyType>> {
    let body = attributes.copy()?;
    body.set_item("__module__", "aeromatch")?;
    body.set_item("__doc__", doc)?;
    Ok(PyType::type_object(py).call1((name, PyTuple::new(py, bases)?, body))?.cast_into()?)
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    CLASSES.get_or_try_init(py, || make(py))
}

/// Adds the exception classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let classes = classes(py)?;
    module.add("AeroMatchError", classes.base.clone_ref(py))?;
    module.add("RecordError", classes.record.clone_ref(py))?;
    module.add("SnapshotError", classes.snapshot.clone_ref(py))
}

/// Everything that can go wrong with a book itself, apart from a caller's arguments.
pub enum Failure {
    /// Another thread is inside this book.
    InUse,
    /// A panic ended an earlier call half-way.
    Unusable,
    /// A batch is not made of commands.
    Record(RecordError),
    /// Bytes are no snapshot.
    Snapshot(String),
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Failure {
        Failure::Record(error)
    }
}

impl Failure {
    /// The exception to raise.
    #[cold]
    pub fn into_py(self, py: Python<'_>) -> PyErr {
        match self.exception(py) {
            Ok(error) | Err(error) => error,
        }
    }

    fn exception(self, py: Python<'_>) -> PyResult<PyErr> {
        let classes = classes(py)?;
        let plain = |class: &Py<PyType>, message: String| Ok(PyErr::from_value(class.bind(py).call1((message,))?));
        match self {
            Failure::InUse => plain(
                &classes.base,
                "this OrderBook is in use by another thread; give each thread its own book, or share a lock"
                    .to_string(),
            ),
            Failure::Unusable => plain(
                &classes.base,
                "an internal error ended an earlier call of this OrderBook half-way; restore it from a snapshot"
                    .to_string(),
            ),
            Failure::Snapshot(problem) => plain(&classes.snapshot, problem),
            Failure::Record(error) => {
                let raised = classes.record.bind(py).call1((error.to_string(),))?;
                raised.setattr("slot", error.slot)?;
                raised.setattr("offset", error.offset)?;
                raised.setattr("field", error.field)?;
                raised.setattr("problem", error.problem)?;
                Ok(PyErr::from_value(raised))
            }
        }
    }
}
