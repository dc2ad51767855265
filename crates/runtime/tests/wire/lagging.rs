//! The server's own stream of events runs away from it: what sessions get, and what they are told where it cannot be had.

use crate::client::{Client, limit, login};
use crate::resumes::{assert_once_in_order, disks, gather, times};
use crate::venue::{TestShards, admission, exchange, fill, on_disks, options};
use aeromatch_engine::codes::{EventKind, Side};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{Command, Event, as_bytes};
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::publication::PublishedBook;
use aeromatch_runtime::stream::EventStream;
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::server::Server;
use aeromatch_runtime::wire::venue::Venue;
use aeromatch_runtime::{Failure, Port, ShardOptions};
use std::sync::{Arc, Condvar, Mutex};

const ALICE: u32 = 1;
const BOB: u32 = 2;
/// More than the ring has room for.
const ROUNDS: u64 = 3000;

/// Whether the server's thread may go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Shut,
    /// The server's thread stands before it.
    Waited,
}

/// A venue that can stop the server's thread: at the question that it asks when a session begins.
struct Gated {
    shards: Arc<TestShards>,
    door: Mutex<Door>,
    changed: Condvar,
}

impl Gated {
    fn turn(&self, door: Door) {
        *self.door.lock().unwrap() = door;
        self.changed.notify_all();
    }

    fn wait_until_it_stands_still(&self) {
        let door = self.door.lock().unwrap();
        drop(self.changed.wait_while(door, |door| *door != Door::Waited).unwrap());
    }
}

impl Venue for Gated {
    fn options(&self) -> ShardOptions {
        Venue::options(&*self.shards)
    }

    fn port(&self) -> Result<Port, Failure> {
        self.shards.port()
    }

    fn stream(&self, shard: u16, from_sequence: u64, doorbell: Arc<Doorbell>) -> Result<EventStream, Failure> {
        Venue::stream(&*self.shards, shard, from_sequence, doorbell)
    }

    fn history(
        &self,
        shard: u16,
        from_sequence: u64,
        doorbell: Arc<Doorbell>,
        look: &mut dyn FnMut(&Exchange),
    ) -> Result<Option<EventStream>, Failure> {
        Venue::history(&*self.shards, shard, from_sequence, doorbell, look)
    }

    fn look(&self, shard: u16, act: &mut dyn FnMut(&Exchange)) -> Result<(), Failure> {
        Venue::look(&*self.shards, shard, act)
    }

    fn published(&self, instrument: u32) -> Option<Arc<PublishedBook>> {
        self.shards.published(instrument)
    }

    fn home_of_instrument(&self, instrument: u32) -> u16 {
        self.shards.home_of_instrument(instrument)
    }

    fn last_sequence(&self, shard: u16) -> u64 {
        let mut door = self.door.lock().unwrap();
        if *door == Door::Shut {
            *door = Door::Waited;
            self.changed.notify_all();
        }
        drop(self.changed.wait_while(door, |door| *door == Door::Waited).unwrap());
        self.shards.last_sequence(shard)
    }
}

/// Alice is followed, and has an order that rests; then more happens at once than the ring holds, while the server's thread
/// stands still in bob's login.
fn overrun(shards: Arc<TestShards>) -> (Server, Arc<TestShards>, Client, Client) {
    let venue = Arc::new(Gated { shards: Arc::clone(&shards), door: Mutex::new(Door::Open), changed: Condvar::new() });
    let mut wide = options();
    wide.bounds.outbound_bytes = 64 << 20;
    let register = Box::new(crate::venue::Numbers::default());
    let server = Server::open(Arc::clone(&venue) as Arc<dyn Venue>, admission(false), wide, register).unwrap();
    let mut alice = Client::open(server.tcp().unwrap(), &login("alice"));
    alice.commands(&[limit(1, Side::Sell, 900, 2, 1)]);
    assert_eq!(alice.events(1).len(), 1);
    venue.turn(Door::Shut);
    let mut bob = Client::connect(server.tcp().unwrap());
    bob.send_login(&login("bob"));
    venue.wait_until_it_stands_still();
    let (mut port, mut events) = (shards.port().unwrap(), Vec::new());
    for _ in 0..ROUNDS {
        let buy = Command { account: ALICE, ..limit(1, Side::Buy, 100, 1, 0) };
        let sell = Command { account: BOB, ..limit(1, Side::Sell, 100, 1, 0) };
        events.clear();
        port.process(as_bytes(&[buy, sell]), &mut events).unwrap();
    }
    venue.turn(Door::Open);
    (server, shards, alice, bob)
}

fn kind(event: &Event) -> EventKind {
    EventKind::from_code(event.kind).unwrap()
}

#[test]
fn what_ran_away_comes_from_the_journal() {
    let shards = on_disks(&disks(1), u64::MAX);
    fill(&shards, 1);
    let (server, _shards, mut alice, mut bob) = overrun(shards);
    bob.expect(aeromatch_runtime::wire::frame::Kind::Welcome);
    (alice.positions, bob.positions) = (vec![0], vec![0]);
    // Of each round the own order and its fill; of what the other one did, the time.
    let rounds = ROUNDS as usize;
    for (client, own, others) in [(&mut alice, ALICE, rounds), (&mut bob, 0, 0)] {
        let events = gather(client, 1, 2 * rounds).remove(0);
        assert_once_in_order(&events);
        let fills: Vec<&Event> = events.iter().filter(|event| kind(event) == EventKind::Trade).collect();
        assert_eq!((events.len(), fills.len(), times(&events)), (2 * rounds + others, rounds, others));
        assert!(fills.iter().all(|fill| fill.account == own));
    }
    // And goes on: an order that was there before, whose owner the trade does not name.
    bob.commands(&[limit(1, Side::Buy, 900, 1, 7)]);
    assert_eq!(bob.events(2).iter().map(kind).collect::<Vec<_>>(), [EventKind::Accepted, EventKind::Trade]);
    assert_eq!(alice.events(2)[1].account, ALICE);
    assert!(server.counters().lagged > 0);
}

#[test]
fn where_nothing_is_kept_sessions_begin_anew() {
    let (server, _shards, mut alice, mut bob) = overrun(exchange(1, 1));
    for client in [&mut alice, &mut bob] {
        assert_eq!(client.ended().0, Code::SequenceNotKept as u16);
    }
    let address = server.tcp().unwrap();
    let (mut alice, mut bob) = (Client::open(address, &login("alice")), Client::open(address, &login("bob")));
    // The order of before is known to be hers.
    bob.commands(&[limit(1, Side::Buy, 900, 1, 7)]);
    assert_eq!(bob.events(2).len(), 2);
    assert_eq!(kind(&alice.events(2)[1]), EventKind::Trade);
    assert!(server.counters().lagged > 0);
}
