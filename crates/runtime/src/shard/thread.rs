//! A shard's thread: opens its exchange where it runs, then takes what comes until it is told to end.

use super::access::Access;
use super::core::Core;
use super::counters::Sample;
use super::engine::Engine;
use super::shared::Shared;
use super::stages::Stages;
use super::submission::Submission;
use crate::durable::DurableExchange;
use crate::failure::Failure;
use crate::idle::Waiter;
use crate::intake::Drain;
use crate::options::Options;
use crate::platform;
use crate::recovery::Recovery;
use crate::ring::broadcast::{BroadcastRing, broadcast};
use crate::ring::spsc::Producer;
use crate::storage::Storage;
use aeromatch_engine::exchange::Exchange;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// What a shard's thread begins with.
pub(crate) struct Start<St: Storage> {
    pub shard: u16,
    /// `None`: in memory.
    pub journal: Option<(St, Options)>,
    pub shared: Arc<Shared>,
    pub access: Arc<Access<Core<St>>>,
    pub drain: Drain<Submission>,
    pub samples: Option<Producer<Sample>>,
    pub opened: SyncSender<Result<Opened, Failure>>,
}

/// A shard that is open.
pub(crate) struct Opened {
    pub recovery: Recovery,
    pub ring: Arc<BroadcastRing>,
    /// Number of the last command when it was opened: the ring has everything behind it, as far as it reaches.
    pub sequence: u64,
}

/// The thread. Whatever happens, at its end everybody knows that it answers nothing any more.
pub(crate) fn run<St: Storage>(start: Start<St>) {
    let (shared, access, shard) = (Arc::clone(&start.shared), Arc::clone(&start.access), start.shard);
    match catch_unwind(AssertUnwindSafe(|| start.live())) {
        Ok((core, result)) => {
            if let Err(failure) = result {
                shared.stop(format!("shard {shard}: {failure}"));
            }
            access.leave(core);
        }
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            shared.stop(format!("shard {shard} panicked: {text}"));
            access.leave(None);
        }
    }
    shared.end(usize::from(shard));
}

impl<St: Storage> Start<St> {
    /// Opens, and works until the end. Returns what can still be read, and closed.
    fn live(self) -> (Option<Box<Core<St>>>, Result<(), Failure>) {
        let Start { shard, journal, shared, access, mut drain, samples, opened } = self;
        let (engine, recovery) = match open(shard, journal, &shared) {
            Ok(open) => open,
            Err(failure) => {
                // The opener has gone if the other end is closed: it has failed elsewhere.
                let _ = opened.send(Err(failure));
                return (None, Ok(()));
            }
        };
        let (broadcaster, ring) = broadcast(shared.options.stream_events);
        let sequence = engine.exchange().sequence();
        let core = Core::new(shard, engine, broadcaster, Stages::new(samples), Arc::clone(&shared));
        let _ = opened.send(Ok(Opened { recovery, ring, sequence }));
        drop(opened);
        let (core, result) = work(Box::new(core), &shared, &access, &mut drain);
        (Some(core), result)
    }
}

/// Pins the thread, then reads the journal: what it touches first is near the processor that it stays on.
fn open<St: Storage>(
    shard: u16,
    journal: Option<(St, Options)>,
    shared: &Shared,
) -> Result<(Engine<St>, Recovery), Failure> {
    if let Some(&core) = shared.options.cores.get(usize::from(shard)) {
        let refuse = |error| Failure::Option { option: "cores", problem: format!("processor {core}: {error}") };
        platform::pin(core).map_err(refuse)?;
    }
    aeromatch_engine::platform::use_huge_pages(shared.options.huge_pages);
    Ok(match journal {
        Some((storage, options)) => {
            let (durable, recovery) = DurableExchange::open(storage, options)?;
            (Engine::Journal(Box::new(durable)), recovery)
        }
        None => (Engine::Memory(Box::new(Exchange::new())), Recovery::default()),
    })
}

fn work<St: Storage>(
    mut core: Box<Core<St>>,
    shared: &Shared,
    access: &Access<Core<St>>,
    drain: &mut Drain<Submission>,
) -> (Box<Core<St>>, Result<(), Failure>) {
    let thread = usize::from(core.shard);
    let mut waiter = Waiter::new(shared.options.idle);
    let mut inbox = Vec::with_capacity(shared.options.batch_commands);
    loop {
        if shared.life.is_stopped() {
            return (core, Ok(()));
        }
        if access.is_wanted() {
            core = access.lend(core);
        }
        if drain.take(&mut inbox, shared.options.batch_commands) > 0 {
            waiter.worked();
            if let Err(failure) = core.work(&mut inbox) {
                return (core, Err(failure));
            }
            continue;
        }
        core.idle();
        if shared.life.is_asked_to_end(thread) && drain.is_empty() {
            return (core, Ok(()));
        }
        if waiter.pause() {
            let is_ready = || {
                let life = &shared.life;
                !drain.is_empty() || access.is_wanted() || life.is_stopped() || life.is_asked_to_end(thread)
            };
            shared.gates[thread].doorbell.wait(is_ready, None);
        }
    }
}
