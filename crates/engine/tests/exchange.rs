//! The exchange as a whole: routing, time, the two outcomes of an event, snapshots. Who pays what is tested beside the ledger.

use aeromatch_engine::codes::{
    AdminKind, CancelReason, CommandKind, CreatedKind, EventKind, Phase, RejectReason, SettlementMode, Side,
    TimeInForce,
};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot, decode};
use aeromatch_engine::ledger::MAX_GROUPS;
use aeromatch_engine::record::{
    ALL_INSTRUMENTS, Command, Event, Extensions, SLOT_BYTES, Terms, UNKNOWN, as_bytes, extension, present,
};
use aeromatch_engine::rules::Rules;

/// An exchange and what it said to the last command.
struct Venue {
    exchange: Exchange,
}

impl Venue {
    fn new() -> Venue {
        Venue { exchange: Exchange::new() }
    }

    fn admin(&mut self, admin: Admin) -> Vec<Event> {
        let mut events = Vec::new();
        self.exchange.process(&admin.to_bytes(), &mut events).expect("a command");
        self.exchange.ledger().check_conservation().expect("conserved");
        self.check_envelope(&events);
        events
    }

    fn order(&mut self, command: Command) -> Vec<Event> {
        let mut events = Vec::new();
        self.exchange.process(as_bytes(&[command]), &mut events).expect("a command");
        self.exchange.ledger().check_conservation().expect("conserved");
        self.check_envelope(&events);
        events
    }

    /// R4, R6: one number a command, events counted from 0, one answer.
    fn check_envelope(&self, events: &[Event]) {
        for (index, event) in events.iter().enumerate() {
            assert_eq!((event.sequence, event.index as usize), (self.exchange.sequence(), index));
        }
        let answers = [EventKind::Accepted.code(), EventKind::Rejected.code()];
        assert_eq!(events.iter().filter(|event| answers.contains(&event.kind)).count(), 1, "{events:?}");
    }

    fn spot(&mut self, symbol: &str, base: &str, quote: &str) -> u32 {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "0.01", "1", base, quote, "main", "fees"]);
        admin.rules = Some((Rules::default(), IndexKind::Ladder));
        admin.settlement = Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, ..SettlementSlot::default() });
        created(&self.admin(admin), CreatedKind::Instrument)
    }

    fn plain(&mut self, symbol: &str) -> u32 {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1"]);
        admin.rules = Some((Rules::default(), IndexKind::BTree));
        created(&self.admin(admin), CreatedKind::Instrument)
    }

    fn account(&mut self, name: &str) -> u32 {
        created(&self.admin(Admin::named(AdminKind::CreateAccount, [name])), CreatedKind::Account)
    }

    fn deposit(&mut self, account: u32, asset: &str, amount: u128) {
        let asset = self.exchange.registry().assets.find(asset).expect("an asset");
        let events = self.admin(Admin::funds(AdminKind::Deposit, account, asset, amount, 1, None));
        assert_eq!(events[0].kind, EventKind::Accepted.code());
    }

    fn event(&mut self, outcomes: &[&str]) -> Vec<u32> {
        let names = ["rain", "0.01", "1", "USD", "main", "fees"];
        let mut admin = Admin::named(AdminKind::CreateEvent, names.into_iter().chain(outcomes.iter().copied()));
        admin.settlement =
            Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, unit_ticks: 100, ..SettlementSlot::default() });
        let events = self.admin(admin);
        let of_kind = events.iter().filter(|e| e.reason == CreatedKind::Instrument.code() && e.kind == 11);
        of_kind.map(|event| event.instrument).collect()
    }

    fn balance(&self, account: u32, asset: &str) -> (i128, u128) {
        let asset = self.exchange.registry().assets.find(asset).expect("an asset");
        let balance = self.exchange.ledger().balance(1, account, asset);
        (balance.available, balance.held)
    }
}

fn created(events: &[Event], kind: CreatedKind) -> u32 {
    let made = events.iter().find(|e| e.kind == EventKind::Created.code() && e.reason == kind.code());
    made.unwrap_or_else(|| panic!("{kind:?} not made: {events:?}")).order_id as u32
}

fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| EventKind::from_code(event.kind).expect("a known kind")).collect()
}

fn rejected(events: &[Event]) -> Option<RejectReason> {
    let event = events.iter().find(|event| event.kind == EventKind::Rejected.code())?;
    RejectReason::from_code(event.reason)
}

fn limit(instrument: u32, account: u32, side: Side, price_ticks: i64, quantity_lots: u64) -> Command {
    Command { instrument, account, ..Command::limit(side, price_ticks, quantity_lots) }
}

#[test]
fn r5_order_ids_begin_with_the_instrument() {
    let mut venue = Venue::new();
    let (a, b) = (venue.plain("A"), venue.plain("B"));
    assert_eq!((a, b), (1, 2));
    let events = venue.order(limit(b, 0, Side::Buy, 10, 1));
    assert_eq!(events[0].order_id, u64::from(b) << 40 | 1);
    assert!(venue.exchange.book(b).expect("a book").order(events[0].order_id).is_some());
}

#[test]
fn r8_what_is_unknown_is_rejected_by_name() {
    let mut venue = Venue::new();
    let plain = venue.plain("A");
    let settled = venue.spot("B", "BTC", "USD");
    let alice = venue.account("alice");
    assert_eq!(rejected(&venue.order(limit(77, 0, Side::Buy, 1, 1))), Some(RejectReason::UnknownInstrument));
    assert_eq!(rejected(&venue.order(limit(1 << 24, 0, Side::Buy, 1, 1))), Some(RejectReason::UnknownInstrument));
    assert_eq!(rejected(&venue.order(limit(plain, UNKNOWN, Side::Buy, 1, 1))), Some(RejectReason::UnknownAccount));
    assert_eq!(rejected(&venue.order(limit(settled, 0, Side::Buy, 1, 1))), Some(RejectReason::UnknownAccount));
    assert_eq!(rejected(&venue.order(limit(settled, 99, Side::Buy, 1, 1))), Some(RejectReason::UnknownAccount));
    let deposit = |account, asset, group| Admin::funds(AdminKind::Deposit, account, asset, 1, group, None);
    assert_eq!(rejected(&venue.admin(deposit(99, 1, 1))), Some(RejectReason::UnknownAccount));
    assert_eq!(rejected(&venue.admin(deposit(alice, 99, 1))), Some(RejectReason::UnknownAsset));
    assert_eq!(rejected(&venue.admin(deposit(alice, 1, 99))), Some(RejectReason::UnknownGroup));
    let again = Admin::named(AdminKind::CreateAccount, ["alice"]);
    assert_eq!(rejected(&venue.admin(again)), Some(RejectReason::AlreadyExists));
    let settle = Admin::settle(5, SettlementMode::Full, 0, None);
    assert_eq!(rejected(&venue.admin(settle)), Some(RejectReason::UnknownEvent));
}

#[test]
fn r8_funds_come_after_the_phase_and_before_post_only() {
    let mut venue = Venue::new();
    let market = venue.spot("B", "BTC", "USD");
    let (alice, bob) = (venue.account("alice"), venue.account("bob"));
    venue.deposit(bob, "BTC", 5);
    assert_eq!(kinds(&venue.order(limit(market, bob, Side::Sell, 10, 5)))[0], EventKind::Accepted);
    let mut order = limit(market, alice, Side::Buy, 10, 1);
    order.flags |= aeromatch_engine::record::flag::POST_ONLY;
    assert_eq!(rejected(&venue.order(order)), Some(RejectReason::InsufficientFunds));
    venue.deposit(alice, "USD", 10);
    assert_eq!(rejected(&venue.order(order)), Some(RejectReason::PostOnlyWouldTake));
    venue.order(Command { instrument: market, order_type: Phase::Halted.code(), ..Command::of(CommandKind::Phase) });
    assert_eq!(rejected(&venue.order(limit(market, alice, Side::Buy, 999, 9))), Some(RejectReason::NotAllowedInPhase));
}

#[test]
fn r30_holds_follow_orders_and_funds_close_the_events() {
    let mut venue = Venue::new();
    let market = venue.spot("B", "BTC", "USD");
    let (alice, bob) = (venue.account("alice"), venue.account("bob"));
    venue.deposit(alice, "USD", 100);
    venue.deposit(bob, "BTC", 5);
    let events = venue.order(limit(market, alice, Side::Buy, 20, 4));
    assert_eq!(kinds(&events), [EventKind::Accepted, EventKind::Funds]);
    assert_eq!(venue.balance(alice, "USD"), (20, 80));
    let events = venue.order(limit(market, bob, Side::Sell, 15, 3));
    assert_eq!(kinds(&events)[..2], [EventKind::Accepted, EventKind::Trade]);
    assert_eq!(kinds(&events)[2..], [EventKind::Funds; 4]);
    assert_eq!((venue.balance(alice, "USD"), venue.balance(alice, "BTC")), ((20, 20), (3, 0)));
    assert_eq!((venue.balance(bob, "USD"), venue.balance(bob, "BTC")), ((60, 0), (2, 0)));
}

#[test]
fn r2_time_is_one_for_a_clearing_group_and_its_own_elsewhere() {
    let mut venue = Venue::new();
    let (first, second, plain) = (venue.spot("A", "BTC", "USD"), venue.spot("B", "ETH", "USD"), venue.plain("C"));
    let alice = venue.account("alice");
    venue.deposit(alice, "USD", 100);
    let terms = Terms { present: present::EXPIRE_AT, expire_at_ns: 50, ..Terms::default() };
    for (instrument, account) in [(second, alice), (plain, 0)] {
        let order = Command {
            extensions: extension::TERMS,
            time_in_force: TimeInForce::Gtd.code(),
            ..limit(instrument, account, Side::Buy, 10, 1)
        };
        let slots = [as_bytes(&[order]), as_bytes(&[terms])].concat();
        venue.exchange.process(&slots, &mut Vec::new()).expect("a command");
    }
    assert_eq!(venue.balance(alice, "USD"), (90, 10));
    // A command for one book of the group ends what is due in the other, before its own first event; the plain book waits.
    let events = venue.order(Command { timestamp_ns: 60, ..limit(first, 99, Side::Buy, 1, 1) });
    assert_eq!(kinds(&events), [EventKind::Canceled, EventKind::Rejected, EventKind::Funds]);
    assert_eq!((events[0].instrument, events[0].reason), (second, CancelReason::Expired.code()));
    assert_eq!(venue.balance(alice, "USD"), (100, 0));
    assert_eq!(venue.exchange.book(plain).map(|book| book.order_count()), Some(1));
    let all = Command { instrument: ALL_INSTRUMENTS, timestamp_ns: 70, ..Command::of(CommandKind::AdvanceTime) };
    let events = venue.order(all);
    assert_eq!(kinds(&events), [EventKind::Canceled, EventKind::Accepted]);
    assert_eq!(venue.exchange.group_now_ns(1), Some(70));
}

#[test]
fn r24_a_mass_cancel_reaches_every_book_in_order_of_its_number() {
    let mut venue = Venue::new();
    let (plain, settled) = (venue.plain("C"), venue.spot("A", "BTC", "USD"));
    let alice = venue.account("alice");
    venue.deposit(alice, "USD", 100);
    venue.order(limit(settled, alice, Side::Buy, 10, 1));
    venue.order(limit(plain, alice, Side::Buy, 10, 1));
    venue.order(limit(plain, alice, Side::Buy, 11, 1));
    let all = Command { instrument: ALL_INSTRUMENTS, account: alice, ..Command::of(CommandKind::MassCancel) };
    let events = venue.order(all);
    assert_eq!(
        kinds(&events)[..4],
        [EventKind::Accepted, EventKind::Canceled, EventKind::Canceled, EventKind::Canceled]
    );
    assert_eq!(events[1..4].iter().map(|e| e.instrument).collect::<Vec<_>>(), [plain, plain, settled]);
    assert_eq!(venue.balance(alice, "USD"), (100, 0));
}

#[test]
fn r32_two_buyers_whose_prices_reach_one_mint_a_set() {
    let mut venue = Venue::new();
    let instruments = venue.event(&["yes", "no"]);
    let (alice, bob) = (venue.account("alice"), venue.account("bob"));
    venue.deposit(alice, "USD", 1000);
    venue.deposit(bob, "USD", 1000);
    venue.order(limit(instruments[0], alice, Side::Buy, 60, 5));
    let events = venue.order(limit(instruments[1], bob, Side::Buy, 45, 3));
    // Bob pays 40: the one unit less what the resting order bids.
    assert_eq!(kinds(&events)[..2], [EventKind::Accepted, EventKind::Trade]);
    assert_eq!((events[1].instrument, events[1].price_ticks), (instruments[0], 60));
    assert_eq!((venue.balance(bob, "USD"), venue.balance(bob, "rain/no")), ((880, 0), (3, 0)));
    assert_eq!((venue.balance(alice, "USD"), venue.balance(alice, "rain/yes")), ((700, 120), (3, 0)));
    let events = venue.admin(Admin::settle(1, SettlementMode::Full, 1, None));
    let expected = [EventKind::Accepted, EventKind::Canceled, EventKind::Phase];
    assert_eq!(kinds(&events)[..3], expected);
    assert_eq!(kinds(&events).last(), Some(&EventKind::Settled));
    assert_eq!((venue.balance(alice, "USD"), venue.balance(bob, "USD")), ((820, 0), (1180, 0)));
    let again = Admin::settle(1, SettlementMode::Full, 0, None);
    assert_eq!(rejected(&venue.admin(again)), Some(RejectReason::AlreadySettled));
    let order = limit(instruments[1], bob, Side::Buy, 45, 3);
    assert_eq!(rejected(&venue.order(order)), Some(RejectReason::NotAllowedInPhase));
    let reopen = Command { instrument: instruments[1], ..Command::of(CommandKind::Phase) };
    assert_eq!(rejected(&venue.order(reopen)), Some(RejectReason::AlreadySettled));
}

#[test]
fn r32_an_event_that_could_be_drained_or_leave_its_unit_is_refused() {
    let mut venue = Venue::new();
    let names = ["rain", "0.01", "1", "USD", "main", "fees", "yes", "no"];
    let slot = SettlementSlot { lot_base_units: 1, tick_lot_units: 1, unit_ticks: 100, ..SettlementSlot::default() };
    let rebate = SettlementSlot { maker_fee_bps: -1, taker_fee_bps: 1, ..slot };
    let pair = |settlement| Admin { settlement: Some(settlement), ..Admin::named(AdminKind::CreateEvent, names) };
    assert_eq!(rejected(&venue.admin(pair(rebate))), Some(RejectReason::InvalidCombination));
    for (reference, reason) in
        [(0, Some(RejectReason::InvalidPrice)), (100, Some(RejectReason::InvalidPrice)), (99, None)]
    {
        let rules = Rules { reference_price_ticks: Some(reference), ..Rules::default() };
        let event = Admin { rules: Some((rules, IndexKind::Ladder)), ..pair(slot) };
        assert_eq!(rejected(&venue.admin(event)), reason);
    }
    for [base, quote] in [["rain/yes", "USD"], ["BTC", "rain/no"]] {
        let mut admin = Admin::named(AdminKind::CreateInstrument, ["X", "1", "1", base, quote, "main", "fees"]);
        admin.rules = Some((Rules::default(), IndexKind::Ladder));
        admin.settlement = Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, ..SettlementSlot::default() });
        assert_eq!(rejected(&venue.admin(admin)), Some(RejectReason::InvalidCombination));
    }
}

#[test]
fn r3_a_snapshot_goes_on_like_the_exchange_it_was_taken_of() {
    let mut venue = Venue::new();
    let spot = venue.spot("B", "BTC", "USD");
    let plain = venue.plain("C");
    let outcomes = venue.event(&["a", "b", "c"]);
    let pair = venue.exchange.registry().events.len();
    assert_eq!((outcomes.len(), pair), (3, 1));
    let (alice, bob) = (venue.account("alice"), venue.account("bob"));
    venue.deposit(alice, "USD", 10_000);
    venue.deposit(bob, "BTC", 50);
    venue.order(limit(spot, alice, Side::Buy, 20, 4));
    venue.order(limit(spot, bob, Side::Sell, 20, 1));
    venue.order(limit(plain, 7, Side::Sell, 20, 1));
    venue.admin(Admin::sets(AdminKind::Mint, 1, alice, 6));
    venue.order(limit(outcomes[2], alice, Side::Sell, 30, 4));
    let bytes = venue.exchange.snapshot();
    let mut other = Exchange::restore(&bytes).expect("a snapshot");
    assert_eq!((other.digest(), other.sequence()), (venue.exchange.digest(), venue.exchange.sequence()));
    assert_eq!(other.snapshot(), bytes);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let more = [
        limit(spot, bob, Side::Sell, 20, 9),
        limit(outcomes[2], alice, Side::Buy, 40, 2),
        limit(plain, 0, Side::Buy, 30, 9),
    ];
    venue.exchange.process(as_bytes(&more), &mut one).expect("commands");
    other.process(as_bytes(&more), &mut two).expect("commands");
    assert_eq!((one, venue.exchange.digest()), (two, other.digest()));
    for place in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        assert!(Exchange::restore(&damaged).is_err());
        // Content that contradicts itself behind a right checksum is looked at too: an error, or some exchange, no panic.
        let end = damaged.len() - 4;
        let checksum = crc32c::crc32c(&damaged[..end]).to_le_bytes();
        damaged[end..].copy_from_slice(&checksum);
        let _ = Exchange::restore(&damaged).map(|exchange| exchange.digest());
    }
}

#[test]
fn r33_slots_that_are_no_commands_are_refused_by_name_and_offset() {
    let good = Admin::named(AdminKind::CreateAccount, ["alice"]).to_bytes();
    assert_eq!(decode(&good, 0).map(|(admin, slots)| (admin.texts, slots)), Ok((vec!["alice".to_string()], 2)));
    let cases =
        [(0, 99, "kind"), (1, 9, "version"), (2, 1, "extensions"), (6, 2, "number of texts"), (64, 0, "length")];
    for (offset, value, field) in
        cases.into_iter().chain([(65, 0xff, "text"), (100, 1, "text"), (24, 1, "quantity_lots")])
    {
        let mut bytes = good.clone();
        bytes[offset] = value;
        let error = Exchange::new().process(&bytes, &mut Vec::new()).expect_err(field);
        assert_eq!(error.field, field);
        assert!(error.offset <= offset && offset < error.offset.max(1) + SLOT_BYTES, "{error}");
    }
    assert_eq!(Exchange::check(&good[..100]).expect_err("short").field, "text");
    let mut exchange = Exchange::new();
    let batch = [good.as_slice(), as_bytes(&[limit(1, 0, Side::Buy, 1, 1)]), &good].concat();
    assert_eq!(exchange.process(&batch, &mut Vec::new()), Ok(3));
    assert_eq!(exchange.sequence(), 3);
    exchange.apply(&Command { kind: 200, ..Command::limit(Side::Buy, 1, 1) }, &Extensions::NONE, &mut Vec::new());
}

/// An account that has funds in two clearing groups and a GTD order in each.
fn two_groups(venue: &mut Venue) -> (u32, [u32; 2]) {
    let mut instruments = [0; 2];
    for (place, (symbol, group, base)) in [("A", "main", "BTC"), ("B", "other", "ETH")].into_iter().enumerate() {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1", base, "USD", group, "fees"]);
        admin.rules = Some((Rules::default(), IndexKind::Ladder));
        admin.settlement = Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, ..SettlementSlot::default() });
        instruments[place] = created(&venue.admin(admin), CreatedKind::Instrument);
    }
    let alice = venue.account("alice");
    for group in [1, 2] {
        let asset = venue.exchange.registry().assets.find("USD").expect("an asset");
        venue.admin(Admin::funds(AdminKind::Deposit, alice, asset, 100, group, None));
    }
    for (instrument, expire_at_ns) in instruments.into_iter().zip([100, 50]) {
        let terms = Terms { present: present::EXPIRE_AT, expire_at_ns, ..Terms::default() };
        let order = Command {
            extensions: extension::TERMS,
            time_in_force: TimeInForce::Gtd.code(),
            ..limit(instrument, alice, Side::Buy, 1, 1)
        };
        let slots = [as_bytes(&[order]), as_bytes(&[terms])].concat();
        venue.exchange.process(&slots, &mut Vec::new()).expect("a command");
    }
    (alice, instruments)
}

#[test]
fn d62_a_transfer_brings_the_effects_of_time_of_each_group_with_its_half() {
    for (from, to) in [(1, 2), (2, 1)] {
        let mut venue = Venue::new();
        let (alice, instruments) = two_groups(&mut venue);
        let asset = venue.exchange.registry().assets.find("USD").expect("an asset");
        let mut transfer = Admin::funds(AdminKind::Transfer, alice, asset, 5, from | to << 32, Some("t"));
        transfer.command.timestamp_ns = 200;
        let events = venue.admin(transfer.clone());
        use EventKind::{Accepted, Canceled, Funds};
        assert_eq!(kinds(&events), [Canceled, Accepted, Funds, Canceled, Funds]);
        let group = |event: &Event| if event.kind == Funds.code() { event.detail } else { 0 };
        let [source, target] = [from, to].map(|group| instruments[group as usize - 1]);
        assert_eq!((events[0].instrument, events[3].instrument), (source, target));
        assert_eq!((group(&events[2]), group(&events[4])), (from, to));
        assert!(events.iter().zip(0..).all(|(event, index)| event.index == index));
        // A refused one moves the time of what it would have left, and no other.
        transfer.command.timestamp_ns = 300;
        let events = venue.admin(transfer);
        assert_eq!((rejected(&events), events[0].other), (Some(RejectReason::DuplicateTransfer), 300));
        assert_eq!([from, to].map(|group| venue.exchange.group_now_ns(group as u32)), [Some(300), Some(200)]);
    }
}

#[test]
fn d63_there_is_an_end_to_clearing_groups() {
    let mut venue = Venue::new();
    let group = |name: &str| Admin::named(AdminKind::CreateGroup, [name]);
    venue.admin(group("main"));
    for number in 1..MAX_GROUPS {
        created(&venue.admin(group(&format!("g{number}"))), CreatedKind::Group);
    }
    assert_eq!(rejected(&venue.admin(group("one more"))), Some(RejectReason::InvalidQuantity));
    assert_eq!(rejected(&venue.admin(group("main"))), Some(RejectReason::AlreadyExists));
    let settled = |group: &str| {
        let mut admin = Admin::named(AdminKind::CreateInstrument, ["A", "1", "1", "A", "USD", group, "fees"]);
        admin.rules = Some((Rules::default(), IndexKind::Ladder));
        admin.settlement = Some(SettlementSlot { lot_base_units: 1, tick_lot_units: 1, ..SettlementSlot::default() });
        admin
    };
    assert_eq!(rejected(&venue.admin(settled("one more"))), Some(RejectReason::InvalidQuantity));
    assert_eq!(rejected(&venue.admin(settled("g7"))), None);
    assert!(Exchange::restore(&venue.exchange.snapshot()).is_ok());
}

#[test]
fn r2_time_moves_everywhere_though_the_command_is_rejected() {
    let mut venue = Venue::new();
    let plain = venue.plain("C");
    let command = Command {
        instrument: ALL_INSTRUMENTS,
        account: UNKNOWN,
        timestamp_ns: 7,
        ..Command::of(CommandKind::AdvanceTime)
    };
    assert_eq!(rejected(&venue.order(command)), Some(RejectReason::UnknownAccount));
    assert_eq!(venue.exchange.book(plain).map(|book| book.now_ns()), Some(7));
}

#[test]
fn r5_a_client_id_is_free_when_its_groups_time_says_so() {
    // The book itself has seen no later command: it forgets with its next, and digest and snapshot agree on that.
    let mut venue = Venue::new();
    let (alice, [first, _]) = two_groups(&mut venue);
    let asset = venue.exchange.registry().assets.find("USD").expect("an asset");
    let mut deposit = Admin::funds(AdminKind::Deposit, alice, asset, 1, 1, None);
    deposit.command.timestamp_ns = 1_000;
    venue.admin(deposit);
    let restored = Exchange::restore(&venue.exchange.snapshot()).expect("a snapshot");
    assert_eq!(restored.digest(), venue.exchange.digest());
    assert!(venue.exchange.book(first).is_some_and(|book| book.order_count() == 0));
}
