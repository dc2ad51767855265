//! Completes what a crash has left half done on several shards.
//!
//! Broadcasts are the same on all shards and in the same order, so what shards have of them are beginnings of one sequence. The
//! shard that has most of it is read, from its journal, and the others get what they lack.
//!
//! A transfer between clearing groups of two shards has left the one before it arrives at the other. Every shard remembers what has
//! left it and what has arrived, so what is still under way is what the one has and the other has not.

use super::opening::{OfShard, send};
use crate::catalog::Catalog;
use crate::coordinator::Link;
use crate::failure::Failure;
use crate::reader::{FrameReader, Next};
use crate::replay::{Nowhere, Replay};
use crate::segment::segment_name;
use crate::snapshot::{self, snapshot_name};
use crate::storage::Storage;
use crate::stream::patiently;
use aeromatch_engine::exchange::records::{Subject, subject_of};
use aeromatch_engine::exchange::{Exchange, TransferOut};
use aeromatch_engine::record::SLOT_BYTES;

/// Where a command's slot has its number: in another log it has another.
const SEQUENCE_AT: usize = 48;

/// Sends each shard the broadcasts that it lacks.
pub(super) fn broadcasts<St: Storage>(link: &mut Link<St>, storages: &[Option<St>]) -> OfShard<()> {
    let mut counts = Vec::new();
    for shard in 0..link.shared.shards() {
        let count = link.with(shard, |core| core.engine.exchange().broadcast_count());
        counts.push(count.map_err(|failure| (shard, failure))?);
    }
    let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
    let Some(knowing) = counts.iter().position(|&count| count == most && most > least) else { return Ok(()) };
    let Some(storage) = &storages[knowing] else { return Ok(()) };
    // The compactor of that shard is at work.
    let missing = patiently(|| read_broadcasts(storage, least)).map_err(|failure| (knowing as u16, failure))?;
    for (shard, count) in (0..).zip(counts) {
        for command in missing.iter().skip((count - least) as usize) {
            send(link, shard, command)?;
        }
    }
    Ok(())
}

/// Have all shards had the same broadcasts? So many they have; what those have made says that they were not others.
pub(super) fn check<St: Storage>(link: &Link<St>) -> OfShard<()> {
    let common = |shard| link.with(shard, |core| core.engine.exchange().common_digest());
    let first = common(0).map_err(|failure| (0, failure))?;
    for shard in 1..link.shared.shards() {
        if common(shard).map_err(|failure| (shard, failure))? != first {
            let problem = format!("what is made in the log of shard {shard} is not what is made in that of shard 0");
            return Err((shard, Failure::Option { option: "shards", problem }));
        }
    }
    Ok(())
}

/// Brings transfers to where they go that have left and not arrived: in the order in which they left each shard. What recovery
/// has read is durable, so none can be forgotten where it left once it has arrived.
pub(super) fn transfers<St: Storage>(link: &mut Link<St>) -> OfShard<()> {
    let shards = link.shared.shards();
    for source in 0..shards {
        let mut left: Vec<Vec<TransferOut>> = vec![Vec::new(); usize::from(shards)];
        let mut sort_out = |exchange: &Exchange| {
            for transfer in exchange.transfers_out() {
                let home = exchange.home_of_group(transfer.target).unwrap_or_default();
                left[usize::from(home)].push(transfer.clone());
            }
        };
        link.with(source, |core| sort_out(core.engine.exchange())).map_err(|failure| (source, failure))?;
        for (target, mut transfers) in (0..).zip(left) {
            let is_under_way = |exchange: &Exchange, transfer: &TransferOut| {
                !exchange.has_transfer_in(transfer.source, transfer.account, &transfer.id)
            };
            if !transfers.is_empty() {
                link.with(target, |core| transfers.retain(|transfer| is_under_way(core.engine.exchange(), transfer)))
                    .map_err(|failure| (target, failure))?;
            }
            for transfer in &transfers {
                send(link, target, &transfer.to_bytes())?;
            }
        }
    }
    Ok(())
}

/// The broadcasts of a journal behind that many.
fn read_broadcasts<St: Storage>(storage: &St, behind: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let catalog = Catalog::read(storage)?;
    let mut replay = base(storage, &catalog, behind)?;
    let mut found = Vec::new();
    let mut buffer = Vec::new();
    let first = catalog.segment_after(replay.exchange.sequence())?.unwrap_or(catalog.segments.len());
    for segment in &catalog.segments[first..] {
        let name = segment.name();
        let mut reader = FrameReader::open(storage, &name, buffer)?;
        // Recovery has read it and cut it where it ends badly.
        while let Next::Frame(frame) = reader.next()? {
            let mut slot = 0;
            let mut count = replay.exchange.broadcast_count();
            while slot < frame.slots.len() / SLOT_BYTES && !frame.header.is_closing() {
                let damaged = |error| Failure::damaged(&name, frame.offset, format!("{error}"));
                let (subject, used) = subject_of(frame.slots, slot).map_err(damaged)?;
                if subject == Subject::All {
                    count += 1;
                    if count > behind {
                        let mut command = frame.slots[slot * SLOT_BYTES..(slot + used) * SLOT_BYTES].to_vec();
                        command[SEQUENCE_AT..SEQUENCE_AT + 8].fill(0);
                        found.push(command);
                    }
                }
                slot += used;
            }
            replay.apply(&name, &frame, &mut Nowhere)?;
            if replay.exchange.broadcast_count() != count {
                return Err(Failure::damaged(&name, frame.offset, "its commands to all shards do not add up"));
            }
        }
        buffer = reader.into_parts().1;
    }
    Ok(found)
}

/// The newest state with no more broadcasts than that.
fn base<St: Storage>(storage: &St, catalog: &Catalog, behind: u64) -> Result<Replay, Failure> {
    for &sequence in catalog.snapshots.iter().rev() {
        match snapshot::load(storage, &snapshot_name(sequence)) {
            Ok(loaded) if loaded.exchange.broadcast_count() <= behind => {
                return Ok(Replay::new(loaded.exchange, loaded.event_hash));
            }
            Ok(_) | Err(Failure::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    if catalog.segments.first().is_some_and(|first| first.first_sequence == 1) {
        return Ok(Replay::new(Exchange::new(), 0));
    }
    let problem = format!("another shard lacks commands to all shards behind the first {behind}");
    Err(Failure::incomplete(segment_name(1), problem))
}
