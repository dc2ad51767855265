//! How an exchange keeps its journal.

use crate::frame::FRAME_HEADER_BYTES;
use crate::segment::SEGMENT_HEADER_BYTES;

/// When a command counts as taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At once: what is in memory is written when there is enough of it, and at closing. A killed process loses it.
    Memory,
    /// When it was given to the operating system: survives the end of the process, however it ends.
    Os,
    /// When it is on the disk: survives a loss of power.
    #[default]
    Disk,
}

impl Durability {
    /// Every policy.
    pub const ALL: &[Durability] = &[Durability::Memory, Durability::Os, Durability::Disk];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Durability::Memory => "memory",
            Durability::Os => "os",
            Durability::Disk => "disk",
        }
    }

    /// The policy of a public name.
    pub fn from_slug(slug: &str) -> Option<Durability> {
        Durability::ALL.iter().copied().find(|durability| durability.slug() == slug)
    }
}

/// How an exchange keeps its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// When a command counts as taken.
    pub durability: Durability,
    /// Size of a segment; a batch that does not fit gets a larger one.
    pub segment_bytes: u64,
    /// Bytes of closed segments after which a snapshot is made.
    pub snapshot_bytes: u64,
    /// Seconds after which a snapshot is made if there were commands; 0: by volume only.
    pub snapshot_interval_s: u64,
    /// Snapshots that stay, at least one.
    pub keep_snapshots: usize,
    /// What the segments behind which all kept snapshots lie may take; `None`: all of them stay.
    pub retain_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::Disk,
            segment_bytes: 64 << 20,
            snapshot_bytes: 256 << 20,
            snapshot_interval_s: 300,
            keep_snapshots: 2,
            retain_bytes: None,
        }
    }
}

/// What the closing frame takes.
pub(crate) const CLOSING_BYTES: u64 = 2 * FRAME_HEADER_BYTES as u64;
/// Files are made of blocks of this size.
const BLOCK_BYTES: u64 = 4096;

/// Of a segment, the last part in this many is for cancels while the disk is full.
const RESERVE: u64 = 16;

impl Options {
    /// The size of a segment whose first frame takes that many bytes.
    pub(crate) fn segment_bytes_for(&self, frame_bytes: u64) -> u64 {
        let needed = SEGMENT_HEADER_BYTES + frame_bytes + CLOSING_BYTES;
        let with_reserve = needed + needed.div_ceil(RESERVE - 1);
        self.segment_bytes.max(with_reserve).next_multiple_of(BLOCK_BYTES)
    }
}

/// Where the frames of ordinary batches end at the latest, in a segment of that size.
pub(crate) fn ordinary_end(segment_bytes: u64) -> u64 {
    (segment_bytes - segment_bytes / RESERVE).min(reserved_end(segment_bytes))
}

/// Where those of cancels end at the latest.
pub(crate) fn reserved_end(segment_bytes: u64) -> u64 {
    segment_bytes - CLOSING_BYTES
}
