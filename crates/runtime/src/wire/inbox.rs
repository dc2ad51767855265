//! What has come from a client and was not read yet: one buffer, which grows with what came, never with what was announced.

use super::code::Code;
use super::frame::{Fault, HEADER_BYTES, Header, VERSION};
use std::io::{self, Read};
use std::ops::Range;

/// What a buffer begins with, and what one read asks for at least.
const FIRST_BYTES: usize = 16 << 10;
/// A buffer that is empty gives back what is above this.
const KEPT_BYTES: usize = 512 << 10;

/// The bytes of a connection on their way in.
pub struct Inbox {
    bytes: Vec<u8>,
    /// What is read of it, and how far it is filled.
    filled: Range<usize>,
    max_frame_bytes: usize,
    /// Number of the last frame.
    number: u64,
}

impl Inbox {
    /// An empty one.
    pub fn new(max_frame_bytes: usize) -> Inbox {
        Inbox { bytes: Vec::new(), filled: 0..0, max_frame_bytes, number: 0 }
    }

    /// Reads once. Returns how many bytes came; 0: there will be no more.
    ///
    /// # Errors
    /// As the source.
    pub fn fill(&mut self, source: &mut impl Read) -> io::Result<usize> {
        self.make_room();
        let came = source.read(&mut self.bytes[self.filled.end..])?;
        self.filled.end += came;
        Ok(came)
    }

    /// Is there no room for more before the frame in it is read?
    pub fn is_full(&self) -> bool {
        self.filled.len() >= HEADER_BYTES + self.max_frame_bytes
    }

    fn make_room(&mut self) {
        if self.filled.is_empty() {
            self.filled = 0..0;
        }
        let most = HEADER_BYTES + self.max_frame_bytes;
        if self.filled.end == self.bytes.len() {
            if self.filled.start > 0 {
                self.bytes.copy_within(self.filled.clone(), 0);
                self.filled = 0..self.filled.len();
            }
            // Twice as large as what has come: an announcement alone costs nothing.
            if self.filled.end * 2 > self.bytes.len() || self.bytes.is_empty() {
                let wanted = (self.bytes.len() * 2).clamp(FIRST_BYTES, most.max(FIRST_BYTES));
                self.bytes.resize(wanted.max(self.bytes.len()), 0);
            }
        }
    }

    /// The next frame, if it is whole: its header, and where its body stands. It is read, and stays until the next call of
    /// [`Inbox::fill`].
    ///
    /// # Errors
    /// [`Fault`]: there is none to come.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<(Header, Range<usize>)>, Fault> {
        let Some(header) = Header::read(&self.bytes[self.filled.clone()]) else { return Ok(None) };
        let length = header.length as usize;
        if header.version != VERSION {
            return Err(Fault::malformed("the frame is of another version"));
        }
        if length > self.max_frame_bytes {
            return Err(Fault::new(Code::FrameTooLarge, "the frame is longer than the server takes"));
        }
        if header.number != self.number + 1 {
            return Err(Fault::new(Code::BadSequence, "the frame's number is not the one after the last"));
        }
        let body = self.filled.start + HEADER_BYTES;
        if self.filled.end - body < length {
            return Ok(None);
        }
        self.number = header.number;
        self.filled.start = body + length;
        Ok(Some((header, body..body + length)))
    }

    /// A frame's body, to be read or written in place.
    pub fn body(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.bytes[range]
    }

    /// Is a part of a frame there that goes on?
    pub fn is_waiting(&self) -> bool {
        !self.filled.is_empty()
    }

    /// Gives back what a flood has left.
    pub fn relax(&mut self) {
        if self.filled.is_empty() && self.bytes.len() > KEPT_BYTES {
            *self = Inbox { number: self.number, ..Inbox::new(self.max_frame_bytes) };
        }
    }

    /// Bytes that it has taken of the memory.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len()
    }
}
