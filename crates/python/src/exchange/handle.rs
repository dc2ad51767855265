//! The exchange as its Python objects share it: the state machine behind its lock, its directory of names beside it, and what
//! opening its journal found. And those that are open and keep a journal or threads, for the end of the interpreter.

use super::directory::Directory;
use super::journal::{Journaled, Opened};
use super::machine::{Machine, Subject};
use super::sharded::{Core, Door};
use crate::errors::Failure;
use crate::lens::{Lens, Mirror};
use crate::state::{Entry, Shared};
use aeromatch_engine::engine::Book;
use aeromatch_engine::exchange::Exchange;
use aeromatch_runtime::Durability;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The exchanges with a journal or threads.
static OPEN: Mutex<Vec<Weak<Handle>>> = Mutex::new(Vec::new());

/// Best bid and best ask in ticks.
pub type Best = (Option<i64>, Option<i64>);

pub struct Handle {
    shared: Shared<Machine>,
    pub directory: Arc<Directory>,
    /// `None` in memory.
    pub opened: Option<Arc<Opened>>,
    /// `None` without shards.
    pub core: Option<Arc<Core>>,
    /// A command waits: for a disk, or a shard.
    pub waits: bool,
    /// The process that has the journal, or the threads; `None`: there is neither.
    owner: Option<u32>,
}

impl Handle {
    /// An exchange in memory.
    pub fn in_memory(exchange: Exchange) -> Result<Arc<Handle>, Failure> {
        let machine = Machine::in_memory(exchange);
        let directory = Arc::new(Directory::of(&machine)?);
        let shared = Shared::new(machine);
        Ok(Arc::new(Handle { shared, directory, opened: None, core: None, waits: false, owner: None }))
    }

    /// An exchange with a journal.
    pub fn journaled(journaled: Journaled, opened: Opened) -> Result<Arc<Handle>, Failure> {
        let machine = Machine::journaled(journaled);
        let directory = Arc::new(Directory::of(&machine)?);
        let waits = opened.durability == Durability::Disk;
        let (shared, opened) = (Shared::new(machine), Some(Arc::new(opened)));
        let owner = Some(std::process::id());
        Ok(Handle { shared, directory, opened, core: None, waits, owner }.kept())
    }

    /// An exchange with shards.
    pub fn sharded(core: Arc<Core>, opened: Option<Opened>) -> Result<Arc<Handle>, Failure> {
        let machine = Machine::sharded(Door::open(&core, true)?);
        let directory = Arc::new(Directory::of(&machine)?);
        let (shared, owner) = (Shared::new(machine), Some(std::process::id()));
        Ok(Handle { shared, directory, opened: opened.map(Arc::new), core: Some(core), waits: true, owner }.kept())
    }

    /// The same exchange through another door, for one thread more.
    pub fn another(&self) -> Result<Arc<Handle>, Failure> {
        let core = self.core.as_ref().ok_or(Failure::NoShards("port"))?;
        let shared = Shared::new(Machine::sharded(Door::open(core, false)?));
        let (directory, opened) = (Arc::clone(&self.directory), self.opened.clone());
        let core = Some(Arc::clone(core));
        Ok(Handle { shared, directory, opened, core, waits: true, owner: self.owner }.kept())
    }

    /// Remembers it for the end of the interpreter.
    fn kept(self) -> Arc<Handle> {
        let handle = Arc::new(self);
        let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&handle));
        handle
    }

    /// Those that this process has opened.
    pub fn all_open() -> Vec<Arc<Handle>> {
        let all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).filter(|handle| !handle.is_foreign()).collect()
    }

    /// Was this process forked from the one that has the journal, or the shards' threads?
    pub fn is_foreign(&self) -> bool {
        self.owner.is_some_and(|owner| owner != std::process::id())
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
            let look = |exchange: &Exchange| exchange.book(number).map(|book| action(Lens { book, mirror }));
            machine.look(Subject::Instrument(number), look)?.ok_or(Failure::Unusable("Exchange"))
        })
    }

    /// Lets `action` look at a book and the number of the last command that it has seen, whoever uses the exchange: the shard is
    /// asked, not this door. Without shards it is a read like any other.
    pub fn watch_book<R>(&self, number: u32, action: impl FnOnce(&Book, u64) -> R) -> Result<R, Failure> {
        let look = |exchange: &Exchange| exchange.book(number).map(|book| action(book, exchange.sequence()));
        let subject = Subject::Instrument(number);
        let seen = match &self.core {
            Some(core) => core.look(subject, look),
            None => self.with(|machine| machine.look(subject, look)),
        };
        seen?.ok_or(Failure::Unusable("Exchange"))
    }

    /// The shard that has a book; 0 without shards.
    pub fn shard_of(&self, number: u32) -> Result<u16, Failure> {
        self.core.as_ref().map_or(Ok(0), |core| core.home(Subject::Instrument(number)))
    }

    /// The best prices of a book, bid and ask, where its shard publishes them: nobody waits for that.
    pub fn published_best(&self, number: u32, mirror: Option<Mirror>) -> Result<Option<Best>, Failure> {
        let Some(core) = &self.core else { return Ok(None) };
        // As any read, it is refused where another thread is inside.
        let _entry = self.enter()?;
        let Some(book) = core.published(number)? else { return Ok(None) };
        let top = book.top();
        let (bid, ask) = (top.bid.map(|level| level.price_ticks), top.ask.map(|level| level.price_ticks));
        Ok(Some(match mirror {
            Some(mirror) => (ask.map(|ticks| mirror.price(ticks)), bid.map(|ticks| mirror.price(ticks))),
            None => (bid, ask),
        }))
    }
}
