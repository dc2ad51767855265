//! What is being made, and who has heard of it too soon: nothing depends on how far the news has come.

use crate::market::{LONG, TestShards, collect, disks, instrument, limit, open, options, settled};
use aeromatch_engine::codes::{AdminKind, EventKind, RejectReason, Side};
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::Event;
use aeromatch_runtime::{Completion, Durability, Port, Shards};

/// The units of asset 2 that account 2 has in a clearing group.
fn units(shards: &TestShards, group: u32) -> i128 {
    let home = shards.home_of_group(group);
    shards.read(home, |exchange| exchange.ledger().balance(group, 2, 2).available).unwrap()
}

fn transfer(source: u64, target: u64, id: &str) -> Vec<u8> {
    Admin::funds(AdminKind::Transfer, 2, 2, 40, target << 32 | source, Some(id)).to_bytes()
}

/// Group 1 on shard 0, in which account 2 has 100 units of asset 2.
fn begin(shards: &TestShards) -> Port {
    let mut port = shards.port().unwrap();
    let account = Admin::named(AdminKind::CreateAccount, ["someone"]).to_bytes();
    let deposit = Admin::funds(AdminKind::Deposit, 2, 2, 100, 1, None).to_bytes();
    port.process(&[settled("S", "first"), account, deposit].concat(), &mut Vec::new()).unwrap();
    assert_eq!(units(shards, 1), 100);
    port
}

/// Sends `creation` through one port and, once shard 0 has it and shard 1 has not, `command` through another. Returns the answer to
/// that, which was sent on the news from shard 0's stream.
fn race(shards: &TestShards, creation: &[u8], command: &[u8]) -> Completion {
    let (mut making, mut hearing) = (shards.port().unwrap(), shards.port().unwrap());
    let from = shards.read(0, |exchange| exchange.sequence()).unwrap();
    let mut stream = shards.stream(0, from + 1).unwrap();
    // Shard 1 is busy with a reader.
    shards
        .read(1, |_| {
            making.submit(creation, false).unwrap();
            let mut events: Vec<Event> = Vec::new();
            while !events.iter().any(|event| event.kind == EventKind::Created.code()) {
                assert!(stream.wait(Some(LONG)));
                stream.read(&mut events, 100).unwrap();
            }
            hearing.submit(command, false).unwrap();
            // Long enough to be answered too soon, where that can be: the test does not depend on it.
            hearing.wait(Some(std::time::Duration::from_millis(20)));
        })
        .unwrap();
    assert!(collect(&mut making)[0].result.is_ok());
    collect(&mut hearing).pop().unwrap()
}

fn events(answer: &Completion) -> &[Event] {
    &answer.result.as_ref().unwrap().events
}

#[test]
fn a_transfer_to_or_from_a_group_in_the_making_makes_no_money() {
    for (source, target, expected) in [(2, 1, (100, 0)), (1, 2, (60, 40))] {
        let disks = disks(2, 3);
        let shards = open(&disks, Durability::Os);
        let port = begin(&shards);
        let creation = Admin::named(AdminKind::CreateGroup, ["second"]).to_bytes();
        let answer = race(&shards, &creation, &transfer(source, target, "t"));
        let is_refused = events(&answer)[0].kind == EventKind::Rejected.code();
        assert_eq!(is_refused, source == 2, "there is nothing in it yet");
        assert_eq!((units(&shards, 1), units(&shards, 2)), expected, "from {source} to {target}");
        drop((port, shards));
        // And opening has nothing to make up for.
        let shards = open(&disks, Durability::Os);
        assert_eq!((units(&shards, 1), units(&shards, 2)), expected, "from {source} to {target}, opened again");
        shards.close().unwrap();
    }
}

#[test]
fn an_order_for_an_instrument_in_the_making_reaches_it() {
    let shards = open(&disks(2, 4), Durability::Os);
    let mut port = shards.port().unwrap();
    port.process(&instrument("A"), &mut Vec::new()).unwrap();
    let order = limit(2, Side::Buy, 5, 3);
    let answer = race(&shards, &instrument("B"), &order);
    assert_eq!(events(&answer)[0].kind, EventKind::Accepted.code());
    assert_eq!(answer.shard, 1);
    // Of several at once, too, if they turn out to go to one shard.
    let both = [limit(4, Side::Buy, 5, 3), order.clone()].concat();
    port.process(&instrument("C"), &mut Vec::new()).unwrap();
    let answer = race(&shards, &instrument("D"), &both);
    assert_eq!(events(&answer).iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Accepted.code(); 2]);
    shards.close().unwrap();
}

#[test]
fn what_is_nowhere_is_refused_as_by_one_shard() {
    for count in [1, 2, 3] {
        let shards: TestShards = Shards::in_memory(options(count)).unwrap();
        let mut port = begin(&shards);
        let unknown = |command: &[u8], port: &mut Port| {
            port.submit(command, false).unwrap();
            let answers = collect(port);
            let event = events(&answers[0])[0];
            assert_eq!(event.kind, EventKind::Rejected.code());
            event.reason
        };
        let order = limit(9, Side::Buy, 5, 3);
        assert_eq!(unknown(&order, &mut port), RejectReason::UnknownInstrument.code());
        assert_eq!(unknown(&[order.clone(), order].concat(), &mut port), RejectReason::UnknownInstrument.code());
        assert_eq!(unknown(&transfer(1, 9, "a"), &mut port), RejectReason::UnknownGroup.code());
        assert_eq!(unknown(&transfer(9, 1, "b"), &mut port), RejectReason::UnknownGroup.code());
        assert_eq!(units(&shards, 1), 100);
        shards.close().unwrap();
    }
}
