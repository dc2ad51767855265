//! Frames: a batch of commands behind a header slot (docs/journal-format.md). A frame is one write, and counts whole or not
//! at all.

use crc32c::crc32c;

/// Bytes of a frame's header, and what frames are aligned to.
pub const FRAME_HEADER_BYTES: usize = 64;
/// The version that every frame carries.
pub const FRAME_VERSION: u16 = 1;
/// No slot starts like this: not a command, for its kind; not terms, whose third byte is zero; not a text, for its length.
const MAGIC: [u8; 4] = *b"\xaeAMF";
/// Where the header's own checksum stands.
const CHECKSUM_AT: usize = 60;

/// Bits of [`FrameHeader::flags`].
pub mod frame_flag {
    /// The exchange was closed: no commands, and one slot with the digest of its state.
    pub const CLOSED: u16 = 1;
}

/// What stands before the slots of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// [`frame_flag`] bits.
    pub flags: u16,
    /// Slots behind the header.
    pub slots: u32,
    /// Commands in them.
    pub commands: u32,
    /// Number of the last command before this frame.
    pub previous_sequence: u64,
    /// Number of the last command in this frame.
    pub last_sequence: u64,
    /// Everything up to this number was durable when the frame was written.
    pub durable_sequence: u64,
    /// CRC32C over all events of all commands before this frame.
    pub event_hash: u32,
    /// How many of the slots are all zeroes, which a slot that never reached the disk is as well.
    pub zero_slots: u32,
    /// CRC32C of the slots.
    pub payload_checksum: u32,
}

/// Why a slot is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// Nothing was ever written there, or it never reached the disk.
    Zeroes,
    /// A header of another version.
    UnknownVersion(u16),
    /// Other bytes.
    Damaged(&'static str),
}

impl FrameHeader {
    /// Bytes of the whole frame.
    pub const fn frame_bytes(&self) -> u64 {
        (self.slots as u64 + 1) * FRAME_HEADER_BYTES as u64
    }

    /// Was the exchange closed here?
    pub const fn is_closing(&self) -> bool {
        self.flags & frame_flag::CLOSED != 0
    }

    pub(crate) fn encode(&self) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FRAME_VERSION.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.slots.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.commands.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.previous_sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last_sequence.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.durable_sequence.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.event_hash.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.zero_slots.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.payload_checksum.to_le_bytes());
        let checksum = crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; FRAME_HEADER_BYTES]) -> Result<FrameHeader, NoHeader> {
        if bytes[0..4] != MAGIC {
            let is_zero = is_zero(bytes);
            return Err(if is_zero { NoHeader::Zeroes } else { NoHeader::Damaged("no frame starts here") });
        }
        if u32_at(bytes, CHECKSUM_AT) != crc32c(&bytes[..CHECKSUM_AT]) {
            return Err(NoHeader::Damaged("the frame header's checksum does not match"));
        }
        let version = u16::from_le_bytes([bytes[4], bytes[5]]);
        if version != FRAME_VERSION {
            return Err(NoHeader::UnknownVersion(version));
        }
        let header = FrameHeader {
            flags: u16::from_le_bytes([bytes[6], bytes[7]]),
            slots: u32_at(bytes, 8),
            commands: u32_at(bytes, 12),
            previous_sequence: u64_at(bytes, 16),
            last_sequence: u64_at(bytes, 24),
            durable_sequence: u64_at(bytes, 32),
            event_hash: u32_at(bytes, 40),
            zero_slots: u32_at(bytes, 44),
            payload_checksum: u32_at(bytes, 48),
        };
        header.check(bytes).map(|()| header)
    }

    /// What a checksum does not say: that the fields agree with one another.
    fn check(&self, bytes: &[u8; FRAME_HEADER_BYTES]) -> Result<(), NoHeader> {
        let shape_is_known = if self.is_closing() {
            self.flags == frame_flag::CLOSED && self.slots == 1 && self.commands == 0
        } else {
            self.flags == 0 && self.commands > 0 && self.commands <= self.slots
        };
        let numbered = match self.last_sequence.checked_sub(self.previous_sequence) {
            Some(numbers) => numbers >= u64::from(self.commands) && (self.commands > 0 || numbers == 0),
            None => false,
        };
        let is_sound = shape_is_known && numbered && self.durable_sequence <= self.previous_sequence;
        let is_sound = is_sound && self.zero_slots < self.slots && is_zero(&bytes[52..CHECKSUM_AT]);
        if is_sound { Ok(()) } else { Err(NoHeader::Damaged("the frame header contradicts itself")) }
    }
}

/// The header at the start of `bytes`.
pub(crate) fn header_at(bytes: &[u8]) -> Result<FrameHeader, NoHeader> {
    match bytes.first_chunk::<FRAME_HEADER_BYTES>() {
        Some(header) => FrameHeader::decode(header),
        None => Err(NoHeader::Damaged("cut short")),
    }
}

/// Is there nothing but zeroes?
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |all, &byte| all | byte) == 0
}

/// How many of the slots are all zeroes?
pub(crate) fn count_zero_slots(slots: &[u8]) -> u32 {
    slots.chunks_exact(FRAME_HEADER_BYTES).filter(|slot| is_zero(slot)).count() as u32
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: FrameHeader = FrameHeader {
        flags: 0,
        slots: 3,
        commands: 2,
        previous_sequence: 7,
        last_sequence: 9,
        durable_sequence: 5,
        event_hash: 11,
        zero_slots: 1,
        payload_checksum: 12,
    };

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(FrameHeader::decode(&HEADER.encode()), Ok(HEADER));
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        for bit in 0..FRAME_HEADER_BYTES * 8 {
            let mut bytes = HEADER.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn headers_that_contradict_themselves_are_refused() {
        let wrong = [
            FrameHeader { flags: 2, ..HEADER },
            FrameHeader { commands: 0, ..HEADER },
            FrameHeader { commands: 4, ..HEADER },
            FrameHeader { last_sequence: 8, ..HEADER },
            FrameHeader { last_sequence: 6, ..HEADER },
            FrameHeader { durable_sequence: 8, ..HEADER },
            FrameHeader { zero_slots: 3, ..HEADER },
            FrameHeader { flags: frame_flag::CLOSED, ..HEADER },
        ];
        for header in wrong {
            let found = FrameHeader::decode(&header.encode());
            assert_eq!(found, Err(NoHeader::Damaged("the frame header contradicts itself")), "{header:?}");
        }
    }

    #[test]
    fn zeroes_and_other_versions_are_told_apart() {
        assert_eq!(FrameHeader::decode(&[0; 64]), Err(NoHeader::Zeroes));
        let mut bytes = HEADER.encode();
        bytes[4] = 9;
        let checksum = crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(FrameHeader::decode(&bytes), Err(NoHeader::UnknownVersion(9)));
    }
}
