//! What happens between the shards' own recovery and the first port: the logs are what was asked for, and agree.
//!
//! 1. Every log is that of its shard (`partition`), and a new one is made so. All are durable before anything else is written,
//!    so an empty log beside one that goes on is one that was lost.
//! 2. What a crash has left half done is completed: broadcasts that some shards have and others have not, transfers that have
//!    left and not arrived (`repair`).
//! 3. What the options place is placed (`place`, a broadcast); what contradicts the log is refused.
//! 4. The routes are learnt.
//!
//! A crash at any point leaves a state that this brings to the same end.

use super::options::ShardOptions;
use super::repair;
use crate::coordinator::Link;
use crate::failure::Failure;
use crate::segment::segment_name;
use crate::storage::Storage;
use aeromatch_engine::codes::PlaceKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use std::sync::Arc;

/// Where something went wrong, and what.
pub(super) type OfShard<T> = Result<T, (u16, Failure)>;

pub(super) fn complete<St: Storage>(link: &mut Link<St>, storages: &[Option<St>]) -> OfShard<()> {
    divide(link)?;
    if link.shared.shards() > 1 {
        repair::broadcasts(link, storages)?;
        repair::check(link)?;
        // Behind them: what a transfer names is known where it goes.
        repair::transfers(link)?;
        place(link)?;
        link.flush_broadcasts().map_err(|failure| (0, own(failure)))?;
        let learn = |exchange: &Exchange| link.shared.routes.learn_all(exchange);
        link.with(0, |core| learn(core.engine.exchange())).map_err(|failure| (0, failure))?;
    }
    Ok(())
}

/// Sends a command that must be taken, and returns its events' first reason where it was not accepted.
pub(super) fn send<St: Storage>(link: &mut Link<St>, shard: u16, slots: &[u8]) -> OfShard<()> {
    let done = link.ask(shard, slots, false).map_err(|failure| (shard, own(failure)))?;
    if super::refusal::is_refused_for_capacity(&done.events) {
        let full = std::io::ErrorKind::StorageFull.into();
        return Err((shard, Failure::io("journal", "preallocate")(full)));
    }
    Ok(())
}

/// A failure that was shared, for the opener alone.
pub(super) fn own(failure: Arc<Failure>) -> Failure {
    Arc::try_unwrap(failure).unwrap_or_else(|failure| Failure::Stopped { cause: failure.to_string() })
}

/// Each log is that of its shard.
fn divide<St: Storage>(link: &mut Link<St>) -> OfShard<()> {
    let shards = link.shared.shards();
    let mut sequences = Vec::new();
    for shard in 0..shards {
        let state = link.with(shard, |core| {
            let exchange = core.engine.exchange();
            (exchange.sequence(), exchange.partition())
        });
        let (sequence, (found_shard, found)) = state.map_err(|failure| (shard, failure))?;
        if sequence > 0 && found != shards {
            return Err((shard, Failure::Shards { found, wanted: shards }));
        }
        if sequence > 0 && found_shard != shard {
            let problem = format!("the log of shard {shard} is that of shard {found_shard}");
            return Err((shard, Failure::incomplete(segment_name(1), problem)));
        }
        sequences.push(sequence);
    }
    if shards == 1 {
        return Ok(());
    }
    let has_begun = sequences.iter().any(|&sequence| sequence > 1);
    for (shard, _) in (0..).zip(&sequences).filter(|(_, sequence)| **sequence == 0) {
        if has_begun {
            let problem = format!("the logs of other shards go on, that of shard {shard} is empty");
            return Err((shard, Failure::incomplete(segment_name(1), problem)));
        }
        send(link, shard, &Admin::partition(shard, shards).to_bytes())?;
    }
    for shard in (0..shards).filter(|_| !has_begun) {
        let flushed = link.with(shard, |core| core.engine.flush()).and_then(|flushed| flushed);
        flushed.map_err(|failure| (shard, failure))?;
    }
    Ok(())
}

/// Places what the options say and the log does not.
fn place<St: Storage>(link: &mut Link<St>) -> OfShard<()> {
    let ShardOptions { groups, instruments, .. } = link.shared.options.clone();
    let groups = groups.iter().map(|place| (PlaceKind::Group, "groups", place));
    let instruments = instruments.iter().map(|place| (PlaceKind::Instrument, "instruments", place));
    for (kind, option, (name, shard)) in groups.chain(instruments) {
        let found =
            link.with(0, |core| core.engine.exchange().placement(kind, name)).map_err(|failure| (0, failure))?;
        match found {
            Some(found) if found == *shard => {}
            Some(found) => {
                let problem = format!("{name:?} lives on shard {found}, not {shard}");
                return Err((found, Failure::Option { option, problem }));
            }
            None => {
                let done = link.broadcast(&Admin::place(kind, name, *shard).to_bytes(), false);
                let done = done.map_err(|failure| (0, own(failure)))?;
                if super::refusal::is_refused_for_capacity(&done.events) {
                    return Err((0, Failure::io("journal", "preallocate")(std::io::ErrorKind::StorageFull.into())));
                }
                let placed = link.with(0, |core| core.engine.exchange().placement(kind, name));
                if placed.map_err(|failure| (0, failure))? != Some(*shard) {
                    return Err((0, Failure::Option { option, problem: format!("{name:?} is no legal name") }));
                }
            }
        }
    }
    Ok(())
}
