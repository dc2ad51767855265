//! Makes the next snapshot from the last one and the closed segments, beside the exchange and without it. That proves again
//! and again that the journal leads to the events that were made.
//!
//! One step at a time, each of which may be the last before a crash.

use crate::catalog::Catalog;
use crate::failure::Failure;
use crate::options::Options;
use crate::reader::{FrameReader, Next};
use crate::recovery::ClosedSegment;
use crate::replay::{Nowhere, Replay};
use crate::segment::segment_name;
use crate::shared::Shared;
use crate::snapshot::{self, SnapshotInfo, snapshot_name};
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;
use std::sync::Arc;

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something; there may be more.
    Worked,
    /// Nothing: nothing is due.
    Idle,
    /// There is no room for the snapshot; it will be tried again.
    Full,
}

pub(crate) struct Compactor<St: Storage> {
    storage: St,
    options: Options,
    shared: Arc<Shared>,
    /// The newest snapshot that was read and proven.
    newest: Option<SnapshotInfo>,
    /// Older ones, oldest first.
    older: Vec<u64>,
    /// Names of damaged ones, for which the newest stands in.
    refused: Vec<String>,
    work: Work,
    /// A snapshot is due as soon as there is a closed segment.
    is_asked: bool,
    /// Retention has something to look at.
    is_untidy: bool,
    /// The oldest snapshot that stays, once it was read again for retention's sake.
    proven_oldest: Option<u64>,
}

enum Work {
    Nothing,
    /// Segments on the way into the next snapshot.
    Replaying(Box<Replay>, std::vec::IntoIter<ClosedSegment>),
    /// Written, to be read back: that number, that digest.
    Proving(u64, [u8; 32]),
}

impl<St: Storage> Compactor<St> {
    pub fn new(
        storage: St,
        options: Options,
        shared: Arc<Shared>,
        newest: Option<SnapshotInfo>,
        older: Vec<u64>,
        refused: Vec<String>,
    ) -> Compactor<St> {
        let is_asked = false;
        let (work, is_untidy, proven_oldest) = (Work::Nothing, true, None);
        Compactor { storage, options, shared, newest, older, refused, work, is_asked, is_untidy, proven_oldest }
    }

    /// Does not wait for the volume.
    pub fn ask(&mut self) {
        self.is_asked = true;
    }

    /// The newest snapshot that was read and proven.
    pub fn newest(&self) -> Option<&SnapshotInfo> {
        self.newest.as_ref()
    }

    /// Does the next thing that is due.
    ///
    /// # Errors
    /// A segment or snapshot that is not what was written, or cannot be read or written: the exchange must stop.
    pub fn step(&mut self) -> Result<Step, Failure> {
        match std::mem::replace(&mut self.work, Work::Nothing) {
            Work::Nothing => self.begin(),
            Work::Replaying(mut replay, mut segments) => match segments.next() {
                Some(segment) => {
                    self.replay(&mut replay, &segment)?;
                    self.work = Work::Replaying(replay, segments);
                    Ok(Step::Worked)
                }
                None => self.write(*replay),
            },
            Work::Proving(sequence, digest) => self.prove(sequence, digest),
        }
    }

    fn begin(&mut self) -> Result<Step, Failure> {
        if self.shared.sync_one(&self.storage)? {
            return Ok(Step::Worked);
        }
        let segments = self.shared.durable_segments();
        let bytes: u64 = segments.iter().map(|segment| segment.header.bytes).sum();
        if segments.is_empty() || !(self.is_asked || bytes >= self.options.snapshot_bytes) {
            return if self.is_untidy { self.tidy() } else { Ok(Step::Idle) };
        }
        let replay = match &self.newest {
            Some(base) => {
                let loaded = snapshot::load(&self.storage, &base.file)?;
                Replay::new(loaded.exchange, loaded.event_hash)
            }
            None => Replay::new(Exchange::new(), 0),
        };
        self.work = Work::Replaying(Box::new(replay), segments.into_iter());
        // Whoever asks from here on means segments that are not in this one.
        self.is_asked = false;
        Ok(Step::Worked)
    }

    fn replay(&mut self, replay: &mut Replay, segment: &ClosedSegment) -> Result<(), Failure> {
        let name = segment.header.name();
        let mut reader = FrameReader::open(&self.storage, &name, Vec::new())?;
        let problem = loop {
            match reader.next()? {
                Next::Frame(frame) => replay.apply(&name, &frame, &mut Nowhere)?,
                Next::Nothing => break "nothing is there",
                Next::Bad { problem, .. } => break problem,
            }
        };
        if replay.exchange.sequence() != segment.last_sequence {
            let problem = format!("{problem}, but commands up to {} were written", segment.last_sequence);
            return Err(Failure::damaged(&name, reader.offset(), problem));
        }
        replay.check_hash(&name, reader.offset(), segment.event_hash)
    }

    fn write(&mut self, mut replay: Replay) -> Result<Step, Failure> {
        let sequence = replay.exchange.sequence();
        let event_hash = replay.hash.value();
        let bytes = snapshot::encode(&replay.exchange, event_hash);
        if !snapshot::store(&self.storage, &snapshot_name(sequence), &bytes)? {
            self.is_asked = true;
            return Ok(Step::Full);
        }
        self.work = Work::Proving(sequence, replay.exchange.digest());
        Ok(Step::Worked)
    }

    /// Only what was read back and has the same digest counts, and makes older ones superfluous.
    fn prove(&mut self, sequence: u64, digest: [u8; 32]) -> Result<Step, Failure> {
        let name = snapshot_name(sequence);
        let info = snapshot::load(&self.storage, &name)?.info;
        if info.digest != digest {
            return Err(Failure::damaged(&name, 32, "the snapshot was read back with another digest"));
        }
        self.shared.covered(sequence);
        let newest = self.newest.replace(info);
        self.older.extend(newest.map(|snapshot| snapshot.sequence));
        // A damaged one of that number was just replaced.
        self.refused.retain(|refused| *refused != name);
        self.is_untidy = true;
        Ok(Step::Worked)
    }

    /// Removes one file that is not to be kept: damaged and superfluous snapshots first, then segments that all kept
    /// snapshots cover. One at a time and oldest first, so that no crash leaves a gap.
    fn tidy(&mut self) -> Result<Step, Failure> {
        let Some(newest) = &self.newest else {
            self.is_untidy = false;
            return Ok(Step::Idle);
        };
        let is_superfluous = |name: &String| snapshot::sequence_of_snapshot(name) < Some(newest.sequence);
        if let Some(place) = self.refused.iter().position(is_superfluous) {
            let name = self.refused.remove(place);
            return self.remove(&name);
        }
        if self.older.len() >= self.options.keep_snapshots.max(1) {
            let name = snapshot_name(self.older.remove(0));
            return self.remove(&name);
        }
        if let (Some(retain_bytes), Some(&oldest)) =
            (self.options.retain_bytes, self.older.first().or(Some(&newest.sequence)))
        {
            let segments = Catalog::read(&self.storage)?.segments;
            let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
            let is_covered = segments.get(1).is_some_and(|second| second.first_sequence <= oldest + 1);
            if bytes > retain_bytes && is_covered {
                if self.proven_oldest == Some(oldest) || self.is_good(oldest)? {
                    self.proven_oldest = Some(oldest);
                    return self.remove(&segment_name(segments[0].first_sequence));
                }
                self.older.retain(|&sequence| sequence != oldest);
                self.refused.push(snapshot_name(oldest));
                return Ok(Step::Worked);
            }
        }
        self.is_untidy = false;
        Ok(Step::Idle)
    }

    /// Can that snapshot still be read? What it covers is about to go.
    fn is_good(&self, sequence: u64) -> Result<bool, Failure> {
        match snapshot::load(&self.storage, &snapshot_name(sequence)) {
            Ok(_) => Ok(true),
            Err(Failure::Damaged { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn remove(&self, name: &str) -> Result<Step, Failure> {
        self.storage.remove(name).map_err(Failure::io(name, "remove"))?;
        self.storage.sync_directory().map_err(Failure::io(name, "sync directory"))?;
        Ok(Step::Worked)
    }
}
