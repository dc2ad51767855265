//! What a client missed while it was away: all of it, once, in order, wherever it is kept.

use crate::client::{Client, limit, login};
use crate::venue::{Stage, admission, fill, on_disks, options, serve};
use aeromatch_engine::codes::{CommandKind, Phase, Side};
use aeromatch_engine::record::{Command, Event};
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::frame::{FROM_NOW, Login};

fn disks(shards: u16) -> Vec<SimulatedDisk> {
    (0..shards).map(|shard| SimulatedDisk::new(u64::from(shard) + 1)).collect()
}

fn from(account: &str, positions: Vec<u64>) -> Login {
    Login { positions, ..login(account) }
}

/// What one client does and another one's orders meet.
fn trade(alice: &mut Client, bob: &mut Client, rounds: u64, instruments: u32) {
    for round in 0..rounds {
        let instrument = 1 + (round % u64::from(instruments)) as u32;
        let order = limit(instrument, Side::Buy, 100, 2, round);
        alice.commands(&[order, Command { price_ticks: 99, ..order }]);
        bob.commands(&[limit(instrument, Side::Sell, 100, 1, round)]);
    }
}

/// By shard, the events of a session until it has so many.
fn gather(client: &mut Client, shards: usize, count: usize) -> Vec<Vec<Event>> {
    let mut events = vec![Vec::new(); shards];
    while events.iter().map(Vec::len).sum::<usize>() < count {
        let (shard, some) = client.reports();
        events[usize::from(shard)].extend(some);
    }
    events
}

/// Events of whoever sends them: three a round, a fill more where the orders met. Sequence and place are all that identify them.
fn identities(events: &[Event]) -> Vec<(u64, u32)> {
    events.iter().map(|event| (event.sequence, event.index)).collect()
}

fn assert_once_in_order(events: &[Event]) {
    let identities = identities(events);
    assert!(identities.is_sorted_by(|one, other| one < other), "one is missing its place, or came twice");
}

#[test]
fn nothing_is_missed_and_nothing_comes_twice() {
    // As much as the ring holds, and several times as much: then it comes from the journal, from a snapshot or the beginning.
    for (rounds, snapshot_bytes) in [(100, u64::MAX), (3000, u64::MAX), (3000, 100_000)] {
        let shards = on_disks(&disks(2), snapshot_bytes);
        fill(&shards, 4);
        let admission = admission(false);
        let mut wide = options();
        wide.bounds.outbound_bytes = 64 << 20;
        let stage = Stage { server: serve(&shards, &admission, wide), admission, shards };
        let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
        let begin = alice.positions.clone();
        let mut witness = stage.client("alice");
        trade(&mut alice, &mut bob, rounds, 4);
        // All orders, and the fills of bob's.
        let mut seen = gather(&mut witness, 2, 3 * rounds as usize);
        drop(alice);
        for cut in [0, 1, 17] {
            let mut positions = begin.clone();
            if cut > 0 {
                positions[0] = seen[0][cut * seen[0].len() / 20].sequence;
                positions[1] = FROM_NOW;
            }
            let mut again = Client::open(stage.address(), &from("alice", positions.clone()));
            let wanted: Vec<Vec<Event>> = seen
                .iter()
                .zip(&positions)
                .map(|(events, position)| events.iter().filter(|event| event.sequence > *position).copied().collect())
                .collect();
            // While it reads of the past, more happens.
            trade(&mut witness, &mut bob, 50, 4);
            let more = gather(&mut witness, 2, 150);
            let count = wanted.iter().chain(&more).map(Vec::len).sum();
            let got = gather(&mut again, 2, count);
            for (((got, wanted), more), seen) in got.iter().zip(&wanted).zip(&more).zip(&mut seen) {
                assert_once_in_order(got);
                assert!(identities(got) == identities(&[&wanted[..], &more[..]].concat()), "some are missing");
                seen.extend_from_slice(more);
            }
        }
    }
}

#[test]
fn also_after_the_server_was_another_one() {
    let disks = disks(1);
    let (begin, first) = {
        let shards = on_disks(&disks, 20_000);
        fill(&shards, 1);
        let admission = admission(false);
        let stage = Stage { server: serve(&shards, &admission, options()), admission, shards };
        let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
        let begin = alice.positions.clone();
        trade(&mut alice, &mut bob, 200, 1);
        let first = gather(&mut alice, 1, 600).remove(0);
        (begin, first)
    };
    let shards = on_disks(&disks, 20_000);
    let admission = admission(false);
    let stage = Stage { server: serve(&shards, &admission, options()), admission, shards };
    let mut alice = Client::open(stage.address(), &from("alice", begin));
    let got = gather(&mut alice, 1, first.len()).remove(0);
    assert_eq!(got, first);
}

#[test]
fn fills_of_an_auction_are_told_to_both() {
    let shards = on_disks(&disks(1), u64::MAX);
    fill(&shards, 1);
    let admission = admission(false);
    let stage = Stage { server: serve(&shards, &admission, options()), admission, shards };
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    let mut port = stage.shards.port().unwrap();
    let mut phase = |phase: Phase| {
        let command = Command { instrument: 1, order_type: phase.code(), ..Command::of(CommandKind::Phase) };
        port.process(aeromatch_engine::record::as_bytes(&[command]), &mut Vec::new()).unwrap();
    };
    phase(Phase::Auction);
    let begin = (alice.positions.clone(), bob.positions.clone());
    alice.commands(&[limit(1, Side::Buy, 10, 1, 1)]);
    alice.events(1);
    bob.commands(&[limit(1, Side::Sell, 10, 1, 1)]);
    bob.events(1);
    phase(Phase::Continuous);
    let (to_alice, to_bob) = (alice.events(1)[0], bob.events(1)[0]);
    assert_eq!((to_alice.order_id, to_alice.other), (to_bob.order_id, to_bob.other));
    assert_eq!((to_alice.account, to_bob.account), (alice.account, 0));
    // From the ring: the server has seen whose the second order was.
    for (account, positions, fill) in [("alice", begin.0, to_alice), ("bob", begin.1, to_bob)] {
        let mut again = Client::open(stage.address(), &from(account, positions));
        assert_eq!(again.events(2)[1], fill);
    }
}

#[test]
fn what_memory_has_lost_is_said_to_be_lost() {
    let stage = Stage::new(1, options());
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    let begin = alice.positions.clone();
    trade(&mut alice, &mut bob, 200, 1);
    gather(&mut alice, 1, 600);
    let mut again = Client::open(stage.address(), &from("alice", begin.clone()));
    assert_eq!(gather(&mut again, 1, 600)[0].len(), 600);
    for _ in 0..10 {
        trade(&mut alice, &mut bob, 200, 1);
        gather(&mut alice, 1, 600);
        gather(&mut bob, 1, 400);
    }
    let mut late = Client::connect(stage.address());
    late.send_login(&from("alice", begin));
    assert_eq!(late.ended().0, Code::SequenceNotKept as u16);
}
