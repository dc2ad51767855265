//! One exchange as several shards (R3): what lives where, who answers, and what the others know.

mod router;
mod same;
mod transfers;

use aeromatch_engine::codes::{AdminKind, CommandKind, EventKind, PlaceKind, RejectReason, SettlementMode, Side};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot, Subject, subject_of};
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, SLOT_BYTES, as_bytes};
use aeromatch_engine::rules::Rules;
use router::{Router, apply};

fn plain(symbol: &str) -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    admin.to_bytes()
}

fn spot(symbol: &str, group: &str) -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1", "BTC", "USD", group, "fees"]);
    admin.rules = Some((Rules::default(), IndexKind::Ladder));
    admin.settlement = Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, ..SettlementSlot::default() });
    admin.to_bytes()
}

fn event(name: &str, group: &str, outcomes: &[&str]) -> Vec<u8> {
    let names = [name, "0.01", "1", "USD", group, "fees"];
    let mut admin = Admin::named(AdminKind::CreateEvent, names.into_iter().chain(outcomes.iter().copied()));
    admin.settlement =
        Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, unit_ticks: 100, ..SettlementSlot::default() });
    admin.to_bytes()
}

fn at(time_ns: u64, mut slots: Vec<u8>) -> Vec<u8> {
    slots[40..48].copy_from_slice(&time_ns.to_le_bytes());
    slots
}

fn order(instrument: u32, account: u32, side: Side, price_ticks: i64, lots: u64) -> Vec<u8> {
    as_bytes(&[Command { instrument, account, ..Command::limit(side, price_ticks, lots) }]).to_vec()
}

fn reason(events: &[Event]) -> Option<RejectReason> {
    let rejected = events.iter().find(|event| event.kind == EventKind::Rejected.code())?;
    RejectReason::from_code(rejected.reason)
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().filter_map(|event| EventKind::from_code(event.kind)).collect()
}

#[test]
fn a_log_says_which_shard_it_is_before_all_else_or_never() {
    let mut exchange = Exchange::new();
    assert_eq!(exchange.partition(), (0, 1));
    for (shard, shards) in [(0, 0), (1, 1), (4, 4), (0, 1025)] {
        let events = apply(&mut Exchange::new(), &Admin::partition(shard, shards).to_bytes());
        assert_eq!(reason(&events), Some(RejectReason::InvalidQuantity), "{shard} of {shards}");
    }
    assert_eq!(kinds(&apply(&mut exchange, &Admin::partition(0, 4).to_bytes())), [EventKind::Accepted]);
    assert_eq!(exchange.partition(), (0, 4));
    let again = apply(&mut exchange, &Admin::partition(0, 4).to_bytes());
    assert_eq!(reason(&again), Some(RejectReason::InvalidCombination));
    let mut late = Exchange::new();
    apply(&mut late, &order(1, 0, Side::Buy, 1, 1));
    let events = apply(&mut late, &Admin::partition(0, 4).to_bytes());
    assert_eq!((reason(&events), late.partition()), (Some(RejectReason::InvalidCombination), (0, 1)));
}

#[test]
fn all_know_every_name_and_the_first_shard_alone_answers() {
    let mut router = Router::new(3);
    for slots in [plain("A"), spot("B", "left"), event("rain", "right", &["yes", "no"]), plain("A")] {
        let said = router.send(&slots);
        assert_eq!(said.len(), 3);
        assert!(!said[0].1.is_empty() && said[1..].iter().all(|(_, events)| events.is_empty()), "{said:?}");
    }
    let registry = |shard: usize| {
        let registry = router.shards[shard].registry();
        let symbols: Vec<_> = registry.instruments().map(|(number, info)| (number, info.symbol.clone())).collect();
        (symbols, registry.groups.clone(), registry.assets.clone(), registry.accounts.clone(), registry.events.clone())
    };
    assert!((1..3).all(|shard| registry(shard) == registry(0)));
    assert!(router.shards.iter().all(|shard| shard.broadcast_count() == 5));
    // Instruments 1 A, 2 B, 3 and 4 rain's; groups 1 left, 2 right.
    let homes = [Some(0), Some(0), Some(1), Some(1), None];
    for shard in 0..3 {
        let exchange = &router.shards[usize::from(shard)];
        for (number, home) in (1..).zip(homes) {
            assert_eq!(exchange.home_of_instrument(number), home);
            assert_eq!(exchange.book(number).is_some(), home == Some(shard), "{number} on {shard}");
        }
        assert_eq!([1, 2, 3].map(|group| exchange.home_of_group(group)), [Some(0), Some(1), None]);
        assert_eq!([1, 2].map(|event| exchange.home_of_event(event)), [Some(1), None]);
    }
}

#[test]
fn groups_and_instruments_live_where_they_were_placed() {
    let mut router = Router::new(4);
    for (kind, name, shard) in [(PlaceKind::Group, "main", 3), (PlaceKind::Instrument, "A", 2)] {
        let said = router.send(&Admin::place(kind, name, shard).to_bytes());
        assert_eq!(kinds(&said[0].1), [EventKind::Accepted]);
        let again = router.send(&Admin::place(kind, name, 0).to_bytes());
        assert_eq!(reason(&again[0].1), Some(RejectReason::AlreadyExists));
    }
    let refused = |router: &mut Router, name: &str, shard| {
        reason(&router.send(&Admin::place(PlaceKind::Group, name, shard).to_bytes())[0].1)
    };
    assert_eq!(refused(&mut router, "x", 4), Some(RejectReason::InvalidQuantity));
    assert_eq!(refused(&mut router, " x", 0), Some(RejectReason::InvalidName));
    for slots in [plain("A"), spot("B", "main"), event("rain", "main", &["a", "b", "c"])] {
        router.send(&slots);
    }
    let homes: Vec<_> = (1..=5).map(|number| router.shards[0].home_of_instrument(number)).collect();
    assert_eq!(homes, [Some(2), Some(3), Some(3), Some(3), Some(3)]);
    assert!(router.shards[2].book(1).is_some() && router.shards[3].book(5).is_some());
    assert_eq!(refused(&mut router, "main", 0), Some(RejectReason::AlreadyExists));
}

#[test]
fn what_lives_elsewhere_is_refused_as_unknown() {
    let mut router = Router::new(2);
    for slots in [plain("A"), spot("B", "left"), event("rain", "right", &["yes", "no"])] {
        router.send(&slots);
    }
    router.send(&Admin::named(AdminKind::CreateAccount, ["ann"]).to_bytes());
    let (left, right) = router.shards.split_at_mut(1);
    let deposit = |group| Admin::funds(AdminKind::Deposit, 2, 2, 10, group, None).to_bytes();
    let cases = [
        (order(1, 0, Side::Buy, 1, 1), RejectReason::UnknownInstrument),
        (order(2, 2, Side::Buy, 1, 1), RejectReason::UnknownInstrument),
        (deposit(1), RejectReason::UnknownGroup),
    ];
    for (slots, expected) in cases {
        assert_eq!(reason(&apply(&mut right[0], &slots)), Some(expected));
    }
    for admin in [Admin::sets(AdminKind::Mint, 1, 2, 1), Admin::settle(1, SettlementMode::Full, 0, None)] {
        assert_eq!(reason(&apply(&mut left[0], &admin.to_bytes())), Some(RejectReason::UnknownEvent));
    }
    assert_eq!(reason(&apply(&mut left[0], &deposit(2))), Some(RejectReason::UnknownGroup));
    assert_eq!(reason(&apply(&mut right[0], &deposit(2))), None);
    // Where its funds neither leave nor arrive a transfer has nothing to do.
    let transfer = Admin::funds(AdminKind::Transfer, 2, 2, 1, 3 << 32 | 2, Some("away"));
    for shard in [&mut left[0], &mut right[0]] {
        assert_eq!(reason(&apply(shard, &transfer.to_bytes())), Some(RejectReason::UnknownGroup));
    }
}

#[test]
fn time_of_the_registry_is_moved_by_what_all_shards_get() {
    let mut exchange = Exchange::new();
    let named = |name: &str, time_ns| at(time_ns, Admin::named(AdminKind::CreateAccount, [name]).to_bytes());
    let answered_at = |events: &[Event]| events[0].other;
    assert_eq!(answered_at(&apply(&mut exchange, &named("a", 5))), 5);
    assert_eq!(answered_at(&apply(&mut exchange, &named("b", 3))), 5);
    apply(&mut exchange, &plain("A"));
    assert_eq!(answered_at(&apply(&mut exchange, &at(9, order(1, 0, Side::Buy, 1, 1)))), 9);
    // Neither another book's time nor its own stamp is the time of what is nowhere.
    assert_eq!(answered_at(&apply(&mut exchange, &at(20, order(7, 0, Side::Buy, 1, 1)))), 5);
    assert_eq!((exchange.now_ns(), exchange.registry_now_ns()), (9, 5));
    let all = Command { instrument: ALL_INSTRUMENTS, timestamp_ns: 12, ..Command::of(CommandKind::AdvanceTime) };
    apply(&mut exchange, as_bytes(&[all]));
    assert_eq!(answered_at(&apply(&mut exchange, &order(7, 0, Side::Buy, 1, 1))), 12);
}

#[test]
fn snapshots_know_which_shard_they_are_of() {
    let mut router = Router::new(3);
    let made = [
        Admin::place(PlaceKind::Group, "right", 2).to_bytes(),
        plain("A"),
        plain("B"),
        spot("C", "left"),
        event("rain", "right", &["yes", "no"]),
        event("snow", "left", &["yes", "no"]),
        order(2, 0, Side::Sell, 7, 3),
    ];
    for slots in made {
        router.send(&slots);
    }
    for shard in &mut router.shards {
        let bytes = shard.snapshot();
        let mut restored = Exchange::restore(&bytes).expect("a snapshot");
        assert_eq!((restored.snapshot(), restored.digest()), (bytes, shard.digest()));
        assert_eq!(restored.partition(), shard.partition());
        assert_eq!(restored.broadcast_count(), shard.broadcast_count());
        assert_eq!(restored.registry(), shard.registry());
        for slots in [plain("D"), order(6, 1, Side::Buy, 1, 1), order(2, 0, Side::Buy, 7, 1)] {
            assert_eq!(apply(&mut restored, &slots), apply(shard, &slots));
        }
    }
    let digests: Vec<_> = router.shards.iter().map(Exchange::digest).collect();
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
}

#[test]
fn a_command_says_what_it_is_about() {
    let all = |kind| as_bytes(&[Command { instrument: ALL_INSTRUMENTS, ..Command::of(kind) }]).to_vec();
    let cases = [
        (order(9, 1, Side::Buy, 1, 1), Subject::Instrument(9)),
        (order(ALL_INSTRUMENTS, 1, Side::Buy, 1, 1), Subject::Instrument(ALL_INSTRUMENTS)),
        (all(CommandKind::AdvanceTime), Subject::All),
        (all(CommandKind::MassCancel), Subject::All),
        (plain("A"), Subject::All),
        (Admin::partition(0, 1).to_bytes(), Subject::All),
        (Admin::funds(AdminKind::Withdraw, 1, 1, 1, 4, Some("x")).to_bytes(), Subject::Group(4)),
        (
            Admin::funds(AdminKind::Transfer, 1, 1, 1, 6 << 32 | 5, Some("x")).to_bytes(),
            Subject::Groups { source: 5, target: 6 },
        ),
        (Admin::sets(AdminKind::Redeem, 3, 1, 1).to_bytes(), Subject::Event(3)),
    ];
    let batch: Vec<u8> = cases.iter().flat_map(|(slots, _)| slots.iter().copied()).collect();
    let mut slot = 0;
    for (slots, subject) in &cases {
        let (found, taken) = subject_of(&batch, slot).expect("a command");
        assert_eq!((found, taken), (*subject, slots.len() / SLOT_BYTES));
        slot += taken;
    }
    assert!(subject_of(&batch, slot).is_err() && subject_of(&[99; SLOT_BYTES], 0).is_err());
}
