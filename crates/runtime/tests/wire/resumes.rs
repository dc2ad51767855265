//! What a client missed while it was away: all of it, once, in order, wherever it is kept.

use crate::client::{Client, limit, login};
use crate::venue::{Stage, TestShards, admission, fill, on_disks, options, serve};
use aeromatch_engine::codes::{AdminKind, CommandKind, EventKind, Phase, Side};
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, Event, as_bytes};
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::frame::{FROM_NOW, Login};
use aeromatch_runtime::wire::server::ServerOptions;
use std::path::{Path, PathBuf};

/// Orders whose reports fill the buffers of a session and its socket several times.
const LONG: usize = 30_000;

pub fn disks(shards: u16) -> Vec<SimulatedDisk> {
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

/// By shard, the events of a session until it has so many; those that only tell the time of what others did do not count.
pub fn gather(client: &mut Client, shards: usize, count: usize) -> Vec<Vec<Event>> {
    let (mut events, mut counted) = (vec![Vec::new(); shards], 0);
    while counted < count {
        let (shard, some) = client.reports();
        counted += some.len() - times(&some);
        events[usize::from(shard)].extend(some);
    }
    events
}

pub fn times(events: &[Event]) -> usize {
    events.iter().filter(|event| event.kind == EventKind::Accepted.code() && event.account == 0).count()
}

/// Sequence and place are all that identifies an event.
fn identities(events: &[Event]) -> Vec<(u64, u32)> {
    events.iter().map(|event| (event.sequence, event.index)).collect()
}

pub fn assert_once_in_order(events: &[Event]) {
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
            let count = wanted.iter().chain(&more).map(|events| events.len() - times(events)).sum();
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
    let got = gather(&mut alice, 1, first.len() - times(&first)).remove(0);
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
        port.process(as_bytes(&[command]), &mut Vec::new()).unwrap();
    };
    phase(Phase::Auction);
    let begin = (alice.positions.clone(), bob.positions.clone());
    alice.commands(&[limit(1, Side::Buy, 10, 1, 1)]);
    alice.events(1);
    bob.commands(&[limit(1, Side::Sell, 10, 1, 1)]);
    bob.events(1);
    phase(Phase::Continuous);
    let (to_alice, to_bob) = (alice.events(2)[1], bob.events(2)[1]);
    assert_eq!((to_alice.order_id, to_alice.other), (to_bob.order_id, to_bob.other));
    assert_eq!((to_alice.account, to_bob.account), (alice.account, 0));
    // From the ring: the server has seen whose the second order was.
    for (account, positions, fill) in [("alice", begin.0, to_alice), ("bob", begin.1, to_bob)] {
        let mut again = Client::open(stage.address(), &from(account, positions));
        assert_eq!(again.events(3)[2], fill);
    }
}

/// So many orders of alice's, which rest.
fn rest(shards: &TestShards, orders: usize) {
    let order = Command { account: 1, ..limit(1, Side::Buy, 10, 1, 0) };
    let mut port = shards.port().unwrap();
    for _ in 0..orders / 500 {
        port.process(as_bytes(&[order; 500]), &mut Vec::new()).unwrap();
    }
}

/// A server, and more orders of alice's than all buffers on the way to her have room for.
fn with_a_long_past(name: &str, heartbeat_ms: u32) -> (Stage, PathBuf) {
    let path = std::env::temp_dir().join(format!("aeromatch-{name}-{}.sock", std::process::id()));
    let shards = on_disks(&disks(1), u64::MAX);
    fill(&shards, 1);
    rest(&shards, LONG);
    let admission = admission(false);
    let mut options = ServerOptions { unix_path: Some(path.clone()), ..options() };
    options.bounds.heartbeat_ms = heartbeat_ms;
    (Stage { server: serve(&shards, &admission, options), admission, shards }, path)
}

/// Sessions of alice's that go on from the beginning; none has read anything but its welcome.
fn returning(path: &Path, count: usize) -> Vec<Client> {
    let open = |_| {
        let mut client = Client::connect_unix(path);
        client.log_in(&Login { heartbeat_ms: 600_000, ..from("alice", vec![0]) });
        client
    };
    (0..count).map(open).collect()
}

/// Was an order accepted? Not anything else, such as the account.
fn is_accepted(event: &Event) -> bool {
    event.kind == EventKind::Accepted.code() && event.order_id != 0
}

fn assert_has_all(client: &mut Client) {
    let got = gather(client, 1, LONG).remove(0);
    assert_once_in_order(&got);
    assert_eq!(got.iter().filter(|event| is_accepted(event)).count(), LONG);
}

#[test]
fn more_go_on_than_are_served_at_a_time() {
    let (stage, path) = with_a_long_past("many", 600_000);
    let mut clients = returning(&path, 9);
    for client in &mut clients {
        assert_has_all(client);
    }
    // All have come to the present.
    rest(&stage.shards, 500);
    for client in &mut clients {
        assert_eq!(gather(client, 1, 500)[0].len(), 500);
    }
}

#[test]
fn who_takes_nothing_of_its_past_does_not_keep_others_from_theirs() {
    let (stage, path) = with_a_long_past("asleep", 100);
    let mut clients = returning(&path, 5);
    assert_has_all(&mut clients[4]);
    drop(clients);
    assert!(stage.server.counters().slow_consumers > 0);
}

#[test]
fn a_past_of_nothing_but_commands_without_events_ends() {
    let shards = on_disks(&disks(2), u64::MAX);
    fill(&shards, 4);
    // All shards do it, and one tells of it: the others have a last command that nobody hears of.
    let mut port = shards.port().unwrap();
    port.process(&Admin::named(AdminKind::CreateAccount, ["dave"]).to_bytes(), &mut Vec::new()).unwrap();
    let ends: Vec<u64> = (0..2).map(|shard| shards.read(shard, |exchange| exchange.sequence()).unwrap()).collect();
    let mut events = Vec::new();
    assert_eq!(shards.stream(1, 1).unwrap().read(&mut events, 100).unwrap(), 0, "{events:?}");
    let admission = admission(false);
    let stage = Stage { server: serve(&shards, &admission, options()), admission, shards };
    // One more than are read at a time: if they did not end, the last one's would not begin.
    let positions: Vec<u64> = ends.iter().map(|end| end - 1).collect();
    let open = |_| Client::open(stage.address(), &from("alice", positions.clone()));
    let mut clients: Vec<Client> = (0..5).map(open).collect();
    let instrument = (1..=4).find(|&instrument| stage.shards.home_of_instrument(instrument) == 0).unwrap();
    clients[0].commands(&[limit(instrument, Side::Buy, 10, 1, 0)]);
    for client in &mut clients {
        assert!(gather(client, 2, 1)[0].iter().any(is_accepted));
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
    gather(&mut again, 1, 600);
    for _ in 0..10 {
        trade(&mut alice, &mut bob, 200, 1);
        gather(&mut alice, 1, 600);
        gather(&mut bob, 1, 400);
    }
    let mut late = Client::connect(stage.address());
    late.send_login(&from("alice", begin));
    assert_eq!(late.ended().0, Code::SequenceNotKept as u16);
}
