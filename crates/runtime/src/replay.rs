//! An exchange that is fed from frames, and proves on the way that the same commands made the same events before.

use crate::failure::Failure;
use crate::reader::Frame;
use aeromatch_engine::codes::Side;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Event, EventSink, SLOT_BYTES, as_bytes};
use crc32c::crc32c_append;

/// Events hashed at a time: few enough to be in the first-level cache still.
const EVENTS_AT_A_TIME: usize = 128;

/// CRC32C over all events so far.
pub(crate) struct EventHash {
    hash: u32,
    /// Taken, not hashed yet.
    events: Vec<Event>,
}

impl EventHash {
    pub fn new(hash: u32) -> EventHash {
        EventHash { hash, events: Vec::with_capacity(EVENTS_AT_A_TIME) }
    }

    #[inline(always)]
    fn take(&mut self, event: Event) {
        if self.events.len() == EVENTS_AT_A_TIME {
            self.value();
        }
        self.events.push(event);
    }

    /// The hash with everything that was taken in it.
    pub fn value(&mut self) -> u32 {
        self.hash = crc32c_append(self.hash, as_bytes(&self.events));
        self.events.clear();
        self.hash
    }
}

/// A sink that hashes what it passes on: behind a pointer, so that books are compiled once for everything that is journaled.
pub(crate) struct Hashing<'a> {
    pub hash: &'a mut EventHash,
    pub sink: &'a mut dyn EventSink,
}

impl EventSink for Hashing<'_> {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        self.hash.take(event);
        self.sink.event(event);
    }

    #[inline(always)]
    fn level_touched(&mut self, side: Side, price_ticks: i64) {
        self.sink.level_touched(side, price_ticks);
    }

    #[inline(always)]
    fn book(&mut self, instrument: u32) {
        self.sink.book(instrument);
    }
}

/// Where events go that nobody wants.
pub(crate) struct Nowhere;

impl EventSink for Nowhere {
    #[inline(always)]
    fn event(&mut self, _event: Event) {}
}

/// An exchange on its way through the journal.
pub(crate) struct Replay {
    pub exchange: Exchange,
    pub hash: EventHash,
    pub commands: u64,
}

impl Replay {
    /// From a state on whose events had that hash.
    pub fn new(exchange: Exchange, event_hash: u32) -> Replay {
        Replay { exchange, hash: EventHash::new(event_hash), commands: 0 }
    }

    /// Applies one frame's commands.
    ///
    /// # Errors
    /// [`Failure::Damaged`] where the frame does not follow or its slots are no commands; [`Failure::ReplayMismatch`] where the
    /// events up to here are not those that were made when it was written.
    pub fn apply(&mut self, file: &str, frame: &Frame<'_>, sink: &mut dyn EventSink) -> Result<(), Failure> {
        let (header, sequence) = (&frame.header, self.exchange.sequence());
        if header.previous_sequence != sequence {
            let problem = format!("the frame follows command {}, not {sequence}", header.previous_sequence);
            return Err(Failure::damaged(file, frame.offset, problem));
        }
        self.check_hash(file, frame.offset, header.event_hash)?;
        if header.is_closing() {
            return Ok(());
        }
        let (mut slot, mut commands) = (0, 0);
        let slots = frame.slots.len() / SLOT_BYTES;
        let mut sink = Hashing { hash: &mut self.hash, sink };
        while slot < slots {
            let used = self.exchange.apply_at(frame.slots, slot, &mut sink);
            slot += used.map_err(|error| Failure::damaged(file, frame.offset, error.to_string()))?;
            commands += 1;
        }
        self.commands += commands;
        if commands != u64::from(header.commands) || self.exchange.sequence() != header.last_sequence {
            return Err(Failure::damaged(
                file,
                frame.offset,
                "the frame's commands are not as many as its header says",
            ));
        }
        Ok(())
    }

    /// Are the events so far those of which that hash was written at that place?
    pub fn check_hash(&mut self, file: &str, offset: u64, written: u32) -> Result<(), Failure> {
        let computed = self.hash.value();
        if computed == written {
            return Ok(());
        }
        let problem = format!("the hash of the events is {computed:08x}, was {written:08x}");
        Err(Failure::ReplayMismatch { file: file.to_string(), offset, problem })
    }

    /// Is the state the one of the closing frame at that place?
    pub fn check_digest(&self, file: &str, offset: u64, digest: &[u8; 32]) -> Result<(), Failure> {
        if *digest == self.exchange.digest() {
            return Ok(());
        }
        let problem = "the digest of the state is not the one at closing".to_string();
        Err(Failure::ReplayMismatch { file: file.to_string(), offset, problem })
    }
}
