//! What the threads of an exchange, its ports and its readers have in common.

use super::counters::Counting;
use super::options::ShardOptions;
use super::submission::{Gate, Origin};
use crate::doorbell::Doorbell;
use crate::failure::Failure;
use crate::padding::Padded;
use crate::publication::PublishedBooks;
use crate::routes::Routes;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

pub(crate) struct Shared {
    pub options: ShardOptions,
    /// There are no journals.
    pub is_in_memory: bool,
    /// What a shard has of commands to all shards may be lost by it and removed by another one: so they are made durable.
    pub flushes_broadcasts: bool,
    /// The way to each shard, and behind them, where there are several, to the coordinator.
    pub gates: Vec<Gate>,
    pub life: Life,
    pub routes: Routes,
    pub books: PublishedBooks,
    /// By shard.
    pub counting: Vec<Padded<Counting>>,
    places: Mutex<Places>,
}

/// Who still takes something, and who still answers.
///
/// Flags go up once and never down. Each is stored with release, so that whoever sees it up (acquire) sees what was done before. That
/// none of those is missed who go to sleep at that moment needs more: the doorbells are rung behind every store, and their fence
/// orders it against the sleeper's last look ([`crate::doorbell`]). Ports that look at `is_closing` once too often before they see
/// it only submit something that is still answered.
pub(crate) struct Life {
    /// Nothing is taken any more: it is being closed.
    is_closing: AtomicBool,
    /// A failure has stopped everything for good.
    is_stopped: AtomicBool,
    cause: OnceLock<Arc<Failure>>,
    /// By thread: it is to answer what waits, and end.
    is_asked_to_end: Vec<AtomicBool>,
    /// By thread: it answers nothing any more. Stored after its last answer, with release.
    has_ended: Vec<AtomicBool>,
    /// Of everybody who may sleep until something happens.
    sleepers: Mutex<Vec<Weak<Doorbell>>>,
}

/// The places that ports have in the shards' tables.
#[derive(Default)]
struct Places {
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl Shared {
    pub fn new(options: ShardOptions, gates: Vec<Gate>, is_in_memory: bool, flushes_broadcasts: bool) -> Shared {
        let shards = usize::from(options.shards);
        let flags = || gates.iter().map(|_| AtomicBool::new(false)).collect();
        let life = Life {
            is_closing: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            cause: OnceLock::new(),
            is_asked_to_end: flags(),
            has_ended: flags(),
            sleepers: Mutex::default(),
        };
        Shared {
            options,
            is_in_memory,
            flushes_broadcasts,
            gates,
            life,
            routes: Routes::new(),
            books: PublishedBooks::new(),
            counting: (0..shards).map(|_| Padded::new(Counting::default())).collect(),
            places: Mutex::default(),
        }
    }

    pub fn shards(&self) -> u16 {
        self.options.shards
    }

    /// Where the coordinator's gate is; out of range where there is none.
    pub fn coordinator(&self) -> usize {
        usize::from(self.options.shards)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new port.
    pub fn take_place(&self) -> Origin {
        let mut places = self.places();
        let place = places.free.pop().unwrap_or(places.generations.len() as u32);
        if place as usize == places.generations.len() {
            places.generations.push(0);
        }
        Origin { place, generation: places.generations[place as usize] }
    }

    /// A port is gone: what it sent and was not answered is known by its generation.
    pub fn give_place(&self, origin: Origin) {
        let mut places = self.places();
        let generation = &mut places.generations[origin.place as usize];
        *generation = generation.wrapping_add(1);
        places.free.push(origin.place);
    }

    /// Nothing is taken any more.
    pub fn stop(&self, cause: String) {
        let _ = self.life.cause.set(Arc::new(Failure::Stopped { cause }));
        self.life.is_stopped.store(true, Ordering::Release);
        self.wake_all();
    }

    /// A thread has given its last answer.
    pub fn end(&self, thread: usize) {
        self.life.has_ended[thread].store(true, Ordering::Release);
        self.wake_all();
    }

    /// Asks a thread to answer what waits, and end.
    pub fn ask_to_end(&self, thread: usize) {
        self.life.is_asked_to_end[thread].store(true, Ordering::Release);
        self.gates[thread].doorbell.ring();
    }

    /// Threads and sleepers look again: flags were stored before, and every sleeper's condition has them in it.
    fn wake_all(&self) {
        self.gates.iter().for_each(|gate| gate.doorbell.ring());
        let mut sleepers = self.life.sleepers();
        sleepers.retain(|sleeper| {
            sleeper.upgrade().is_some_and(|doorbell| {
                doorbell.ring();
                true
            })
        });
    }
}

impl Life {
    fn sleepers(&self) -> MutexGuard<'_, Vec<Weak<Doorbell>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who sleeps on that doorbell is woken at the end. Called before anything is waited for.
    pub fn add_sleeper(&self, doorbell: &Arc<Doorbell>) {
        let mut sleepers = self.sleepers();
        sleepers.retain(|sleeper| sleeper.strong_count() > 0);
        sleepers.push(Arc::downgrade(doorbell));
    }

    /// Ports take nothing any more.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    /// Is nothing taken any more?
    #[inline]
    pub fn is_over(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed) || self.is_stopped()
    }

    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    #[inline]
    pub fn is_asked_to_end(&self, thread: usize) -> bool {
        self.is_asked_to_end[thread].load(Ordering::Acquire)
    }

    /// Does that thread answer nothing any more? What it did answer can be seen by whoever sees that.
    #[inline]
    pub fn has_ended(&self, thread: usize) -> bool {
        self.has_ended[thread].load(Ordering::Acquire)
    }

    /// What is said to whoever comes too late.
    pub fn failure(&self) -> Arc<Failure> {
        let closed = || Arc::new(Failure::Stopped { cause: "the exchange was closed".to_string() });
        self.cause.get().map_or_else(closed, Arc::clone)
    }

    /// As [`Life::failure`], for who needs one of his own.
    pub fn stopped(&self) -> Failure {
        match &*self.failure() {
            Failure::Stopped { cause } => Failure::Stopped { cause: cause.clone() },
            other => Failure::Stopped { cause: other.to_string() },
        }
    }
}
