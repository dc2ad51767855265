//! Looks at a journal without opening it: for tools, beside a running exchange too (its end may then be a moment old).

use crate::catalog::Catalog;
use crate::failure::Failure;
use crate::reader::{Frame, FrameReader, Next};
use crate::recovery;
use crate::segment::SegmentHeader;
use crate::snapshot::{self, SnapshotInfo, snapshot_name};
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;

/// The files of a journal, for reading.
pub struct JournalReader<St: Storage> {
    storage: St,
    catalog: Catalog,
}

impl<St: Storage> JournalReader<St> {
    /// Reads names and segment headers.
    ///
    /// # Errors
    /// As [`Catalog::read`].
    pub fn open(storage: St) -> Result<JournalReader<St>, Failure> {
        let catalog = Catalog::read(&storage)?;
        Ok(JournalReader { storage, catalog })
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> &[SegmentHeader] {
        &self.catalog.segments
    }

    /// The numbers of the snapshots, oldest first.
    pub fn snapshots(&self) -> &[u64] {
        &self.catalog.snapshots
    }

    /// Reads and proves a snapshot.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::UnknownVersion`], [`Failure::Io`].
    pub fn load_snapshot(&self, sequence: u64) -> Result<(Exchange, SnapshotInfo), Failure> {
        let loaded = snapshot::load(&self.storage, &snapshot_name(sequence))?;
        Ok((loaded.exchange, loaded.info))
    }

    /// The place of the segment that has the command of that number, or would have it.
    pub fn segment_of(&self, sequence: u64) -> Option<usize> {
        self.catalog.segments.partition_point(|segment| segment.first_sequence <= sequence).checked_sub(1)
    }

    /// The frames of the segment at that place.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::UnknownVersion`], [`Failure::Io`].
    ///
    /// # Panics
    /// If there is no such place.
    pub fn frames(&self, place: usize) -> Result<Frames<St>, Failure> {
        let name = self.catalog.segments[place].name();
        Ok(Frames { reader: FrameReader::open(&self.storage, &name, Vec::new())?, torn: None })
    }
}

/// The frames of a segment in order.
pub struct Frames<St: Storage> {
    reader: FrameReader<St::File>,
    torn: Option<u64>,
}

impl<St: Storage> Frames<St> {
    /// The next frame, its checksums proven; `None` where the segment's frames end.
    ///
    /// # Errors
    /// [`Failure::Damaged`] for bytes that no crash explains, [`Failure::UnknownVersion`], [`Failure::Io`].
    #[expect(clippy::should_implement_trait, reason = "a frame borrows the buffer that the next one is read into")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, Failure> {
        let (name, offset) = (self.reader.name.clone(), self.reader.offset());
        match self.reader.next()? {
            Next::Frame(frame) => Ok(Some(frame)),
            Next::Nothing => Ok(None),
            Next::Bad { is_torn: true, .. } => {
                self.torn = Some(offset);
                Ok(None)
            }
            Next::Bad { problem, .. } => Err(Failure::damaged(&name, offset, problem)),
        }
    }

    /// Forgets what was read ahead: the file may have grown behind the last frame.
    pub fn reread(&mut self) {
        self.reader.forget();
        self.torn = None;
    }

    /// Where the frames end, byte offset in the file.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// Where an unfinished frame stands behind the last whole one.
    pub fn torn_at(&self) -> Option<u64> {
        self.torn
    }
}

/// What [`verify`] has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Segments that were read.
    pub segments: usize,
    /// Number of the snapshot behind which the journal starts; `None`: it starts at the beginning.
    pub base_sequence: Option<u64>,
    /// Commands that were replayed.
    pub commands: u64,
    /// Number of the last command.
    pub last_sequence: u64,
    /// Snapshots that are the state which the journal leads to.
    pub snapshots: usize,
    /// Digest of the last state.
    pub digest: [u8; 32],
    /// Bytes of an unfinished end.
    pub bytes_torn: u64,
    /// The journal ends with a close.
    pub clean: bool,
}

/// Replays all of a journal and proves that it leads to the events that were made, to each snapshot, and to the digest of each
/// close. Changes nothing.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify<St: Storage>(storage: &St) -> Result<Verified, Failure> {
    let catalog = Catalog::read(storage)?;
    let recovered = recovery::prove(storage, &catalog)?;
    let base_sequence = recovered.base.as_ref().map(|base| base.sequence);
    Ok(Verified {
        segments: catalog.segments.len(),
        base_sequence,
        commands: recovered.replay.commands,
        last_sequence: recovered.replay.exchange.sequence(),
        snapshots: recovered.snapshots_proven,
        digest: recovered.replay.exchange.digest(),
        bytes_torn: recovered.report.bytes_cut,
        clean: recovered.report.clean,
    })
}
