//! A market for the tests: what makes it, and what happens in it.

use aeromatch_engine::codes::{AdminKind, Side};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, Event, as_bytes};
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::{Completion, Durability, Options, Port, ShardOptions, Shards};
use std::time::Duration;

pub type TestShards = Shards<SimulatedDisk>;

/// What a test may wait for at most: long enough for the slowest machine, and no measure of anything.
pub const LONG: Duration = Duration::from_secs(60);

pub fn options(shards: u16) -> ShardOptions {
    ShardOptions { shards, ..ShardOptions::default() }
}

pub fn small(durability: Durability) -> Options {
    Options { durability, segment_bytes: 8192, snapshot_bytes: 1 << 20, snapshot_interval_s: 0, ..Options::default() }
}

pub fn disks(shards: u16, seed: u64) -> Vec<SimulatedDisk> {
    (0..shards).map(|shard| SimulatedDisk::new(seed * 100 + u64::from(shard))).collect()
}

pub fn open(disks: &[SimulatedDisk], durability: Durability) -> TestShards {
    let options = options(disks.len() as u16);
    match Shards::open(disks.to_vec(), small(durability), options) {
        Ok((shards, _)) => shards,
        Err((shard, failure)) => panic!("shard {shard}: {failure}"),
    }
}

/// An instrument without settlement; the next free number.
pub fn instrument(symbol: &str) -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    admin.to_bytes()
}

pub fn limit(instrument: u32, side: Side, price_ticks: i64, lots: u64) -> Vec<u8> {
    as_bytes(&[Command { instrument, ..Command::limit(side, price_ticks, lots) }]).to_vec()
}

/// Makes that many instruments.
pub fn instruments(port: &mut Port, count: u32) {
    for number in 0..count {
        let mut events = Vec::new();
        assert_eq!(port.process(&instrument(&format!("I{number}")), &mut events).unwrap(), 1);
        assert_eq!(events.len(), 2, "{events:?}");
    }
}

/// Waits for the answer to everything.
pub fn collect(port: &mut Port) -> Vec<Completion> {
    let mut completions = Vec::new();
    while port.unanswered() > 0 {
        assert!(port.wait(Some(LONG)), "no answer");
        port.poll(&mut completions);
    }
    completions
}

/// What one exchange makes of the batch.
pub fn plain(batch: &[u8]) -> (Exchange, Vec<Event>) {
    let (mut exchange, mut events) = (Exchange::new(), Vec::new());
    exchange.process(batch, &mut events).unwrap();
    (exchange, events)
}
