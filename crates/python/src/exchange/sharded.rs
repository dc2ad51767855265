//! An exchange whose state lives on the threads of its shards, as long as this process is the one that started them: what all
//! its faces share, and the door through which one of them sends commands and hears answers.

use super::answer::Question;
use super::directory::Directory as Names;
use super::journal::{Opened, failure};
use super::machine::Subject;
use super::watched::{self, Watched};
use crate::errors::Failure;
use aeromatch_engine::collector::Done;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::Event;
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::ring::spsc::Consumer;
use aeromatch_runtime::shard::directory::{self, shard_path};
use aeromatch_runtime::{
    Completion, EventStream, Failure as Cause, Options, Port, PublishedBook, Sample, ShardCounters, ShardOptions,
    Shards, SnapshotInfo, SubmitError, Ticket,
};
use pyo3::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// How often a thread that waits for an answer looks whether the interpreter has something to say, such as Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);
/// How long one waits for an intake that others have filled.
const PAUSE: Duration = Duration::from_micros(50);

/// The shards, until they are closed.
pub struct Core {
    shards: RwLock<Option<Shards<Watched>>>,
    /// Of each shard; empty in memory.
    directories: Vec<PathBuf>,
    pub shard_count: u16,
    /// Of each shard; empty until somebody asks for the first time.
    samples: Mutex<Vec<Option<Consumer<Sample>>>>,
    owner: u32,
}

/// One face's way in and out.
pub struct Door {
    core: Arc<Core>,
    /// `None` only while it is dropped.
    port: Option<Port>,
    completions: Vec<Completion>,
    /// Of what is answered later, by ticket.
    questions: HashMap<u64, Question>,
    /// Answers that came while something else was waited for.
    answers: Vec<Answer>,
    /// Closing it closes the exchange; else only this way is given up.
    is_main: bool,
}

/// What came of a command that is answered later.
pub struct Answer {
    pub ticket: u64,
    pub question: Question,
    pub result: Result<Done, Failure>,
}

fn interrupted() -> Result<(), Failure> {
    Python::attach(|py| py.check_signals()).map_err(Failure::Interrupted)
}

impl Core {
    /// In memory.
    pub fn in_memory(options: ShardOptions) -> Result<Arc<Core>, Failure> {
        let shards = Shards::in_memory(options).map_err(|(_, cause)| failure(&cause, Path::new("")))?;
        Ok(Core::over(shards, Vec::new()))
    }

    /// Opens a directory and recovers what is there. To be called without holding the interpreter.
    pub fn open(path: &Path, options: Options, shards: ShardOptions) -> Result<(Arc<Core>, Opened), Failure> {
        let fail = |(shard, cause): (u16, Cause)| match shards.shards {
            1 => failure(&cause, path),
            _ => failure(&cause, &shard_path(path, shard)),
        };
        // Before anything is made for it.
        shards.check().map_err(|cause| failure(&cause, path))?;
        let disks = directory::open(path, Some(shards.shards)).map_err(fail)?;
        let directories: Vec<PathBuf> = disks.iter().map(|disk| disk.path().to_path_buf()).collect();
        let opened = watched::open(|watch| {
            let storages = disks.into_iter().map(|disk| Watched { disk, watch: Arc::clone(watch) }).collect();
            Shards::open(storages, options, shards.clone())
        });
        let (shards, recoveries) = opened?.map_err(fail)?;
        Ok((Core::over(shards, directories), Opened::new(path, options.durability, recoveries)))
    }

    fn over(shards: Shards<Watched>, directories: Vec<PathBuf>) -> Arc<Core> {
        let shard_count = shards.shards();
        let shards = RwLock::new(Some(shards));
        let samples = Mutex::default();
        Arc::new(Core { shards, directories, shard_count, samples, owner: std::process::id() })
    }

    /// Was this process forked from the one that started the shards?
    pub fn is_foreign(&self) -> bool {
        self.owner != std::process::id()
    }

    fn lock(&self) -> Result<RwLockReadGuard<'_, Option<Shards<Watched>>>, Failure> {
        // Their threads, and whoever held the lock, are not in a forked process.
        if self.is_foreign() {
            return Err(Failure::Forked("Exchange"));
        }
        Ok(self.shards.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<R>(&self, action: impl FnOnce(&Shards<Watched>) -> Result<R, Failure>) -> Result<R, Failure> {
        self.lock()?.as_ref().map_or(Err(Failure::Closed("Exchange")), action)
    }

    /// Lets `action` use the shards, with the runtime's own errors.
    pub fn shards<R>(&self, action: impl FnOnce(&Shards<Watched>) -> Result<R, Cause>) -> Result<R, Cause> {
        let closed = || Cause::Stopped { cause: "the exchange was closed".to_string() };
        match self.lock() {
            Ok(shards) => shards.as_ref().map_or_else(|| Err(closed()), action),
            Err(_) => Err(closed()),
        }
    }

    /// What went wrong at a shard.
    pub fn failure(&self, shard: u16, cause: &Cause) -> Failure {
        failure(cause, self.directories.get(usize::from(shard)).map_or(Path::new(""), PathBuf::as_path))
    }

    /// The shard that is meant; `None` means the only one. `name` is what was asked for.
    pub fn only(&self, shard: Option<u16>, name: &'static str) -> Result<u16, Failure> {
        match shard {
            Some(shard) if shard < self.shard_count => Ok(shard),
            None if self.shard_count == 1 => Ok(0),
            _ => Err(Failure::SeveralShards { name, shards: self.shard_count }),
        }
    }

    /// Lets `action` look at one shard's state, between two of its batches.
    pub fn look_at<R>(&self, shard: u16, action: impl FnOnce(&Exchange) -> R) -> Result<R, Failure> {
        self.with(|shards| shards.read(shard, action).map_err(|cause| self.failure(shard, &cause)))
    }

    /// The shard where something lives.
    pub fn home(&self, subject: Subject) -> Result<u16, Failure> {
        self.with(|shards| {
            Ok(match subject {
                Subject::Anything => 0,
                Subject::Group(group) => shards.home_of_group(group),
                Subject::Instrument(instrument) => shards.home_of_instrument(instrument),
                Subject::Event(event) => shards.home_of_event(event),
            })
        })
    }

    /// Lets `action` look at the state where something lives.
    pub fn look<R>(&self, subject: Subject, action: impl FnOnce(&Exchange) -> R) -> Result<R, Failure> {
        self.look_at(self.home(subject)?, action)
    }

    /// The shard that has an instrument.
    pub fn home_of_instrument(&self, instrument: u32) -> Result<u16, Failure> {
        self.with(|shards| Ok(shards.home_of_instrument(instrument)))
    }

    /// Every shard in turn.
    pub fn look_at_each<R>(&self, mut action: impl FnMut(&Exchange) -> R) -> Result<Vec<R>, Failure> {
        (0..self.shard_count).map(|shard| self.look_at(shard, &mut action)).collect()
    }

    /// Notes the names that commands have made. Every shard knows them, but only an instrument's home its book.
    pub fn catch_up(&self, names: &Names) -> Result<(), Failure> {
        self.with(|shards| {
            let rules = |exchange: &Exchange, number| exchange.book(number).map(|book| *book.rules());
            let caught_up = shards.read(0, |first| {
                names.catch_up(first, |number| match shards.home_of_instrument(number) {
                    0 => rules(first, number),
                    // Shard 0 waits for another one here; none ever waits for it.
                    home => shards.read(home, |other| rules(other, number)).ok().flatten(),
                });
            });
            caught_up.map_err(|cause| self.failure(0, &cause))
        })
    }

    /// The book as its shard has published it; `None` if it publishes none.
    pub fn published(&self, instrument: u32) -> Result<Option<Arc<PublishedBook>>, Failure> {
        self.with(|shards| Ok(shards.published(instrument)))
    }

    /// What each shard has counted.
    pub fn counters(&self) -> Result<Vec<ShardCounters>, Failure> {
        self.with(|shards| Ok((0..self.shard_count).map(|shard| shards.counters(shard)).collect()))
    }

    /// Of each shard the last command that a stream may have shown.
    pub fn last_sequences(&self) -> Result<Vec<u64>, Failure> {
        self.with(|shards| Ok((0..self.shard_count).map(|shard| shards.last_sequence(shard)).collect()))
    }

    /// A doorbell for the streams of one reader.
    pub fn doorbell(&self) -> Result<Arc<Doorbell>, Failure> {
        let operation = "create";
        let made = Doorbell::new().map_err(|error| Cause::Io { file: "doorbell".to_string(), operation, error });
        made.map(Arc::new).map_err(|cause| self.failure(0, &cause))
    }

    /// A shard's events from a number on; the doorbell rings when there are more.
    pub fn stream(&self, shard: u16, from_sequence: u64, doorbell: &Arc<Doorbell>) -> Result<EventStream, Failure> {
        let fail = |cause| match cause {
            Cause::Gone { oldest, .. } => Failure::Gone { oldest },
            cause => self.failure(shard, &cause),
        };
        self.with(|shards| shards.stream_with(shard, from_sequence, Arc::clone(doorbell)).map_err(fail))
    }

    /// The samples that nobody has taken yet, as the records that SAMPLE_DTYPE describes.
    pub fn samples(&self) -> Result<Vec<u8>, Failure> {
        let mut takers = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if takers.is_empty() {
            *takers = self.with(|shards| Ok((0..self.shard_count).map(|shard| shards.samples(shard)).collect()))?;
        }
        let mut bytes = Vec::new();
        for (taker, shard) in takers.iter_mut().zip(0u64..) {
            while let Some(sample) = taker.as_mut().and_then(Consumer::pop) {
                bytes.extend_from_slice(&sample.end_wall_ns.to_le_bytes());
                bytes.extend_from_slice(&sample.commands.to_le_bytes());
                bytes.extend_from_slice(&sample.intake_depth.to_le_bytes());
                let words = [
                    sample.waited_ns,
                    sample.journal_ns,
                    sample.sync_ns,
                    sample.match_ns,
                    sample.publish_ns,
                    sample.first_sequence,
                    sample.timed_ns,
                ];
                words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
                bytes.extend_from_slice(&sample.timed_instrument.to_le_bytes());
                bytes.extend_from_slice(&sample.timed_place.to_le_bytes());
                bytes.extend_from_slice(&shard.to_le_bytes());
            }
        }
        Ok(bytes)
    }

    /// Makes a snapshot of a shard.
    pub fn compact(&self, shard: u16) -> Result<Option<SnapshotInfo>, Failure> {
        if self.directories.is_empty() {
            return Err(Failure::InMemory("Exchange"));
        }
        self.with(|shards| shards.compact(shard).map_err(|cause| self.failure(shard, &cause)))
    }

    /// Takes nothing more. Whoever waits for a shard that has no room, and keeps the lock, gives up then.
    pub fn begin_close(&self) -> Result<(), Failure> {
        if let Some(shards) = self.lock()?.as_ref() {
            shards.begin_close();
        }
        Ok(())
    }

    fn close(&self) -> Result<(), Failure> {
        self.begin_close()?;
        let shards = self.shards.write().unwrap_or_else(PoisonError::into_inner).take();
        shards.map_or(Ok(()), |shards| shards.close().map_err(|cause| self.failure(0, &cause)))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if self.is_foreign() {
            // There are no threads here to wait for, and nothing to write.
            std::mem::forget(self.shards.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

impl Door {
    /// A way to the shards; of an exchange's there is one that is its own.
    pub fn open(core: &Arc<Core>, is_main: bool) -> Result<Door, Failure> {
        let port = core.with(|shards| shards.port().map_err(|cause| core.failure(0, &cause)))?;
        Ok(Door {
            core: Arc::clone(core),
            port: Some(port),
            completions: Vec::new(),
            questions: HashMap::new(),
            answers: Vec::new(),
            is_main,
        })
    }

    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn port(&mut self) -> Result<&mut Port, Failure> {
        self.port.as_mut().ok_or(Failure::Closed("Exchange"))
    }

    /// Ends the exchange, for all its faces, if this is its own door.
    pub fn close(mut self: Box<Door>) -> Result<(), Failure> {
        if self.core.is_foreign() {
            return Err(Failure::Forked("Exchange"));
        }
        drop(self.port.take());
        if self.is_main { self.core.close() } else { Ok(()) }
    }

    /// Submits what one shard takes. Where there is no room, waits for it.
    fn submit(&mut self, slots: &[u8], wants_changes: bool) -> Result<u64, Failure> {
        loop {
            match self.port()?.submit(slots, wants_changes) {
                Ok(Ticket(ticket)) => return Ok(ticket),
                Err(SubmitError::Batch(error)) => return Err(Failure::Record(error)),
                Err(SubmitError::Stopped) => return Err(self.stopped()),
                Err(SubmitError::Full) => {
                    if self.port()?.unanswered() == 0 {
                        // Others have filled the intake.
                        std::thread::sleep(PAUSE);
                    } else {
                        self.port()?.wait(Some(LOOK));
                        self.sort(None);
                    }
                    interrupted()?;
                }
            }
        }
    }

    /// Why nothing is taken any more.
    fn stopped(&self) -> Failure {
        let check = |shards: &Shards<Watched>| shards.check().map_err(|cause| self.core.failure(0, &cause));
        self.core.with(check).err().unwrap_or(Failure::Closed("Exchange"))
    }

    /// Takes what has come: keeps answers to questions, and returns the one that is waited for. An answer that nobody has
    /// asked for is one that Ctrl-C has ended the wait for.
    fn sort(&mut self, wanted: Option<u64>) -> Option<Result<Done, Failure>> {
        let Some(port) = &mut self.port else { return None };
        port.poll(&mut self.completions);
        let mut found = None;
        for Completion { ticket: Ticket(ticket), shard, result } in self.completions.drain(..) {
            let result = result.map_err(|cause| self.core.failure(shard, &cause));
            if wanted == Some(ticket) {
                found = Some(result);
            } else if let Some(question) = self.questions.remove(&ticket) {
                self.answers.push(Answer { ticket, question, result });
            }
        }
        found
    }

    /// Sends one command and waits for its answer.
    pub fn ask(&mut self, slots: &[u8], wants_changes: bool) -> Result<Done, Failure> {
        let ticket = self.submit(slots, wants_changes)?;
        loop {
            if let Some(result) = self.sort(Some(ticket)) {
                return result;
            }
            if !self.port()?.wait(Some(LOOK)) {
                interrupted()?;
            }
        }
    }

    /// Sends one command; returns the ticket under which it is answered. `None`: it would have to wait for room. Whoever
    /// awaits answers does not wait here, and the doorbell stays armed.
    pub fn send(&mut self, slots: &[u8], question: Question) -> Result<Option<u64>, Failure> {
        match self.port()?.submit(slots, matches!(question, Question::Order(_))) {
            Ok(Ticket(ticket)) => {
                self.questions.insert(ticket, question);
                Ok(Some(ticket))
            }
            Err(SubmitError::Full) => Ok(None),
            Err(SubmitError::Batch(error)) => Err(Failure::Record(error)),
            Err(SubmitError::Stopped) => Err(self.stopped()),
        }
    }

    /// What has been answered since the last time. The doorbell is armed: if there is more later, its descriptor says so.
    pub fn answers(&mut self) -> Result<Vec<Answer>, Failure> {
        self.port()?.doorbell().disarm();
        self.sort(None);
        self.port()?.doorbell().arm();
        // Whoever answers from here on sees that the doorbell is armed.
        self.sort(None);
        Ok(std::mem::take(&mut self.answers))
    }

    /// What becomes readable when there are answers.
    pub fn descriptor(&mut self) -> Result<i32, Failure> {
        Ok(self.port()?.doorbell().descriptor())
    }

    /// Applies a checked batch; its events come in order of the commands.
    pub fn process(&mut self, slots: &[u8], events: &mut Vec<Event>) -> Result<(), Failure> {
        let done = self.port()?.process(slots, events).map(drop);
        done.map_err(|cause| self.core.failure(0, &cause))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if self.core.is_foreign() {
            std::mem::forget(self.port.take());
        }
    }
}
