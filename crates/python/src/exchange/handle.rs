//! The exchange as its Python objects share it: the state machine behind its lock, its directory of names beside it, and what
//! opening its journal found. And those with a journal that are open, for the end of the interpreter.

use super::directory::Directory;
use super::journal::Opened;
use super::machine::Machine;
use crate::errors::Failure;
use crate::lens::{Lens, Mirror};
use crate::state::{Entry, Shared};
use aeromatch_engine::exchange::Exchange;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The exchanges with a journal.
static JOURNALED: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

pub struct Handle {
    shared: Shared<Machine>,
    pub directory: Arc<Directory>,
    /// `None` in memory.
    pub opened: Option<Opened>,
    owner: u32,
}

impl Handle {
    /// An exchange in memory.
    pub fn in_memory(exchange: Exchange) -> Arc<Handle> {
        let directory = Arc::new(Directory::of(&exchange));
        Arc::new(Handle { shared: Shared::new(Machine::in_memory(exchange)), directory, opened: None, owner: 0 })
    }

    /// An exchange with a journal.
    pub fn journaled(journaled: super::journal::Journaled, opened: Opened) -> Arc<Handle> {
        let directory = Arc::new(Directory::of(journaled.exchange()));
        let shared = Shared::new(Machine::journaled(journaled));
        let handle = Arc::new(Handle { shared, directory, opened: Some(opened), owner: std::process::id() });
        let mut all = JOURNALED.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&handle));
        handle
    }

    /// Those with a journal that this process has opened.
    pub fn all_journaled() -> Vec<Arc<Handle>> {
        let all = JOURNALED.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).filter(|handle| !handle.is_foreign()).collect()
    }

    /// Was this process forked from the one that opened the journal?
    pub fn is_foreign(&self) -> bool {
        self.opened.is_some() && self.owner != std::process::id()
    }

    /// The right to use the exchange, at once or not at all.
    #[inline]
    pub fn enter(&self) -> Result<Entry<'_, Machine>, Failure> {
        if self.is_foreign() { Err(Failure::Forked("Exchange")) } else { self.shared.enter() }
    }

    /// Lets `action` use the exchange, at once or not at all.
    #[inline]
    pub fn with<R>(&self, action: impl FnOnce(&mut Machine) -> Result<R, Failure>) -> Result<R, Failure> {
        self.enter()?.with(action)?
    }

    /// Lets `action` look at a book, which is there: a directory names none that is not.
    pub fn read_book<R>(
        &self,
        number: u32,
        mirror: Option<Mirror>,
        action: impl FnOnce(Lens<'_>) -> R,
    ) -> Result<R, Failure> {
        self.with(|machine| {
            let book = machine.exchange()?.book(number).ok_or(Failure::Unusable("Exchange"))?;
            Ok(action(Lens { book, mirror }))
        })
    }
}
