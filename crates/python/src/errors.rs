//! The one place where native errors become Python's.

use aeromatch_engine::record::RecordError;
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyException, PyLookupError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use std::path::PathBuf;

/// The exception classes of the package.
struct Classes {
    base: Py<PyType>,
    record: Py<PyType>,
    snapshot: Py<PyType>,
    journal: Py<PyType>,
    unknown_name: Py<PyType>,
    lagged: Py<PyType>,
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

const BASE_DOC: &str = "Base of the package's own exceptions.

Raised itself where a book or an exchange is used from two threads at once, in a forked process or after it was
closed, and after an internal error has made it unusable.
Wrong types, unknown words and missing arguments are Python's TypeError and ValueError, which name the argument.";

const RECORD_DOC: &str = "A slot of a batch is no command (docs/records.md); nothing of the batch was applied.

Attributes:
    slot: Number of the offending 64-byte slot, from 0.
    offset: Byte offset from the start of the batch.
    field: Name of the field, as in docs/records.md.
    problem: What was found, and what would be legal.";

const SNAPSHOT_DOC: &str = "These bytes are no snapshot that this version can restore: the message says what is wrong.";

const JOURNAL_DOC: &str = "The journal of an exchange cannot be opened, or not be written any more.

Attributes:
    kind: What is wrong, as a word: \"directory_in_use\", \"not_a_directory\", \"not_writable\", \"unknown_version\",
        \"damaged\", \"incomplete\", \"replay_mismatch\", \"shards\", \"stopped\" or \"io\" (docs/reliability.md).
    file: Path of the file that it is about; None if it is about no single one.
    offset: Byte offset in that file; None if it is about no single place.";

const LAGGED_DOC: &str = "A stream's reader has fallen so far behind that events it has not read are overwritten.

The exchange waits for no reader. Another stream from `position` has what was missed, from the journal; in memory it
is gone, and `position` is the oldest that is there.

Attributes:
    position: Where to go on, as `Exchange.stream` takes it: a sequence number for each shard.";

const UNKNOWN_NAME_DOC: &str = "A read names something that is not there.

Attributes:
    argument: Name of the argument.
    name: What it named.";

fn make(py: Python<'_>) -> PyResult<Classes> {
    let plain = PyDict::new(py);
    let fields = PyDict::new(py);
    fields.set_item("slot", 0)?;
    fields.set_item("offset", 0)?;
    fields.set_item("field", "")?;
    fields.set_item("problem", "")?;
    let journal = PyDict::new(py);
    journal.set_item("kind", "")?;
    journal.set_item("file", py.None())?;
    journal.set_item("offset", py.None())?;
    let lagged = PyDict::new(py);
    lagged.set_item("position", PyTuple::empty(py))?;
    let unknown_name = PyDict::new(py);
    unknown_name.set_item("argument", "")?;
    unknown_name.set_item("name", "")?;
    let base = class(py, "AeroMatchError", BASE_DOC, &[PyException::type_object(py)], &plain)?;
    let bases = [base.clone(), PyValueError::type_object(py)];
    let lookup = [base.clone(), PyLookupError::type_object(py)];
    Ok(Classes {
        journal: class(py, "JournalError", JOURNAL_DOC, std::slice::from_ref(&base), &journal)?.unbind(),
        unknown_name: class(py, "UnknownNameError", UNKNOWN_NAME_DOC, &lookup, &unknown_name)?.unbind(),
        lagged: class(py, "StreamLagged", LAGGED_DOC, std::slice::from_ref(&base), &lagged)?.unbind(),
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
    module.add("SnapshotError", classes.snapshot.clone_ref(py))?;
    module.add("JournalError", classes.journal.clone_ref(py))?;
    module.add("UnknownNameError", classes.unknown_name.clone_ref(py))?;
    module.add("StreamLagged", classes.lagged.clone_ref(py))
}

/// Everything that can go wrong with a book or an exchange itself, apart from a caller's arguments.
pub enum Failure {
    /// Another thread is inside what has this name.
    InUse(&'static str),
    /// A panic ended an earlier call of what has this name half-way.
    Unusable(&'static str),
    /// A batch is not made of commands.
    Record(RecordError),
    /// Bytes are no snapshot.
    Snapshot(String),
    /// An argument of a read, by its name, names what is not there.
    UnknownName(&'static str, String),
    /// The same by its number.
    UnknownNumber(&'static str, u32),
    /// What has this name was closed.
    Closed(&'static str),
    /// What has this name keeps no journal.
    InMemory(&'static str),
    /// What has this name belongs to the process that this one was forked from.
    Forked(&'static str),
    /// What has this name needs shards.
    NoShards(&'static str),
    /// What has this name is there once for each shard, and none of them was named.
    SeveralShards { name: &'static str, shards: u16 },
    /// An option of the shards cannot be, or contradicts what the log says.
    Option { option: &'static str, problem: String },
    /// A shard no longer has the events that were asked for; what it has begins there.
    Gone { oldest: u64 },
    /// A reader has missed events; where to go on, by shard.
    Lagged(Vec<u64>),
    /// The journal.
    Journal(JournalFailure),
    /// A signal's handler raised, such as KeyboardInterrupt.
    Interrupted(PyErr),
}

/// What is wrong with a journal.
pub struct JournalFailure {
    pub kind: &'static str,
    pub message: String,
    pub file: Option<PathBuf>,
    pub offset: Option<u64>,
}

fn unknown_name(class: &Bound<'_, PyType>, argument: &str, shown: &str, name: &str) -> PyResult<PyErr> {
    let raised = class.call1((format!("{argument}: there is no {shown}"),))?;
    raised.setattr("argument", argument)?;
    raised.setattr("name", name)?;
    Ok(PyErr::from_value(raised))
}

fn lagged(class: &Bound<'_, PyType>, position: &[u64]) -> PyResult<PyErr> {
    let position = PyTuple::new(class.py(), position)?;
    let problem = "this stream is behind: events that were not read are overwritten; go on at";
    let raised = class.call1((format!("{problem} {}", position.repr()?.to_string_lossy()),))?;
    raised.setattr("position", position)?;
    Ok(PyErr::from_value(raised))
}

fn several_shards(name: &str, shards: u16) -> String {
    match name {
        "sequence" | "durable_sequence" => format!("each of {shards} shards has a log of its own: see {name}s"),
        "recovery" => format!("each of {shards} shards has a journal of its own: see recoveries"),
        _ => format!("each of {shards} shards has a state of its own: name one, as {name}(shard=...)"),
    }
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
            Failure::InUse(name) => plain(
                &classes.base,
                format!("this {name} is in use by another thread; let them take turns, with a lock"),
            ),
            Failure::Unusable(name) => plain(
                &classes.base,
                format!("an internal error ended an earlier call of this {name} half-way; restore it from a snapshot"),
            ),
            Failure::Closed(name) => plain(&classes.base, format!("this {name} was closed")),
            Failure::InMemory(name) => plain(&classes.base, format!("this {name} is in memory: it has no journal")),
            Failure::Forked(name) => plain(
                &classes.base,
                format!(
                    "this {name} belongs to the process that this one was forked from; open another directory here"
                ),
            ),
            Failure::UnknownName(argument, name) => {
                let shown = PyString::new(py, &name).repr()?.to_string_lossy().into_owned();
                unknown_name(classes.unknown_name.bind(py), argument, &shown, &name)
            }
            Failure::UnknownNumber(argument, number) => {
                let shown = format!("number {number}");
                unknown_name(classes.unknown_name.bind(py), argument, &shown, &number.to_string())
            }
            Failure::Interrupted(error) => Ok(error),
            Failure::NoShards(name) => plain(
                &classes.base,
                format!(
                    "{name} needs shards: make the exchange with Exchange(shards=...) or Exchange.open(..., shards=...)"
                ),
            ),
            Failure::SeveralShards { name, shards } => plain(&classes.base, several_shards(name, shards)),
            Failure::Option { option, problem } => Ok(PyValueError::new_err(format!("shards: {option}: {problem}"))),
            Failure::Gone { oldest } => lagged(classes.lagged.bind(py), &[oldest]),
            Failure::Lagged(position) => lagged(classes.lagged.bind(py), &position),
            Failure::Journal(failure) => {
                let raised = classes.journal.bind(py).call1((failure.message,))?;
                raised.setattr("kind", failure.kind)?;
                raised.setattr("file", failure.file.map(|file| file.into_os_string()))?;
                raised.setattr("offset", failure.offset)?;
                Ok(PyErr::from_value(raised))
            }
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
