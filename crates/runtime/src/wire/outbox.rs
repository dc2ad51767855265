//! What goes to a client and was not taken yet: whole frames, numbered, in one buffer whose length is bounded by whoever fills it.

use super::code::Code;
use super::frame::{HEADER_BYTES, Header, Kind, MAX_COUNT, SHARD_BYTES, VERSION};
use aeromatch_engine::record::{Event, SLOT_BYTES, as_bytes};
use std::io::{self, Write};

/// Reports go in frames of about this size.
const SOFT_BYTES: usize = 128 << 10;
/// What one write gives to the system at most: so that others have their turn.
const WRITE_BYTES: usize = 512 << 10;
/// An empty buffer gives back what is above this.
const KEPT_BYTES: usize = 1 << 20;
/// Reports: the last command goes on in the next frame.
const GOES_ON: u16 = 1;

/// A frame of events that is being filled.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: Kind,
    shard: u16,
    at: usize,
}

/// The bytes of a connection on their way out.
pub struct Outbox {
    bytes: Vec<u8>,
    /// So many of them were taken.
    taken: usize,
    open: Option<Open>,
    /// Number of the last frame.
    number: u64,
    max_frame_bytes: usize,
}

impl Outbox {
    /// An empty one.
    pub fn new(max_frame_bytes: usize) -> Outbox {
        let most = HEADER_BYTES + SHARD_BYTES + MAX_COUNT * SLOT_BYTES;
        Outbox { bytes: Vec::new(), taken: 0, open: None, number: 0, max_frame_bytes: max_frame_bytes.min(most) }
    }

    /// Bytes that wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a frame whose body is written by `body`.
    pub fn frame(&mut self, kind: Kind, count: usize, body: impl FnOnce(&mut Vec<u8>)) {
        self.finish();
        let at = self.begin(kind);
        body(&mut self.bytes);
        self.end(at, count);
    }

    /// Says why the connection is ended.
    pub fn ended(&mut self, code: Code, detail: &str, retry_after_ns: u64) {
        self.frame(Kind::Ended, 0, |out| {
            out.extend_from_slice(&(code as u16).to_le_bytes());
            out.extend_from_slice(&[0; 6]);
            out.extend_from_slice(&retry_after_ns.to_le_bytes());
            out.extend_from_slice(code.slug().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(detail.as_bytes());
        });
    }

    /// Says that commands, or a subscription, are not taken.
    pub fn refused(&mut self, entries: &[Refusal]) {
        for some in entries.chunks(MAX_COUNT) {
            self.frame(Kind::Refused, some.len(), |out| {
                for entry in some {
                    out.extend_from_slice(&entry.tag.to_le_bytes());
                    out.extend_from_slice(&(entry.code as u16).to_le_bytes());
                    out.extend_from_slice(&[0; 2]);
                    out.extend_from_slice(&entry.retry_after_ns.to_le_bytes());
                }
            });
        }
    }

    /// Appends an event of a shard to the frame that is being filled, or begins one. `begins`: it is the first that this client
    /// gets of its command; frames are parted there, if they can be.
    #[inline]
    pub fn event(&mut self, kind: Kind, shard: u16, begins: bool, event: &Event) {
        let goes_on = self.open.is_some_and(|open| {
            let room = self.max_frame_bytes.saturating_sub(self.bytes.len() - open.at - HEADER_BYTES);
            let is_full = begins && self.bytes.len() - open.at >= SOFT_BYTES;
            open.kind == kind && open.shard == shard && !is_full && room >= SLOT_BYTES
        });
        if !goes_on {
            self.part(kind, shard, begins);
        }
        self.bytes.extend_from_slice(as_bytes(std::slice::from_ref(event)));
    }

    /// Begins a frame of events, also one without any.
    pub fn begin_events(&mut self, kind: Kind, shard: u16) {
        self.part(kind, shard, true);
    }

    #[cold]
    fn part(&mut self, kind: Kind, shard: u16, begins: bool) {
        if let Some(open) = self.open.filter(|open| !begins && (open.kind, open.shard) == (kind, shard)) {
            let flags = open.at + HEADER_BYTES + 2;
            self.bytes[flags..flags + 2].copy_from_slice(&GOES_ON.to_le_bytes());
        }
        self.finish();
        let at = self.begin(kind);
        self.bytes.extend_from_slice(&shard.to_le_bytes());
        self.bytes.extend_from_slice(&[0; SHARD_BYTES - 2]);
        self.open = Some(Open { kind, shard, at });
    }

    /// Ends the frame that is being filled.
    pub fn finish(&mut self) {
        if let Some(open) = self.open.take() {
            let events = (self.bytes.len() - open.at - HEADER_BYTES - SHARD_BYTES) / SLOT_BYTES;
            self.end(open.at, events);
        }
    }

    fn begin(&mut self, kind: Kind) -> usize {
        self.number += 1;
        let at = self.bytes.len();
        let header = Header { length: 0, kind: kind as u8, version: VERSION, count: 0, number: self.number };
        self.bytes.extend_from_slice(&header.bytes());
        at
    }

    fn end(&mut self, at: usize, count: usize) {
        debug_assert!(count <= MAX_COUNT);
        let length = (self.bytes.len() - at - HEADER_BYTES) as u32;
        self.bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.bytes[at + 6..at + 8].copy_from_slice(&(count as u16).to_le_bytes());
    }

    /// Writes once what waits, and returns how many bytes were taken.
    ///
    /// # Errors
    /// As the target.
    pub fn flush(&mut self, target: &mut impl Write) -> io::Result<usize> {
        self.finish();
        let end = self.bytes.len().min(self.taken + WRITE_BYTES);
        if self.taken == end {
            return Ok(0);
        }
        let taken = target.write(&self.bytes[self.taken..end])?;
        self.taken += taken;
        if self.taken == self.bytes.len() {
            self.taken = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_BYTES);
        } else if self.taken > self.bytes.len() / 2 {
            // At most as much is moved as was taken since the last time.
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        Ok(taken)
    }

    /// The bytes that wait, for those who write them elsewhere.
    pub fn bytes(&mut self) -> &[u8] {
        self.finish();
        &self.bytes[self.taken..]
    }

    /// Number of the last frame.
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// A command, or a subscription, that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The client's.
    pub tag: u32,
    /// Why.
    pub code: Code,
    /// When it is worth trying again; 0: it is not.
    pub retry_after_ns: u64,
}
