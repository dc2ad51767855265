//! Events of the past, made again from the journal beside its writer: from the newest snapshot before them, by replay.
//!
//! # What is in the files and has not happened yet
//! A frame can be read before it is synced, and before its commands are applied and published. Should the power fail then, it
//! never was. So the replay goes no further than the writer says that it has come ([`Counting::sequence`], stored when all of that
//! is done, and at opening). It stores that number between batches only, so a frame is below it whole or not at all.
//!
//! [`Counting::sequence`]: crate::shard::counters::Counting

use crate::catalog::Catalog;
use crate::failure::Failure;
use crate::reader::{FrameReader, Next};
use crate::replay::Replay;
use crate::shard::access::Access;
use crate::shard::core::Core;
use crate::shard::shared::Shared;
use crate::snapshot::{self, snapshot_name};
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Event, EventSink};
use std::sync::Arc;
use std::time::Duration;

/// How often something is tried again that the compactor, or the writer, may be changing at the moment.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// Where events come from before the ring has them.
pub(crate) trait Past: Send {
    /// Appends events of whole commands until `out` is that long. True: there are no more in the files.
    fn read(&mut self, out: &mut Vec<Event>, end: usize) -> Result<bool, Failure>;

    /// Everything before it was delivered.
    fn next_sequence(&self) -> u64;

    /// Has everything written that is not.
    fn catch_up(&mut self) -> CaughtUp;
}

/// What the files have now.
pub(crate) enum CaughtUp {
    /// More than was read.
    More,
    /// What was read.
    Nothing,
    /// All that they will ever have, and why.
    Ended(Failure),
}

/// The journal of a shard, read while it is written.
pub(crate) struct Journaled<St: Storage> {
    storage: St,
    shard: u16,
    shared: Arc<Shared>,
    access: Arc<Access<Core<St>>>,
    replay: Replay,
    segment: Option<FrameReader<St::File>>,
    /// The segment under way has given frames since it was opened.
    has_frames: bool,
    buffer: Vec<u8>,
    /// Of the frame that was replayed last; the first of them is the next to be delivered.
    events: Since,
    delivered: usize,
    /// The writer has said that everything up to there is in the files.
    written_sequence: u64,
}

/// Takes the events of commands from a number on.
struct Since {
    sequence: u64,
    events: Vec<Event>,
}

impl EventSink for Since {
    #[inline]
    fn event(&mut self, event: Event) {
        if event.sequence >= self.sequence {
            self.events.push(event);
        }
    }
}

impl<St: Storage> Journaled<St> {
    /// Stands before the command of that number.
    ///
    /// # Errors
    /// [`Failure::Gone`] where neither a snapshot nor the journal reaches back to it; those of the files.
    pub fn open(
        storage: &St,
        shard: u16,
        shared: Arc<Shared>,
        access: Arc<Access<Core<St>>>,
        from_sequence: u64,
    ) -> Result<Journaled<St>, Failure> {
        // A stream may be kept for longer than its exchange.
        let storage = storage.reader().map_err(Failure::io(".", "open"))?;
        let replay = patiently(|| base(&storage, from_sequence))?;
        Ok(Journaled {
            storage,
            shard,
            shared,
            access,
            replay,
            segment: None,
            has_frames: false,
            buffer: Vec::new(),
            events: Since { sequence: from_sequence, events: Vec::new() },
            delivered: 0,
            written_sequence: 0,
        })
    }

    /// Goes back to the state that its replay begins with, so that nothing is left out from there on, and shows it. Returns the
    /// number of the first command behind it.
    pub fn begin_at_base(&mut self, look: impl FnOnce(&Exchange)) -> u64 {
        look(&self.replay.exchange);
        self.events.sequence = self.replay.exchange.sequence() + 1;
        self.events.sequence
    }

    /// Up to there everything has happened.
    fn settled(&self) -> u64 {
        // Relaxed: what is read on the strength of it comes from files; seen late, it is read late.
        self.shared.counting[usize::from(self.shard)].sequence.get()
    }

    /// Replays the next frame of those that have happened. False: there is none in the files.
    fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            if self.replay.exchange.sequence() >= self.settled() {
                self.pause();
                return Ok(false);
            }
            let Some(segment) = &mut self.segment else {
                if !patiently(|| self.open_segment())? {
                    return Ok(false);
                }
                continue;
            };
            let (name, offset) = (segment.name.clone(), segment.offset());
            let problem = match segment.next()? {
                Next::Frame(frame) => {
                    self.replay.apply(&name, &frame, &mut self.events)?;
                    self.has_frames = true;
                    return Ok(true);
                }
                Next::Nothing => "nothing is there",
                Next::Bad { problem, .. } => problem,
            };
            let has_next = self.has_frames && patiently(|| self.open_segment())?;
            if has_next {
                continue;
            }
            self.pause();
            let sequence = self.replay.exchange.sequence();
            if sequence < self.written_sequence {
                let problem = format!("{problem}, but commands up to {} were written", self.written_sequence);
                return Err(Failure::damaged(&name, offset, problem));
            }
            return Ok(false);
        }
    }

    /// Opens the segment that begins with the next command. False: there is none, or it is the one that is open.
    fn open_segment(&mut self) -> Result<bool, Failure> {
        let wanted = self.replay.exchange.sequence() + 1;
        if self.segment.as_ref().is_some_and(|segment| segment.header.first_sequence == wanted) {
            return Ok(false);
        }
        let catalog = Catalog::read(&self.storage)?;
        let Some(header) = catalog.segments.iter().find(|segment| segment.first_sequence == wanted) else {
            return Ok(false);
        };
        let opened = FrameReader::open(&self.storage, &header.name(), Vec::new())?;
        self.replay.check_hash(&opened.name, 0, opened.header.event_hash)?;
        self.close_segment();
        (self.segment, self.has_frames) = (Some(opened), false);
        Ok(true)
    }

    /// What was read ahead is not what the files will have when this goes on.
    fn pause(&mut self) {
        if !self.has_frames {
            // Without commands it may be replaced by another of its name.
            self.close_segment();
        } else if let Some(segment) = &mut self.segment {
            // The file may grow behind the last frame, or just be growing.
            segment.forget();
        }
    }

    fn close_segment(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.buffer = segment.into_parts().1;
        }
    }
}

impl<St: Storage> Past for Journaled<St> {
    fn read(&mut self, out: &mut Vec<Event>, end: usize) -> Result<bool, Failure> {
        loop {
            while let Some(first) = self.events.events.get(self.delivered) {
                if out.len() >= end {
                    return Ok(false);
                }
                let rest = &self.events.events[self.delivered..];
                let count = rest.iter().take_while(|event| event.sequence == first.sequence).count();
                out.extend_from_slice(&rest[..count]);
                self.delivered += count;
            }
            self.events.events.clear();
            self.delivered = 0;
            if out.len() >= end {
                return Ok(false);
            }
            if !self.advance()? {
                return Ok(true);
            }
        }
    }

    fn next_sequence(&self) -> u64 {
        let next = self.events.events.get(self.delivered).map(|event| event.sequence);
        // A snapshot may lie a long way before what was asked for.
        next.unwrap_or_else(|| (self.replay.exchange.sequence() + 1).max(self.events.sequence))
    }

    fn catch_up(&mut self) -> CaughtUp {
        let wake = || self.shared.gates[usize::from(self.shard)].doorbell.ring();
        let write = |core: &mut Core<St>| {
            let written = core.engine.write_out();
            (written, core.engine.exchange().sequence())
        };
        match self.access.with(wake, write) {
            // A shard that has failed in the middle of a batch has applied more than has happened.
            Some((Ok(()), sequence)) => self.written_sequence = sequence.min(self.settled()),
            Some((Err(failure), _)) => return CaughtUp::Ended(failure),
            None => return CaughtUp::Ended(self.shared.life.stopped()),
        }
        if self.written_sequence > self.replay.exchange.sequence() { CaughtUp::More } else { CaughtUp::Nothing }
    }
}

/// The newest state before that command from which the journal goes on.
fn base<St: Storage>(storage: &St, from_sequence: u64) -> Result<Replay, Failure> {
    let catalog = Catalog::read(storage)?;
    let goes_on = |sequence: u64| catalog.segments.iter().any(|segment| segment.first_sequence == sequence + 1);
    for &sequence in catalog.snapshots.iter().rev().filter(|&&sequence| sequence < from_sequence && goes_on(sequence)) {
        match snapshot::load(storage, &snapshot_name(sequence)) {
            Ok(loaded) => return Ok(Replay::new(loaded.exchange, loaded.event_hash)),
            Err(Failure::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    if goes_on(0) {
        return Ok(Replay::new(Exchange::new(), 0));
    }
    let oldest = catalog.snapshots.iter().find(|&&sequence| goes_on(sequence)).map_or(0, |sequence| sequence + 1);
    Err(Failure::Gone { sequence: from_sequence, oldest })
}

/// Tries again where something is missing or looks damaged that may just be in the middle of being changed.
pub(crate) fn patiently<T>(mut action: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    for _ in 1..ATTEMPTS {
        match action() {
            Err(Failure::Damaged { .. } | Failure::Io { .. } | Failure::Incomplete { .. }) => {
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
    action()
}
