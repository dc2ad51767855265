//! The state machine behind a Python exchange: in memory, behind a journal, or on the threads of shards. What one command
//! and one batch do.

use super::answer::Question;
use super::directory::Directory;
use super::journal::Journaled;
use super::sharded::Door;
use crate::buffer::Pool;
use crate::errors::Failure;
use crate::state::{BatchDone, Guarded};
use aeromatch_engine::collector::{Collector, Done, dormant_after};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, Event, Extensions, SLOT_BYTES, as_bytes};
use aeromatch_runtime::Submitted;
use aeromatch_runtime::shard::refusal::{command_at, refuse_for_capacity};

/// Slots that are applied, and journaled, between two looks at whether the interpreter has something to say, such as Ctrl-C.
const FRAME_SLOTS: usize = 1 << 17;

/// An exchange and the memory that its commands reuse.
pub struct Machine {
    engine: Engine,
    collector: Collector,
    /// The slots of a single command on their way to the journal.
    slots: Vec<u8>,
}

/// Where the state is.
enum Engine {
    Memory(Box<Exchange>),
    Journal(Box<Journaled>),
    Shards(Box<Door>),
    Closed,
}

/// What a read is about: it is asked where that lives.
#[derive(Clone, Copy)]
pub enum Subject {
    /// What every shard knows.
    Anything,
    Group(u32),
    Instrument(u32),
    Event(u32),
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Engine::Journal(journaled) = std::mem::replace(&mut self.engine, Engine::Closed) {
            // A forgotten close loses nothing: what drops here is made durable. A forked process has nothing to say to it.
            if !journaled.is_own() {
                journaled.abandon();
            }
        }
    }
}

impl Guarded for Machine {
    const NAME: &'static str = "Exchange";
}

impl Machine {
    pub fn in_memory(exchange: Exchange) -> Machine {
        Machine::over(Engine::Memory(Box::new(exchange)))
    }

    pub fn journaled(journaled: Journaled) -> Machine {
        Machine::over(Engine::Journal(Box::new(journaled)))
    }

    pub fn sharded(door: Door) -> Machine {
        Machine::over(Engine::Shards(Box::new(door)))
    }

    fn over(engine: Engine) -> Machine {
        Machine { engine, collector: Collector::of(0), slots: Vec::new() }
    }

    /// The state, where it is on this thread.
    fn local(&self) -> Result<Option<&Exchange>, Failure> {
        match &self.engine {
            Engine::Memory(exchange) => Ok(Some(exchange)),
            Engine::Journal(journaled) => Ok(Some(journaled.exchange())),
            Engine::Shards(_) => Ok(None),
            Engine::Closed => Err(Failure::Closed(Machine::NAME)),
        }
    }

    /// Lets `action` look at the state where something lives.
    pub fn look<R>(&self, subject: Subject, action: impl FnOnce(&Exchange) -> R) -> Result<R, Failure> {
        match &self.engine {
            Engine::Shards(door) => door.core().look(subject, action),
            _ => self.local()?.map(action).ok_or(Failure::Closed(Machine::NAME)),
        }
    }

    /// Lets `action` look at the state of every shard in turn.
    pub fn look_at_each<R>(&self, mut action: impl FnMut(&Exchange) -> R) -> Result<Vec<R>, Failure> {
        match &self.engine {
            Engine::Shards(door) => door.core().look_at_each(action),
            _ => self.look(Subject::Anything, |exchange| vec![action(exchange)]),
        }
    }

    /// Lets `action` look at the state of one shard; `None` is the only one.
    pub fn look_at<R>(
        &self,
        shard: Option<u16>,
        name: &'static str,
        action: impl FnOnce(&Exchange) -> R,
    ) -> Result<R, Failure> {
        match &self.engine {
            Engine::Shards(door) => door.core().look_at(door.core().only(shard, name)?, action),
            _ => self.look(Subject::Anything, action),
        }
    }

    /// Notes the names that commands have made.
    pub fn catch_up(&self, directory: &Directory) -> Result<(), Failure> {
        match &self.engine {
            Engine::Shards(door) => door.core().catch_up(directory),
            _ => self.look(Subject::Anything, |exchange| {
                directory.catch_up(exchange, |number| exchange.book(number).map(|book| *book.rules()));
            }),
        }
    }

    /// The journal, `None` where there is none on this thread.
    pub fn journal(&mut self) -> Result<Option<&mut Journaled>, Failure> {
        match &mut self.engine {
            Engine::Memory(_) | Engine::Shards(_) => Ok(None),
            Engine::Journal(journaled) => Ok(Some(journaled)),
            Engine::Closed => Err(Failure::Closed(Machine::NAME)),
        }
    }

    /// The way to the shards, `None` if there are none.
    pub fn door(&mut self) -> Result<Option<&mut Door>, Failure> {
        match &mut self.engine {
            Engine::Shards(door) => Ok(Some(door)),
            Engine::Memory(_) | Engine::Journal(_) => Ok(None),
            Engine::Closed => Err(Failure::Closed(Machine::NAME)),
        }
    }

    /// Gives up the state; what was acknowledged is in the journal. Nothing, if it was closed before.
    pub fn close(&mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.engine, Engine::Closed) {
            Engine::Journal(journaled) => journaled.close(),
            Engine::Shards(door) => door.close(),
            Engine::Memory(_) | Engine::Closed => Ok(()),
        }
    }

    /// Applies one command about orders, phases or time.
    pub fn apply(&mut self, command: &Command, extensions: &Extensions) -> Result<Done, Failure> {
        self.collector.clear();
        match &mut self.engine {
            Engine::Memory(exchange) => exchange.apply(command, extensions, &mut self.collector),
            Engine::Journal(journaled) => {
                self.slots.clear();
                put_slots(command, extensions, &mut self.slots);
                submit(journaled, &self.slots, &mut self.collector)?;
            }
            Engine::Shards(door) => {
                self.slots.clear();
                put_slots(command, extensions, &mut self.slots);
                return door.ask(&self.slots, true);
            }
            Engine::Closed => return Err(Failure::Closed(Machine::NAME)),
        }
        let exchange = match &self.engine {
            Engine::Memory(exchange) => exchange,
            Engine::Journal(journaled) => journaled.exchange(),
            Engine::Shards(_) | Engine::Closed => return Err(Failure::Closed(Machine::NAME)),
        };
        let find = |order_id: u64| exchange.book(command.instrument).and_then(|book| book.order(order_id));
        let is_dormant = dormant_after(command, &self.collector.events, find);
        let changes = self.collector.changes(exchange.sequence(), |instrument| exchange.book(instrument)).collect();
        Ok(Done { events: Box::from(self.collector.events.as_slice()), changes, is_dormant })
    }

    /// Applies one command to the exchange itself.
    pub fn apply_admin(&mut self, admin: &Admin) -> Result<Box<[Event]>, Failure> {
        self.collector.clear();
        match &mut self.engine {
            Engine::Memory(exchange) => exchange.apply_admin(admin, &mut self.collector),
            Engine::Journal(journaled) => submit(journaled, &admin.to_bytes(), &mut self.collector)?,
            Engine::Shards(door) => return door.ask(&admin.to_bytes(), false).map(|done| done.events),
            Engine::Closed => return Err(Failure::Closed(Machine::NAME)),
        }
        Ok(Box::from(self.collector.events.as_slice()))
    }

    /// Sends one command; its answer comes under the ticket that is returned. `None`: there is no room for it now.
    pub fn send(&mut self, slots: &[u8], question: Question) -> Result<Option<u64>, Failure> {
        self.door()?.ok_or(Failure::Unusable(Machine::NAME))?.send(slots, question)
    }

    /// Applies a batch of slots, refused as a whole if one is no command. `proceed` is asked now and then whether to go on.
    pub fn process(
        &mut self,
        slots: &[u8],
        pool: &Pool,
        mut proceed: impl FnMut() -> Result<(), Failure>,
    ) -> Result<BatchDone, Failure> {
        let commands = Exchange::check(slots)?;
        let mut refused = Vec::new();
        let mut events = pool.take_events();
        let (mut from, end) = (0, slots.len() / SLOT_BYTES);
        while from < end {
            let to = frame_end(slots, from);
            let frame = &slots[from * SLOT_BYTES..to * SLOT_BYTES];
            match &mut self.engine {
                Engine::Memory(exchange) => drop(exchange.apply_checked(frame, &mut events)?),
                Engine::Journal(journaled) => {
                    if journaled.submit(frame, &mut events)? == Submitted::Capacity {
                        refuse_for_capacity(frame, &mut refused)?;
                    }
                }
                Engine::Shards(door) => door.process(frame, &mut events)?,
                Engine::Closed => return Err(Failure::Closed(Machine::NAME)),
            }
            from = to;
            if from < end {
                proceed()?;
            }
        }
        if !refused.is_empty() {
            // Admission comes before sequencing: these have number 0, and events stand in order of their numbers.
            refused.extend_from_slice(&events);
            pool.give_events(std::mem::replace(&mut events, refused));
        }
        Ok(BatchDone { commands, events, changes: None })
    }
}

/// Journals and applies one command; where there is no room for it, it is rejected.
fn submit(journaled: &mut Journaled, slots: &[u8], collector: &mut Collector) -> Result<(), Failure> {
    if journaled.submit(slots, collector)? == Submitted::Capacity {
        refuse_for_capacity(slots, &mut collector.events)?;
    }
    Ok(())
}

/// Where a frame ends that begins at a slot of a checked batch: with the last command that begins within its size.
fn frame_end(slots: &[u8], from: usize) -> usize {
    let end = slots.len() / SLOT_BYTES;
    if end - from <= FRAME_SLOTS {
        return end;
    }
    let mut slot = from;
    while slot < from + FRAME_SLOTS {
        // What is no command, which a checked batch has none of, is refused when its frame is applied.
        slot += command_at(slots, slot).map_or(1, |(_, used)| used);
    }
    slot.min(end)
}

/// Appends a command's slots.
pub fn put_slots(command: &Command, extensions: &Extensions, out: &mut Vec<u8>) {
    out.extend_from_slice(as_bytes(std::slice::from_ref(command)));
    if let Some(terms) = &extensions.terms {
        out.extend_from_slice(as_bytes(std::slice::from_ref(terms)));
    }
    if let Some(client_id) = &extensions.client_id {
        out.extend_from_slice(as_bytes(std::slice::from_ref(client_id)));
    }
}

/// The same in memory of their own.
pub fn slots_of(command: &Command, extensions: &Extensions) -> Vec<u8> {
    let mut slots = Vec::new();
    put_slots(command, extensions, &mut slots);
    slots
}
