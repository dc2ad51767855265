//! `aeromatch.EventStream`: the events of an exchange's shards, from some number on and as they come.

use super::directory::Directory;
use super::handle::Handle;
use super::sharded::Core;
use crate::arguments::{Argument, unsigned};
use crate::batch;
use crate::buffer::Pool;
use crate::enums::type_name;
use crate::errors::Failure;
use crate::scope::Scope;
use crate::state::{BatchDone, Guarded, Shared};
use aeromatch_engine::codes::{CreatedKind, EventKind};
use aeromatch_engine::record::Event;
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::{EventStream as Source, StreamError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Events of one read where nothing is said.
const LIMIT: usize = 65536;
/// How often a thread that waits looks whether the interpreter has something to say, such as Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Every event of an exchange with shards, from some number on and then as they come.
///
/// What an exchange still has in memory comes from there, what is older from its journals. Reading it costs the
/// matching threads nothing: they never wait for a reader. One that falls so far behind that events it has not read are
/// overwritten gets StreamLagged, and another stream from its `position` has them from the journal.
///
/// Events of one shard come in order, those of several in any. It is an iterator over batches that ends when the
/// exchange is closed and everything was read.
#[pyclass(frozen, module = "aeromatch")]
pub struct EventStream {
    handle: Arc<Handle>,
    reader: Shared<Reader>,
    /// Of the readers of all shards.
    doorbell: Arc<Doorbell>,
    pool: Pool,
}

/// One reader's places.
pub struct Reader {
    core: Arc<Core>,
    /// By shard; empty once it is closed.
    sources: Vec<Source>,
    /// The shard that is asked first the next time.
    next: usize,
}

impl Guarded for Reader {
    const NAME: &'static str = "EventStream";
}

impl EventStream {
    /// A reader of every shard.
    pub fn open(py: Python<'_>, handle: &Arc<Handle>, from: Argument<'_, '_>) -> PyResult<EventStream> {
        let fail = |failure: Failure| failure.into_py(py);
        let core = handle.core.as_ref().ok_or_else(|| fail(Failure::NoShards("stream")))?;
        let from = positions(from, core)?;
        let (sources, doorbell) = py.detach(|| sources(core, from)).map_err(fail)?;
        let reader = Shared::new(Reader { core: Arc::clone(core), sources, next: 0 });
        Ok(EventStream { handle: Arc::clone(handle), reader, doorbell, pool: Pool::default() })
    }

    fn with<R: Send>(
        &self,
        py: Python<'_>,
        action: impl FnOnce(&mut Reader) -> Result<R, Failure> + Send,
    ) -> PyResult<R> {
        let fail = |failure: Failure| failure.into_py(py);
        if self.handle.is_foreign() {
            return Err(fail(Failure::Forked("EventStream")));
        }
        let entry = self.reader.enter().map_err(fail)?;
        py.detach(|| entry.with(action)).and_then(|done| done).map_err(fail)
    }

    /// The same for what takes no time: the interpreter is kept, as another thread would not give it back at once.
    fn look<R>(&self, py: Python<'_>, action: impl FnOnce(&mut Reader) -> Result<R, Failure>) -> PyResult<R> {
        let fail = |failure: Failure| failure.into_py(py);
        if self.handle.is_foreign() {
            return Err(fail(Failure::Forked("EventStream")));
        }
        self.reader.with(action).and_then(|done| done).map_err(fail)
    }

    /// The next events of some shard, or none of them when the time is over.
    fn next_events(
        &self,
        reader: &mut Reader,
        limit: usize,
        deadline: Option<Instant>,
        mut events: Vec<Event>,
    ) -> Result<Vec<Event>, Failure> {
        self.doorbell.disarm();
        loop {
            if reader.read(limit, &mut events)? || reader.has_ended() {
                return Ok(events);
            }
            // Whoever publishes from here on sees that the doorbell is armed, and it stays so for those who wait by descriptor.
            self.doorbell.arm();
            if reader.read(limit, &mut events)? || reader.has_ended() {
                return Ok(events);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(events);
            }
            self.doorbell.wait(|| reader.is_ready(), Some(left.unwrap_or(LOOK).min(LOOK)));
            Python::attach(|py| py.check_signals()).map_err(Failure::Interrupted)?;
        }
    }

    /// Names that have come to be since the directory was last looked at are needed to print these events.
    fn catch_up(&self, py: Python<'_>, events: &[Event]) -> PyResult<()> {
        let directory: &Directory = &self.handle.directory;
        let is_new = |event: &Event| {
            event.kind == EventKind::Created.code()
                && CreatedKind::from_code(event.reason)
                    .is_some_and(|what| directory.name(what, event.order_id as u32).is_none())
        };
        match &self.handle.core {
            Some(core) if events.iter().any(is_new) => match py.detach(|| core.catch_up(directory)) {
                // What was made since is known by number, then.
                Err(Failure::Closed(_)) => Ok(()),
                caught_up => caught_up.map_err(|failure| failure.into_py(py)),
            },
            _ => Ok(()),
        }
    }
}

impl Reader {
    /// Itself, if it was not closed.
    fn open(&mut self) -> Result<&mut Reader, Failure> {
        if self.sources.is_empty() { Err(Failure::Closed(Reader::NAME)) } else { Ok(self) }
    }

    /// Reads from the first shard that has something; says whether one had.
    fn read(&mut self, limit: usize, events: &mut Vec<Event>) -> Result<bool, Failure> {
        let count = self.sources.len();
        for step in 0..count {
            let shard = (self.next + step) % count;
            match self.sources[shard].read(events, limit) {
                Ok(0) => {}
                Ok(_) => {
                    self.next = shard + 1;
                    return Ok(true);
                }
                Err(StreamError::Failed(cause)) => return Err(self.core.failure(shard as u16, &cause)),
                Err(StreamError::Lagged { resume_sequence }) => {
                    let mut position = self.position();
                    position[shard] = resume_sequence;
                    return Err(Failure::Lagged(position));
                }
            }
        }
        Ok(false)
    }

    fn is_ready(&self) -> bool {
        self.sources.iter().any(Source::is_ready)
    }

    fn has_ended(&self) -> bool {
        self.sources.iter().all(Source::is_over)
    }

    fn position(&self) -> Vec<u64> {
        self.sources.iter().map(Source::position).collect()
    }
}

/// A reader of each shard, from those numbers on.
fn sources(core: &Core, mut from: Vec<u64>) -> Result<(Vec<Source>, Arc<Doorbell>), Failure> {
    let doorbell = core.doorbell()?;
    let mut sources = Vec::new();
    for (begin, shard) in from.iter_mut().zip(0..) {
        match core.stream(shard, *begin, &doorbell) {
            Ok(source) => sources.push(source),
            // Where this shard has gone on; the others are asked all the same, so that the answer is one position for all.
            Err(Failure::Gone { oldest }) => *begin = oldest,
            Err(other) => return Err(other),
        }
    }
    if sources.len() < from.len() { Err(Failure::Lagged(from)) } else { Ok((sources, doorbell)) }
}

/// The numbers to begin with, by shard. What nobody can have read up to is refused: it is a position in another log, or this
/// one has lost its end, and a stream that waited there would skip what takes those numbers.
fn positions(from: Argument<'_, '_>, core: &Core) -> PyResult<Vec<u64>> {
    let shards = usize::from(core.shard_count);
    let Some(from) = from else { return Ok(vec![0; shards]) };
    let ends = core.last_sequences().map_err(|failure| failure.into_py(from.py()))?;
    let ahead = |begin: u64, end: u64, whose: &str| {
        let problem = format!("from_sequence {begin} is beyond the next command: {whose} ends after command {end}");
        PyValueError::new_err(problem)
    };
    let Ok(tuple) = from.cast::<PyTuple>() else {
        if !from.is_instance_of::<PyInt>() {
            let problem = format!("from_sequence must be an int or a tuple of int, not {}", type_name(from));
            return Err(PyTypeError::new_err(problem));
        }
        let begin = unsigned(from, "from_sequence", 0, u64::MAX)?;
        let end = ends.into_iter().max().unwrap_or(0);
        return if begin > end + 1 { Err(ahead(begin, end, "every log")) } else { Ok(vec![begin; shards]) };
    };
    if tuple.len() != shards {
        let problem = format!("from_sequence has {} numbers for {shards} shards", tuple.len());
        return Err(PyValueError::new_err(problem));
    }
    let begin = |(shard, (from, end)): (usize, (Bound<'_, PyAny>, u64))| {
        let begin = unsigned(&from, "from_sequence", 0, u64::MAX)?;
        if begin > end + 1 { Err(ahead(begin, end, &format!("the log of shard {shard}"))) } else { Ok(begin) }
    };
    tuple.iter().zip(ends).enumerate().map(begin).collect()
}

/// A time to wait in seconds, as a moment.
fn deadline(timeout: Argument<'_, '_>) -> PyResult<Option<Instant>> {
    let Some(timeout) = timeout else { return Ok(None) };
    let Ok(seconds) = timeout.extract::<f64>() else {
        return Err(PyTypeError::new_err(format!("timeout_s must be a number or None, not {}", type_name(timeout))));
    };
    let wrong = || PyValueError::new_err(format!("timeout_s must be 0 or more seconds, not {seconds}"));
    let timeout = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    // A time too far to be written down is no limit.
    Ok(Instant::now().checked_add(timeout))
}

#[pymethods]
impl EventStream {
    /// The next events, of one shard.
    ///
    /// Arguments:
    ///     limit: About so many at most: on to the end of the command that reaches it.
    ///     timeout_s: Wait at most so long for one, in seconds; 0: only look; None: as long as it takes. Ctrl-C ends
    ///         the wait.
    ///
    /// Returns:
    ///     The events; None if none came in time, or there will be none any more: see `ended`.
    ///
    /// Raises:
    ///     TypeError: An argument has the wrong type.
    ///     ValueError: An argument is out of range.
    ///     StreamLagged: Events that were not read are overwritten; `position` says where to open another stream.
    ///     JournalError: The journal cannot be read.
    ///     AeroMatchError: Another thread is using the stream, or it was closed.
    #[pyo3(signature = (limit=None, timeout_s=None), text_signature = "($self, limit=65536, timeout_s=None)")]
    fn read(
        &self,
        py: Python<'_>,
        limit: Argument<'_, '_>,
        timeout_s: Argument<'_, '_>,
    ) -> PyResult<Option<Py<PyAny>>> {
        let limit = limit.map_or(Ok(LIMIT as u64), |limit| unsigned(limit, "limit", 1, u64::from(u32::MAX)))? as usize;
        let deadline = deadline(timeout_s)?;
        let next = |reader: &mut Reader| self.next_events(reader.open()?, limit, deadline, self.pool.take_events());
        // What lies in memory is there at once, if nothing is waited for.
        let is_quick = deadline.is_some_and(|deadline| deadline <= Instant::now()) && self._is_live(py)?;
        let events = if is_quick { self.look(py, next)? } else { self.with(py, next)? };
        self.catch_up(py, &events)?;
        if events.is_empty() {
            self.pool.give_events(events);
            return Ok(None);
        }
        let directory = &self.handle.directory;
        let scope = Scope { context: Arc::clone(directory.nowhere()), directory: Some(Arc::clone(directory)) };
        let commands = events.chunk_by(|one, other| one.sequence == other.sequence).count();
        batch::output(py, scope, &self.pool, BatchDone { commands, events, changes: None }).map(Some)
    }

    /// Where to go on, by shard: `Exchange.stream(position)` begins with what was not read yet.
    ///
    /// Commands without events are not seen on the way, so it may lie before the end of a shard that has none to give.
    #[getter]
    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.look(py, |reader| reader.open().map(|reader| reader.position()))?)
    }

    /// The shard whose events the last `read` gave, from 0.
    #[getter]
    fn _last_shard(&self, py: Python<'_>) -> PyResult<usize> {
        self.look(py, |reader| Ok(reader.open()?.next.saturating_sub(1)))
    }

    /// Whether the next `read` looks at memory only: everything that lies in journals was read.
    #[getter]
    fn _is_live(&self, py: Python<'_>) -> PyResult<bool> {
        self.look(py, |reader| Ok(reader.sources.iter().all(Source::is_live)))
    }

    /// Whether the exchange was closed and everything was read.
    #[getter]
    fn ended(&self, py: Python<'_>) -> PyResult<bool> {
        self.look(py, |reader| Ok(reader.has_ended()))
    }

    /// What becomes readable when there are events again, after `read` has given None.
    ///
    /// Returns:
    ///     A file descriptor, for select, poll and event loops; it is only to be waited for.
    ///
    /// Raises:
    ///     AeroMatchError: The stream was closed.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.look(py, |reader| reader.open().map(|_| self.doorbell.descriptor()))
    }

    /// Gives up the place in the stream. A second time does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |reader| {
            reader.sources.clear();
            Ok(())
        })
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        match self.look(py, |reader| Ok(reader.position())) {
            Ok(position) if position.is_empty() => Ok("EventStream(closed=True)".to_string()),
            Ok(position) => Ok(format!("EventStream(position={})", PyTuple::new(py, position)?.repr()?)),
            // Another thread reads it.
            Err(_) => Ok("EventStream(...)".to_string()),
        }
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.read(py, None, None)
    }
}
