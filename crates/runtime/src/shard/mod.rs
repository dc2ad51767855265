//! Shards: one writer thread each, with its own exchange, journal and intake; ports to send commands in, streams, published
//! books and turns for readers to look (docs/shards.md).
//!
//! Start at [`Shards`] for what there is, at `core` for what a shard does with a batch, at `opening` for how shards come to be
//! what they were.

pub mod counters;
pub mod directory;
pub mod options;
pub mod refusal;

pub(crate) mod access;
pub(crate) mod core;
mod engine;
mod opening;
pub(crate) mod packed;
mod repair;
pub(crate) mod shared;
pub(crate) mod stages;
pub(crate) mod submission;
mod thread;
pub(crate) mod words;

use self::core::Core;
use crate::coordinator::{self, Coordinator, Link};
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::idle::Idle;
use crate::intake::{Drain, intake};
use crate::options::{Durability, Options};
use crate::port::Port;
use crate::publication::PublishedBook;
use crate::recovery::Recovery;
use crate::ring::broadcast::{BroadcastRing, broadcast};
use crate::ring::spsc::{Consumer, spsc};
use crate::snapshot::SnapshotInfo;
use crate::storage::Storage;
use crate::stream::{EventStream, Journaled, Past};
use access::Access;
use aeromatch_engine::exchange::Exchange;
use engine::Engine;
use shared::Shared;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use submission::{Door, Doors, Gate, Submission};
use thread::{Opened, Start};

pub use counters::{Sample, ShardCounters};
pub use options::ShardOptions;
pub use submission::{Completion, Ticket};

/// An exchange on several threads, or on one of its own.
pub struct Shards<St: Storage> {
    shared: Arc<Shared>,
    accesses: Vec<Arc<Access<Core<St>>>>,
    /// Of the coordinator; nobody asks for it where there is one shard.
    coordinator: Arc<Access<Doors>>,
    shards: Vec<Shard<St>>,
    coordinator_thread: Option<JoinHandle<()>>,
}

/// What is known of a shard outside its thread.
struct Shard<St: Storage> {
    thread: Option<JoinHandle<()>>,
    /// `None`: in memory.
    storage: Option<St>,
    ring: Arc<BroadcastRing>,
    opened_sequence: u64,
    samples: Mutex<Option<Consumer<Sample>>>,
}

/// A shard whose thread was started.
struct Starting<St: Storage> {
    thread: JoinHandle<()>,
    storage: Option<St>,
    opened: Receiver<Result<Opened, Failure>>,
    samples: Option<Consumer<Sample>>,
}

impl<St: Storage> Shards<St> {
    /// Opens a journal for each shard, new or not, and starts the threads. What a crash has left half done on several shards is
    /// completed first.
    ///
    /// # Errors
    /// The number of the shard, and every [`Failure`] of opening it; [`Failure::Shards`] where there are journals of another
    /// number of shards; [`Failure::Option`] for options that cannot be, or that contradict the logs.
    ///
    /// # Panics
    /// If there are not as many storages as the options have shards.
    pub fn open(
        storages: Vec<St>,
        options: Options,
        shard_options: ShardOptions,
    ) -> Result<(Shards<St>, Vec<Recovery>), (u16, Failure)> {
        assert_eq!(storages.len(), usize::from(shard_options.shards), "as many storages as shards");
        let journals = storages.into_iter().map(|storage| Some((storage, options))).collect();
        Shards::start(journals, shard_options)
    }

    /// Starts the threads of an exchange that is in memory only, and begins empty.
    ///
    /// # Errors
    /// [`Failure::Option`]; [`Failure::Io`] where a thread or descriptor cannot be had.
    pub fn in_memory(shard_options: ShardOptions) -> Result<Shards<St>, (u16, Failure)> {
        let journals = (0..shard_options.shards).map(|_| None).collect();
        Shards::start(journals, shard_options).map(|(shards, _)| shards)
    }

    fn start(
        journals: Vec<Option<(St, Options)>>,
        shard_options: ShardOptions,
    ) -> Result<(Shards<St>, Vec<Recovery>), (u16, Failure)> {
        shard_options.check().map_err(|failure| (0, failure))?;
        let is_in_memory = journals.iter().all(Option::is_none);
        let (gates, drains) = gates(&shard_options).map_err(|failure| (0, failure))?;
        // Where nothing is ever removed, whatever one shard has lost another one still has.
        let may_lose = |options: &Options| options.durability != Durability::Disk && options.retain_bytes.is_some();
        let may_lose = journals.iter().flatten().any(|(_, options)| may_lose(options));
        let shared = Arc::new(Shared::new(shard_options, gates, is_in_memory, may_lose));
        let accesses: Vec<Arc<Access<Core<St>>>> = journals.iter().map(|_| Arc::new(Access::new())).collect();
        let mut drains = drains.into_iter();
        let mut starting = Vec::new();
        for ((shard, journal), drain) in (0..).zip(journals).zip(drains.by_ref().take(accesses.len())) {
            starting.push(start_thread(shard, journal, &shared, &accesses[usize::from(shard)], drain));
        }
        let mut shards = Shards {
            shared,
            accesses,
            coordinator: Arc::new(Access::new()),
            shards: Vec::new(),
            coordinator_thread: None,
        };
        let recoveries = shards.gather(starting)?;
        let port = shards.attach(false).map_err(|failure| (0, failure))?;
        let mut link = Link::new(Arc::clone(&shards.shared), shards.accesses.clone(), port);
        let storages: Vec<Option<St>> = shards.shards.iter().map(|shard| shard.storage.clone()).collect();
        opening::complete(&mut link, &storages)?;
        if let Some(drain) = drains.next() {
            let coordinator = Coordinator::new(link, Arc::clone(&shards.coordinator), drain);
            let thread = std::thread::Builder::new().name("coordinator".to_string());
            let thread = thread.spawn(move || coordinator::run(coordinator));
            shards.coordinator_thread =
                Some(thread.map_err(|error| (0, Failure::io("coordinator", "start a thread")(error)))?);
        }
        Ok((shards, recoveries))
    }

    /// Waits until every shard is open, or has said why not. What is open is closed again if one is not.
    fn gather(&mut self, starting: Vec<Result<Starting<St>, Failure>>) -> Result<Vec<Recovery>, (u16, Failure)> {
        let (mut recoveries, mut failed) = (Vec::new(), None);
        for (shard, started) in (0..).zip(starting) {
            let (opened, thread, storage, samples) = match started {
                // It says nothing only where it panicked.
                Ok(started) => {
                    let opened = started.opened.recv().unwrap_or_else(|_| Err(self.shared.life.stopped()));
                    (opened, Some(started.thread), started.storage, started.samples)
                }
                Err(failure) => {
                    // There is no thread that could say so.
                    self.accesses[usize::from(shard)].leave(None);
                    self.shared.end(usize::from(shard));
                    (Err(failure), None, None, None)
                }
            };
            let (ring, opened_sequence) = match opened {
                Ok(opened) => {
                    recoveries.push(opened.recovery);
                    (opened.ring, opened.sequence)
                }
                Err(failure) => {
                    failed.get_or_insert((shard, failure));
                    (broadcast(1).1, 0)
                }
            };
            self.shards.push(Shard { thread, storage, ring, opened_sequence, samples: Mutex::new(samples) });
        }
        failed.map_or(Ok(recoveries), Err)
    }

    /// A new door for one producer. Matching pauses between two batches for it.
    ///
    /// # Errors
    /// [`Failure::Stopped`]; [`Failure::Io`] where the system has no descriptor left.
    pub fn port(&self) -> Result<Port, Failure> {
        if self.shared.life.is_over() {
            return Err(self.shared.life.stopped());
        }
        self.attach(self.shared.shards() > 1)
    }

    fn attach(&self, has_coordinator: bool) -> Result<Port, Failure> {
        let doorbell = Arc::new(Doorbell::new().map_err(Failure::io("doorbell", "create"))?);
        self.shared.life.add_sleeper(&doorbell);
        let origin = self.shared.take_place();
        let mut consumers = Vec::new();
        let mut door = || {
            let (completions, consumer) = spsc(self.shared.options.window);
            consumers.push(consumer);
            Door { generation: origin.generation, completions, doorbell: Arc::clone(&doorbell) }
        };
        let mut is_attached = true;
        for (shard, access) in self.accesses.iter().enumerate() {
            let door = door();
            let wake = || self.shared.gates[shard].doorbell.ring();
            is_attached &= access.with(wake, |core| core.doors.attach(origin.place, door)).is_some();
        }
        if has_coordinator {
            let door = door();
            let wake = || self.shared.gates[self.shared.coordinator()].doorbell.ring();
            is_attached &= self.coordinator.with(wake, |doors| doors.attach(origin.place, door)).is_some();
        }
        let port = Port::new(Arc::clone(&self.shared), origin, consumers, doorbell);
        if is_attached { Ok(port) } else { Err(self.shared.life.stopped()) }
    }

    /// Takes nothing more, from any port; what was taken is still done and answered. [`Shards::close`] begins with it.
    pub fn begin_close(&self) {
        self.shared.life.close();
    }

    /// How the shards are run.
    pub fn options(&self) -> &ShardOptions {
        &self.shared.options
    }

    /// How many there are.
    pub fn shards(&self) -> u16 {
        self.shared.shards()
    }

    /// Has a shard's state between two of its batches; its matching waits meanwhile. What is called must not wait for answers
    /// of that shard.
    ///
    /// # Errors
    /// [`Failure::Stopped`] if the state is gone: after a panic. After any other failure it can still be read.
    ///
    /// # Panics
    /// If there is no such shard, here and below.
    pub fn read<R>(&self, shard: u16, act: impl FnOnce(&Exchange) -> R) -> Result<R, Failure> {
        self.with(shard, |core| act(core.engine.exchange()))
    }

    fn with<R>(&self, shard: u16, act: impl FnOnce(&mut Core<St>) -> R) -> Result<R, Failure> {
        let wake = || self.shared.gates[usize::from(shard)].doorbell.ring();
        self.accesses[usize::from(shard)].with(wake, act).ok_or_else(|| self.shared.life.stopped())
    }

    /// The shard of an instrument; 0 for one that does not exist. Read without locks, as the next two.
    pub fn home_of_instrument(&self, instrument: u32) -> u16 {
        self.shared.routes.instruments.of(instrument).unwrap_or(0)
    }

    /// The shard of a clearing group.
    pub fn home_of_group(&self, group: u32) -> u16 {
        self.shared.routes.groups.of(group).unwrap_or(0)
    }

    /// The shard of an event.
    pub fn home_of_event(&self, event: u32) -> u16 {
        self.shared.routes.events.of(event).unwrap_or(0)
    }

    /// An instrument's book as it is published; of the second outcome of two the first one's. `None`: there is no such
    /// instrument, or nothing is published.
    pub fn published(&self, instrument: u32) -> Option<Arc<PublishedBook>> {
        self.shared.books.get(instrument).cloned()
    }

    /// Every event of a shard from the command of that number on, then live.
    ///
    /// # Errors
    /// [`Failure::Gone`] where that is no longer kept; those of the files; [`Failure::Stopped`].
    pub fn stream(&self, shard: u16, from_sequence: u64) -> Result<EventStream, Failure> {
        let doorbell = Arc::new(Doorbell::new().map_err(Failure::io("doorbell", "create"))?);
        self.stream_with(shard, from_sequence, doorbell)
    }

    /// The same with a doorbell that one reader of several shards has for all of them.
    ///
    /// # Errors
    /// As [`Shards::stream`].
    pub fn stream_with(&self, shard: u16, from_sequence: u64, doorbell: Arc<Doorbell>) -> Result<EventStream, Failure> {
        let known = &self.shards[usize::from(shard)];
        self.shared.life.add_sleeper(&doorbell);
        let listener = Arc::downgrade(&doorbell);
        self.with(shard, |core| core.listeners.push(listener))?;
        let (shared, ring) = (Arc::clone(&self.shared), &known.ring);
        let stream = EventStream::new(shard, shared, doorbell, ring, known.opened_sequence, from_sequence);
        stream.begin(|from_sequence| {
            let Some(storage) = &known.storage else { return Ok(None) };
            let (shared, access) = (Arc::clone(&self.shared), Arc::clone(&self.accesses[usize::from(shard)]));
            let past = Journaled::open(storage, shard, shared, access, from_sequence)?;
            Ok(Some(Box::new(past) as Box<dyn Past>))
        })
    }

    /// Every event of a shard from some state on that lies before the command of that number, and a look at that state: for those
    /// who have to know more of the past than its events say. `None`: the exchange is in memory.
    ///
    /// # Errors
    /// As [`Shards::stream`].
    pub fn history(
        &self,
        shard: u16,
        from_sequence: u64,
        doorbell: Arc<Doorbell>,
        look: impl FnOnce(&Exchange),
    ) -> Result<Option<EventStream>, Failure> {
        let known = &self.shards[usize::from(shard)];
        let Some(storage) = &known.storage else { return Ok(None) };
        self.shared.life.add_sleeper(&doorbell);
        let listener = Arc::downgrade(&doorbell);
        self.with(shard, |core| core.listeners.push(listener))?;
        let (shared, access) = (Arc::clone(&self.shared), Arc::clone(&self.accesses[usize::from(shard)]));
        let mut past = Journaled::open(storage, shard, Arc::clone(&shared), access, from_sequence)?;
        let first = past.begin_at_base(look);
        let stream = EventStream::new(shard, shared, doorbell, &known.ring, known.opened_sequence, first);
        Ok(Some(stream.begin_in(Box::new(past))))
    }

    /// What a shard has done so far.
    pub fn counters(&self, shard: u16) -> ShardCounters {
        let shard = usize::from(shard);
        self.shared.counting[shard].read(self.shared.gates[shard].intake.len_estimate())
    }

    /// Number of the last command whose events a stream of that shard may have by now.
    pub fn last_sequence(&self, shard: u16) -> u64 {
        let counting = &self.shared.counting[usize::from(shard)];
        // Streams deliver as soon as events are published, which is before the command is counted.
        counting.sequence.get().max(counting.published_sequence.load(Ordering::Acquire))
    }

    /// The samples of a shard's batches, for one taker: `None` the second time, and where none are made.
    pub fn samples(&self, shard: u16) -> Option<Consumer<Sample>> {
        self.shards[usize::from(shard)].samples.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Makes a snapshot of a shard, beside its matching, and returns when it was read back and proven; `None` in memory.
    ///
    /// # Errors
    /// As [`crate::DurableExchange::compact`].
    pub fn compact(&self, shard: u16) -> Result<Option<SnapshotInfo>, Failure> {
        let compaction = self.with(shard, |core| match &mut core.engine {
            Engine::Memory(_) => Ok(None),
            Engine::Journal(durable) => durable.begin_compaction().map(Some),
        })??;
        compaction.map_or(Ok(None), crate::durable::Compaction::run)
    }

    /// Has anything stopped the exchange for good?
    ///
    /// # Errors
    /// [`Failure::Stopped`] with the cause.
    pub fn check(&self) -> Result<(), Failure> {
        if self.shared.life.is_stopped() { Err(self.shared.life.stopped()) } else { Ok(()) }
    }

    /// Answers everything that was submitted, ends the threads, and closes the journals.
    ///
    /// # Errors
    /// The first failure: also one that had stopped everything before. It is closed all the same.
    pub fn close(mut self) -> Result<(), Failure> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let is_stopped = self.shared.life.is_stopped();
        self.shared.life.close();
        // The coordinator first: what it has begun, the shards have to answer.
        if let Some(thread) = self.coordinator_thread.take() {
            self.shared.ask_to_end(self.shared.coordinator());
            let _ = thread.join();
        }
        for shard in 0..self.shards.len() {
            self.shared.ask_to_end(shard);
        }
        let mut result = Ok(());
        for (shard, access) in self.shards.iter_mut().zip(&self.accesses) {
            let Some(thread) = shard.thread.take() else { continue };
            // It catches its own panics.
            let _ = thread.join();
            if let Some(closed) = access.finish(|core| core.engine.close()) {
                result = result.and(closed);
            }
        }
        if is_stopped || self.shared.life.is_stopped() { Err(self.shared.life.stopped()) } else { result }
    }
}

impl<St: Storage> Drop for Shards<St> {
    /// A forgotten close loses nothing. Failures have nobody to go to.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

/// The way to each shard and, where there are several, to the coordinator.
fn gates(options: &ShardOptions) -> Result<(Vec<Gate>, Vec<Drain<Submission>>), Failure> {
    let shards = usize::from(options.shards);
    let threads = if shards > 1 { shards + 1 } else { 1 };
    let mut drains = Vec::new();
    let gates = (0..threads).map(|thread| {
        let (intake, drain) = intake(options.intake_capacity);
        drains.push(drain);
        let doorbell = Doorbell::new().map_err(Failure::io("doorbell", "create"))?;
        Ok(Gate { intake, doorbell, sleeps: options.idle == Idle::Park || thread == shards })
    });
    let gates: Result<Vec<Gate>, Failure> = gates.collect();
    Ok((gates?, drains))
}

fn start_thread<St: Storage>(
    shard: u16,
    journal: Option<(St, Options)>,
    shared: &Arc<Shared>,
    access: &Arc<Access<Core<St>>>,
    drain: Drain<Submission>,
) -> Result<Starting<St>, Failure> {
    let storage = journal.as_ref().map(|(storage, _)| storage.clone());
    let (producer, samples) = if shared.options.samples > 0 {
        let (producer, samples) = spsc(shared.options.samples);
        (Some(producer), Some(samples))
    } else {
        (None, None)
    };
    let (sender, opened) = sync_channel(1);
    let (shared, access) = (Arc::clone(shared), Arc::clone(access));
    let start = Start { shard, journal, shared, access, drain, samples: producer, opened: sender };
    let thread = std::thread::Builder::new().name(format!("shard-{shard}"));
    let thread = thread.spawn(move || thread::run(start));
    let thread = thread.map_err(|error| Failure::io(&format!("shard-{shard}"), "start a thread")(error))?;
    Ok(Starting { thread, storage, opened, samples })
}
