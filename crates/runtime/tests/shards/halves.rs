//! What several shards have to do, where one of them cannot: nobody waits in vain, nothing comes before what it follows, and
//! opening again completes it.

use crate::market::{TestShards, collect, disks, instrument, instruments, limit, open, options, settled, small};
use aeromatch_engine::codes::{AdminKind, CommandKind, EventKind, RejectReason, Side};
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, as_bytes};
use aeromatch_runtime::simulation::disk::{Fault, SimulatedDisk};
use aeromatch_runtime::{Completion, Durability, Failure, Port, ShardOptions, Shards};
use std::thread;

fn is_stopped(answer: &Completion) -> bool {
    matches!(answer.result.as_ref().err().map(|failure| &**failure), Some(Failure::Stopped { .. }))
}

/// Fills the disk of shard 1, until its journal has no room for an order of instrument 2.
fn fill(disks: &[SimulatedDisk], port: &mut Port) {
    disks[1].set_full(true);
    for price in 1..10_000 {
        port.submit(&limit(2, Side::Buy, price, 1), false).unwrap();
        let event = collect(port)[0].result.as_ref().unwrap().events[0];
        if event.kind == EventKind::Rejected.code() {
            assert_eq!(event.reason, RejectReason::Capacity.code());
            return;
        }
    }
    panic!("it never fills");
}

fn made(shards: &TestShards, shard: u16) -> usize {
    shards.read(shard, |exchange| exchange.registry().instruments().count()).unwrap()
}

/// Of each shard what has to be the same: what is made, how many commands made it, and what time it is for that.
fn common(shards: &TestShards) -> Vec<(usize, u64, u64)> {
    let of = |shard| {
        let numbers = shards.read(shard, |exchange| (exchange.broadcast_count(), exchange.registry_now_ns())).unwrap();
        (made(shards, shard), numbers.0, numbers.1)
    };
    (0..shards.shards()).map(of).collect()
}

#[test]
fn what_follows_an_unfinished_broadcast_is_sent_to_nobody() {
    let disks = disks(2, 8);
    let shards = open(&disks, Durability::Os);
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    fill(&disks, &mut port);
    let orders = shards.read(1, |exchange| exchange.book(2).unwrap().order_count()).unwrap();
    port.submit(&instrument("third"), false).unwrap();
    // There would be room for this one: it only takes away.
    let sweep = Command { instrument: ALL_INSTRUMENTS, ..Command::of(CommandKind::MassCancel) };
    port.submit(as_bytes(&[sweep]), false).unwrap();
    while made(&shards, 0) < 3 {
        thread::yield_now();
    }
    shards.close().unwrap();
    assert!(collect(&mut port).iter().all(is_stopped));
    disks[1].set_full(false);
    // What a crash, or an end, leaves half done is done as it was sent, whatever time it is now.
    let stamping = ShardOptions { stamp_time: true, ..options(2) };
    let (shards, _) = Shards::open(disks, small(Durability::Os), stamping).unwrap();
    let common = common(&shards);
    assert_eq!((common[0], common[0].0), (common[1], 3));
    assert_eq!(shards.read(1, |exchange| exchange.book(2).unwrap().order_count()).unwrap(), orders);
    shards.close().unwrap();
}

#[test]
fn ports_come_and_go_while_a_broadcast_waits_for_room() {
    let disks = disks(2, 9);
    let shards = open(&disks, Durability::Os);
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    fill(&disks, &mut port);
    port.submit(&instrument("third"), false).unwrap();
    while made(&shards, 0) < 3 {
        thread::yield_now();
    }
    for _ in 0..3 {
        let mut other = shards.port().unwrap();
        other.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
        assert_eq!(collect(&mut other)[0].result.as_ref().unwrap().events[0].kind, EventKind::Accepted.code());
    }
    assert_eq!((port.unanswered(), port.is_ready()), (1, false), "it waits for room");
    disks[1].set_full(false);
    assert!(collect(&mut port)[0].result.is_ok());
    assert_eq!([made(&shards, 0), made(&shards, 1)], [3, 3]);
    shards.close().unwrap();
}

#[test]
fn a_transfer_that_cannot_be_made_durable_stops_all() {
    let disks = disks(2, 10);
    let shards = open(&disks, Durability::Os);
    let mut port = shards.port().unwrap();
    let account = Admin::named(AdminKind::CreateAccount, ["someone"]).to_bytes();
    let deposit = Admin::funds(AdminKind::Deposit, 2, 2, 100, 1, None).to_bytes();
    port.process(&[settled("S", "first"), settled("T", "second"), account, deposit].concat(), &mut Vec::new()).unwrap();
    // It is written, and then not synced.
    disks[0].arm(2, Fault::Error);
    port.submit(&Admin::funds(AdminKind::Transfer, 2, 2, 40, 2 << 32 | 1, Some("t")).to_bytes(), false).unwrap();
    assert!(is_stopped(&collect(&mut port)[0]));
    let Err(Failure::Stopped { cause }) = shards.check() else { panic!("it goes on") };
    assert!(cause.starts_with("shard 0: "), "{cause}");
    let arrived = shards.read(1, |exchange| exchange.ledger().balance(2, 2, 2).available).unwrap();
    assert_eq!(arrived, 0, "what may not have left for good does not arrive");
    assert!(shards.close().is_err());
}

#[test]
fn what_opening_sends_has_the_same_time_everywhere() {
    let stamping = ShardOptions { stamp_time: true, groups: vec![("g".to_string(), 1)], ..options(3) };
    let disks = disks(3, 11);
    let (shards, _) = Shards::open(disks.clone(), small(Durability::Os), stamping.clone()).unwrap();
    let begun = common(&shards);
    assert_eq!([begun[1], begun[2]], [begun[0]; 2]);
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    let stamped = common(&shards);
    assert!(stamped[0].2 > 0, "what is sent through a port is stamped");
    assert_eq!([stamped[1], stamped[2]], [stamped[0]; 2]);
    port.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    let accepted = collect(&mut port)[0].result.as_ref().unwrap().events[0];
    assert!(accepted.other > 0, "and so is what goes to one shard");
    shards.close().unwrap();
}
