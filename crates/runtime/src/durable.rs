//! An exchange whose commands are journaled before they are applied.

use crate::compactor::{Compactor, Step};
use crate::failure::Failure;
use crate::journal::{Appended, Journal};
use crate::options::Options;
use crate::platform;
use crate::recovery::{self, Recovery};
use crate::replay::{EventHash, Hashing};
use crate::shared::Shared;
use crate::snapshot::SnapshotInfo;
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{EventSink, SLOT_BYTES};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the compactor sleeps at most: then it looks at the time, and tries again where there was no room.
const SLEEP: Duration = Duration::from_secs(5);

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It was journaled under the policy, and applied.
    Applied {
        /// How many commands it was.
        commands: usize,
    },
    /// The disk is full: nothing was journaled or applied. Cancels, phases and time still go on for a while, in batches of
    /// their own; everything goes on when there is room.
    Capacity,
}

/// An exchange whose commands are journaled before they are applied; when it is opened again, they are applied again.
pub struct DurableExchange<St: Storage> {
    exchange: Exchange,
    hash: EventHash,
    journal: Journal<St>,
    shared: Arc<Shared>,
    compactor: Arc<Mutex<Compactor<St>>>,
    thread: Option<JoinHandle<()>>,
    state: State,
    /// Of the batch that was journaled, the slot of the first command that was not applied.
    next_slot: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// In the middle of a batch that is journaled: if this is still so at the end, matching panicked.
    Applying,
    Closed,
}

impl<St: Storage> DurableExchange<St> {
    /// Opens a directory, new or not, and starts the compactor in a thread of low priority.
    ///
    /// # Errors
    /// Every [`Failure`] that is about files; then nothing has changed, unless it is [`Failure::Io`].
    pub fn open(storage: St, options: Options) -> Result<(DurableExchange<St>, Recovery), Failure> {
        let (mut exchange, recovery) = DurableExchange::open_without_thread(storage, options)?;
        let (compactor, shared) = (Arc::clone(&exchange.compactor), Arc::clone(&exchange.shared));
        let interval = Duration::from_secs(options.snapshot_interval_s);
        let thread = std::thread::Builder::new().name("compactor".to_string());
        let thread = thread.spawn(move || run_compactor(&compactor, &shared, interval));
        exchange.thread = Some(thread.map_err(Failure::io("compactor", "start a thread"))?);
        Ok((exchange, recovery))
    }

    /// As [`DurableExchange::open`]; snapshots are made by [`DurableExchange::compaction_step`] and
    /// [`DurableExchange::compact`] only.
    ///
    /// # Errors
    /// As [`DurableExchange::open`].
    pub fn open_without_thread(storage: St, options: Options) -> Result<(DurableExchange<St>, Recovery), Failure> {
        let mut recovered = recovery::read(&storage)?;
        recovered.repair(&storage)?;
        let sequence = recovered.replay.exchange.sequence();
        let shared = Arc::new(Shared::new(sequence, recovered.closed));
        let tail = recovered.tail.as_ref();
        let journal = Journal::open(storage.clone(), options, Arc::clone(&shared), tail, sequence)?;
        let mut report = recovered.report;
        report.commands_replayed = recovered.replay.commands;
        let refused = report.snapshots_refused.iter().filter_map(|failure| failure.file().map(String::from)).collect();
        let (newest, older) = (recovered.base, recovered.older_snapshots);
        let compactor = Compactor::new(storage, options, Arc::clone(&shared), newest, older, refused);
        let exchange = DurableExchange {
            exchange: recovered.replay.exchange,
            hash: recovered.replay.hash,
            journal,
            shared,
            compactor: Arc::new(Mutex::new(compactor)),
            thread: None,
            state: State::Open,
            next_slot: 0,
        };
        Ok((exchange, report))
    }

    /// The state.
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Everything up to this number survives a loss of power.
    pub fn durable_sequence(&self) -> u64 {
        self.shared.durable_sequence()
    }

    /// Has a failure stopped it for good?
    pub fn is_stopped(&self) -> bool {
        self.shared.check().is_err()
    }

    /// The newest snapshot that was read back and proven.
    pub fn newest_snapshot(&self) -> Option<SnapshotInfo> {
        self.compactor().newest().cloned()
    }

    /// Checks a batch of slots, journals it and applies it, all or nothing. When it returns, what the policy promises is so.
    ///
    /// # Errors
    /// [`Failure::Batch`]: the slots are no commands; nothing has changed. [`Failure::Io`]: the journal could not be written,
    /// nothing was applied, and the exchange has stopped. [`Failure::Stopped`] from then on.
    pub fn submit(&mut self, slots: &[u8], sink: &mut dyn EventSink) -> Result<Submitted, Failure> {
        let submitted = self.journal(slots)?;
        if submitted != Submitted::Capacity {
            self.sync()?;
            while self.apply_next(sink)? > 0 {}
        }
        Ok(submitted)
    }

    /// The first of the three steps that [`DurableExchange::submit`] is: checks a batch and writes it as one frame. Then
    /// [`DurableExchange::sync`], and [`DurableExchange::apply_next`] until it returns 0.
    ///
    /// # Errors
    /// As [`DurableExchange::submit`].
    ///
    /// # Panics
    /// If the batch before has not been applied to its end.
    pub fn journal(&mut self, slots: &[u8]) -> Result<Submitted, Failure> {
        self.shared.check()?;
        assert!(self.state == State::Open, "a batch is applied to its end before the next one is journaled");
        match self.journal.append(slots, self.hash.value()) {
            Ok(Appended::Commands(commands)) => {
                (self.state, self.next_slot) = (State::Applying, 0);
                Ok(Submitted::Applied { commands })
            }
            Ok(Appended::Full) => Ok(Submitted::Capacity),
            Err(failure @ Failure::Batch(_)) => Err(failure),
            Err(failure) => Err(self.stop(failure)),
        }
    }

    /// Returns when the batch that was journaled is what the policy promises; whether the disk had to be waited for.
    ///
    /// # Errors
    /// [`Failure::Io`]: nothing of it may be applied, and the exchange has stopped.
    pub fn sync(&mut self) -> Result<bool, Failure> {
        self.journal.commit().map_err(|failure| self.stop(failure))
    }

    /// Applies the next command of the batch that was journaled, and returns how many slots it took; 0: there is none left.
    ///
    /// # Errors
    /// [`Failure::Stopped`] after a sync that failed.
    pub fn apply_next(&mut self, sink: &mut dyn EventSink) -> Result<usize, Failure> {
        let slots = self.journal.slots();
        if self.state != State::Applying || self.next_slot >= slots.len() / SLOT_BYTES {
            self.shared.check()?;
            self.state = State::Open;
            return Ok(0);
        }
        let mut sink = Hashing { hash: &mut self.hash, sink };
        // It was checked, in the same memory.
        let used = self.exchange.apply_at(slots, self.next_slot, &mut sink).map_err(Failure::Batch)?;
        self.next_slot += used;
        if self.next_slot >= slots.len() / SLOT_BYTES {
            self.state = State::Open;
        }
        Ok(used)
    }

    /// Writes what waits in memory to the files, where others can read it.
    ///
    /// # Errors
    /// [`Failure::Io`]: the exchange has stopped. [`Failure::Stopped`].
    pub fn write_out(&mut self) -> Result<(), Failure> {
        self.shared.check()?;
        self.journal.write().map_err(|failure| self.stop(failure))
    }

    /// Makes everything up to now durable, whatever the policy.
    ///
    /// # Errors
    /// As [`DurableExchange::write_out`].
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.shared.check()?;
        if self.durable_sequence() >= self.exchange.sequence() {
            return Ok(());
        }
        self.journal.flush().map_err(|failure| self.stop(failure))
    }

    /// Makes a snapshot of everything up to now, and returns when it was read back and proven.
    ///
    /// # Errors
    /// [`Failure::Io`] with `StorageFull` where there is no room for it: the exchange goes on. Any other failure has stopped it.
    pub fn compact(&mut self) -> Result<Option<SnapshotInfo>, Failure> {
        self.begin_compaction()?.run()
    }

    /// Closes the segment under way, so that a snapshot of everything up to now can be made beside the exchange.
    ///
    /// # Errors
    /// As [`DurableExchange::compact`].
    pub fn begin_compaction(&mut self) -> Result<Compaction<St>, Failure> {
        self.shared.check()?;
        if self.journal.has_commands() {
            let event_hash = self.hash.value();
            match self.journal.rotate(0, event_hash) {
                Ok(true) => {}
                Ok(false) => return Err(no_room()),
                Err(failure) => return Err(self.stop(failure)),
            }
        }
        Ok(Compaction { compactor: Arc::clone(&self.compactor), shared: Arc::clone(&self.shared) })
    }

    /// Does the next thing that is due of a snapshot.
    ///
    /// # Errors
    /// Any failure has stopped the exchange.
    pub fn compaction_step(&mut self) -> Result<Step, Failure> {
        self.shared.check()?;
        let step = self.compactor().step();
        step.map_err(|failure| self.stop(failure))
    }

    /// Makes everything durable and says in the journal what the state is.
    ///
    /// # Errors
    /// [`Failure::Stopped`], [`Failure::Io`]. It is closed all the same.
    pub fn close(mut self) -> Result<(), Failure> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let state = std::mem::replace(&mut self.state, State::Closed);
        self.shared.end();
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has stopped the exchange: that is seen below.
            let _ = thread.join();
        }
        match state {
            State::Closed => Ok(()),
            State::Applying => self.journal.write(),
            State::Open => {
                self.shared.check()?;
                self.journal.close(self.exchange.digest(), self.hash.value())
            }
        }
    }

    fn compactor(&self) -> MutexGuard<'_, Compactor<St>> {
        self.compactor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was journaled and not applied stays so: whether it reached the disk is not known.
    fn stop(&mut self, failure: Failure) -> Failure {
        self.shared.stop(&failure);
        self.state = State::Open;
        failure
    }
}

/// A snapshot that is to be made. The exchange need not wait for it.
pub struct Compaction<St: Storage> {
    compactor: Arc<Mutex<Compactor<St>>>,
    shared: Arc<Shared>,
}

impl<St: Storage> Compaction<St> {
    /// Makes it, and returns when it was read back and proven.
    ///
    /// # Errors
    /// As [`DurableExchange::compact`].
    pub fn run(self) -> Result<Option<SnapshotInfo>, Failure> {
        let mut compactor = self.compactor.lock().unwrap_or_else(PoisonError::into_inner);
        compactor.ask();
        loop {
            match compactor.step() {
                Ok(Step::Worked) => {}
                Ok(Step::Idle) => return Ok(compactor.newest().cloned()),
                Ok(Step::Full) => return Err(no_room()),
                Err(failure) => {
                    self.shared.stop(&failure);
                    return Err(failure);
                }
            }
        }
    }
}

fn no_room() -> Failure {
    Failure::io("snapshot", "preallocate")(std::io::ErrorKind::StorageFull.into())
}

impl<St: Storage> Drop for DurableExchange<St> {
    /// A forgotten close loses nothing. Failures have nobody to go to.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

fn run_compactor<St: Storage>(compactor: &Mutex<Compactor<St>>, shared: &Shared, interval: Duration) {
    struct Guard<'a>(&'a Shared);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.stop(&"the compactor panicked");
            }
        }
    }
    let _guard = Guard(shared);
    platform::lower_priority();
    let mut last = Instant::now();
    while shared.wait(SLEEP) && shared.check().is_ok() {
        if !interval.is_zero() && last.elapsed() >= interval {
            shared.want_rotation();
            compactor.lock().unwrap_or_else(PoisonError::into_inner).ask();
            last = Instant::now();
        }
        loop {
            match compactor.lock().unwrap_or_else(PoisonError::into_inner).step() {
                Ok(Step::Worked) if !shared.is_ending() => {}
                Ok(_) => break,
                Err(failure) => shared.stop(&failure),
            }
            if shared.check().is_err() {
                return;
            }
        }
    }
}
