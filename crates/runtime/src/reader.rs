//! Reads the frames of one segment in order, in large pieces.

use crate::failure::Failure;
use crate::frame::{FRAME_HEADER_BYTES, FRAME_VERSION, FrameHeader, NoHeader, header_at, is_zero};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::storage::{Storage, StorageFile};
use crc32c::crc32c;

/// What a disk writes whole or not at all.
pub(crate) const SECTOR_BYTES: u64 = 512;
/// Bytes read at a time, unless a frame is larger.
const CHUNK_BYTES: usize = 1 << 20;

/// A frame as it stands in a segment, its checksums proven.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Byte offset of the header in the file.
    pub offset: u64,
    /// The header.
    pub header: FrameHeader,
    /// The slots behind it.
    pub slots: &'a [u8],
}

/// What stands where the next frame would.
pub(crate) enum Next<'a> {
    Frame(Frame<'a>),
    /// Zeroes, or the end of the file.
    Nothing,
    /// Bytes that are no frame.
    Bad {
        problem: &'static str,
        /// Is it what a frame looks like of which not every sector reached the disk?
        is_torn: bool,
    },
}

/// A segment, read from its first frame on.
pub(crate) struct FrameReader<F> {
    pub name: String,
    pub header: SegmentHeader,
    file: F,
    /// Where the next frame starts in the file.
    offset: u64,
    buffer: Vec<u8>,
    buffer_offset: u64,
    buffered: usize,
}

impl<F: StorageFile> FrameReader<F> {
    /// Opens a segment and checks its header. The buffer is used again from segment to segment.
    pub fn open<St: Storage<File = F>>(storage: &St, name: &str, buffer: Vec<u8>) -> Result<FrameReader<F>, Failure> {
        let file = storage.open(name).map_err(Failure::io(name, "open"))?;
        let header = SegmentHeader::read(name, &file)?;
        let offset = SEGMENT_HEADER_BYTES;
        Ok(FrameReader { name: name.to_string(), header, file, offset, buffer, buffer_offset: offset, buffered: 0 })
    }

    /// Where the next frame starts in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets what was read ahead.
    pub fn forget(&mut self) {
        self.buffered = 0;
    }

    /// The file, and the buffer for the next one.
    pub fn into_parts(self) -> (F, Vec<u8>) {
        (self.file, self.buffer)
    }

    /// The next frame. After anything else it stays where it is.
    ///
    /// # Errors
    /// [`Failure::Io`]; [`Failure::UnknownVersion`] of a frame.
    pub fn next(&mut self) -> Result<Next<'_>, Failure> {
        let offset = self.offset;
        if self.header.bytes - offset < FRAME_HEADER_BYTES as u64 {
            return Ok(Next::Nothing);
        }
        let header = match header_at(self.bytes(FRAME_HEADER_BYTES)?) {
            Ok(header) => header,
            Err(NoHeader::Zeroes) => return Ok(Next::Nothing),
            Err(NoHeader::Damaged(problem)) => return Ok(Next::Bad { problem, is_torn: false }),
            Err(NoHeader::UnknownVersion(found)) => {
                let (found, known) = (u32::from(found), u32::from(FRAME_VERSION));
                return Err(Failure::UnknownVersion { file: self.name.clone(), found, known });
            }
        };
        if header.frame_bytes() > self.header.bytes - offset {
            return Ok(Next::Bad { problem: "the frame is longer than the segment", is_torn: false });
        }
        let slots = header.frame_bytes() as usize;
        let slots = &self.bytes(slots)?[FRAME_HEADER_BYTES..];
        if crc32c(slots) != header.payload_checksum {
            let is_torn = is_torn(&header, offset, slots);
            return Ok(Next::Bad { problem: "the checksum of the frame's slots does not match", is_torn });
        }
        self.offset = offset + header.frame_bytes();
        // Again, for the borrow checker: the bytes are there.
        let length = header.frame_bytes() as usize;
        let start = (offset - self.buffer_offset) as usize;
        let slots = &self.buffer[start + FRAME_HEADER_BYTES..start + length];
        Ok(Next::Frame(Frame { offset, header, slots }))
    }

    /// That many bytes from the next frame's start on, which the file has.
    fn bytes(&mut self, length: usize) -> Result<&[u8], Failure> {
        let start = (self.offset - self.buffer_offset) as usize;
        if start + length <= self.buffered {
            return Ok(&self.buffer[start..start + length]);
        }
        let wanted = (length.max(CHUNK_BYTES) as u64).min(self.header.bytes - self.offset) as usize;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let read = self.file.read_at(&mut self.buffer[..wanted], self.offset);
        read.map_err(Failure::io(&self.name, "read"))?;
        (self.buffer_offset, self.buffered) = (self.offset, wanted);
        Ok(&self.buffer[..length])
    }
}

/// Is a frame with a bad checksum one of which not every sector reached the disk? Then there is a sector, not the header's,
/// where all of it is zeroes; and more slots are zeroes than when it was written.
fn is_torn(header: &FrameHeader, offset: u64, slots: &[u8]) -> bool {
    let slot_bytes = FRAME_HEADER_BYTES as u64;
    let (mut zero_slots, mut has_hole) = (0, false);
    let mut at = offset + slot_bytes;
    let mut rest = slots;
    while !rest.is_empty() {
        let in_sector = (SECTOR_BYTES - at % SECTOR_BYTES).min(rest.len() as u64);
        let (part, behind) = rest.split_at(in_sector as usize);
        has_hole |= at / SECTOR_BYTES != offset / SECTOR_BYTES && is_zero(part);
        zero_slots += crate::frame::count_zero_slots(part);
        (at, rest) = (at + in_sector, behind);
    }
    has_hole && zero_slots > header.zero_slots
}

/// What stands behind a place where no frame is.
pub(crate) struct Remains {
    /// The end of the last bytes that are not zeroes; the place itself if there are none.
    pub end: u64,
    /// The largest number that a frame header there calls durable.
    pub durable_sequence: u64,
}

/// Looks through a segment from a frame's place on.
pub(crate) fn remains<F: StorageFile>(name: &str, file: &F, from: u64, to: u64) -> Result<Remains, Failure> {
    let mut found = Remains { end: from, durable_sequence: 0 };
    let mut chunk = vec![0; CHUNK_BYTES.min((to - from) as usize)];
    let mut offset = from;
    while offset < to {
        let length = ((to - offset) as usize).min(chunk.len());
        let bytes = &mut chunk[..length];
        file.read_at(bytes, offset).map_err(Failure::io(name, "read"))?;
        if !is_zero(bytes) {
            for (number, slot) in bytes.chunks(FRAME_HEADER_BYTES).enumerate().filter(|(_, slot)| !is_zero(slot)) {
                found.end = (offset + ((number + 1) * FRAME_HEADER_BYTES) as u64).min(to);
                if let Ok(header) = header_at(slot) {
                    found.durable_sequence = found.durable_sequence.max(header.durable_sequence);
                }
            }
        }
        offset += length as u64;
    }
    Ok(found)
}
