//! What the writer of the journal and the compactor tell each other.

use crate::failure::Failure;
use crate::recovery::ClosedSegment;
use crate::storage::{Storage, StorageFile};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Shared {
    /// Everything up to this number is durable. Published after the sync that made it so, with release; a reader that
    /// acquires it may rely on that.
    durable_sequence: AtomicU64,
    /// Why nothing is taken any more.
    cause: OnceLock<String>,
    /// The compactor wants the segment under way to be closed.
    rotation_wanted: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Closed segments that no snapshot covers, oldest first.
    closed: VecDeque<Closed>,
    /// The exchange is being closed.
    is_ending: bool,
}

struct Closed {
    segment: ClosedSegment,
    is_synced: bool,
}

impl Shared {
    /// After recovery: everything that was read is durable.
    pub fn new(durable_sequence: u64, closed: Vec<ClosedSegment>) -> Shared {
        let closed = closed.into_iter().map(|segment| Closed { segment, is_synced: true }).collect();
        Shared {
            durable_sequence: AtomicU64::new(durable_sequence),
            state: Mutex::new(State { closed, is_ending: false }),
            ..Shared::default()
        }
    }

    /// Nothing that a panic could have left half done is behind the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn durable_sequence(&self) -> u64 {
        self.durable_sequence.load(Ordering::Acquire)
    }

    /// The segment under way was synced, and those before it are durable.
    pub fn tail_synced(&self, last_sequence: u64) {
        self.durable_sequence.fetch_max(last_sequence, Ordering::Release);
    }

    /// # Errors
    /// [`Failure::Stopped`].
    #[inline]
    pub fn check(&self) -> Result<(), Failure> {
        match self.cause.get() {
            None => Ok(()),
            Some(cause) => Err(Failure::Stopped { cause: cause.clone() }),
        }
    }

    /// Nothing is taken any more. The first cause counts.
    pub fn stop(&self, cause: &dyn std::fmt::Display) {
        let _ = self.cause.set(cause.to_string());
    }

    /// Asks the writer to close the segment under way.
    pub fn want_rotation(&self) {
        self.rotation_wanted.store(true, Ordering::Relaxed);
    }

    pub fn take_rotation_request(&self) -> bool {
        self.rotation_wanted.load(Ordering::Relaxed) && self.rotation_wanted.swap(false, Ordering::Relaxed)
    }

    /// A segment gets no more frames.
    pub fn close_segment(&self, segment: ClosedSegment, is_synced: bool) {
        self.state().closed.push_back(Closed { segment, is_synced });
        self.changed.notify_all();
    }

    /// Syncs the oldest closed segment that is not known to be durable. False: there is none.
    pub fn sync_one<St: Storage>(&self, storage: &St) -> Result<bool, Failure> {
        let oldest = self.state().closed.iter().find(|closed| !closed.is_synced).map(|closed| closed.segment.clone());
        let Some(segment) = oldest else { return Ok(false) };
        let name = segment.header.name();
        let mut file = storage.open(&name).map_err(Failure::io(&name, "open"))?;
        file.sync().map_err(Failure::io(&name, "sync"))?;
        let mut state = self.state();
        let same = state.closed.iter_mut().find(|closed| closed.segment.last_sequence == segment.last_sequence);
        if let Some(closed) = same {
            closed.is_synced = true;
        }
        self.durable_sequence.fetch_max(segment.last_sequence, Ordering::Release);
        Ok(true)
    }

    /// The closed segments behind that number, up to the first that may not be durable.
    pub fn durable_segments(&self) -> Vec<ClosedSegment> {
        let state = self.state();
        state.closed.iter().take_while(|closed| closed.is_synced).map(|closed| closed.segment.clone()).collect()
    }

    /// A snapshot covers everything up to that number.
    pub fn covered(&self, sequence: u64) {
        self.state().closed.retain(|closed| closed.segment.last_sequence > sequence);
    }

    /// The compactor is to end.
    pub fn end(&self) {
        self.state().is_ending = true;
        self.changed.notify_all();
    }

    pub fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    /// Returns when a segment was closed, or the time is over. False: the compactor is to end.
    pub fn wait(&self, most: Duration) -> bool {
        let state = self.state();
        if state.is_ending {
            return false;
        }
        let (state, _) = self.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner);
        !state.is_ending
    }
}
