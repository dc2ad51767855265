//! The writer: one frame a batch, one write a frame, one sync a write where the policy asks for it.

use crate::failure::Failure;
use crate::frame::{FRAME_HEADER_BYTES, FrameHeader, count_zero_slots, frame_flag, u64_at};
use crate::options::{Durability, Options, ordinary_end, reserved_end};
use crate::recovery::{ClosedSegment, Tail};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, create_segment};
use crate::shared::Shared;
use crate::storage::{Storage, StorageFile};
use aeromatch_engine::codes::CommandKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{RecordError, SLOT_BYTES};
use crc32c::crc32c;
use std::sync::Arc;

/// In memory, frames wait until there are this many bytes of them.
const WAITING_BYTES: usize = 1 << 20;
/// Where a command's slot has its number.
const SEQUENCE_AT: usize = 48;
/// Numbers beyond leave no room for those that follow.
const MAX_SEQUENCE: u64 = 1 << 62;

/// The end of the journal, being written.
pub(crate) struct Journal<St: Storage> {
    storage: St,
    options: Options,
    shared: Arc<Shared>,
    segment: SegmentHeader,
    file: St::File,
    /// Up to here the file has frames.
    written_end: u64,
    /// Frames that go there; [`Durability::Memory`] only.
    waiting: Vec<u8>,
    /// The frame under way: a copy of the batch, so that nobody can change it between check and journal.
    frame: Vec<u8>,
    sequence: u64,
    /// Since the segment was made.
    has_commands: bool,
}

/// What became of a batch.
pub(crate) enum Appended {
    /// That many commands are journaled; their slots, numbered, are [`Journal::slots`].
    Commands(usize),
    /// There is no room, and nothing of it was written.
    Full,
}

impl<St: Storage> Journal<St> {
    /// Goes on where recovery found the end, or makes the first segment of a new journal.
    pub fn open(
        storage: St,
        options: Options,
        shared: Arc<Shared>,
        tail: Option<&Tail>,
        sequence: u64,
    ) -> Result<Journal<St>, Failure> {
        let (segment, file, written_end) = match tail {
            Some(tail) => {
                let name = tail.segment.name();
                (tail.segment, storage.open(&name).map_err(Failure::io(&name, "open"))?, tail.offset)
            }
            None => {
                let bytes = options.segment_bytes_for(0);
                let segment = SegmentHeader { first_sequence: 1, bytes, ..SegmentHeader::default() };
                let Some(file) = create_segment(&storage, &segment)? else {
                    let error = std::io::ErrorKind::StorageFull.into();
                    return Err(Failure::io(&segment.name(), "preallocate")(error));
                };
                (segment, file, SEGMENT_HEADER_BYTES)
            }
        };
        let has_commands = sequence >= segment.first_sequence;
        let (waiting, frame) = (Vec::new(), Vec::new());
        Ok(Journal { storage, options, shared, segment, file, written_end, waiting, frame, sequence, has_commands })
    }

    /// Writes a batch as one frame; [`Journal::commit`] makes of it what the policy promises.
    ///
    /// # Errors
    /// [`Failure::Batch`]: it is no sequence of commands. [`Failure::Io`]: how much of it reached the disk is not known, and
    /// the journal must not be written any more.
    pub fn append(&mut self, slots: &[u8], event_hash: u32) -> Result<Appended, Failure> {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        self.frame.extend_from_slice(slots);
        let commands = Exchange::check(self.slots()).map_err(Failure::Batch)?;
        let numbers = number(&mut self.frame[FRAME_HEADER_BYTES..], self.sequence).map_err(Failure::Batch)?;
        if commands == 0 {
            return Ok(Appended::Commands(0));
        }
        if !self.make_room(event_hash)? {
            return Ok(Appended::Full);
        }
        let payload = &self.frame[FRAME_HEADER_BYTES..];
        let header = FrameHeader {
            flags: 0,
            slots: u32::try_from(payload.len() / SLOT_BYTES).expect("a batch is below 2^32 slots"),
            commands: commands as u32,
            previous_sequence: self.sequence,
            last_sequence: numbers.last_sequence,
            durable_sequence: self.shared.durable_sequence().min(self.sequence),
            event_hash,
            zero_slots: if numbers.has_extensions { count_zero_slots(payload) } else { 0 },
            payload_checksum: crc32c(payload),
        };
        self.frame[..FRAME_HEADER_BYTES].copy_from_slice(&header.encode());
        self.put()?;
        (self.sequence, self.has_commands) = (numbers.last_sequence, true);
        Ok(Appended::Commands(commands))
    }

    /// Returns when what was appended is what the policy promises; whether the disk had to be waited for.
    ///
    /// # Errors
    /// [`Failure::Io`]: the journal must not be written any more.
    pub fn commit(&mut self) -> Result<bool, Failure> {
        let has_to_wait = self.options.durability == Durability::Disk;
        if has_to_wait {
            self.sync()?;
        }
        Ok(has_to_wait)
    }

    /// Makes everything durable, whatever the policy.
    ///
    /// # Errors
    /// As [`Journal::commit`].
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.write()?;
        while self.shared.sync_one(&self.storage)? {}
        self.sync()
    }

    /// The numbered slots of the last batch.
    pub fn slots(&self) -> &[u8] {
        &self.frame[FRAME_HEADER_BYTES..]
    }

    /// Sees to it that the frame under way has a place in the segment.
    fn make_room(&mut self, event_hash: u32) -> Result<bool, Failure> {
        let end = self.end() + self.frame.len() as u64;
        let fits = end <= ordinary_end(self.segment.bytes);
        let is_wanted = self.shared.take_rotation_request() && self.has_commands;
        if fits && !is_wanted {
            return Ok(true);
        }
        let has_rotated = self.rotate(self.frame.len() as u64, event_hash)?;
        Ok(has_rotated || fits || (end <= reserved_end(self.segment.bytes) && is_relief(self.slots())))
    }

    /// Goes on in a new segment, whose first frame takes that many bytes; one without commands is replaced by it. False: there
    /// is no room for it, and the segment stays.
    pub fn rotate(&mut self, frame_bytes: u64, event_hash: u32) -> Result<bool, Failure> {
        self.write()?;
        let (first, previous) = (self.segment.first_sequence, self.segment.previous_first_sequence);
        let header = SegmentHeader {
            first_sequence: self.sequence + 1,
            previous_first_sequence: if self.has_commands { first } else { previous },
            durable_sequence: self.shared.durable_sequence().min(self.sequence),
            bytes: self.options.segment_bytes_for(frame_bytes),
            event_hash,
        };
        let Some(file) = create_segment(&self.storage, &header)? else { return Ok(false) };
        if self.has_commands {
            let closed = ClosedSegment { header: self.segment, last_sequence: self.sequence, event_hash };
            self.shared.close_segment(closed, self.options.durability == Durability::Disk);
        }
        (self.segment, self.file, self.written_end) = (header, file, SEGMENT_HEADER_BYTES);
        self.has_commands = false;
        Ok(true)
    }

    /// Has the segment commands, so that closing it leads to something?
    pub fn has_commands(&self) -> bool {
        self.has_commands
    }

    /// Puts the frame under way into the file, or where it waits for that.
    fn put(&mut self) -> Result<(), Failure> {
        if self.options.durability == Durability::Memory {
            self.waiting.extend_from_slice(&self.frame);
            return if self.waiting.len() < WAITING_BYTES { Ok(()) } else { self.write() };
        }
        let written = self.file.write_at(&self.frame, self.written_end);
        written.map_err(|error| Failure::io(&self.segment.name(), "write")(error))?;
        self.written_end += self.frame.len() as u64;
        Ok(())
    }

    /// Writes what waits.
    pub fn write(&mut self) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            let written = self.file.write_at(&self.waiting, self.written_end);
            written.map_err(|error| Failure::io(&self.segment.name(), "write")(error))?;
            self.written_end += self.waiting.len() as u64;
            self.waiting.clear();
        }
        Ok(())
    }

    /// Makes the segment durable; those before it are, or the compactor sees to them.
    fn sync(&mut self) -> Result<(), Failure> {
        self.file.sync().map_err(|error| Failure::io(&self.segment.name(), "sync")(error))?;
        self.shared.tail_synced(self.sequence);
        Ok(())
    }

    /// Writes everything, makes it durable and says with a last frame what the state is.
    pub fn close(&mut self, digest: [u8; 32], event_hash: u32) -> Result<(), Failure> {
        self.flush()?;
        let mut slot = [0; SLOT_BYTES];
        slot[..32].copy_from_slice(&digest);
        let header = FrameHeader {
            flags: frame_flag::CLOSED,
            slots: 1,
            commands: 0,
            previous_sequence: self.sequence,
            last_sequence: self.sequence,
            durable_sequence: self.sequence,
            event_hash,
            zero_slots: 0,
            payload_checksum: crc32c(&slot),
        };
        self.frame.clear();
        self.frame.extend_from_slice(&header.encode());
        self.frame.extend_from_slice(&slot);
        if self.end() + self.frame.len() as u64 > self.segment.bytes {
            // Closed and opened again so often that closing frames have filled the segment: the state is durable all the same.
            return Ok(());
        }
        self.put()?;
        self.write()?;
        self.sync()
    }

    /// Where the next frame goes in the file.
    fn end(&self) -> u64 {
        self.written_end + self.waiting.len() as u64
    }
}

/// The numbers that a batch's commands got.
struct Numbers {
    last_sequence: u64,
    /// Are there slots behind a command's own?
    has_extensions: bool,
}

/// Gives each command of a checked batch its number (R4): the next one, or the later one that it asks for.
fn number(slots: &mut [u8], sequence: u64) -> Result<Numbers, RecordError> {
    let mut numbers = Numbers { last_sequence: sequence, has_extensions: false };
    let mut slot = 0;
    while let Some(bytes) = slots.get_mut(slot * SLOT_BYTES..(slot + 1) * SLOT_BYTES) {
        let wanted = u64_at(bytes, SEQUENCE_AT);
        if wanted > MAX_SEQUENCE {
            let problem = format!("{wanted} is above 2^62");
            return Err(RecordError { slot, offset: slot * SLOT_BYTES + SEQUENCE_AT, field: "sequence", problem });
        }
        numbers.last_sequence = wanted.max(numbers.last_sequence + 1);
        bytes[SEQUENCE_AT..SEQUENCE_AT + 8].copy_from_slice(&numbers.last_sequence.to_le_bytes());
        let slots = slots_of(bytes);
        numbers.has_extensions |= slots > 1;
        slot += slots;
    }
    Ok(numbers)
}

/// Does the batch only take away, or move time? Such batches are taken while the disk is full, as long as there is room.
fn is_relief(slots: &[u8]) -> bool {
    const KINDS: [CommandKind; 4] =
        [CommandKind::Cancel, CommandKind::MassCancel, CommandKind::Phase, CommandKind::AdvanceTime];
    let mut slot = 0;
    while let Some(bytes) = slots.get(slot * SLOT_BYTES..(slot + 1) * SLOT_BYTES) {
        if !KINDS.iter().any(|&kind| kind as u8 == bytes[0]) {
            return false;
        }
        slot += slots_of(bytes);
    }
    true
}

/// How many slots a command takes, its own included (docs/records.md).
pub(crate) fn slots_of(command: &[u8]) -> usize {
    const FIRST_ADMIN_KIND: u8 = 16;
    const TEXTS: u8 = 32;
    let (extensions, texts) = (command[2], usize::from(command[6]));
    let has_texts = command[0] >= FIRST_ADMIN_KIND && extensions & TEXTS != 0;
    1 + (extensions & !TEXTS).count_ones() as usize + if has_texts { texts } else { 0 }
}
