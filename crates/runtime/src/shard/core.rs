//! What a shard's thread owns, and what it does with a batch of submissions: check and stamp, journal, sync, apply, publish
//! books and events, answer. The order is the promise (docs/shards.md): nothing is answered that is not what the policy says,
//! and nothing is answered before it can be read.

use super::engine::Engine;
use super::packed::Packed;
use super::refusal::refuse_for_capacity;
use super::shared::Shared;
use super::stages::{Stage, Stages, wall_ns};
use super::submission::{Doors, Origin, Submission, Ticket};
use super::words::{WORDS, words_of};
use crate::doorbell::Doorbell;
use crate::durable::Submitted;
use crate::failure::Failure;
use crate::journal::slots_of;
use crate::publication::Publisher;
use crate::ring::broadcast::Broadcaster;
use crate::storage::Storage;
use aeromatch_engine::codes::{CommandKind, OrderType, Side};
use aeromatch_engine::collector::{Change, Collector, dormant_after};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Subject, subject_of};
use aeromatch_engine::record::{Event, EventSink, SLOT_BYTES, decode};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Bytes of a frame at which the next submission gets one of its own: so a frame is written, and checked, in reasonable pieces.
const FRAME_BYTES: usize = 8 << 20;
/// Where a command has its time.
const TIMESTAMP_AT: usize = 40;
/// The kinds of commands to the exchange itself begin here.
const FIRST_ADMIN_KIND: u8 = 16;

pub(crate) struct Core<St: Storage> {
    pub shard: u16,
    pub engine: Engine<St>,
    pub doors: Doors,
    /// Of the streams that wait for events.
    pub listeners: Vec<Weak<Doorbell>>,
    pub publisher: Publisher,
    broadcaster: Broadcaster,
    stages: Stages,
    shared: Arc<Shared>,
    collector: Collector,
    /// The latest time that was stamped.
    stamped_ns: u64,
    batch: Batch,
}

/// The batch under way. Its memory is used again.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    slots: Vec<u8>,
    events: Vec<Event>,
    words: Vec<[u64; WORDS]>,
    commands: u64,
    /// There were commands that may have made instruments.
    has_admin: bool,
}

/// A submission of the batch, and what came of it.
struct Entry {
    origin: Origin,
    ticket: Ticket,
    wants_changes: bool,
    is_quiet: bool,
    /// Its bytes among the batch's slots; none if it is refused.
    bytes: Range<usize>,
    /// Its events among the batch's.
    events: Range<usize>,
    changes: Vec<Change>,
    is_dormant: bool,
    failure: Option<Failure>,
}

/// Takes a command's events and the levels that it touched.
struct Tap<'a> {
    events: &'a mut Vec<Event>,
    publisher: &'a mut Publisher,
    /// Where somebody wants to know what the levels are after the command.
    collector: Option<&'a mut Collector>,
    instrument: u32,
}

impl EventSink for Tap<'_> {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    #[inline(always)]
    fn level_touched(&mut self, side: Side, price_ticks: i64) {
        self.publisher.touch(self.instrument);
        if let Some(collector) = &mut self.collector {
            collector.level_touched(side, price_ticks);
        }
    }

    #[inline(always)]
    fn book(&mut self, instrument: u32) {
        self.instrument = instrument;
        if let Some(collector) = &mut self.collector {
            collector.book(instrument);
        }
    }
}

impl<St: Storage> Core<St> {
    pub fn new(
        shard: u16,
        engine: Engine<St>,
        broadcaster: Broadcaster,
        stages: Stages,
        shared: Arc<Shared>,
    ) -> Core<St> {
        let publisher = Publisher::new(shared.options.published_levels);
        let mut core = Core {
            shard,
            engine,
            doors: Doors::default(),
            listeners: Vec::new(),
            publisher,
            broadcaster,
            stages,
            shared,
            collector: Collector::of(0),
            stamped_ns: 0,
            batch: Batch::default(),
        };
        let exchange = core.engine.exchange();
        core.publisher.learn(exchange, &core.shared.books);
        core.publisher.publish(exchange);
        core.count();
        core
    }

    /// There was nothing to do.
    #[inline]
    pub fn idle(&mut self) {
        self.stages.idle();
    }

    /// Does what was submitted. On failure nothing more may be done: who was not answered is told so at the end.
    pub fn work(&mut self, inbox: &mut Vec<Submission>) -> Result<(), Failure> {
        let (shared, shard) = (&self.shared, usize::from(self.shard));
        let depth = || shared.gates[shard].intake.len_estimate();
        self.stages.begin(self.engine.exchange().sequence() + 1, depth);
        let commands = self.take(inbox);
        self.stages.choose(commands);
        self.carry_out()?;
        self.publish();
        self.stages.done(Stage::Publish);
        self.count();
        self.answer();
        self.stages.end(self.batch.commands, &self.shared.counting[usize::from(self.shard)]);
        Ok(())
    }

    /// Gathers the slots of the batch, each submission's checked for itself: a bad one does not hold up the others. Returns how
    /// many commands there are.
    fn take(&mut self, inbox: &mut Vec<Submission>) -> u64 {
        let batch = &mut self.batch;
        batch.entries.clear();
        batch.slots.clear();
        batch.events.clear();
        (batch.commands, batch.has_admin) = (0, false);
        let (mut commands, mut refused) = (0, 0);
        let stamps = self.shared.options.stamp_time;
        if stamps {
            self.stamped_ns = wall_ns().max(self.stamped_ns);
        }
        for submission in inbox.drain(..) {
            let from = batch.slots.len();
            batch.slots.extend_from_slice(submission.slots.bytes());
            let failure = match Exchange::check(&batch.slots[from..]) {
                Ok(count) => {
                    commands += count as u64;
                    if stamps && !submission.keeps_times {
                        stamp(&mut batch.slots[from..], self.stamped_ns);
                    }
                    None
                }
                Err(error) => {
                    batch.slots.truncate(from);
                    refused += 1;
                    Some(Failure::Batch(error))
                }
            };
            batch.entries.push(Entry {
                origin: submission.origin,
                ticket: submission.ticket,
                wants_changes: submission.wants_changes,
                is_quiet: submission.is_quiet,
                bytes: from..batch.slots.len(),
                events: 0..0,
                changes: Vec::new(),
                is_dormant: false,
                failure,
            });
        }
        self.shared.counting[usize::from(self.shard)].refused.add(refused);
        commands
    }

    /// Journals and applies the batch: as one frame unless it is very large.
    fn carry_out(&mut self) -> Result<(), Failure> {
        let mut from = 0;
        while from < self.batch.entries.len() {
            let to = self.frame_end(from);
            if !self.put(from..to)? {
                // There is no room for all of it. What only takes away goes on, each for itself.
                for entry in from..to {
                    if !self.put(entry..entry + 1)? {
                        self.refuse(entry)?;
                    }
                }
            }
            from = to;
        }
        Ok(())
    }

    fn frame_end(&self, from: usize) -> usize {
        let entries = &self.batch.entries;
        let start = entries[from].bytes.start;
        let fits = |entry: &Entry| entry.bytes.end - start <= FRAME_BYTES;
        from + 1 + entries[from + 1..].iter().take_while(|entry| fits(entry)).count()
    }

    /// Journals these submissions as one frame, makes it what the policy promises, applies them. False: there is no room, and
    /// nothing has happened.
    fn put(&mut self, entries: Range<usize>) -> Result<bool, Failure> {
        let bytes = self.batch.entries[entries.start].bytes.start..self.batch.entries[entries.end - 1].bytes.end;
        if bytes.is_empty() {
            return Ok(true);
        }
        let submitted = self.engine.journal(&self.batch.slots[bytes])?;
        self.stages.done(Stage::Journal);
        if submitted == Submitted::Capacity {
            return Ok(false);
        }
        if self.engine.sync()? {
            self.stages.done(Stage::Sync);
        }
        for entry in entries {
            self.apply(entry)?;
        }
        self.stages.done(Stage::Match);
        Ok(true)
    }

    fn apply(&mut self, entry: usize) -> Result<(), Failure> {
        let Batch { entries, slots, events, commands, has_admin, .. } = &mut self.batch;
        let entry = &mut entries[entry];
        let (first, end) = (entry.bytes.start / SLOT_BYTES, entry.bytes.end / SLOT_BYTES);
        entry.events.start = events.len();
        let mut slot = first;
        let timed = self.stages.place();
        while slot < end {
            *has_admin |= slots[slot * SLOT_BYTES] >= FIRST_ADMIN_KIND;
            let collector = entry.wants_changes.then_some(&mut self.collector);
            let mut tap = Tap { events, publisher: &mut self.publisher, collector, instrument: 0 };
            let began = (*commands == timed).then(Instant::now);
            let taken = self.engine.apply(slots, slot, &mut tap)?;
            if let Some(began) = began {
                self.stages.timed(began, || instrument_of(self.engine.exchange(), slots, slot));
            }
            slot += taken;
            *commands += 1;
            if entry.wants_changes {
                let exchange = self.engine.exchange();
                let changes = self.collector.changes(exchange.sequence(), |instrument| exchange.book(instrument));
                entry.changes.extend(changes);
            }
        }
        entry.events.end = events.len();
        if first + slots_of_first(&slots[entry.bytes.clone()]) == end {
            let exchange = self.engine.exchange();
            entry.is_dormant = is_dormant(exchange, &slots[entry.bytes.clone()], &events[entry.events.clone()]);
        }
        Ok(())
    }

    fn refuse(&mut self, entry: usize) -> Result<(), Failure> {
        let Batch { entries, slots, events, .. } = &mut self.batch;
        let entry = &mut entries[entry];
        entry.events.start = events.len();
        refuse_for_capacity(&slots[entry.bytes.clone()], events).map_err(Failure::Batch)?;
        entry.events.end = events.len();
        self.shared.counting[usize::from(self.shard)].refused.add(1);
        Ok(())
    }

    /// Shows books and events to whoever looks.
    fn publish(&mut self) {
        let exchange = self.engine.exchange();
        if self.batch.has_admin {
            self.publisher.learn(exchange, &self.shared.books);
        }
        self.publisher.publish(exchange);
        let Batch { events, words, .. } = &mut self.batch;
        words.clear();
        // What was refused for want of room has no number, and is no part of the log.
        words.extend(events.iter().filter(|event| event.sequence != 0).map(words_of));
        if !words.is_empty() {
            self.broadcaster.publish(words);
            let counting = &self.shared.counting[usize::from(self.shard)];
            counting.published_sequence.store(exchange.sequence(), Ordering::Release);
            self.listeners.retain(|listener| listener.upgrade().inspect(|doorbell| doorbell.ring()).is_some());
        }
    }

    fn count(&self) {
        let counting = &self.shared.counting[usize::from(self.shard)];
        counting.commands.add(self.batch.commands);
        counting.events.add(self.batch.events.len() as u64);
        counting.batches.add(u64::from(!self.batch.entries.is_empty()));
        counting.sequence.set(self.engine.exchange().sequence());
        counting.durable_sequence.set(self.engine.durable_sequence());
    }

    fn answer(&mut self) {
        let Batch { entries, events, .. } = &mut self.batch;
        for entry in entries.drain(..) {
            let Entry { ticket, origin, is_dormant, .. } = entry;
            let mut events = &events[entry.events];
            if entry.is_quiet && events.first().is_some_and(|event| event.sequence != 0) {
                events = &[];
            }
            let packed = match entry.failure {
                Some(failure) => Packed::whole(ticket, self.shard, Err(Arc::new(failure))),
                None => Packed::done(ticket, self.shard, events, entry.changes, is_dormant),
            };
            self.doors.complete(origin, packed);
        }
        self.doors.ring();
    }
}

/// How many slots the first of the commands takes; 0 where there is none.
fn slots_of_first(slots: &[u8]) -> usize {
    if slots.is_empty() { 0 } else { slots_of(slots) }
}

/// The number of the book that the command at that slot is for; 0: it is for none that is here.
fn instrument_of(exchange: &Exchange, slots: &[u8], slot: usize) -> u32 {
    match subject_of(slots, slot) {
        Ok((Subject::Instrument(instrument), _)) => exchange.book(instrument).map_or(0, |book| book.rules().instrument),
        _ => 0,
    }
}

/// Waits the order that a submission of one command was about for its stop price?
fn is_dormant(exchange: &Exchange, slots: &[u8], events: &[Event]) -> bool {
    let kind = slots.first().copied().and_then(CommandKind::from_code);
    let is_stop = || slots.get(4).copied().and_then(OrderType::from_code).is_some_and(OrderType::is_stop);
    if kind != Some(CommandKind::Amend) && !(kind == Some(CommandKind::New) && is_stop()) {
        return false;
    }
    let Ok((command, _)) = decode(slots, 0) else { return false };
    let find = |order_id: u64| exchange.book(command.instrument).and_then(|book| book.order(order_id));
    dormant_after(&command, events, find)
}

/// Gives that time, the wall clock's, to the checked commands that have none (R2).
pub(crate) fn stamp(slots: &mut [u8], stamped_ns: u64) {
    let mut at = 0;
    while at < slots.len() {
        let time = at + TIMESTAMP_AT..at + TIMESTAMP_AT + 8;
        if slots[time.clone()] == [0; 8] {
            slots[time].copy_from_slice(&stamped_ns.to_le_bytes());
        }
        at += slots_of(&slots[at..]) * SLOT_BYTES;
    }
}
