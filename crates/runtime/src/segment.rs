//! Segments: the files of the journal. A header block, then frames, then zeroes up to the size the file was made with.

use crate::failure::Failure;
use crate::frame::{is_zero, u32_at, u64_at};
use crate::storage::{Storage, StorageFile, is_full};
use aeromatch_engine::record::RECORD_VERSION;
use crc32c::crc32c;

/// Bytes before the first frame.
pub const SEGMENT_HEADER_BYTES: u64 = 4096;
/// The version of the layout.
pub const SEGMENT_VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"AMJOURNL";
const CHECKSUM_AT: usize = SEGMENT_HEADER_BYTES as usize - 4;
const FIELDS_END: usize = 52;

/// What the first block of a segment says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The least number that a command in it can have: one more than the last before it.
    pub first_sequence: u64,
    /// The same of the segment before it; 0: it was the first.
    pub previous_first_sequence: u64,
    /// Everything up to this number was durable when the segment was made.
    pub durable_sequence: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// CRC32C over all events of all commands before this segment.
    pub event_hash: u32,
}

impl SegmentHeader {
    /// The name of the file.
    pub fn name(&self) -> String {
        segment_name(self.first_sequence)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES as usize);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&SEGMENT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&u32::from(RECORD_VERSION).to_le_bytes());
        bytes.extend_from_slice(&self.first_sequence.to_le_bytes());
        bytes.extend_from_slice(&self.previous_first_sequence.to_le_bytes());
        bytes.extend_from_slice(&self.durable_sequence.to_le_bytes());
        bytes.extend_from_slice(&self.bytes.to_le_bytes());
        bytes.extend_from_slice(&self.event_hash.to_le_bytes());
        bytes.resize(CHECKSUM_AT, 0);
        bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// The header of a file of that name and length.
    pub(crate) fn decode(name: &str, block: &[u8], length: u64) -> Result<SegmentHeader, Failure> {
        if block[..8] != MAGIC {
            return Err(Failure::damaged(name, 0, "a segment does not start like this"));
        }
        let versions = [(u32_at(block, 8), SEGMENT_VERSION), (u32_at(block, 12), u32::from(RECORD_VERSION))];
        for (found, known) in versions {
            if found != known {
                return Err(Failure::UnknownVersion { file: name.to_string(), found, known });
            }
        }
        if u32_at(block, CHECKSUM_AT) != crc32c(&block[..CHECKSUM_AT]) || !is_zero(&block[FIELDS_END..CHECKSUM_AT]) {
            return Err(Failure::damaged(name, 0, "the segment header's checksum does not match"));
        }
        let header = SegmentHeader {
            first_sequence: u64_at(block, 16),
            previous_first_sequence: u64_at(block, 24),
            durable_sequence: u64_at(block, 32),
            bytes: u64_at(block, 40),
            event_hash: u32_at(block, 48),
        };
        if header.name() != name {
            return Err(Failure::damaged(name, 16, format!("the segment was made as {}", header.name())));
        }
        if header.bytes != length {
            return Err(Failure::damaged(name, 40, format!("made with {} bytes, {length} are there", header.bytes)));
        }
        Ok(header)
    }

    /// Reads and checks the header of a segment.
    pub(crate) fn read<F: StorageFile>(name: &str, file: &F) -> Result<SegmentHeader, Failure> {
        let length = file.length().map_err(Failure::io(name, "read the length"))?;
        if length < SEGMENT_HEADER_BYTES {
            return Err(Failure::damaged(name, length, "shorter than a segment header"));
        }
        let mut block = vec![0; SEGMENT_HEADER_BYTES as usize];
        file.read_at(&mut block, 0).map_err(Failure::io(name, "read"))?;
        SegmentHeader::decode(name, &block, length)
    }
}

/// The name of the segment whose first command can have that number.
pub fn segment_name(first_sequence: u64) -> String {
    format!("journal-{first_sequence:016x}.log")
}

/// The number in a segment's name.
pub fn sequence_of_segment(name: &str) -> Option<u64> {
    sequence_of(name, "journal-", ".log")
}

/// The number in a name that consists of it, 16 lower-case digits, and the two texts.
pub(crate) fn sequence_of(name: &str, prefix: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    let is_canonical = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_canonical { u64::from_str_radix(digits, 16).ok() } else { None }
}

/// Is it a file in the making, which a crash has left behind?
pub(crate) fn is_unfinished(name: &str) -> bool {
    let finished = name.strip_suffix(".tmp");
    finished.is_some_and(|name| name.starts_with("journal-") || name.starts_with("snapshot-"))
}

/// Makes a segment, durably: whoever finds the name finds the file whole. `None` where there is no room; then nothing of it
/// is left.
///
/// # Errors
/// [`Failure::Io`]; a file in the making may be left.
pub(crate) fn create_segment<St: Storage>(storage: &St, header: &SegmentHeader) -> Result<Option<St::File>, Failure> {
    let name = header.name();
    let unfinished = format!("{name}.tmp");
    let mut file = match storage.create(&unfinished) {
        Ok(file) => file,
        Err(error) if is_full(&error) => return Ok(None),
        Err(error) => return Err(Failure::io(&unfinished, "create")(error)),
    };
    match file.preallocate(header.bytes) {
        Ok(()) => {}
        Err(error) if is_full(&error) => {
            drop(file);
            storage.remove(&unfinished).map_err(Failure::io(&unfinished, "remove"))?;
            return Ok(None);
        }
        Err(error) => return Err(Failure::io(&unfinished, "preallocate")(error)),
    }
    file.write_at(&header.encode(), 0).map_err(Failure::io(&unfinished, "write"))?;
    file.sync().map_err(Failure::io(&unfinished, "sync"))?;
    storage.rename(&unfinished, &name).map_err(Failure::io(&unfinished, "rename"))?;
    storage.sync_directory().map_err(Failure::io(&name, "sync directory"))?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader {
        first_sequence: 256,
        previous_first_sequence: 1,
        durable_sequence: 200,
        bytes: 8192,
        event_hash: 77,
    };

    fn decode(block: &[u8]) -> Result<SegmentHeader, Failure> {
        SegmentHeader::decode("journal-0000000000000100.log", block, 8192)
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(decode(&HEADER.encode()).unwrap(), HEADER);
        assert_eq!(sequence_of_segment(&HEADER.name()), Some(256));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..SEGMENT_HEADER_BYTES as usize * 8 {
            let mut block = HEADER.encode();
            block[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&block).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn another_version_is_named() {
        let mut block = HEADER.encode();
        block[8] = 2;
        assert!(matches!(decode(&block), Err(Failure::UnknownVersion { found: 2, known: 1, .. })));
    }

    #[test]
    fn a_renamed_or_cut_segment_is_noticed() {
        let block = HEADER.encode();
        let renamed = SegmentHeader::decode("journal-0000000000000101.log", &block, 8192);
        assert_eq!(renamed.unwrap_err().offset(), Some(16));
        let cut = SegmentHeader::decode(&HEADER.name(), &block, 8000);
        assert_eq!(cut.unwrap_err().offset(), Some(40));
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in ["journal-1.log", "journal-000000000000010G.log", "journal-000000000000010F.log", "journal.log"] {
            assert_eq!(sequence_of_segment(name), None, "{name}");
        }
    }
}
