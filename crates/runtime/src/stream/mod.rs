//! Every event of a shard from a command on: those of the past from the journal, then live, without a gap and none twice.
//!
//! Live events come from the shard's broadcast ring ([`crate::ring::broadcast`]), which its writer fills without knowing who
//! reads. Who is slower than the ring is long is told so, and where to go on: a new stream from there reads what it missed from
//! the journal, by the replay that recovery does, in its own thread and its own copy of the state.
//!
//! # No gap, none twice
//! A command's events have its number, and numbers only grow. The writer stores the number up to which all events are in the
//! ring ([`Counting::published_sequence`]) after it has put them there; a reader loads it first, reads then, and delivers what
//! is not above it: always whole commands. So [`EventStream::position`] is one number, and a stream from there has the rest.
//! The replay hands over to the ring where the ring is known to hold everything from the next command on: its slot before is of
//! an earlier command, or the ring has never overwritten anything and began before.

mod past;

use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::idle::{Idle, Waiter};
use crate::ring::broadcast::{BroadcastReader, BroadcastRing};
use crate::shard::counters::Counting;
use crate::shard::shared::Shared;
use crate::shard::words::{WORDS, event_of, is_first, sequence_of};
use aeromatch_engine::record::Event;
use past::CaughtUp;
pub(crate) use past::{Journaled, Past, patiently};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Events taken from the ring at a time.
const CHUNK: usize = 1024;

/// Why a stream cannot go on.
#[derive(Debug)]
pub enum StreamError {
    /// It was too slow: events that it has not seen are no longer in the ring. A new stream goes on at this number: in the
    /// journal nothing is missing; of an exchange in memory what lies before it is gone.
    Lagged {
        /// Where to go on.
        resume_sequence: u64,
    },
    /// The journal cannot be read, or leads elsewhere than it did, or a failure has stopped the shard before it had written what the
    /// ring has lost.
    Failed(Failure),
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamError::Lagged { resume_sequence } => {
                write!(f, "too slow for the live events: go on at {resume_sequence}")
            }
            StreamError::Failed(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for StreamError {}

/// Every event of one shard from a command on. It belongs to one thread at a time.
pub struct EventStream {
    shard: u16,
    shared: Arc<Shared>,
    doorbell: Arc<Doorbell>,
    /// The journal, until the ring takes over.
    past: Option<Box<dyn Past>>,
    reader: BroadcastReader,
    /// When the ring began, the last command had this number.
    opened_sequence: u64,
    /// From the ring, not delivered: of commands of which there may be more to come, or beyond the limit.
    held: VecDeque<[u64; WORDS]>,
    chunk: Vec<[u64; WORDS]>,
    next_sequence: u64,
    has_lagged: bool,
}

impl EventStream {
    pub(crate) fn new(
        shard: u16,
        shared: Arc<Shared>,
        doorbell: Arc<Doorbell>,
        ring: &Arc<BroadcastRing>,
        opened_sequence: u64,
        from_sequence: u64,
    ) -> EventStream {
        EventStream {
            shard,
            shared,
            doorbell,
            past: None,
            reader: ring.reader(0),
            opened_sequence,
            held: VecDeque::new(),
            chunk: Vec::new(),
            next_sequence: from_sequence.max(1),
            has_lagged: false,
        }
    }

    /// Begins: in the ring if it has what is asked for, else where `past` says.
    pub(crate) fn begin(
        mut self,
        past: impl FnOnce(u64) -> Result<Option<Box<dyn Past>>, Failure>,
    ) -> Result<EventStream, Failure> {
        if self.go_live(self.next_sequence) {
            return Ok(self);
        }
        match past(self.next_sequence)? {
            Some(past) => self.past = Some(past),
            None => {
                let oldest = self.oldest_in_ring();
                return Err(Failure::Gone { sequence: self.next_sequence, oldest });
            }
        }
        Ok(self)
    }

    /// Begins in the past, whatever the ring has.
    pub(crate) fn begin_in(mut self, past: Box<dyn Past>) -> EventStream {
        self.past = Some(past);
        self
    }

    fn counting(&self) -> &Counting {
        &self.shared.counting[usize::from(self.shard)]
    }

    /// Appends the next events, up to `limit` and on to the end of the command that reaches it: always whole commands. Returns how
    /// many; 0: there is nothing new. Reads files and replays commands where they are of the past.
    ///
    /// # Errors
    /// [`StreamError`]; then this stream has come to its end.
    pub fn read(&mut self, out: &mut Vec<Event>, limit: usize) -> Result<usize, StreamError> {
        let before = out.len();
        let limit = limit.max(1);
        let mut ended = None;
        while let Some(past) = &mut self.past {
            let is_at_end = past.read(out, before + limit).map_err(StreamError::Failed)?;
            let next_sequence = past.next_sequence();
            self.next_sequence = next_sequence;
            if !is_at_end {
                return Ok(out.len() - before);
            }
            if self.go_live(next_sequence) {
                self.past = None;
            } else if out.len() > before {
                return Ok(out.len() - before);
            } else if let Some(failure) = ended {
                return Err(StreamError::Failed(failure));
            } else {
                // Where the files end and the ring does not yet begin: has what is in memory written.
                match self.past.as_mut().map(|past| past.catch_up()) {
                    Some(CaughtUp::Nothing) => return Ok(0),
                    // They may have got their end since they were read.
                    Some(CaughtUp::Ended(failure)) => ended = Some(failure),
                    Some(CaughtUp::More) | None => {}
                }
            }
        }
        let delivered = out.len() - before;
        if delivered < limit {
            self.read_live(out, before, before + limit)?;
        }
        Ok(out.len() - before)
    }

    /// Delivers from the ring until `out`, to which this call has appended from `begin` on, has `end` events. That it has lagged
    /// is said by a call that delivers nothing: whoever gets an error has missed no event that was taken out for him.
    fn read_live(&mut self, out: &mut Vec<Event>, begin: usize, end: usize) -> Result<(), StreamError> {
        loop {
            // Before the ring is looked at: everything up to there is in it.
            let settled = self.counting().published_sequence.load(Ordering::Acquire);
            let (before, position) = (out.len(), self.reader.position());
            let lagged = self.take_chunk();
            self.deliver(out, end, settled);
            if lagged {
                self.held.clear();
                self.has_lagged = true;
                return if out.len() > begin { Ok(()) } else { Err(self.lagged()) };
            }
            if out.len() >= end || (out.len() == before && self.reader.position() == position) {
                return Ok(());
            }
        }
    }

    /// Takes events from the ring; true: the next ones are gone.
    fn take_chunk(&mut self) -> bool {
        if self.has_lagged {
            return true;
        }
        // What is held is of commands that are not complete, or beyond the limit: it has to be delivered first.
        if self.held.len() >= CHUNK && !self.is_one_command() {
            return false;
        }
        self.chunk.clear();
        let lagged = self.reader.read(&mut self.chunk, CHUNK).is_err();
        let next = self.next_sequence;
        self.held.extend(self.chunk.drain(..).filter(|words| sequence_of(words) >= next));
        lagged
    }

    fn is_one_command(&self) -> bool {
        self.held.front().map(sequence_of) == self.held.back().map(sequence_of)
    }

    /// Delivers whole commands up to a number: of all events up to it that were taken, none is missing but in the last command,
    /// if the ring has more.
    fn deliver(&mut self, out: &mut Vec<Event>, end: usize, settled: u64) {
        while let Some(first) = self.held.front() {
            let sequence = sequence_of(first);
            let count = self.held.iter().take_while(|words| sequence_of(words) == sequence).count();
            let may_have_more = count == self.held.len() && self.reader.available() > 0;
            if sequence > settled || may_have_more {
                return;
            }
            out.extend(self.held.drain(..count).map(|words| event_of(&words)));
            self.next_sequence = sequence + 1;
            if out.len() >= end {
                return;
            }
        }
    }

    fn lagged(&self) -> StreamError {
        let is_in_memory = self.shared.is_in_memory;
        let resume_sequence = if is_in_memory { self.oldest_in_ring() } else { self.next_sequence };
        StreamError::Lagged { resume_sequence: resume_sequence.max(self.next_sequence) }
    }

    /// The first command of which the ring has all events, and all of those behind it.
    fn oldest_in_ring(&self) -> u64 {
        let ring = self.reader.ring();
        let mut slot = Vec::new();
        loop {
            let oldest = ring.oldest();
            if oldest == 0 {
                return self.opened_sequence + 1;
            }
            slot.clear();
            match ring.reader(oldest).read(&mut slot, 1) {
                Ok(1) => return sequence_of(&slot[0]) + u64::from(!is_first(&slot[0])),
                Ok(_) => return self.opened_sequence + 1,
                Err(_) => {}
            }
        }
    }

    /// Takes over in the ring at a command, if the ring is known to hold everything from there on.
    fn go_live(&mut self, next_sequence: u64) -> bool {
        let ring = Arc::clone(self.reader.ring());
        // The first slot of that command or a later one: numbers only grow, so half of what is left is looked away each time.
        let (mut low, mut high) = (ring.oldest(), ring.published());
        let mut slot = Vec::new();
        while low < high {
            let middle = low + (high - low) / 2;
            slot.clear();
            match ring.reader(middle).read(&mut slot, 1) {
                Ok(1) if sequence_of(&slot[0]) >= next_sequence => high = middle,
                // Overwritten meanwhile, and so is everything before it.
                _ => low = middle + 1,
            }
        }
        let holds_all = if low == 0 {
            next_sequence > self.opened_sequence
        } else {
            slot.clear();
            let is_before = matches!(ring.reader(low - 1).read(&mut slot, 1), Ok(1));
            let before = is_before && sequence_of(&slot[0]) < next_sequence;
            slot.clear();
            let is_there = matches!(ring.reader(low).read(&mut slot, 1), Ok(1));
            before || (is_there && sequence_of(&slot[0]) == next_sequence && is_first(&slot[0]))
        };
        if holds_all {
            self.reader.resume(low);
        }
        holds_all
    }

    /// The number to begin at so that the next stream goes on where this one stands.
    pub fn position(&self) -> u64 {
        self.next_sequence
    }

    /// The shard whose events these are.
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// Do its events come from memory, with nothing left to be read from files?
    pub fn is_live(&self) -> bool {
        self.past.is_none()
    }

    /// Is there something to read, or will there never be?
    pub fn is_ready(&self) -> bool {
        let settled = || self.counting().published_sequence.load(Ordering::Acquire);
        self.past.is_some()
            || self.has_lagged
            || self.reader.available() > 0
            || self.held.front().is_some_and(|words| sequence_of(words) <= settled())
            || self.has_writer_ended()
    }

    /// Has the shard ended, and everything been read?
    pub fn is_over(&self) -> bool {
        self.has_writer_ended() && self.past.is_none() && self.held.is_empty() && self.reader.available() == 0
    }

    fn has_writer_ended(&self) -> bool {
        self.shared.life.has_ended(usize::from(self.shard))
    }

    /// Waits until there is something to read, or the shard has ended, or the time is over; false then.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // Who follows events has no processor to burn, whatever the shards do.
        let mut waiter = Waiter::new(Idle::Park);
        loop {
            if self.is_ready() {
                return true;
            }
            if waiter.pause() {
                let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return self.is_ready();
                }
                self.doorbell.wait(|| self.is_ready(), left);
            }
        }
    }

    /// Rings when there may be something to read: for event loops.
    pub fn doorbell(&self) -> &Doorbell {
        &self.doorbell
    }
}
