//! What concerns several shards, one thing after the other and in one order for all (R3): creating and placing things, all
//! instruments, transfers between clearing groups of different shards.
//!
//! A broadcast goes to shard 0 first, which alone answers it; when that one has it, to all others, and is answered when all have
//! it. Where what was answered is durable (`disk`), shard 0 so knows every broadcast that was acknowledged or that any shard knows
//! of. With the other policies each shard may lose the end of its log for itself, shard 0 too: but what they have are beginnings
//! of one sequence, since after one that did not come to its end no other is sent. So whatever a crash leaves behind is completed
//! at the next opening from the shard that knows most ([`crate::shard`]). For that its journal must reach back so far: where
//! durability is not `disk` and segments are removed (`retain_bytes`), a broadcast is durable on all shards before it is answered.

use crate::failure::Failure;
use crate::intake::Drain;
use crate::port::{Port, SubmitError};
use crate::routes::Way;
use crate::shard::access::Access;
use crate::shard::core::{Core, stamp};
use crate::shard::packed::Packed;
use crate::shard::refusal::is_refused_for_capacity;
use crate::shard::shared::Shared;
use crate::shard::stages::wall_ns;
use crate::shard::submission::{Completion, Doors, Origin, Slots, Submission, Ticket};
use crate::storage::Storage;
use aeromatch_engine::codes::{CreatedKind, EventKind};
use aeromatch_engine::collector::Done;
use aeromatch_engine::exchange::records::{Subject, subject_of};
use aeromatch_engine::exchange::{Exchange, second_half};
use aeromatch_engine::record::Event;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Submissions that are taken at a time.
const BATCH: usize = 64;
/// Between two tries where a shard has no room for what another one has taken.
const RETRY: Duration = Duration::from_millis(10);

type Answer = Result<Done, Arc<Failure>>;

/// A way to ask all shards, one question at a time.
pub(crate) struct Link<St: Storage> {
    pub shared: Arc<Shared>,
    pub accesses: Vec<Arc<Access<Core<St>>>>,
    port: Port,
    answers: Vec<Completion>,
    /// Of whoever answers ports with it; `None`: nobody does yet.
    desk: Option<Desk>,
}

/// The ports that the coordinator answers, and the turns that others have to attach some.
struct Desk {
    access: Arc<Access<Doors>>,
    doors: Box<Doors>,
}

impl Desk {
    fn serve(&mut self) {
        if self.access.is_wanted() {
            self.doors = self.access.lend(std::mem::take(&mut self.doors));
        }
    }
}

impl<St: Storage> Link<St> {
    pub fn new(shared: Arc<Shared>, accesses: Vec<Arc<Access<Core<St>>>>, mut port: Port) -> Link<St> {
        // What is sent here has its time: a port has it from the coordinator, and what is repaired had it before.
        port.keeps_times = true;
        Link { shared, accesses, port, answers: Vec::new(), desk: None }
    }

    /// Has a shard's state between two of its batches.
    pub fn with<R>(&self, shard: u16, act: impl FnOnce(&mut Core<St>) -> R) -> Result<R, Failure> {
        let shard = usize::from(shard);
        let result = self.accesses[shard].with(|| self.shared.gates[shard].doorbell.ring(), act);
        result.ok_or_else(|| self.shared.life.stopped())
    }

    /// Sends a command to a shard and waits for the answer.
    pub fn ask(&mut self, shard: u16, slots: &[u8], wants_changes: bool) -> Answer {
        let ticket = self.send(shard, slots, wants_changes)?;
        self.receive(ticket)
    }

    fn send(&mut self, shard: u16, slots: &[u8], wants_changes: bool) -> Result<Ticket, Arc<Failure>> {
        let mut slots = Slots::new(slots);
        loop {
            match self.port.submit_to(usize::from(shard), slots, wants_changes) {
                Ok(ticket) => return Ok(ticket),
                Err((SubmitError::Full, back)) => {
                    slots = back;
                    if !self.port.wait_for_answers(Some(RETRY)) {
                        thread::yield_now();
                    }
                    self.port.receive(&mut self.answers);
                }
                Err(_) => return Err(self.shared.life.failure()),
            }
        }
    }

    fn receive(&mut self, ticket: Ticket) -> Answer {
        loop {
            if let Some(place) = self.answers.iter().position(|answer| answer.ticket == ticket) {
                return self.answers.swap_remove(place).result;
            }
            self.port.wait_for_answers(None);
            self.port.receive(&mut self.answers);
        }
    }

    /// As [`Link::ask`], for what must happen because something else has: where there is no room it is tried until there is, or
    /// until the exchange is closed. Then the next opening does it. An opening itself fails.
    fn insist(&mut self, shard: u16, slots: &[u8], wants_changes: bool) -> Answer {
        loop {
            let done = self.ask(shard, slots, wants_changes)?;
            if !is_refused_for_capacity(&done.events) {
                return Ok(done);
            }
            let Some(desk) = &mut self.desk else {
                let error = std::io::ErrorKind::StorageFull.into();
                return Err(Arc::new(Failure::io("journal", "preallocate")(error)));
            };
            let (life, gate) = (&self.shared.life, &self.shared.gates[self.shared.coordinator()]);
            gate.doorbell.wait(|| desk.access.is_wanted() || life.is_over(), Some(RETRY));
            if life.is_over() {
                return Err(life.failure());
            }
            desk.serve();
        }
    }

    /// Sends a command to all shards: shard 0 first.
    pub fn broadcast(&mut self, slots: &[u8], wants_changes: bool) -> Answer {
        let first = self.ask(0, slots, wants_changes)?;
        if is_refused_for_capacity(&first.events) {
            return Ok(first);
        }
        let shards = 1..self.shared.shards();
        let tickets: Result<Vec<Ticket>, _> =
            shards.clone().map(|shard| self.send(shard, slots, wants_changes)).collect();
        let mut parts = vec![first];
        for (shard, ticket) in shards.zip(tickets?) {
            let mut done = self.receive(ticket)?;
            if is_refused_for_capacity(&done.events) {
                done = self.insist(shard, slots, wants_changes)?;
            }
            parts.push(done);
        }
        self.flush_broadcasts()?;
        self.learn(&parts[0].events)?;
        Ok(join(parts))
    }

    /// Moves funds from a clearing group of one shard to one of another: the first half where they leave and, if they did, the
    /// second where they go. What has left is made durable before it arrives anywhere, whatever the policy: else a loss of
    /// power could leave it in both places.
    pub fn transfer(&mut self, source: u16, target: u16, slots: &[u8], wants_changes: bool) -> Answer {
        let out = self.ask(source, slots, wants_changes)?;
        if !out.events.iter().any(|event| event.kind == EventKind::Accepted.code()) {
            return Ok(out);
        }
        self.flush(source)?;
        let arrived = self.insist(target, &second_half(slots), wants_changes)?;
        Ok(join(vec![out, arrived]))
    }

    /// Makes what all shards have durable on each of them, where the policy alone would let one lose it whose neighbours have
    /// removed the segment by then: nothing could give it back. With `disk` it is durable, and without a limit nothing is removed.
    pub fn flush_broadcasts(&self) -> Result<(), Arc<Failure>> {
        let shards = if self.shared.flushes_broadcasts { 0..self.shared.shards() } else { 0..0 };
        shards.into_iter().try_for_each(|shard| self.flush(shard))
    }

    /// Makes everything durable that a shard has. If that fails, all of it is over: what depends on it must not happen.
    fn flush(&self, shard: u16) -> Result<(), Arc<Failure>> {
        let flushed = self.with(shard, |core| core.engine.flush()).and_then(|flushed| flushed);
        flushed.map_err(|failure| {
            self.shared.stop(format!("shard {shard}: {failure}"));
            self.shared.life.failure()
        })
    }

    /// Lets commands for what was created find their way.
    fn learn(&self, events: &[Event]) -> Result<(), Arc<Failure>> {
        let is_created = |event: &&Event| event.kind == EventKind::Created.code();
        if !events.iter().any(|event| is_created(&event)) {
            return Ok(());
        }
        let routes = &self.shared.routes;
        let learn = |core: &mut Core<St>| {
            let exchange = core.engine.exchange();
            for event in events.iter().filter(is_created) {
                let number = event.order_id as u32;
                match CreatedKind::from_code(event.reason) {
                    Some(CreatedKind::Instrument) => routes.learn_instrument(exchange, number),
                    Some(CreatedKind::Group) => routes.learn_group(exchange, number),
                    Some(CreatedKind::Event) => routes.learn_event(exchange, number),
                    _ => {}
                }
            }
        };
        self.with(0, learn).map_err(Arc::new)
    }
}

/// What several shards did, in their order.
fn join(parts: Vec<Done>) -> Done {
    let mut parts = parts.into_iter();
    let Some(Done { events, changes, is_dormant }) = parts.next() else {
        return Done { events: Box::default(), changes: Box::default(), is_dormant: false };
    };
    let (mut events, mut changes) = (events.into_vec(), changes.into_vec());
    for part in parts {
        events.extend_from_slice(&part.events);
        changes.extend_from_slice(&part.changes);
    }
    Done { events: events.into_boxed_slice(), changes: changes.into_boxed_slice(), is_dormant }
}

/// What the coordinator's thread begins with.
pub(crate) struct Coordinator<St: Storage> {
    link: Link<St>,
    access: Arc<Access<Doors>>,
    drain: Drain<Submission>,
    /// Something that concerns several shards did not come to its end. What comes behind it must not come before it in any log:
    /// nothing is sent any more, and opening again completes what was begun.
    is_broken: bool,
}

impl<St: Storage> Coordinator<St> {
    pub fn new(mut link: Link<St>, access: Arc<Access<Doors>>, drain: Drain<Submission>) -> Coordinator<St> {
        link.desk = Some(Desk { access: Arc::clone(&access), doors: Box::default() });
        Coordinator { link, access, drain, is_broken: false }
    }
}

/// The thread. Whatever happens, at its end everybody knows that it answers nothing any more.
pub(crate) fn run<St: Storage>(coordinator: Coordinator<St>) {
    let (shared, access) = (Arc::clone(&coordinator.link.shared), Arc::clone(&coordinator.access));
    if catch_unwind(AssertUnwindSafe(|| coordinator.work())).is_err() {
        shared.stop("the coordinator panicked".to_string());
    }
    access.leave(None);
    shared.end(shared.coordinator());
}

impl<St: Storage> Coordinator<St> {
    fn work(mut self) {
        let (shared, access) = (Arc::clone(&self.link.shared), Arc::clone(&self.access));
        let (life, thread) = (&shared.life, shared.coordinator());
        let (mut inbox, mut stamped_ns) = (Vec::with_capacity(BATCH), 0);
        loop {
            if life.is_stopped() {
                return;
            }
            if let Some(desk) = &mut self.link.desk {
                desk.serve();
            }
            if self.drain.drain(&mut inbox, BATCH) > 0 {
                for submission in inbox.drain(..) {
                    let (origin, completion) = self.answer(submission, &mut stamped_ns);
                    if let Some(Desk { doors, .. }) = &mut self.link.desk {
                        doors.complete(origin, completion);
                        doors.ring();
                    }
                }
                continue;
            }
            if life.is_asked_to_end(thread) && self.drain.is_empty() {
                return;
            }
            let drain = &self.drain;
            let is_ready =
                || !drain.is_empty() || access.is_wanted() || life.is_stopped() || life.is_asked_to_end(thread);
            shared.gates[thread].doorbell.wait(is_ready, None);
        }
    }

    fn answer(&mut self, submission: Submission, stamped_ns: &mut u64) -> (Origin, Packed) {
        let Submission { origin, ticket, wants_changes, slots, .. } = submission;
        let mut slots = slots.bytes().to_vec();
        let (shard, result) = match Exchange::check(&slots) {
            Err(error) => (0, Err(Arc::new(Failure::Batch(error)))),
            Ok(_) if self.is_broken => (0, Err(self.link.shared.life.failure())),
            Ok(_) => {
                if self.link.shared.options.stamp_time {
                    // Once, for all shards.
                    *stamped_ns = wall_ns().max(*stamped_ns);
                    stamp(&mut slots, *stamped_ns);
                }
                let (shard, result) = self.carry_out(&slots, wants_changes);
                self.is_broken = result.as_ref().is_err_and(|failure| !matches!(**failure, Failure::Batch(_)));
                (shard, result)
            }
        };
        (origin, Packed::whole(ticket, shard, result))
    }

    /// What was not there yet when it was sent may be by now; what is not is nowhere.
    fn carry_out(&mut self, slots: &[u8], wants_changes: bool) -> (u16, Answer) {
        let routes = &self.link.shared.routes;
        let (way, subject) = match (routes.way_of_all(slots, Way::Shard(0)), subject_of(slots, 0)) {
            (Ok(way), Ok((subject, _))) => (way, subject),
            (Err(error), _) | (_, Err(error)) => return (0, Err(Arc::new(Failure::Batch(error)))),
        };
        match (way, subject) {
            (Way::Shard(shard), Subject::Groups { source, .. }) => {
                // One that names what is nowhere is refused where its funds are.
                let shard = routes.groups.of(source).unwrap_or(shard);
                (shard, self.link.ask(shard, slots, wants_changes))
            }
            (Way::Shard(shard), _) => (shard, self.link.ask(shard, slots, wants_changes)),
            (_, Subject::Groups { source, target }) => {
                let [source, target] = [source, target].map(|group| routes.groups.of(group).unwrap_or(0));
                (source, self.link.transfer(source, target, slots, wants_changes))
            }
            _ => (0, self.link.broadcast(slots, wants_changes)),
        }
    }
}
