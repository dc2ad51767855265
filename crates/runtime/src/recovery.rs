//! From the files of a directory to the exchange that wrote them: newest good snapshot, then the journal behind it, to its
//! last whole frame. Nothing is changed before everything was read and found good.

use crate::catalog::Catalog;
use crate::failure::Failure;
use crate::reader::{FrameReader, Next, Remains, remains};
use crate::replay::{Nowhere, Replay};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::snapshot::{self, Loaded, SnapshotInfo, snapshot_name};
use crate::storage::{Storage, StorageFile};
use aeromatch_engine::exchange::Exchange;
use std::collections::VecDeque;

/// Bytes written at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// What opening a journal found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Number of the last command in the snapshot that was used; `None`: the journal was replayed from its start.
    pub snapshot_sequence: Option<u64>,
    /// Commands that were replayed behind it.
    pub commands_replayed: u64,
    /// Bytes of an unfinished end, which held nothing that was durable, that were cut off.
    pub bytes_cut: u64,
    /// The segment in which the cut was made.
    pub cut_file: Option<String>,
    /// Where in it.
    pub cut_offset: u64,
    /// Snapshots that were damaged, newest first: older ones stood in for them.
    pub snapshots_refused: Vec<Failure>,
    /// The journal ended with a close, and the state has the digest that it had then.
    pub clean: bool,
}

/// A segment that gets no more frames.
#[derive(Clone, Debug)]
pub(crate) struct ClosedSegment {
    pub header: SegmentHeader,
    /// Number of its last command.
    pub last_sequence: u64,
    /// CRC32C over all events up to there.
    pub event_hash: u32,
}

/// Where the journal goes on.
pub(crate) struct Tail {
    pub segment: SegmentHeader,
    pub offset: u64,
}

/// What was read; nothing was changed.
pub(crate) struct Recovered {
    pub replay: Replay,
    pub report: Recovery,
    pub base: Option<SnapshotInfo>,
    /// Older snapshots that have not been read, oldest first.
    pub older_snapshots: Vec<u64>,
    pub closed: Vec<ClosedSegment>,
    /// `None`: the directory is new.
    pub tail: Option<Tail>,
    /// Snapshots that are the state which the journal leads to.
    pub snapshots_proven: usize,
    repairs: Repairs,
}

/// What is to be done before the journal goes on.
#[derive(Default)]
struct Repairs {
    unfinished: Vec<String>,
    /// Segments that held nothing durable, newest first.
    to_remove: Vec<String>,
    /// Behind the last whole frame there is something.
    must_cut: bool,
    /// What may not be durable, though it can be read: where it starts in each segment, and where it ends.
    to_rewrite: Vec<(String, u64, u64)>,
    to_sync: Vec<String>,
}

/// Reads a directory.
///
/// # Errors
/// Every [`Failure`] that is about files. Nothing has changed.
pub(crate) fn read<St: Storage>(storage: &St) -> Result<Recovered, Failure> {
    let catalog = Catalog::read(storage)?;
    let mut report = Recovery::default();
    let (mut loaded, mut older_snapshots) = (None, catalog.snapshots.clone());
    while let Some(sequence) = older_snapshots.pop() {
        match snapshot::load(storage, &snapshot_name(sequence)) {
            Ok(snapshot) => {
                loaded = Some(snapshot);
                break;
            }
            Err(failure @ Failure::Damaged { .. }) => report.snapshots_refused.push(failure),
            Err(other) => return Err(other),
        }
    }
    report.snapshot_sequence = loaded.as_ref().map(|snapshot| snapshot.info.sequence);
    let first = catalog.segment_after(report.snapshot_sequence.unwrap_or(0))?;
    let mut recovered = Recovered::from_base(loaded, report);
    recovered.older_snapshots = older_snapshots;
    recovered.repairs.unfinished.clone_from(&catalog.unfinished);
    if let Some(first) = first {
        Walk::new(storage, &catalog, first, None).run(&mut recovered)?;
    }
    Ok(recovered)
}

/// Reads all of a directory, and compares the state with every snapshot and at every close.
///
/// # Errors
/// As [`read`]; and for a snapshot that is damaged or another state than the journal leads to.
pub(crate) fn prove<St: Storage>(storage: &St, catalog: &Catalog) -> Result<Recovered, Failure> {
    let base = match catalog.segments.first() {
        Some(first) if first.first_sequence > 1 => {
            let from_here = |&&sequence: &&u64| sequence + 1 == first.first_sequence;
            let oldest = catalog.snapshots.iter().find(from_here).or(catalog.snapshots.first());
            oldest.map(|&sequence| snapshot::load(storage, &snapshot_name(sequence))).transpose()?
        }
        _ => None,
    };
    // What opening asks for as well: a snapshot is made of closed segments, so another one follows it.
    if let Some(&newest) = catalog.snapshots.last() {
        catalog.segment_after(newest)?;
    }
    let mut recovered = Recovered::from_base(base, Recovery::default());
    let first = catalog.segment_after(recovered.replay.exchange.sequence())?;
    if let Some(first) = first {
        Walk::new(storage, catalog, first, Some(&catalog.snapshots)).run(&mut recovered)?;
    }
    Ok(recovered)
}

/// Reads the segments from one on.
struct Walk<'a, St: Storage> {
    storage: &'a St,
    segments: &'a [SegmentHeader],
    /// Snapshots to be compared on the way, and with them what every closing frame says.
    to_prove: Option<&'a [u64]>,
    /// The largest number that anything read so far calls durable.
    durable_sequence: u64,
    /// Frames that may not be durable: place of the segment, offset, last command.
    doubtful: VecDeque<(usize, u64, u64)>,
    /// The frame that was read last, if it is a closing one.
    closing: Option<(u64, [u8; 32])>,
}

/// Where the frames of a segment end, and what is there.
struct End {
    offset: u64,
    /// What is wrong with the bytes there, and whether a crash explains it.
    bad: Option<(&'static str, bool)>,
}

impl<'a, St: Storage> Walk<'a, St> {
    fn new(storage: &'a St, catalog: &'a Catalog, first: usize, to_prove: Option<&'a [u64]>) -> Walk<'a, St> {
        // A snapshot, also one that was refused, is only made of what is durable in the journal.
        let durable_sequence = catalog.snapshots.last().copied().unwrap_or(0);
        let segments = &catalog.segments[first..];
        Walk { storage, segments, to_prove, durable_sequence, doubtful: VecDeque::new(), closing: None }
    }

    fn run(mut self, recovered: &mut Recovered) -> Result<(), Failure> {
        let mut buffer = Vec::new();
        for (place, segment) in self.segments.iter().enumerate() {
            recovered.snapshots_proven += usize::from(self.compare_snapshot(segment, &recovered.replay)?);
            let mut reader = FrameReader::open(self.storage, &segment.name(), buffer)?;
            recovered.replay.check_hash(&reader.name, 0, segment.event_hash)?;
            let end = self.read_frames(place, &mut reader, &mut recovered.replay)?;
            let (file, used) = reader.into_parts();
            buffer = used;
            self.plan_rewriting(place, &end, recovered);
            let sequence = recovered.replay.exchange.sequence();
            let next = self.segments.get(place + 1);
            if end.bad.is_none() && next.is_some_and(|next| next.first_sequence == sequence + 1) {
                let event_hash = recovered.replay.hash.value();
                recovered.closed.push(ClosedSegment { header: *segment, last_sequence: sequence, event_hash });
                continue;
            }
            let behind = remains(&segment.name(), &file, end.offset, segment.bytes)?;
            return self.finish(place, &end, &behind, recovered);
        }
        Ok(())
    }

    /// Applies the frames of one segment.
    fn read_frames(
        &mut self,
        place: usize,
        reader: &mut FrameReader<St::File>,
        replay: &mut Replay,
    ) -> Result<End, Failure> {
        let name = reader.name.clone();
        self.closing = None;
        self.found_durable(reader.header.durable_sequence);
        let bad = loop {
            match reader.next()? {
                Next::Nothing => break None,
                Next::Bad { problem, is_torn } => break Some((problem, is_torn)),
                Next::Frame(frame) => {
                    replay.apply(&name, &frame, &mut Nowhere)?;
                    self.closing = match frame.slots.first_chunk::<32>() {
                        Some(digest) if frame.header.is_closing() => Some((frame.offset, *digest)),
                        _ => None,
                    };
                    if let Some((offset, digest)) = self.closing.filter(|_| self.to_prove.is_some()) {
                        replay.check_digest(&name, offset, &digest)?;
                    }
                    self.found_durable(frame.header.durable_sequence);
                    self.doubtful.push_back((place, frame.offset, frame.header.last_sequence));
                }
            }
        };
        Ok(End { offset: reader.offset(), bad })
    }

    /// Is the snapshot that was made before this segment, if there is one, the state that the journal leads to?
    fn compare_snapshot(&self, segment: &SegmentHeader, replay: &Replay) -> Result<bool, Failure> {
        if !self.to_prove.is_some_and(|snapshots| snapshots.contains(&(segment.first_sequence - 1))) {
            return Ok(false);
        }
        let name = snapshot_name(segment.first_sequence - 1);
        let digest = snapshot::load(self.storage, &name)?.info.digest;
        if digest == replay.exchange.digest() {
            return Ok(true);
        }
        let problem = "the digest of the snapshot is not that of the replayed journal".to_string();
        Err(Failure::ReplayMismatch { file: name, offset: 0, problem })
    }

    fn found_durable(&mut self, sequence: u64) {
        self.durable_sequence = self.durable_sequence.max(sequence);
        while self.doubtful.front().is_some_and(|frame| frame.2 <= self.durable_sequence) {
            self.doubtful.pop_front();
        }
    }

    /// The journal ends in this segment. Is that all that was durable, and does a crash explain what else is there?
    fn finish(self, place: usize, end: &End, behind: &Remains, recovered: &mut Recovered) -> Result<(), Failure> {
        let segment = &self.segments[place];
        let later = &self.segments[place + 1..];
        let sequence = recovered.replay.exchange.sequence();
        let mut durable_sequence = self.durable_sequence.max(behind.durable_sequence);
        let mut bytes_cut = behind.end - end.offset;
        for segment in later {
            let name = segment.name();
            let file = self.storage.open(&name).map_err(Failure::io(&name, "open"))?;
            let found = remains(&name, &file, SEGMENT_HEADER_BYTES, segment.bytes)?;
            durable_sequence = durable_sequence.max(segment.durable_sequence).max(found.durable_sequence);
            bytes_cut += found.end - SEGMENT_HEADER_BYTES;
        }
        if durable_sequence > sequence {
            let problem = end.bad.map_or("nothing is there", |(problem, _)| problem);
            let problem = format!("{problem}, but commands up to {durable_sequence} were durable");
            return Err(Failure::damaged(&segment.name(), end.offset, problem));
        }
        if let Some((problem, false)) = end.bad {
            return Err(Failure::damaged(&segment.name(), end.offset, problem));
        }
        if let Some(next) = later.first().filter(|next| next.first_sequence <= sequence + 1) {
            let problem = format!("{} follows command {}", next.name(), next.first_sequence - 1);
            return Err(Failure::damaged(&segment.name(), end.offset, problem));
        }
        if bytes_cut > 0 || !later.is_empty() {
            recovered.report.cut_file = Some(segment.name());
            (recovered.report.bytes_cut, recovered.report.cut_offset) = (bytes_cut, end.offset);
        } else if let Some((offset, digest)) = self.closing {
            recovered.replay.check_digest(&segment.name(), offset, &digest)?;
            recovered.report.clean = true;
        }
        let repairs = &mut recovered.repairs;
        repairs.to_remove.extend(later.iter().rev().map(SegmentHeader::name));
        repairs.must_cut = behind.end > end.offset;
        recovered.tail = Some(Tail { segment: *segment, offset: end.offset });
        Ok(())
    }

    /// What can be read but was not durable is written again: after a sync that failed, the system may hold what is not on
    /// the disk and no longer try to bring it there.
    fn plan_rewriting(&mut self, place: usize, end: &End, recovered: &mut Recovered) {
        let name = self.segments[place].name();
        if let Some(&(_, offset, _)) = self.doubtful.iter().find(|frame| frame.0 == place) {
            recovered.repairs.to_rewrite.push((name.clone(), offset, end.offset));
        }
        recovered.repairs.to_sync.push(name);
    }
}

impl Recovered {
    fn from_base(base: Option<Loaded>, report: Recovery) -> Recovered {
        let (exchange, event_hash, base) = match base {
            Some(snapshot) => (snapshot.exchange, snapshot.event_hash, Some(snapshot.info)),
            None => (Exchange::new(), 0, None),
        };
        Recovered {
            replay: Replay::new(exchange, event_hash),
            report,
            base,
            older_snapshots: Vec::new(),
            closed: Vec::new(),
            tail: None,
            snapshots_proven: 0,
            repairs: Repairs::default(),
        }
    }

    /// Makes durable what was read, and takes away what was not: from here on the journal can go on.
    ///
    /// # Errors
    /// [`Failure::Io`]. Opening again starts again.
    pub fn repair<St: Storage>(&mut self, storage: &St) -> Result<(), Failure> {
        let repairs = std::mem::take(&mut self.repairs);
        for name in &repairs.unfinished {
            storage.remove(name).map_err(Failure::io(name, "remove"))?;
        }
        // One after the other, so that no crash leaves a gap.
        for name in &repairs.to_remove {
            storage.remove(name).map_err(Failure::io(name, "remove"))?;
            storage.sync_directory().map_err(Failure::io(name, "sync directory"))?;
        }
        for (name, from, to) in &repairs.to_rewrite {
            let mut file = storage.open(name).map_err(Failure::io(name, "open"))?;
            in_chunks(*from, *to, |offset, chunk| {
                file.read_at(chunk, offset).map_err(Failure::io(name, "read"))?;
                file.write_at(chunk, offset).map_err(Failure::io(name, "write"))
            })?;
        }
        if let (Some(tail), true) = (&self.tail, repairs.must_cut) {
            tail.cut(storage)?;
        }
        for name in &repairs.to_sync {
            let mut file = storage.open(name).map_err(Failure::io(name, "open"))?;
            file.sync().map_err(Failure::io(name, "sync"))?;
        }
        storage.sync_directory().map_err(Failure::io(".", "sync directory"))
    }
}

impl Tail {
    /// Puts a segment in the place of this one that has its frames and nothing behind them. Not by writing zeroes over the
    /// rest: if their sync failed, what they hide from a reader would be on the disk still.
    fn cut<St: Storage>(&self, storage: &St) -> Result<(), Failure> {
        let name = self.segment.name();
        let old = storage.open(&name).map_err(Failure::io(&name, "open"))?;
        let unfinished = format!("{name}.tmp");
        let mut new = storage.create(&unfinished).map_err(Failure::io(&unfinished, "create"))?;
        new.preallocate(self.segment.bytes).map_err(Failure::io(&unfinished, "preallocate"))?;
        in_chunks(0, self.offset, |offset, chunk| {
            old.read_at(chunk, offset).map_err(Failure::io(&name, "read"))?;
            new.write_at(chunk, offset).map_err(Failure::io(&unfinished, "write"))
        })?;
        new.sync().map_err(Failure::io(&unfinished, "sync"))?;
        storage.rename(&unfinished, &name).map_err(Failure::io(&unfinished, "rename"))?;
        storage.sync_directory().map_err(Failure::io(&name, "sync directory"))
    }
}

fn in_chunks(from: u64, to: u64, mut step: impl FnMut(u64, &mut [u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut chunk = vec![0; CHUNK_BYTES.min(to - from) as usize];
    let mut offset = from;
    while offset < to {
        let length = CHUNK_BYTES.min(to - offset) as usize;
        step(offset, &mut chunk[..length])?;
        offset += length as u64;
    }
    Ok(())
}
