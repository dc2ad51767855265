//! What is in a directory: segments, each the successor of the one before, and snapshots.

use crate::failure::Failure;
use crate::segment::{SegmentHeader, is_unfinished, segment_name, sequence_of_segment};
use crate::snapshot::{sequence_of_snapshot, snapshot_name};
use crate::storage::Storage;

/// The files of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// The segments, oldest first.
    pub segments: Vec<SegmentHeader>,
    /// The numbers of the snapshots, oldest first. They have been looked at by name only.
    pub snapshots: Vec<u64>,
    /// Files in the making that a crash has left behind.
    pub unfinished: Vec<String>,
}

impl Catalog {
    /// Reads the names, and the header of each segment.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] where a segment between two others is missing; [`Failure::Damaged`] and
    /// [`Failure::UnknownVersion`] for headers; [`Failure::Io`].
    pub fn read<St: Storage>(storage: &St) -> Result<Catalog, Failure> {
        let mut names = storage.list().map_err(Failure::io(".", "list"))?;
        names.sort_unstable();
        let mut catalog = Catalog::default();
        for name in names {
            if sequence_of_segment(&name).is_some() {
                let file = storage.open(&name).map_err(Failure::io(&name, "open"))?;
                catalog.segments.push(SegmentHeader::read(&name, &file)?);
            } else if let Some(sequence) = sequence_of_snapshot(&name) {
                catalog.snapshots.push(sequence);
            } else if is_unfinished(&name) {
                catalog.unfinished.push(name);
            }
        }
        catalog.check_chain().map(|()| catalog)
    }

    fn check_chain(&self) -> Result<(), Failure> {
        for pair in self.segments.windows(2) {
            if pair[1].previous_first_sequence != pair[0].first_sequence {
                let problem = format!("{} follows it and is here", pair[1].name());
                return Err(Failure::incomplete(segment_name(pair[1].previous_first_sequence), problem));
            }
        }
        Ok(())
    }

    /// The place, among the segments, of the first whose commands come after that number. `None`: there is no journal yet.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] where what comes after that number is not here.
    pub fn segment_after(&self, sequence: u64) -> Result<Option<usize>, Failure> {
        let wanted = sequence + 1;
        if let Some(place) = self.segments.iter().position(|segment| segment.first_sequence == wanted) {
            return Ok(Some(place));
        }
        let Some(first) = self.segments.first() else {
            return match self.snapshots.last() {
                Some(&snapshot) => {
                    let problem = format!("{} is here", snapshot_name(snapshot));
                    Err(Failure::incomplete(segment_name(snapshot + 1), problem))
                }
                None => Ok(None),
            };
        };
        let missing = if first.first_sequence > wanted && first.previous_first_sequence > 0 {
            segment_name(first.previous_first_sequence)
        } else {
            segment_name(wanted)
        };
        let known =
            if sequence == 0 { "no snapshot can be used" } else { "the snapshot that can be used ends before it" };
        Err(Failure::incomplete(missing, format!("the journal starts with {}, and {known}", first.name())))
    }
}
