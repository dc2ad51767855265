//! A book, or a whole exchange, behind a lock that never waits: who comes while another thread is inside gets an error.
//! And what a book does with one command, and with a batch.

use crate::buffer::Pool;
use crate::errors::Failure;
use aeromatch_engine::collector::{Collector, Done, dormant_after};
use aeromatch_engine::engine::Book;
use aeromatch_engine::record::{Command, Event, Extensions, SLOT_BYTES, decode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A book and the memory that its commands reuse.
pub struct State {
    pub book: Book,
    collector: Collector,
}

/// What a [`Shared`] guards, by the name that its users know it by.
pub trait Guarded {
    const NAME: &'static str;
}

impl Guarded for State {
    const NAME: &'static str = "OrderBook";
}

/// A state that one thread at a time may use.
///
/// The flag decides who; it is taken while the interpreter is attached, so that of two threads it is always the one that
/// comes second that is refused. The mutex behind it is never contended: it makes the access safe, and remembers panics.
pub struct Shared<T> {
    busy: AtomicBool,
    state: Mutex<T>,
}

/// The right to use the state, until it is dropped; may go along where the interpreter is let go.
pub struct Entry<'a, T>(&'a Shared<T>);

impl<T> Drop for Entry<'_, T> {
    fn drop(&mut self) {
        // Release: what was done to the state is seen by whoever takes the flag next.
        self.0.busy.store(false, Ordering::Release);
    }
}

/// What a batch did.
pub struct BatchDone {
    pub commands: usize,
    pub events: Vec<Event>,
    /// In their records' bytes, if they were asked for.
    pub changes: Option<Vec<u8>>,
}

impl<T: Guarded> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared { busy: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// The right to use the state, at once or not at all.
    #[inline]
    pub fn enter(&self) -> Result<Entry<'_, T>, Failure> {
        // Acquire: pairs with the release of the last entry.
        if self.busy.swap(true, Ordering::Acquire) { Err(Failure::InUse(T::NAME)) } else { Ok(Entry(self)) }
    }

    /// Lets `action` use the state, at once or not at all.
    #[inline]
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Result<R, Failure> {
        self.enter()?.with(action)
    }
}

impl<T: Guarded> Entry<'_, T> {
    /// Lets `action` use the state, unless a panic has left it half changed.
    #[inline]
    pub fn with<R>(&self, action: impl FnOnce(&mut T) -> R) -> Result<R, Failure> {
        match self.0.state.lock() {
            Ok(mut state) => Ok(action(&mut state)),
            Err(_) => Err(Failure::Unusable(T::NAME)),
        }
    }
}

impl State {
    pub fn new(book: Book) -> State {
        State { collector: Collector::of(book.rules().instrument), book }
    }

    /// Applies one command.
    #[inline]
    pub fn apply(&mut self, command: &Command, extensions: &Extensions) -> Done {
        self.collector.clear();
        self.book.apply(command, extensions, &mut self.collector);
        let is_dormant = dormant_after(command, &self.collector.events, |order_id| self.book.order(order_id));
        let changes = self.collector.changes(self.book.sequence(), |_| Some(&self.book)).collect();
        Done { events: Box::from(self.collector.events.as_slice()), changes, is_dormant }
    }

    /// Applies a batch of slots, all or nothing.
    pub fn process(&mut self, slots: &[u8], pool: &Pool, with_changes: bool) -> Result<BatchDone, Failure> {
        let mut events = pool.take_events();
        if with_changes {
            return self.process_with_changes(slots, events, pool.take_bytes());
        }
        let commands = self.book.process(slots, &mut events)?;
        Ok(BatchDone { commands, events, changes: None })
    }

    fn process_with_changes(&mut self, slots: &[u8], events: Vec<Event>, bytes: Vec<u8>) -> Result<BatchDone, Failure> {
        let end = slots.len().div_ceil(SLOT_BYTES);
        let (mut slot, mut changed) = (0, bytes);
        while slot < end {
            slot += decode(slots, slot)?.0.slots();
        }
        let (mut slot, mut commands) = (0, 0);
        self.collector.clear();
        let spare = std::mem::replace(&mut self.collector.events, events);
        while slot < end {
            let (command, extensions) = decode(slots, slot)?;
            self.book.apply(&command, &extensions, &mut self.collector);
            self.collector
                .changes(self.book.sequence(), |_| Some(&self.book))
                .for_each(|change| change.write(&mut changed));
            slot += command.slots();
            commands += 1;
        }
        let events = std::mem::replace(&mut self.collector.events, spare);
        Ok(BatchDone { commands, events, changes: Some(changed) })
    }
}
