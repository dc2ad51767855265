//! Looks at the journal of an exchange, for time travel and tools: its commands by number and by time, its files, and the
//! proof that all of it leads to what it led to when it was written. Locks nothing and changes nothing.

use crate::exchange::Exchange;
use crate::exchange::journal::failure;
use aeromatch_runtime::Failure;
use aeromatch_runtime::disk::Disk;
use aeromatch_runtime::inspect::{Frames, JournalReader as Files, Verified, verify};
use pyo3::exceptions::{PyIndexError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

const SLOT_BYTES: usize = 64;
/// Segments whose commands are kept in memory.
const KEPT_SEGMENTS: usize = 2;
/// A directory that changed longer ago than this says so by its time: several changes may fall into one tick of it.
const TICK: Duration = Duration::from_secs(1);
/// What is being written while it is read looks damaged for a moment.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(5);

/// Kinds from here on are commands to the exchange itself, with extension slots of their own.
const FIRST_ADMIN_KIND: u8 = 16;
const ORDER_EXTENSIONS: u8 = 0b11;
const ADMIN_EXTENSIONS: u8 = 0b1_1100;
const TEXTS: u8 = 0b10_0000;

/// How many slots a command takes, by its own.
fn slots_of(slot: &[u8]) -> usize {
    let (kind, extensions, texts) = (slot[0], slot[2], slot[6]);
    if kind < FIRST_ADMIN_KIND {
        return 1 + (extensions & ORDER_EXTENSIONS).count_ones() as usize;
    }
    let texts = if extensions & TEXTS != 0 { usize::from(texts) } else { 0 };
    1 + (extensions & ADMIN_EXTENSIONS).count_ones() as usize + texts
}

fn number(slots: &[u8], slot: u32, at: usize) -> u64 {
    let start = slot as usize * SLOT_BYTES + at;
    slots[start..start + 8].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

/// The commands of one segment.
struct Segment {
    first_sequence: u64,
    frames: Frames<Disk>,
    frame_count: u64,
    /// The slots of all commands, without the frames around them.
    slots: Vec<u8>,
    /// The place of each command's own slot.
    starts: Vec<u32>,
    is_closed: bool,
}

impl Segment {
    /// Reads what has been written since the last time.
    fn read_on(&mut self) -> Result<(), Failure> {
        self.frames.reread();
        while let Some(frame) = self.frames.next()? {
            self.frame_count += 1;
            self.is_closed = frame.header.is_closing();
            if self.is_closed {
                continue;
            }
            let base = (self.slots.len() / SLOT_BYTES) as u32;
            self.slots.extend_from_slice(frame.slots);
            let (mut slot, end) = (0, frame.slots.len() / SLOT_BYTES);
            while slot < end {
                self.starts.push(base + slot as u32);
                slot += slots_of(&frame.slots[slot * SLOT_BYTES..]);
            }
        }
        Ok(())
    }

    fn sequence(&self, command: usize) -> u64 {
        number(&self.slots, self.starts[command], 48)
    }

    fn time_ns(&self, command: usize) -> u64 {
        number(&self.slots, self.starts[command], 40)
    }

    fn last_sequence(&self) -> u64 {
        self.starts.len().checked_sub(1).map_or(self.first_sequence - 1, |last| self.sequence(last))
    }

    /// The place of the first command with a higher number.
    fn place_after(&self, sequence: u64) -> usize {
        self.starts.partition_point(|&start| number(&self.slots, start, 48) <= sequence)
    }

    /// The first command with a later time.
    fn first_later(&self, time_ns: u64) -> Option<usize> {
        (0..self.starts.len()).find(|&command| self.time_ns(command) > time_ns)
    }
}

/// A directory's files, and the commands of the segments that were looked at last.
struct Log {
    disk: Disk,
    files: Files<Disk>,
    /// When the directory had last changed, and when that was looked at.
    seen: (SystemTime, SystemTime),
    kept: VecDeque<Segment>,
    /// The last segment that goes on where the one before ends, and its last command; `None` before the first refresh.
    last: Option<(usize, u64)>,
    /// The latest time that the commands of a segment bring, by the segment's first number; of whole ones only.
    latest_ns: Vec<(u64, u64)>,
}

impl Log {
    fn open(path: &Path) -> Result<Log, Failure> {
        let disk = Disk::look(path)?;
        let never = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        let files = patiently(|| Files::open(disk.clone()))?;
        Ok(Log { disk, files, seen: never, kept: VecDeque::new(), last: None, latest_ns: Vec::new() })
    }

    /// Looks at the directory again, and finds where the log ends now.
    fn refresh(&mut self) -> Result<(), Failure> {
        let now = SystemTime::now();
        let changed = std::fs::metadata(self.disk.path()).and_then(|metadata| metadata.modified()).unwrap_or(now);
        let is_known = changed == self.seen.0 && self.seen.1 > changed + TICK;
        // Places shift where the oldest segments are removed, numbers do not.
        let last = self.last.and_then(|(place, _)| self.files.segments().get(place)).map(|last| last.first_sequence);
        if !is_known {
            self.files = patiently(|| Files::open(self.disk.clone()))?;
            self.seen = (changed, now);
        }
        let count = self.files.segments().len();
        if count == 0 {
            self.last = Some((0, self.files.snapshots().last().copied().unwrap_or(0)));
            return Ok(());
        }
        let known = last.and_then(|last| self.files.segments().iter().position(|it| it.first_sequence == last));
        let mut place = match known {
            Some(place) => place,
            None => self.last_joined(count - 1)?,
        };
        loop {
            let last_sequence = self.segment(place, true)?.last_sequence();
            let next = self.files.segments().get(place + 1);
            if next.is_none_or(|next| next.first_sequence != last_sequence + 1) {
                self.last = Some((place, last_sequence));
                return Ok(());
            }
            place += 1;
        }
    }

    /// The last segment, from a place on back, that the one before leads to: what a crash has left may be behind it.
    fn last_joined(&mut self, from: usize) -> Result<usize, Failure> {
        let mut place = from;
        while place > 0 {
            let first_sequence = self.files.segments()[place].first_sequence;
            if self.segment(place - 1, true)?.last_sequence() + 1 == first_sequence {
                break;
            }
            place -= 1;
        }
        Ok(place)
    }

    /// Where the log ended when the directory was looked at.
    fn last(&mut self) -> Result<(usize, u64), Failure> {
        match self.last {
            Some(last) => Ok(last),
            None => {
                self.refresh()?;
                Ok(self.last.unwrap_or((0, 0)))
            }
        }
    }

    /// The commands of a segment; with `fresh`, those that were written a moment ago too.
    fn segment(&mut self, place: usize, fresh: bool) -> Result<&Segment, Failure> {
        let first_sequence = self.files.segments()[place].first_sequence;
        match self.kept.iter().position(|segment| segment.first_sequence == first_sequence) {
            Some(kept) => {
                if fresh {
                    patiently(|| self.kept[kept].read_on())?;
                }
                let found = self.kept.remove(kept);
                self.kept.extend(found);
            }
            None => {
                let segment = patiently(|| {
                    let frames = self.files.frames(place)?;
                    let (slots, starts) = (Vec::new(), Vec::new());
                    let mut made = Segment { first_sequence, frames, frame_count: 0, slots, starts, is_closed: false };
                    made.read_on().map(|()| made)
                })?;
                if self.kept.len() == KEPT_SEGMENTS {
                    self.kept.pop_front();
                }
                self.kept.push_back(segment);
            }
        }
        Ok(&self.kept[self.kept.len() - 1])
    }

    /// The earliest state: nothing, or the oldest snapshot that the first segment goes on from.
    fn first_sequence(&self) -> Result<u64, Failure> {
        let Some(first) = self.files.segments().first() else {
            return Ok(self.files.snapshots().last().copied().unwrap_or(0));
        };
        let needed = first.first_sequence - 1;
        if needed == 0 {
            return Ok(0);
        }
        let found = self.files.snapshots().iter().find(|&&snapshot| snapshot >= needed);
        found.copied().ok_or_else(|| Failure::Incomplete {
            file: aeromatch_runtime::snapshot::snapshot_name(needed),
            problem: format!("{} goes on from it", first.name()),
        })
    }

    /// Commands after a number, as many as are wanted and stand in one segment.
    fn commands(&mut self, after: u64, until: u64, limit: usize) -> Result<Option<JournalChunk>, Failure> {
        if self.files.segments().is_empty() || limit == 0 || until <= after {
            return Ok(None);
        }
        let Some(mut place) = self.files.segment_of(after + 1) else {
            let file = aeromatch_runtime::segment::segment_name(after + 1);
            return Err(Failure::Incomplete { file, problem: "the journal begins later".to_string() });
        };
        loop {
            if place > self.last()?.0 {
                return Ok(None);
            }
            let segment = self.segment(place, false)?;
            let first = segment.place_after(after);
            let end = segment.place_after(until).min(first.saturating_add(limit));
            if first < end {
                let slot = |command: usize| {
                    segment.starts.get(command).map_or(segment.slots.len() / SLOT_BYTES, |&s| s as usize)
                };
                let (from, to) = (slot(first), slot(end));
                let starts = segment.starts[first..end].iter().map(|&start| start - from as u32).collect();
                let slots = segment.slots[from * SLOT_BYTES..to * SLOT_BYTES].to_vec();
                return Ok(Some(JournalChunk { slots, starts }));
            }
            if first < segment.starts.len() {
                return Ok(None);
            }
            place += 1;
        }
    }

    /// The last command before the first one that brings a later time.
    fn sequence_at(&mut self, time_ns: u64) -> Result<u64, Failure> {
        let mut before = self.first_sequence()?;
        let (last_place, last_sequence) = self.last()?;
        for place in 0..=last_place {
            let Some(header) = self.files.segments().get(place) else { break };
            let first_sequence = header.first_sequence;
            let is_last = place == last_place;
            let latest = self.latest_ns.iter().find(|(first, _)| *first == first_sequence).map(|(_, latest)| *latest);
            if latest.is_some_and(|latest| latest <= time_ns) {
                continue;
            }
            let segment = self.segment(place, false)?;
            if let Some(later) = segment.first_later(time_ns) {
                return Ok(if later == 0 { before.max(first_sequence - 1) } else { segment.sequence(later - 1) });
            }
            before = segment.last_sequence();
            let latest = (0..segment.starts.len()).map(|command| segment.time_ns(command)).max().unwrap_or(0);
            if !is_last {
                self.latest_ns.push((first_sequence, latest));
            }
        }
        Ok(last_sequence)
    }
}

/// Tries again where something looks damaged that may just be in the middle of being written.
fn patiently<T>(mut action: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    for _ in 1..ATTEMPTS {
        match action() {
            Err(Failure::Damaged { .. } | Failure::Io { .. }) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    action()
}

/// Commands of a journal that stand together.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct JournalChunk {
    slots: Vec<u8>,
    starts: Vec<u32>,
}

#[pymethods]
impl JournalChunk {
    /// Their slots, extension slots included, numbers stamped.
    #[getter]
    fn slots<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.slots)
    }

    /// The place of each command's own slot, as little-endian u32.
    #[getter]
    fn starts<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes: Vec<u8> = self.starts.iter().flat_map(|start| start.to_le_bytes()).collect();
        PyBytes::new(py, &bytes)
    }

    fn __len__(&self) -> usize {
        self.starts.len()
    }
}

/// Looks at the directory of an exchange, which may be at work there: nothing is locked, nothing is changed.
///
/// Arguments:
///     path: The directory.
///
/// Raises:
///     JournalError: It is no such directory, or its files do not belong together.
#[pyclass(frozen, module = "aeromatch._core")]
pub struct JournalReader {
    log: Mutex<Log>,
    path: PathBuf,
}

impl JournalReader {
    fn log(&self) -> PyResult<MutexGuard<'_, Log>> {
        self.log.lock().map_err(|_| PyRuntimeError::new_err("an earlier call ended half-way"))
    }

    fn with<R: Send>(&self, py: Python<'_>, action: impl FnOnce(&mut Log) -> Result<R, Failure> + Send) -> PyResult<R> {
        let mut done = None;
        py.detach(|| {
            let log = self.log.lock();
            done = log.ok().map(|mut log| action(&mut log));
        });
        match done {
            Some(result) => result.map_err(|cause| failure(&cause, &self.path).into_py(py)),
            None => Err(PyRuntimeError::new_err("an earlier call ended half-way")),
        }
    }
}

#[pymethods]
impl JournalReader {
    #[new]
    #[pyo3(signature = (path, /))]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<JournalReader> {
        let log = py.detach(|| Log::open(&path)).map_err(|cause| failure(&cause, &path).into_py(py))?;
        Ok(JournalReader { log: Mutex::new(log), path })
    }

    /// Looks at the directory again: it may have grown.
    ///
    /// Raises:
    ///     JournalError: What has come is damaged.
    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, Log::refresh)
    }

    /// Number of the earliest state: 0, or that of a snapshot where the journal's beginning was removed.
    #[getter]
    fn first_sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |log| log.first_sequence())
    }

    /// Number of the last command, as of the last refresh.
    #[getter]
    fn last_sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |log| Ok(log.last()?.1))
    }

    /// The next commands after one.
    ///
    /// Arguments:
    ///     after: Number of the command before them.
    ///     until: None with a higher number.
    ///     limit: At most so many; there may be fewer though more follow.
    ///
    /// Returns:
    ///     None where there are none, as of the last refresh.
    ///
    /// Raises:
    ///     JournalError: Damaged, or the journal begins later.
    #[pyo3(signature = (after, /, *, until=None, limit))]
    fn commands(&self, py: Python<'_>, after: u64, until: Option<u64>, limit: usize) -> PyResult<Option<JournalChunk>> {
        self.with(py, |log| log.commands(after, until.unwrap_or(u64::MAX), limit))
    }

    /// Number of the last command before the first that brings a later time.
    ///
    /// Arguments:
    ///     time_ns: Nanoseconds since the Unix epoch.
    #[pyo3(signature = (time_ns, /))]
    fn sequence_at(&self, py: Python<'_>, time_ns: u64) -> PyResult<u64> {
        self.with(py, |log| log.sequence_at(time_ns))
    }

    /// Numbers of the snapshots, by their files' names, oldest first.
    fn snapshots(&self) -> PyResult<Vec<u64>> {
        Ok(self.log()?.files.snapshots().to_vec())
    }

    /// The exchange of a snapshot, in memory.
    ///
    /// Arguments:
    ///     sequence: The snapshot's number.
    ///
    /// Raises:
    ///     JournalError: Missing or damaged.
    #[pyo3(signature = (sequence, /))]
    fn load_snapshot(&self, py: Python<'_>, sequence: u64) -> PyResult<Exchange> {
        let (exchange, _) = self.with(py, |log| log.files.load_snapshot(sequence))?;
        Exchange::in_memory(exchange).map_err(|failure| failure.into_py(py))
    }

    /// What a snapshot's file says.
    ///
    /// Arguments:
    ///     sequence: The snapshot's number.
    ///
    /// Returns:
    ///     A dict: file, sequence, bytes, digest.
    ///
    /// Raises:
    ///     JournalError: Missing or damaged.
    #[pyo3(signature = (sequence, /))]
    fn snapshot<'py>(&self, py: Python<'py>, sequence: u64) -> PyResult<Bound<'py, PyDict>> {
        let (_, info) = self.with(py, |log| log.files.load_snapshot(sequence))?;
        let found = PyDict::new(py);
        found.set_item("file", info.file)?;
        found.set_item("sequence", info.sequence)?;
        found.set_item("bytes", info.bytes)?;
        found.set_item("digest", hex(&info.digest))?;
        Ok(found)
    }

    /// Number of segments.
    #[getter]
    fn segment_count(&self) -> PyResult<usize> {
        Ok(self.log()?.files.segments().len())
    }

    /// What a segment's frames hold.
    ///
    /// Arguments:
    ///     place: From 0, the oldest first.
    ///
    /// Returns:
    ///     A dict: file, bytes, used_bytes, frames, commands, first_sequence, last_sequence, first_time_ns,
    ///     last_time_ns (both None where no command brings a time), is_closed (its last frame is that of a close),
    ///     torn_at.
    ///
    /// Raises:
    ///     IndexError: There is no such segment.
    ///     JournalError: Damaged.
    #[pyo3(signature = (place, /))]
    fn segment<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyDict>> {
        if place >= self.segment_count()? {
            return Err(PyIndexError::new_err("no such segment"));
        }
        let summary = self.with(py, |log| {
            let header = log.files.segments()[place];
            let segment = log.segment(place, true)?;
            let times = || (0..segment.starts.len()).map(|command| segment.time_ns(command)).filter(|&time| time > 0);
            let counts = [segment.frame_count, segment.starts.len() as u64, segment.frames.offset()];
            let sequences = [segment.first_sequence, segment.last_sequence()];
            let end = (segment.is_closed, segment.frames.torn_at());
            Ok((header, counts, sequences, [times().next(), times().max()], end))
        })?;
        let (header, [frames, commands, used_bytes], [first_sequence, last_sequence], times, end) = summary;
        let found = PyDict::new(py);
        found.set_item("file", header.name())?;
        found.set_item("bytes", header.bytes)?;
        found.set_item("used_bytes", used_bytes)?;
        found.set_item("frames", frames)?;
        found.set_item("commands", commands)?;
        found.set_item("first_sequence", first_sequence)?;
        found.set_item("last_sequence", last_sequence)?;
        found.set_item("first_time_ns", times[0])?;
        found.set_item("last_time_ns", times[1])?;
        found.set_item("is_closed", end.0)?;
        found.set_item("torn_at", end.1)?;
        Ok(found)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replays a whole journal and compares every hash of events and every digest on the way. Cannot be interrupted.
///
/// Arguments:
///     path: The directory of an exchange, open or not.
///
/// Returns:
///     A dict: segments, base_sequence (of the snapshot that the journal starts from, None: the empty exchange),
///     commands, last_sequence, snapshots (that agree), digest, torn_bytes, is_closed.
///
/// Raises:
///     JournalError: The first thing that is wrong.
#[pyfunction]
#[pyo3(signature = (path, /))]
pub fn verify_journal<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let proven = py.detach(|| Disk::look(&path).and_then(|disk| patiently(|| verify(&disk))));
    let proven: Verified = proven.map_err(|cause| failure(&cause, &path).into_py(py))?;
    let found = PyDict::new(py);
    found.set_item("segments", proven.segments)?;
    found.set_item("base_sequence", proven.base_sequence)?;
    found.set_item("commands", proven.commands)?;
    found.set_item("last_sequence", proven.last_sequence)?;
    found.set_item("snapshots", proven.snapshots)?;
    found.set_item("digest", hex(&proven.digest))?;
    found.set_item("torn_bytes", proven.bytes_torn)?;
    found.set_item("is_closed", proven.clean)?;
    Ok(found)
}

/// Adds what reads journals to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<JournalReader>()?;
    module.add_class::<JournalChunk>()?;
    module.add_function(wrap_pyfunction!(verify_journal, module)?)
}
