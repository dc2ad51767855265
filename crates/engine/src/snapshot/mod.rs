//! Snapshots: the whole book as versioned, checksummed bytes, and back. Reading trusts nothing: whatever the bytes, the result
//! is a book that could have been, or an error that says what is wrong and where. docs/records.md has the layout; `write` and
//! `read` go through it field by field in the same order.

mod read;
mod reader;
mod write;

pub(crate) use reader::Reader;
use std::fmt;

const MAGIC: [u8; 8] = *b"AEROBOOK";
/// The version of the snapshot's layout.
pub const SNAPSHOT_VERSION: u32 = 2;
pub(crate) const HEADER_BYTES: usize = 8 + 4 + 8;
const CHECKSUM_BYTES: usize = 4;

/// Bytes that begin with magic, version and eight bytes for a length, made whole: the length set, a checksum behind.
pub(crate) fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() - HEADER_BYTES) as u64;
    bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The first bytes are not those of such a snapshot.
    NotASnapshot {
        /// What they should be.
        magic: [u8; 8],
    },
    /// Made by another version of the layout.
    UnknownVersion {
        /// By the header.
        found: u32,
        /// The one that can be read.
        known: u32,
    },
    /// Fewer or more bytes than the header says.
    WrongLength {
        /// By the header.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// The checksum does not match: some bytes changed.
    Checksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The checksum matches but the content contradicts itself.
    Damaged {
        /// Byte offset where it was noticed.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot { magic } => {
                write!(f, "not a snapshot: it does not start with {:?}", magic.escape_ascii().to_string())
            }
            Self::UnknownVersion { found, known } => {
                write!(f, "snapshot version {found} is unknown, this is version {known}")
            }
            Self::WrongLength { expected, found } => {
                write!(f, "snapshot of {expected} bytes is {found} bytes long")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "snapshot checksum is {computed:08x}, stored is {stored:08x}: some bytes changed")
            }
            Self::Damaged { offset, problem } => write!(f, "snapshot is damaged at byte {offset}: {problem}"),
        }
    }
}

impl std::error::Error for SnapshotError {}
