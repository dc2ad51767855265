//! What must hold for an exchange whatever it is told (R30 to R33): no unit of any asset comes from nowhere or goes, `funds`
//! events are enough to know every balance, and a snapshot goes on as the exchange would have.

use aeromatch_engine::codes::{
    AdminKind, CommandKind, EventKind, OrderType, Phase, SelfTradePrevention, SettlementMode, Side, TimeInForce,
};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot};
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, Terms, as_bytes, extension, flag, present};
use aeromatch_engine::rules::Rules;
use std::collections::BTreeMap;

/// Bytes that one command is made of.
pub const BYTES: usize = 10;
const ACCOUNTS: u32 = 4;
/// Instruments: two settled ones with fees and rebates, the outcomes of a pair and of three, and one that is not settled.
const INSTRUMENTS: u32 = 8;
const GROUP: u64 = 1;

/// An exchange in which a few accounts can trade a few things.
pub fn venue() -> Exchange {
    let mut exchange = Exchange::new();
    let stp = Rules { self_trade_prevention: SelfTradePrevention::Decrement, ..Rules::default() };
    let spot = |symbol, base, maker_fee_bps, taker_fee_bps| {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1", base, "USD", "main", "fees"]);
        admin.rules = Some((stp, IndexKind::Ladder));
        let units = SettlementSlot { lot_base_units: 7, tick_lot_units: 3, ..SettlementSlot::default() };
        admin.settlement = Some(SettlementSlot { maker_fee_bps, taker_fee_bps, ..units });
        admin
    };
    let event = |name, outcomes: &[&str], taker_fee_bps| {
        let names = [name, "0.1", "1", "USD", "main", "fees"].into_iter().chain(outcomes.iter().copied());
        let mut admin = Admin::named(AdminKind::CreateEvent, names);
        let units =
            SettlementSlot { lot_base_units: 1, tick_lot_units: 3, unit_ticks: 10, ..SettlementSlot::default() };
        admin.settlement = Some(SettlementSlot { taker_fee_bps, ..units });
        admin
    };
    let mut plain = Admin::named(AdminKind::CreateInstrument, ["C", "1", "1"]);
    plain.rules = Some((Rules { dedup_window_ns: 5, ..stp }, IndexKind::Heap));
    let mut setup = vec![spot("A", "X", -3, 40), spot("B", "Y", 0, 0), plain];
    setup.push(event("pair", &["yes", "no"], 150));
    setup.push(event("three", &["a", "b", "c"], 0));
    setup.push(Admin::named(AdminKind::CreateGroup, ["other"]));
    for account in ["w", "x", "y", "z"] {
        setup.push(Admin::named(AdminKind::CreateAccount, [account]));
    }
    for (account, asset) in (2..2 + ACCOUNTS).flat_map(|account| [(account, 1), (account, 2), (account, 3)]) {
        setup.push(Admin::funds(AdminKind::Deposit, account, asset, 300, GROUP, None));
    }
    for admin in setup {
        let mut events: Vec<Event> = Vec::new();
        exchange.process(&admin.to_bytes(), &mut events).expect("a command");
        assert_eq!(events[0].kind, EventKind::Accepted.code(), "{admin:?}");
    }
    exchange
}

/// The slots of a command, told by ten bytes.
pub fn command(bytes: &[u8]) -> Vec<u8> {
    let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let pick = |place: usize, count: u32| u32::from(at(place)) % count;
    let account = 1 + pick(1, ACCOUNTS + 2);
    let instrument = 1 + pick(2, INSTRUMENTS + 1);
    let (price, lots) = (i64::from(at(3) % 14) - 1, u64::from(at(4) % 12));
    let order_id = u64::from(instrument) << 40 | u64::from(at(5) % 32);
    let time = u64::from(at(6) % 3);
    let base = Command { instrument, account, timestamp_ns: time, ..Command::of(CommandKind::New) };
    let cash = |kind, id: Option<&str>| {
        let asset = 1 + pick(2, 9);
        Admin::funds(
            kind,
            account,
            asset,
            u128::from(at(4)),
            GROUP | if kind == AdminKind::Transfer { u64::from(at(5) % 4) << 32 } else { 0 },
            id,
        )
    };
    match at(0) % 32 {
        0..=17 => order(base, price, lots, at(7), at(8), at(9)),
        18..=20 => as_bytes(&[Command { order_id, account: 0, ..Command { kind: 2, ..base } }]).to_vec(),
        21..=23 => {
            let flags = if at(7) & 1 != 0 { flag::PRICE } else { 0 } | if at(7) & 2 != 0 { flag::QUANTITY } else { 0 };
            let price_ticks = if flags & flag::PRICE != 0 { price } else { 0 };
            let quantity_lots = if flags & flag::QUANTITY != 0 { lots } else { 0 };
            let amend = Command { order_id, flags, price_ticks, quantity_lots, account: 0, kind: 3, ..base };
            as_bytes(&[amend]).to_vec()
        }
        24 => as_bytes(&[Command { kind: 4, instrument: ALL_INSTRUMENTS, ..base }]).to_vec(),
        25 => {
            let phase = [Phase::Continuous, Phase::Auction, Phase::PreOpen][pick(7, 3) as usize];
            as_bytes(&[Command { kind: 5, account: 0, order_type: phase.code(), ..base }]).to_vec()
        }
        26 => as_bytes(&[Command { kind: 6, instrument: ALL_INSTRUMENTS, account: 0, ..base }]).to_vec(),
        27 => cash(AdminKind::Deposit, None).to_bytes(),
        28 => cash(AdminKind::Withdraw, Some("id")).to_bytes(),
        29 => cash(AdminKind::Transfer, Some(["1", "2", "3"][pick(7, 3) as usize])).to_bytes(),
        30 => {
            let kind = if at(7) & 1 == 0 { AdminKind::Mint } else { AdminKind::Redeem };
            Admin::sets(kind, 1 + pick(2, 3), account, lots).to_bytes()
        }
        _ => settle(at(2), at(7), at(8)),
    }
}

/// A new order of any kind.
fn order(base: Command, price: i64, lots: u64, kind: u8, choice: u8, more: u8) -> Vec<u8> {
    let order_type = OrderType::ALL[usize::from(kind) % 4];
    let side = if choice & 1 == 0 { Side::Buy } else { Side::Sell };
    let is_market = order_type == OrderType::Market;
    let times =
        [TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Day, TimeInForce::Aon];
    let time_in_force = times[usize::from(choice >> 1) % times.len()];
    let is_post_only = more.is_multiple_of(5) && order_type == OrderType::Limit && time_in_force == TimeInForce::Gtc;
    let bit = |has: bool, bit: u8| if has { bit } else { 0 };
    let present = bit(order_type.is_stop(), present::STOP)
        | bit(is_market && more.is_multiple_of(3), present::PROTECTION)
        | bit(is_market && more % 3 == 1, present::BUDGET)
        | bit(order_type.has_limit() && choice >> 5 == 1 && time_in_force == TimeInForce::Gtc, present::DISPLAY);
    let bound = match present & (present::PROTECTION | present::BUDGET) {
        0 => 0,
        present::PROTECTION => price,
        _ => i64::from(more) * 2,
    };
    let terms = Terms {
        present,
        stop_price_ticks: if present & present::STOP != 0 { i64::from(more % 12) } else { 0 },
        display_lots: if present & present::DISPLAY != 0 { u64::from(more % 4) } else { 0 },
        protection_price_ticks: bound,
        ..Terms::default()
    };
    let order = Command {
        side: side.code(),
        order_type: order_type.code(),
        time_in_force: time_in_force.code(),
        extensions: bit(present != 0, extension::TERMS),
        flags: bit(order_type.has_limit(), flag::PRICE)
            | bit(is_post_only, flag::POST_ONLY)
            | bit(is_post_only && more.is_multiple_of(2), flag::SLIDE),
        price_ticks: if order_type.has_limit() { price } else { 0 },
        quantity_lots: lots,
        ..base
    };
    let mut slots = as_bytes(&[order]).to_vec();
    if present != 0 {
        slots.extend_from_slice(as_bytes(&[terms]));
    }
    slots
}

fn settle(event: u8, how: u8, part: u8) -> Vec<u8> {
    // Rarely: what is settled trades no more.
    if how >= 16 {
        return Admin::settle(9, SettlementMode::Full, 0, None).to_bytes();
    }
    let event = 1 + u32::from(event) % 2;
    let part = u32::from(part) % 12;
    let payouts =
        if event == 1 { vec![part, 10_u32.saturating_sub(part)] } else { vec![part, 1, 9_u32.saturating_sub(part)] };
    match how % 4 {
        0 => Admin::settle(event, SettlementMode::Full, u64::from(part % 4), None),
        1 => Admin::settle(event, SettlementMode::Scalar, 0, Some(payouts)),
        _ => Admin::settle(event, SettlementMode::Void, 0, Some(payouts)),
    }
    .to_bytes()
}

type Funds = BTreeMap<(u32, u32, u32), (i128, u128)>;

/// Every balance by account, asset and group.
fn balances(exchange: &Exchange) -> Funds {
    let all = exchange.ledger().balances();
    all.map(|(group, account, asset, b)| ((account, asset, group), (b.available, b.held))).collect()
}

/// Applies what the bytes tell; after every command nothing was made or lost, and the events told every change.
pub fn trade(bytes: &[u8]) {
    let mut exchange = venue();
    let mut known = balances(&exchange);
    let half = bytes.len() / BYTES / 2;
    let mut restored: Option<Exchange> = None;
    for (number, told) in bytes.chunks(BYTES).enumerate() {
        if number == half {
            let snapshot = exchange.snapshot();
            restored = Some(Exchange::restore(&snapshot).expect("an exchange's own snapshot"));
        }
        let slots = command(told);
        let mut events: Vec<Event> = Vec::new();
        exchange.process(&slots, &mut events).expect("a command");
        let problem = exchange.ledger().check_conservation();
        assert_eq!(problem, Ok(()), "after command {number}");
        for event in events.iter().filter(|event| event.kind == EventKind::Funds.code()) {
            let available = i128::from(event.price_ticks) << 64 | i128::from(event.quantity_lots);
            let held = u128::from(event.other) << 64 | u128::from(event.order_id);
            let key = (event.account, event.instrument, event.detail as u32);
            let before = known.insert(key, (available, held)).unwrap_or_default();
            assert_ne!(before, (available, held), "told, but not changed");
        }
        known.retain(|_, &mut (available, held)| available != 0 || held != 0);
        assert_eq!(known, balances(&exchange), "funds events after command {number}");
        let overdrawn = known.iter().find(|((account, ..), (available, _))| *available < 0 && *account != 1);
        assert_eq!(overdrawn, None, "after command {number}");
        if let Some(other) = &mut restored {
            let mut others: Vec<Event> = Vec::new();
            other.process(&slots, &mut others).expect("a command");
            assert_eq!(events, others, "command {number} behind a snapshot");
        }
    }
    if let Some(other) = restored {
        assert_eq!(other.digest(), exchange.digest());
    }
}

/// The second half of the bytes says what to overwrite in the snapshot of what the first half made: an error, or an exchange
/// that is whole and goes on.
pub fn restore_damaged(bytes: &[u8]) {
    let (told, changes) = bytes.split_at(bytes.len() / 2 / BYTES * BYTES);
    let mut exchange = venue();
    for told in told.chunks(BYTES) {
        exchange.process(&command(told), &mut Vec::new()).expect("a command");
    }
    let mut snapshot = exchange.snapshot();
    for change in changes.chunks_exact(4) {
        let at = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize % snapshot.len();
        snapshot[at] = change[3];
    }
    super::seal(&mut snapshot);
    if let Ok(mut other) = Exchange::restore(&snapshot) {
        assert_eq!(other.ledger().check_conservation(), Ok(()));
        let again = Exchange::restore(&other.snapshot()).expect("its own snapshot");
        assert_eq!(again.digest(), other.digest());
        for told in told.chunks(BYTES) {
            other.process(&command(told), &mut Vec::new()).expect("a command");
        }
    }
}
