//! One producer's door to all shards: finds where each command goes, and brings the answers back.
//!
//! A port belongs to one thread at a time. It never has more submissions unanswered than its window, and each thread that
//! answers has a ring with room for all of them: so whoever answers never waits for a port.
//!
//! Commands of one port are done in the order in which they were sent, as far as one can see the order: shard by shard, and what
//! concerns several shards behind all that was sent before and before all that was sent behind. For that it is a barrier: while
//! the coordinator has something of this port, shards get nothing of it, and the other way round. Who sends only orders, or has
//! one shard, meets none.

use crate::doorbell::Doorbell;
use crate::idle::Waiter;
use crate::ring::Full;
use crate::ring::spsc::Consumer;
use crate::routes::Way;
use crate::shard::packed::Packed;
use crate::shard::shared::Shared;
use crate::shard::submission::{Origin, Slots, Submission};
use crate::shard::{Completion, Ticket};
use aeromatch_engine::exchange::records::subject_of;
use aeromatch_engine::record::RecordError;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a submission was not taken. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// As many are not answered as the window allows, or the shard's intake is full, or this one concerns several shards, or one
    /// before it does, and what was sent before has to be answered first: poll, and try again.
    Full,
    /// It is no sequence of commands, or they do not go to one shard.
    Batch(RecordError),
    /// The exchange is closed, or has failed for good.
    Stopped,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Full => f.write_str("too many submissions are not answered"),
            SubmitError::Batch(error) => error.fmt(f),
            SubmitError::Stopped => f.write_str("the exchange was closed, or has stopped"),
        }
    }
}

impl std::error::Error for SubmitError {}

/// One producer's door to all shards.
pub struct Port {
    shared: Arc<Shared>,
    origin: Origin,
    /// By thread that answers: the shards, then the coordinator.
    sources: Vec<Source>,
    doorbell: Arc<Doorbell>,
    last_ticket: u64,
    unanswered: usize,
    /// What it sends has the times that it is to have.
    pub(crate) keeps_times: bool,
    /// Its answers have no events but those that no stream has: refusals for want of room.
    pub(crate) is_quiet: bool,
    /// Answers that came while something else was waited for.
    pub(crate) kept: VecDeque<Completion>,
}

/// A thread that answers.
pub(crate) struct Source {
    pub completions: Consumer<Packed>,
    /// What it has not answered, in the order in which it will.
    pub tickets: VecDeque<Ticket>,
}

impl Port {
    pub(crate) fn new(
        shared: Arc<Shared>,
        origin: Origin,
        completions: Vec<Consumer<Packed>>,
        doorbell: Arc<Doorbell>,
    ) -> Port {
        let sources = completions.into_iter().map(|completions| Source { completions, tickets: VecDeque::new() });
        let (sources, kept) = (sources.collect(), VecDeque::new());
        Port {
            shared,
            origin,
            sources,
            doorbell,
            last_ticket: 0,
            unanswered: 0,
            keeps_times: false,
            is_quiet: false,
            kept,
        }
    }

    /// Sends one command, or several that all go to one shard, which takes them as one. `wants_changes`: the answer is to say
    /// what levels changed. Never waits.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn submit(&mut self, slots: &[u8], wants_changes: bool) -> Result<Ticket, SubmitError> {
        if self.shared.life.is_over() {
            return Err(SubmitError::Stopped);
        }
        if self.unanswered >= self.window() {
            return Err(SubmitError::Full);
        }
        let target = self.target_of_all(slots).map_err(SubmitError::Batch)?;
        self.submit_to(target, Slots::new(slots), wants_changes).map_err(|(error, _)| error)
    }

    /// Sends slots to that thread, or gives them back.
    #[expect(
        clippy::result_large_err,
        reason = "who is refused gets the slots back as they were, without an allocation"
    )]
    pub(crate) fn submit_to(
        &mut self,
        target: usize,
        slots: Slots,
        wants_changes: bool,
    ) -> Result<Ticket, (SubmitError, Slots)> {
        if self.unanswered >= self.window() || !self.is_in_turn(target) {
            return Err((SubmitError::Full, slots));
        }
        let ticket = Ticket(self.last_ticket + 1);
        let (origin, keeps_times, is_quiet) = (self.origin, self.keeps_times, self.is_quiet);
        let submission = Submission { origin, ticket, wants_changes, keeps_times, is_quiet, slots };
        if let Err(Full(submission)) = self.shared.gates[target].push(submission) {
            let is_stopped = self.shared.life.has_ended(target);
            let error = if is_stopped { SubmitError::Stopped } else { SubmitError::Full };
            return Err((error, submission.slots));
        }
        self.last_ticket += 1;
        self.unanswered += 1;
        self.sources[target].tickets.push_back(ticket);
        Ok(ticket)
    }

    /// Has everything been answered that must be before something goes to that thread?
    #[inline]
    fn is_in_turn(&self, target: usize) -> bool {
        let coordinator = self.shared.coordinator();
        match self.sources.get(coordinator) {
            // There is none where there is one shard, nor for the coordinator's own port.
            None => true,
            Some(source) if target == coordinator => self.unanswered == source.tickets.len(),
            Some(source) => source.tickets.is_empty(),
        }
    }

    /// Where a submission goes.
    fn target_of_all(&self, slots: &[u8]) -> Result<usize, RecordError> {
        if self.shared.shards() == 1 {
            // The shard checks it.
            return Ok(0);
        }
        Ok(self.thread(self.shared.routes.way_of_all(slots, Way::Unknown)?))
    }

    /// The thread that answers the command at a slot, of several shards, and how many slots it takes.
    #[inline]
    pub(crate) fn target(&self, slots: &[u8], slot: usize) -> Result<(usize, usize), RecordError> {
        let (subject, used) = subject_of(slots, slot)?;
        Ok((self.thread(self.shared.routes.way(subject)), used))
    }

    /// What is unknown may be in the making: the coordinator, which makes things, has it behind that.
    #[inline]
    fn thread(&self, way: Way) -> usize {
        match way {
            Way::Shard(shard) => usize::from(shard),
            Way::Unknown | Way::Several => self.shared.coordinator(),
        }
    }

    /// Appends the answers that are there, and returns how many. After a failure everything that was not answered is answered
    /// with [`crate::Failure::Stopped`].
    pub fn poll(&mut self, completions: &mut Vec<Completion>) -> usize {
        let before = completions.len();
        completions.extend(self.kept.drain(..));
        self.receive(completions);
        completions.len() - before
    }

    /// As [`Port::poll`], of what the threads have answered since.
    pub(crate) fn receive(&mut self, completions: &mut Vec<Completion>) {
        for thread in 0..self.sources.len() {
            // First this, then the ring: what it answered before its end is seen.
            let has_ended = self.shared.life.has_ended(thread);
            let source = &mut self.sources[thread];
            while let Some(completion) = source.completions.pop() {
                let expected = source.tickets.pop_front();
                debug_assert_eq!(expected, Some(completion.ticket), "answers come in order");
                self.unanswered -= 1;
                completions.push(completion.into_completion());
            }
            if has_ended && !source.tickets.is_empty() {
                let shard = (thread as u16).min(self.shared.shards() - 1);
                let failure = self.shared.life.failure();
                self.unanswered -= source.tickets.len();
                completions.extend(source.tickets.drain(..).map(|ticket| Completion {
                    ticket,
                    shard,
                    result: Err(Arc::clone(&failure)),
                }));
            }
        }
    }

    /// Is there something to poll?
    #[inline]
    pub fn is_ready(&self) -> bool {
        !self.kept.is_empty() || self.has_answers()
    }

    #[inline]
    fn has_answers(&self) -> bool {
        let life = &self.shared.life;
        let has_news = |(thread, source): (usize, &Source)| {
            !source.tickets.is_empty() && (!source.completions.is_empty() || life.has_ended(thread))
        };
        self.sources.iter().enumerate().any(has_news)
    }

    /// Waits until there is something to poll, as the exchange's idle strategy says, or until the time is over; false then, and
    /// at once if nothing is unanswered.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        !self.kept.is_empty() || self.wait_for_answers(timeout)
    }

    /// As [`Port::wait`], until the threads have answered something.
    pub(crate) fn wait_for_answers(&mut self, timeout: Option<Duration>) -> bool {
        if self.unanswered == 0 {
            return false;
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut waiter = Waiter::new(self.shared.options.idle);
        let mut rounds = 0u32;
        loop {
            if self.has_answers() {
                return true;
            }
            let sleeps = waiter.pause();
            rounds = rounds.wrapping_add(1);
            if sleeps || rounds.is_multiple_of(64) {
                let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                if left.is_some_and(|left| left.is_zero()) {
                    return self.has_answers();
                }
                if sleeps {
                    self.doorbell.wait(|| self.has_answers(), left);
                }
            }
        }
    }

    /// Rings when there may be something to poll: for event loops, which arm it, look once more, then wait for its descriptor.
    pub fn doorbell(&self) -> &Doorbell {
        &self.doorbell
    }

    /// Submissions that were not answered, or whose answer was not polled.
    pub fn unanswered(&self) -> usize {
        self.unanswered + self.kept.len()
    }

    /// Most submissions that may be unanswered.
    pub fn window(&self) -> usize {
        self.shared.options.window
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Port {
    /// What is not answered stays submitted: it is done, and its answer goes nowhere.
    fn drop(&mut self) {
        // The rings first: whoever gets the place next must not find this port's still in use.
        self.sources.clear();
        self.shared.give_place(self.origin);
    }
}
