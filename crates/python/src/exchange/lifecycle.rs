//! From opening a journal to closing it, also where nobody does.

use super::Exchange;
use super::handle::Handle;
use super::journal::{Journaled, failure};
use super::recovery::{Recovery, SnapshotInfo};
use super::settings::Wanted;
use super::sharded::Core;
use crate::arguments::{Argument, text, unsigned};
use crate::enums::type_name;
use crate::errors::Failure;
use aeromatch_runtime::shard::directory;
use aeromatch_runtime::{Durability, Options};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyTuple};
use std::path::PathBuf;
use std::time::Duration;

/// Least and largest size of a segment.
const SEGMENT_BYTES: (u64, u64) = (1 << 12, 1 << 40);
/// How often the end of the interpreter looks whether a thread is done with an exchange.
const POLL: Duration = Duration::from_millis(1);

fn durability(value: Argument<'_, '_>) -> PyResult<Durability> {
    let Some(value) = value else { return Ok(Durability::Disk) };
    let word = text(value, "durability")?;
    Durability::from_slug(word).ok_or_else(|| {
        let known: Vec<String> = Durability::ALL.iter().map(|known| format!("'{}'", known.slug())).collect();
        PyValueError::new_err(format!("durability must be one of {}; got {word:?}", known.join(", ")))
    })
}

fn directory_of(path: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let directory: PathBuf = path.extract().map_err(|_| {
        PyTypeError::new_err(format!("path must be a str or an os.PathLike of str, not {}", type_name(path)))
    })?;
    if directory.as_os_str().is_empty() {
        return Err(PyValueError::new_err("path must not be empty; \".\" is the working directory"));
    }
    Ok(directory)
}

#[pymethods]
impl Exchange {
    /// Opens the directory of an exchange's journal and snapshots, new or not, and recovers what is there.
    ///
    /// Every command is in the journal before it is applied and answered. A forgotten close loses nothing that was
    /// answered: it is made up for when the exchange is forgotten, and when the interpreter ends. Ctrl-C ends the
    /// recovery; the next one begins again.
    ///
    /// With shards, each has a thread and a journal of its own; several have a directory each below this one. Their
    /// number is decided when the directory is made.
    ///
    /// Arguments:
    ///     path: The directory; it is made if it is not there.
    ///     durability: When a command is answered: "disk": it survives a loss of power; "os": it survives the end of
    ///         the process, however it ends; "memory": at once, and it is lost with a process that is killed.
    ///     segment_bytes: Size of a file of the journal, 4,096 .. 2^40.
    ///     snapshot_bytes: So many bytes of full files of the journal lead to a snapshot.
    ///     snapshot_interval_s: So many seconds lead to a snapshot, if there were commands; 0: by volume only.
    ///     keep_snapshots: How many snapshots stay, at least 1.
    ///     retain_bytes: What the journal may take before its oldest files go that lie before all snapshots; None: all
    ///         stay.
    ///     shards: How many shards, or Shards; None: as many as are there, and for a new directory none: commands are
    ///         applied by the thread that brings them.
    ///
    /// Returns:
    ///     The exchange, as it was after the last command that is in the journal; also a context manager.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: The path is empty, a word is unknown, or a number is out of range.
    ///     JournalError: The directory is in use, a file, not writable, has another number of shards, or what is in it
    ///         is damaged, incomplete or of an unknown version: `kind` says which. Nothing in it was changed.
    #[staticmethod]
    #[pyo3(
        signature = (path, *, durability=None, segment_bytes=None, snapshot_bytes=None, snapshot_interval_s=None,
            keep_snapshots=None, retain_bytes=None, shards=None),
        text_signature = "(path, *, durability='disk', segment_bytes=67108864, snapshot_bytes=268435456, snapshot_interval_s=300, keep_snapshots=2, retain_bytes=None, shards=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "a journal has that many settings")]
    fn open(
        py: Python<'_>,
        path: &Bound<'_, PyAny>,
        durability: Argument<'_, '_>,
        segment_bytes: Argument<'_, '_>,
        snapshot_bytes: Argument<'_, '_>,
        snapshot_interval_s: Argument<'_, '_>,
        keep_snapshots: Argument<'_, '_>,
        retain_bytes: Argument<'_, '_>,
        shards: Argument<'_, '_>,
    ) -> PyResult<Exchange> {
        let or = |value: Argument<'_, '_>, name: &str, default: u64, (low, high): (u64, u64)| {
            value.map_or(Ok(default), |value| unsigned(value, name, low, high))
        };
        let default = Options::default();
        let keep = or(keep_snapshots, "keep_snapshots", default.keep_snapshots as u64, (1, u64::from(u32::MAX)))?;
        let options = Options {
            durability: self::durability(durability)?,
            segment_bytes: or(segment_bytes, "segment_bytes", default.segment_bytes, SEGMENT_BYTES)?,
            snapshot_bytes: or(snapshot_bytes, "snapshot_bytes", default.snapshot_bytes, (1, u64::MAX))?,
            snapshot_interval_s: or(
                snapshot_interval_s,
                "snapshot_interval_s",
                default.snapshot_interval_s,
                (0, u64::from(u32::MAX)),
            )?,
            keep_snapshots: usize::try_from(keep).unwrap_or(usize::MAX),
            retain_bytes: retain_bytes.map(|value| unsigned(value, "retain_bytes", 0, u64::MAX)).transpose()?,
        };
        let path = directory_of(path)?;
        let wanted = shards.map(Wanted::read).transpose()?;
        let open = || {
            let found = directory::count(&path).map_err(|cause| failure(&cause, &path))?;
            // Whatever is missing of them: it is an exchange with shards that is not all there.
            let has_shards = found > Some(1) || directory::shard_path(&path, 0).exists();
            let Some(shards) = wanted.or_else(|| has_shards.then(Wanted::default)) else {
                let (journaled, opened) = Journaled::open(&path, options)?;
                return Handle::journaled(journaled, opened);
            };
            let (core, opened) = Core::open(&path, options, shards.options(found))?;
            Handle::sharded(core, Some(opened))
        };
        py.detach(open).map(Exchange::over).map_err(|failure| failure.into_py(py))
    }

    /// Makes everything durable and ends the exchange: it and its views cannot be used any more.
    ///
    /// Raises:
    ///     JournalError: The journal has stopped, or cannot be written; the exchange is closed all the same.
    ///     AeroMatchError: Another thread is using the exchange.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.detached(py, |machine| machine.close())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (kind, error, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = error;
        match self.close(py) {
            // What ends the block says more than that the journal has stopped.
            Err(_) if !kind.is_none() => Ok(()),
            closed => closed,
        }
    }

    /// Makes a snapshot of everything up to now and proves it.
    ///
    /// The compactor does the same in the background, by volume and time. Ctrl-C is seen when the snapshot is done.
    ///
    /// Arguments:
    ///     shard: Of which shard, from 0; None: of the only one.
    ///
    /// Returns:
    ///     The newest snapshot; None before the first command.
    ///
    /// Raises:
    ///     JournalError: There is no room for it (kind "io"; the exchange goes on), or the journal has stopped.
    ///     AeroMatchError: The exchange is in memory, in use by another thread, or closed, or it has several shards and
    ///         none of them was named.
    #[pyo3(signature = (shard=None))]
    fn compact(&self, py: Python<'_>, shard: Argument<'_, '_>) -> PyResult<Option<SnapshotInfo>> {
        let shard = self.shard(shard)?;
        self.detached(py, |machine| {
            if let Some(door) = machine.door()? {
                let core = door.core();
                return Ok(core.compact(core.only(shard, "compact")?)?.map(SnapshotInfo::new));
            }
            match machine.journal()? {
                Some(journaled) => Ok(journaled.compact()?.map(SnapshotInfo::new)),
                None => Err(Failure::InMemory("Exchange")),
            }
        })
    }

    /// The directory of its journals, from the root on; None: there is no journal.
    #[getter]
    fn _path(&self) -> Option<PathBuf> {
        self.handle.opened.as_ref().map(|opened| opened.path.clone())
    }

    /// When a command is answered: "disk", "os" or "memory"; None: there is no journal.
    #[getter]
    fn durability(&self) -> Option<&'static str> {
        self.handle.opened.as_ref().map(|opened| opened.durability.slug())
    }

    /// Number of the last command that survives a loss of power; None: there is no journal.
    ///
    /// Of several shards each has its own: AeroMatchError, see `durable_sequences`.
    #[getter]
    fn durable_sequence(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.only(py, "durable_sequence")?;
        Ok(self.durable(py)?.and_then(|sequences| sequences.first().copied()))
    }

    /// The same of each shard, as a tuple; None: there is no journal.
    #[getter]
    fn durable_sequences<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let sequences = self.durable(py)?;
        sequences.map(|sequences| PyTuple::new(py, sequences)).transpose()
    }

    /// What opening the journal found; None: there is no journal.
    ///
    /// Of several shards each has its own: AeroMatchError, see `recoveries`.
    #[getter]
    fn recovery(&self, py: Python<'_>) -> PyResult<Option<Recovery>> {
        self.only(py, "recovery")?;
        let opened = self.handle.opened.as_ref();
        Ok(opened.and_then(|opened| opened.recoveries.first()).map(Recovery::new))
    }

    /// The same of each shard, as a tuple; None: there is no journal.
    #[getter]
    fn recoveries<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let Some(opened) = &self.handle.opened else { return Ok(None) };
        let all = opened.recoveries.iter().map(|recovery| Recovery::new(recovery).into_pyobject(py));
        PyTuple::new(py, all.collect::<PyResult<Vec<_>>>()?).map(Some)
    }
}

impl Exchange {
    fn durable(&self, py: Python<'_>) -> PyResult<Option<Vec<u64>>> {
        if self.handle.opened.is_none() {
            return self.with(py, |machine| machine.door().map(|_| None));
        }
        self.with(py, |machine| {
            if let Some(door) = machine.door()? {
                let counters = door.core().counters()?;
                return Ok(Some(counters.iter().map(|counters| counters.durable_sequence).collect()));
            }
            Ok(machine.journal()?.map(|journaled| vec![journaled.durable_sequence()]))
        })
    }
}

/// Closes what nobody has closed when the interpreter ends.
pub fn close_at_exit(py: Python<'_>) -> PyResult<()> {
    let close_all = PyCFunction::new_closure(py, Some(c"close_all"), None, |arguments, _| {
        let py = arguments.py();
        for handle in Handle::all_open() {
            if let Err(failure) = py.detach(|| close_when_free(&handle)) {
                failure.into_py(py).write_unraisable(py, None);
            }
        }
    })?;
    py.import("atexit")?.call_method1("register", (close_all,)).map(drop)
}

/// Closes an exchange as soon as no thread is using it any more.
fn close_when_free(handle: &Handle) -> Result<(), Failure> {
    loop {
        match handle.with(|machine| machine.close()) {
            Err(Failure::InUse(_)) => std::thread::sleep(POLL),
            closed => return closed,
        }
    }
}
