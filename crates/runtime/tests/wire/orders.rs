//! Orders and what is told of them.

use crate::client::{Client, limit, login, u16_at, u32_at, u64_at};
use crate::venue::{Ledger, Numbers, Stage, admission, exchange, options};
use aeromatch_engine::codes::{CommandKind, EventKind, RejectReason, Side, TimeInForce};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::{
    ALL_INSTRUMENTS, ClientId, Command, Event, NO_SIDE, Terms, as_bytes, extension, present,
};
use aeromatch_runtime::wire::code::Code;
use aeromatch_runtime::wire::frame::{Channel, Kind, Login, Subscribe};
use aeromatch_runtime::wire::server::Server;
use aeromatch_runtime::wire::venue::Venue;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| EventKind::from_code(event.kind).unwrap()).collect()
}

#[test]
fn an_order_is_answered_and_its_fill_told_to_both() {
    let stage = Stage::new(1, options());
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    alice.commands(&[limit(1, Side::Buy, 100, 5, 77)]);
    let (shard, events) = alice.reports();
    assert_eq!((shard, kinds(&events)), (0, vec![EventKind::Accepted]));
    assert_eq!(events[0].detail, u64::from(alice.session) << 32 | 77);
    assert_eq!(events[0].account, alice.account);
    bob.commands(&[limit(1, Side::Sell, 100, 2, 5)]);
    let (_, own) = bob.reports();
    assert_eq!(kinds(&own), [EventKind::Accepted, EventKind::Trade]);
    // Whose the other order is, nobody is told.
    assert_eq!((own[0].account, own[1].account), (bob.account, 0));
    let (_, passive) = alice.reports();
    assert_eq!(kinds(&passive), [EventKind::Accepted, EventKind::Trade]);
    assert_eq!((passive[1].account, passive[1].order_id), (alice.account, events[0].order_id));
    assert_eq!((passive[1].sequence, passive[1].other), (own[1].sequence, own[0].order_id));
    // When it was, and nothing else of bob's command.
    let place = (own[0].instrument, own[0].sequence, own[0].index, own[0].other);
    assert_eq!((passive[0].instrument, passive[0].sequence, passive[0].index, passive[0].other), place);
    let rest = (passive[0].account, passive[0].order_id, passive[0].price_ticks, passive[0].quantity_lots);
    assert_eq!((rest, passive[0].side, passive[0].detail), ((0, 0, 0, 0), NO_SIDE, 0));
}

#[test]
fn what_time_did_is_told_with_its_time_though_it_stands_before_the_answer() {
    let stage = Stage::new(1, options());
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    let begin = alice.positions.clone();
    let mut port = stage.shards.port().unwrap();
    let order = |account, timestamp_ns| Command { account, timestamp_ns, ..limit(1, Side::Buy, 100, 1, 0) };
    let ends =
        Command { time_in_force: TimeInForce::Gtd.code(), extensions: extension::TERMS, ..order(alice.account, 50) };
    let terms = Terms { present: present::EXPIRE_AT, expire_at_ns: 100, ..Terms::NONE };
    let mut slots = [as_bytes(&[ends]), as_bytes(&[terms])].concat();
    slots.extend_from_slice(as_bytes(&[order(bob.account, 200)]));
    port.process(&slots, &mut Vec::new()).unwrap();
    let events = alice.events(3);
    assert_eq!(kinds(&events), [EventKind::Accepted, EventKind::Canceled, EventKind::Accepted]);
    assert_eq!((events[2].order_id, events[2].sequence, events[2].other), (0, events[1].sequence, 200));
    assert_eq!(kinds(&bob.events(1)), [EventKind::Accepted]);
    // As well for those who come later.
    let mut again = Client::open(stage.address(), &Login { positions: begin, ..login("alice") });
    assert_eq!(again.events(3), events);
}

#[test]
fn several_shards_and_what_concerns_all_of_them() {
    let stage = Stage::new(3, options());
    let mut alice = stage.client("alice");
    let orders: Vec<Command> =
        (0..40).map(|n| limit(1 + n % 4, Side::Buy, 50 + i64::from(n), 1, u64::from(n))).collect();
    let sweep = Command { instrument: ALL_INSTRUMENTS, tag: 1000, ..Command::of(CommandKind::MassCancel) };
    let unknown = limit(4711, Side::Buy, 1, 1, 1001);
    alice.commands(&[&orders[..], &[sweep, unknown, orders[0]]].concat());
    let mut events = Vec::new();
    let mut by_shard = [0; 3];
    while kinds(&events).iter().filter(|&&kind| kind == EventKind::Canceled).count() < 40
        || !events.iter().any(|event: &Event| event.reason == RejectReason::UnknownInstrument.code())
        || kinds(&events).iter().filter(|&&kind| kind == EventKind::Accepted).count() < 42
    {
        let (shard, some) = alice.reports();
        by_shard[usize::from(shard)] += some.len();
        events.extend(some);
    }
    assert!(by_shard.iter().all(|&count| count > 0), "{by_shard:?}");
    // The last order came behind the sweep, and is there.
    let book = stage.shards.home_of_instrument(1);
    let live = stage.shards.read(book, |exchange| exchange.book(1).unwrap().order_count()).unwrap();
    assert_eq!(live, 1);
}

#[test]
fn over_a_unix_socket_with_names_and_extensions() {
    let directory = std::env::temp_dir().join(format!("aeromatch-wire-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("names.sock");
    let stage =
        Stage::new(1, aeromatch_runtime::wire::server::ServerOptions { unix_path: Some(path.clone()), ..options() });
    let mut alice = Client::connect_unix(&path);
    alice.log_in(&login("alice"));
    let named = Command { extensions: extension::CLIENT_ID, ..limit(1, Side::Buy, 7, 1, 1) };
    let mut body = Vec::new();
    for (tag, name) in [(1u64, "first"), (2, "second"), (3, "first")] {
        body.extend_from_slice(as_bytes(&[Command { tag, ..named }]));
        body.extend_from_slice(as_bytes(&[ClientId::new(name.as_bytes())]));
    }
    alice.send(Kind::Commands, 6, &body).unwrap();
    let events = alice.events(3);
    assert_eq!(kinds(&events), [EventKind::Accepted, EventKind::Accepted, EventKind::Rejected]);
    assert_eq!(events[2].reason, RejectReason::DuplicateClientOrderId.code());
    let names = stage.server.take_names();
    let names: Vec<_> = names.iter().map(|(order, id)| (*order, std::str::from_utf8(id.bytes()).unwrap())).collect();
    assert_eq!(names, [(events[0].order_id, "first"), (events[1].order_id, "second")]);
    drop(stage);
    assert!(!path.exists());
    std::fs::remove_dir(&directory).unwrap();
}

#[test]
fn trades_and_levels_of_an_instrument() {
    let stage = Stage::new(2, options());
    let (mut alice, mut bob) = (stage.client("alice"), stage.client("bob"));
    alice.commands(&[limit(2, Side::Buy, 100, 5, 1), limit(2, Side::Buy, 99, 1, 2)]);
    alice.events(2);
    for (channel, tag) in [(Channel::Trades, 1), (Channel::Depth, 2)] {
        let mut body = Vec::new();
        Subscribe { channel, levels: 1, instrument: 2, tag }.write(&mut body);
        bob.send(Kind::Subscribe, 0, &body).unwrap();
        if channel == Channel::Depth {
            bob.send(Kind::Subscribe, 0, &body).unwrap();
        }
    }
    assert_eq!(bob.expect(Kind::Trades).count, 0);
    let snapshot = bob.expect(Kind::Depth);
    assert_eq!((snapshot.count, u32_at(&snapshot.body, 0), snapshot.body[6]), (1, 2, 0));
    assert_eq!((u64_at(&snapshot.body, 32), u64_at(&snapshot.body, 40)), (100, 5));
    assert_eq!(bob.refused(), [(2, Code::AlreadySubscribed as u16, 0)]);
    alice.commands(&[limit(2, Side::Sell, 100, 2, 3)]);
    let trades = bob.expect(Kind::Trades);
    assert_eq!((trades.count, u16_at(&trades.body, 0)), (1, stage.shards.home_of_instrument(2)));
    let trade = crate::client::event(&trades.body[8..]);
    assert_eq!((trade.account, trade.order_id, trade.price_ticks, trade.quantity_lots), (0, 0, 100, 2));
    let update = bob.expect(Kind::Depth);
    assert_eq!((update.count, update.body[6]), (1, 1));
    assert_eq!(u64_at(&update.body, 16), u64_at(&snapshot.body, 8), "it leads on");
    assert_eq!(u64_at(&update.body, 40), 3);
}

#[test]
fn what_there_is_and_who_is_there() {
    let stage = Stage::new(1, options());
    let mut alice = stage.client("alice");
    alice.send(Kind::Test, 0, &77u64.to_le_bytes()).unwrap();
    let alive = alice.receive().unwrap();
    assert_eq!((alive.kind, alive.count, u64_at(&alive.body, 0)), (Kind::Alive, 1, 77));
    assert_eq!(u64_at(&alive.body, 8), alice.positions[0]);
    alice.send(Kind::List, 0, &[]).unwrap();
    let list = alice.expect(Kind::Listed);
    assert_eq!((list.count, u32_at(&list.body, 0), u32_at(&list.body, 4)), (4, alice.account, 4));
    assert_eq!(&list.body[16..22], b"\x05alice");
    assert_eq!((list.body.len(), u32_at(&list.body, 80)), (80 + 4 * 208, 1));
    assert_eq!(&list.body[96..99], b"\x02I0");
    alice.send(Kind::Logout, 0, &[]).unwrap();
    assert_eq!(alice.ended().0, Code::LoggedOut as u16);
}

#[test]
fn a_session_is_over_when_its_orders_are_canceled() {
    let (shards, admission, ledger) = (exchange(2, 2), admission(false), Arc::new(Mutex::new(Ledger::default())));
    let venue = Arc::clone(&shards) as Arc<dyn Venue>;
    let register = Box::new(Numbers(Arc::clone(&ledger)));
    let server = Server::open(venue, admission, options(), register).unwrap();
    for cancel_on_disconnect in [true, false, true] {
        let login = Login { cancel_on_disconnect, ..login("alice") };
        let mut alice = Client::open(server.tcp().unwrap(), &login);
        alice.commands(&[limit(1, Side::Buy, 10, 1, 1), limit(2, Side::Buy, 10, 1, 2)]);
        alice.events(2);
        alice.send(Kind::Logout, 0, &[]).unwrap();
        alice.ended();
    }
    assert!(server.drain(Duration::from_secs(60)));
    server.close();
    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.opened, [(1, true), (2, false), (3, true)]);
    let mut closed = ledger.closed.clone();
    closed.sort_unstable();
    assert_eq!(closed, [1, 2, 3]);
    for shard in 0..2 {
        let books = |exchange: &Exchange| [1, 2].map(|n| exchange.book(n).map_or(0, |book| book.order_count()));
        assert_eq!(shards.read(shard, books).unwrap(), [0, 0]);
    }
}

#[test]
fn a_session_is_not_over_while_its_orders_may_live() {
    let (shards, admission, ledger) = (exchange(1, 1), admission(false), Arc::new(Mutex::new(Ledger::default())));
    let venue = Arc::clone(&shards) as Arc<dyn Venue>;
    let register = Box::new(Numbers(Arc::clone(&ledger)));
    let server = Server::open(venue, admission, options(), register).unwrap();
    let open =
        |cancel_on_disconnect| Client::open(server.tcp().unwrap(), &Login { cancel_on_disconnect, ..login("alice") });
    let _clients = [open(true), open(false)];
    // While the exchange is looked at it does nothing: the server ends before the cancel is answered.
    let end = |_: &Exchange| {
        server.close();
        ledger.lock().unwrap().closed.clone()
    };
    assert_eq!(shards.read(0, end).unwrap(), [2]);
}

#[test]
fn orders_go_with_the_connection_if_it_wants_that() {
    for logs_out in [false, true] {
        let stage = Stage::new(2, options());
        let mut watcher = stage.client("");
        let mut login = login("alice");
        login.cancel_on_disconnect = true;
        let mut alice = Client::open(stage.address(), &login);
        alice.commands(&[limit(1, Side::Buy, 10, 1, 1), limit(2, Side::Buy, 10, 1, 2)]);
        alice.events(2);
        if logs_out {
            alice.send(Kind::Logout, 0, &[]).unwrap();
            alice.ended();
        }
        drop(alice);
        let mut canceled = 0;
        while canceled < 2 {
            let (_, events) = watcher.reports();
            canceled += kinds(&events).iter().filter(|&&kind| kind == EventKind::Canceled).count();
        }
        assert!(stage.server.drain(Duration::from_secs(60)));
        assert_eq!(watcher.ended().0, Code::Draining as u16);
    }
}
