//! Generated commands: whatever they do, everything adds up after each of them (`Desk::check`), nothing panics, and at the end every
//! hold is released and the pot is paid to zero. And the ledger as bytes, whole and damaged.

use crate::desk::{BASE, CASH, Desk, EVENT, FEES, GROUP, INSTRUMENT, OTHER, event, plain};
use aeromatch_engine::codes::{CommandKind, EventKind, Matching, OffsetUnit, Phase, SelfTradePrevention, Side};
use aeromatch_engine::ledger::{LIMIT_UNITS, Ledger, SettlementTerms};
use aeromatch_engine::offset::Offset;
use aeromatch_engine::record::{Command, Event, NO_SIDE, Terms, flag, present};
use aeromatch_engine::rules::Rules;

const ACCOUNTS: u32 = 5;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % sides
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.roll(one_in) == 0
    }

    fn price(&mut self) -> i64 {
        // Mostly near one another, so that orders meet; now and then impossible.
        if self.chance(40) { self.roll(120) as i64 - 5 } else { 40 + self.roll(21) as i64 }
    }
}

/// A new order of any kind, in its own terms. Many are legal.
fn order(dice: &mut Dice) -> (Command, Terms) {
    let side = if dice.chance(2) { Side::Buy } else { Side::Sell };
    let order_type = [0, 0, 0, 0, 1, 1, 2, 3, 4, 5][dice.roll(10) as usize];
    let lots = if dice.chance(30) { 1 << (44 + dice.roll(6)) } else { 1 + dice.roll(12) };
    let mut c = Command { order_type, ..Command::limit(side, dice.price(), lots) };
    let mut terms = Terms::NONE;
    let has_limit = matches!(order_type, 0 | 3 | 5);
    if !has_limit {
        (c.flags, c.price_ticks) = (0, 0);
    }
    c.time_in_force = if dice.chance(3) { dice.roll(6) as u8 } else { 0 };
    c.self_trade_prevention = if dice.chance(3) { dice.roll(6) as u8 } else { 0 };
    let mut give = |bit: u8| terms.present |= bit;
    if matches!(order_type, 2 | 3) {
        give(present::STOP);
        terms.stop_price_ticks = dice.price();
    }
    if matches!(order_type, 4 | 5) {
        give(present::TRAIL);
        (terms.trail_unit, terms.trail_offset) = (OffsetUnit::Ticks as u8, 1 + dice.roll(4));
    }
    if c.time_in_force == 2 {
        terms.present |= present::EXPIRE_AT;
        terms.expire_at_ns = 1 + dice.roll(4_000);
    }
    if order_type == 1 && side == Side::Buy {
        let is_budget = dice.chance(2);
        terms.present |= if is_budget { present::BUDGET } else { present::PROTECTION };
        terms.protection_price_ticks = if is_budget { dice.roll(3_000) as i64 } else { dice.price() };
    }
    if has_limit && dice.chance(6) {
        terms.present |= present::DISPLAY;
        terms.display_lots = dice.roll(4);
    } else if dice.chance(8) {
        terms.present |= present::MINIMUM;
        terms.minimum_lots = 1 + dice.roll(4);
    } else if order_type == 0 && dice.chance(5) {
        c.flags |= flag::POST_ONLY | if dice.chance(2) { flag::SLIDE } else { 0 };
    }
    (c, terms)
}

/// One command of any kind; `newest` is the last order id that was given.
fn step(desk: &mut Desk, dice: &mut Dice, newest: &mut u64, now_ns: &mut u64) -> Vec<Event> {
    *now_ns += dice.roll(3);
    let is_mirror = is_second(desk, dice);
    let account = 1 + dice.roll(u64::from(ACCOUNTS)) as u32;
    let order_id = u64::from(INSTRUMENT) << 40 | (newest.saturating_sub(dice.roll(12))) & 0xff_ffff_ffff;
    let of = |kind: CommandKind| Command { timestamp_ns: 0, ..Command::of(kind) };
    let (command, terms) = match dice.roll(40) {
        0..=24 => order(dice),
        25..=28 => (Command { order_id, ..of(CommandKind::Cancel) }, Terms::NONE),
        29..=35 => {
            let flags = [flag::PRICE, flag::QUANTITY, flag::PRICE | flag::QUANTITY][dice.roll(3) as usize];
            let price_ticks = if flags & flag::PRICE != 0 { dice.price() } else { 0 };
            let quantity_lots = if flags & flag::QUANTITY != 0 { 1 + dice.roll(20) } else { 0 };
            (Command { order_id, flags, price_ticks, quantity_lots, ..of(CommandKind::Amend) }, Terms::NONE)
        }
        36 => (of(CommandKind::AdvanceTime), Terms::NONE),
        37 if dice.chance(4) => {
            let side = if dice.chance(2) { NO_SIDE } else { dice.roll(2) as u8 };
            (Command { side, account, ..of(CommandKind::MassCancel) }, Terms::NONE)
        }
        38 => {
            // Mostly back to where it trades.
            let phase = [0, 0, 0, 1, 2, 3, 4][dice.roll(7) as usize];
            (Command { order_type: phase, ..of(CommandKind::Phase) }, Terms::NONE)
        }
        _ => {
            move_funds(desk, dice, account);
            (of(CommandKind::AdvanceTime), Terms::NONE)
        }
    };
    let is_new = command.kind == CommandKind::New as u8;
    let command = Command { timestamp_ns: *now_ns, account: if is_new { account } else { command.account }, ..command };
    let events = desk.send(command, (terms.present != 0).then_some(terms), is_mirror && is_new);
    for event in events.iter().filter(|event| is_new && event.kind == EventKind::Accepted as u8) {
        *newest = event.order_id;
    }
    events
}

/// Deposits, withdrawals, full sets. What cannot be is refused.
fn move_funds(desk: &mut Desk, dice: &mut Dice, account: u32) {
    let (ledger, lots) = (&mut desk.ledger, 1 + dice.roll(20));
    let asset = if dice.chance(2) { CASH } else { BASE };
    let _ = match dice.roll(4) {
        0 => ledger.deposit(GROUP, account, asset, u128::from(dice.roll(4_000)), None),
        1 => ledger.withdraw(GROUP, account, asset, u128::from(dice.roll(4_000)), None),
        2 => ledger.mint(EVENT, account, lots),
        _ => ledger.redeem(EVENT, account, lots),
    };
    if dice.chance(10) {
        let fees = ledger.balance(GROUP, FEES, CASH).available.max(0).unsigned_abs();
        let _ = ledger.withdraw(GROUP, FEES, CASH, fees, None);
    }
    desk.check();
}

fn funded(terms: SettlementTerms, rules: Rules) -> Desk {
    let mut desk = Desk::with_rules(terms, rules);
    for account in 1..=ACCOUNTS {
        desk.deposit(account, CASH, 20_000);
        if terms.unit_ticks == 0 {
            desk.deposit(account, BASE, 1_000);
        } else {
            desk.ledger.mint(EVENT, account, 30).unwrap();
        }
    }
    desk
}

/// Every combination of terms and rules that the generated commands are run with.
fn settings() -> Vec<(SettlementTerms, Rules)> {
    let rules = Rules { instrument: INSTRUMENT, ..Rules::default() };
    let banded = Rules {
        reference_price_ticks: Some(50),
        circuit_breaker: Some(Offset { unit: OffsetUnit::Ticks, value: 6 }),
        static_band: Some(Offset { unit: OffsetUnit::Ticks, value: 20 }),
        halt_ns: 50,
        self_trade_prevention: SelfTradePrevention::Decrement,
        ..rules
    };
    let shared =
        Rules { matching: Matching::ProRata, self_trade_prevention: SelfTradePrevention::CancelOldest, ..rules };
    let terms = [plain(0, 0), plain(5, 10), plain(-7, 30), plain(10_000, -10_000), event(0, 0), event(3, 25)];
    terms.into_iter().flat_map(|terms| [rules, banded, shared].map(|rules| (terms, rules))).collect()
}

fn run(terms: SettlementTerms, rules: Rules, seed: u64, steps: u64) -> (Desk, [u64; 14]) {
    let (mut desk, mut dice) = (funded(terms, rules), Dice(seed));
    let (mut newest, mut now_ns, mut kinds) = (0, 1, [0; 14]);
    for _ in 0..steps {
        for event in step(&mut desk, &mut dice, &mut newest, &mut now_ns) {
            kinds[usize::from(event.kind)] += 1;
        }
    }
    (desk, kinds)
}

#[test]
fn test_r31_nothing_is_made_or_lost() {
    let mut kinds = [0; 14];
    for (number, (terms, rules)) in settings().into_iter().enumerate() {
        let (mut desk, seen) = run(terms, rules, number as u64, 1_500);
        kinds.iter_mut().zip(seen).for_each(|(sum, count)| *sum += count);
        desk.send(Command::of(CommandKind::MassCancel), None, false);
        assert_eq!(desk.ledger.order_count(), 0);
        assert!(desk.ledger.balances().all(|(_, _, _, balance)| balance.held == 0), "every hold is released");
        if terms.unit_ticks > 0 {
            desk.ledger.settle_event(EVENT, &[35, 65]);
            desk.check();
            assert!(desk.ledger.balances().all(|(_, _, asset, _)| asset == CASH), "no share is left");
        }
    }
    // The generator reaches everything that the ledger listens to, rejections included.
    let heard = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12];
    assert!(heard.iter().all(|&kind| kinds[kind] > 20), "{kinds:?}");
}

#[test]
fn test_r33_the_largest_numbers_add_up_too() {
    let largest = |terms| SettlementTerms { lot_base_units: u64::MAX, tick_lot_units: u64::MAX, ..terms };
    for (number, terms) in
        [plain(10_000, 10_000), plain(-10_000, 10_000), event(10_000, 10_000)].into_iter().enumerate()
    {
        let (mut desk, mut dice) = (Desk::new(largest(terms)), Dice(number as u64));
        for (account, asset) in [(1, CASH), (2, CASH), (1, BASE), (2, BASE)] {
            let is_share = terms.unit_ticks > 0 && asset == BASE;
            assert_eq!(desk.ledger.deposit(GROUP, account, asset, LIMIT_UNITS / 2, None).is_err(), is_share);
        }
        let (mut trades, mut newest) = (0, 0);
        for _ in 0..3_000 {
            let prices = [0, 1, 2, 50, 98, 99, 1 << 20, i64::MAX - 1, i64::MAX, -1, i64::MIN];
            let quantities = [0, 1, 2, 1 << 20, 1 << 26, 1 << 30, 1 << 36, 1 << 48, (1 << 48) + 1, u64::MAX];
            let price = prices[dice.roll(prices.len() as u64) as usize];
            let lots = quantities[dice.roll(quantities.len() as u64) as usize];
            let (account, side) = (1 + dice.roll(2) as u32, if dice.chance(2) { Side::Buy } else { Side::Sell });
            let events = match dice.roll(10) {
                0 => desk.cancel(newest),
                1 => desk.amend(newest, Some(price), Some(lots)),
                2 => {
                    let _ = desk.ledger.mint(EVENT, account, lots);
                    let _ = desk.ledger.redeem(EVENT, account, lots >> 4);
                    desk.phase(Phase::Continuous)
                }
                3 => {
                    let present = if dice.chance(2) { present::BUDGET } else { present::PROTECTION };
                    let terms = Terms { present, protection_price_ticks: price, ..Terms::NONE };
                    let market = Command { account, ..Command::market(Side::Buy, lots) };
                    desk.send(market, Some(terms), is_second(&desk, &mut dice))
                }
                _ if is_second(&desk, &mut dice) => desk.mirror(account, side, price, lots),
                _ => desk.limit(account, side, price, lots),
            };
            for event in &events {
                trades += u64::from(event.kind == EventKind::Trade as u8);
                newest = if event.kind == EventKind::Accepted as u8 { event.order_id.max(newest) } else { newest };
            }
        }
        assert!(trades > 50, "{trades}");
    }
}

/// Now and then the second outcome's turn, where there is one.
fn is_second(desk: &Desk, dice: &mut Dice) -> bool {
    desk.terms.mirror.is_some() && dice.chance(2)
}

fn bytes_of(ledger: &Ledger) -> Vec<u8> {
    let mut bytes = Vec::new();
    ledger.write(&mut bytes);
    bytes
}

#[test]
fn a_ledger_comes_back_from_its_bytes() {
    for (number, (terms, rules)) in settings().into_iter().enumerate() {
        let (mut desk, _) = run(terms, rules, 100 + number as u64, 300);
        desk.ledger.deposit(GROUP, 1, CASH, 1, Some(b"a")).unwrap();
        desk.ledger.deposit(GROUP, 1, CASH, 1, Some(b"b")).unwrap();
        desk.ledger.deposit(GROUP, 2, CASH, 1, Some(b"a")).unwrap();
        let bytes = bytes_of(&desk.ledger);
        let mut hashed = Vec::new();
        desk.ledger.digest(&mut |part: &[u8]| hashed.extend_from_slice(part));
        assert_eq!(hashed, bytes);
        let restored = Ledger::restore(&bytes).unwrap();
        assert_eq!(bytes_of(&restored), bytes);
        assert!(restored.balances().eq(desk.ledger.balances()));
        assert!(restored.agrees_with(&terms, &desk.book.orders(None)));
        // It goes on as the other one does.
        let mut continued = desk.restored(restored);
        let (mut one, mut other) = (Dice(number as u64), Dice(number as u64));
        let (mut newest, mut now_ns) = ((u64::from(INSTRUMENT) << 40) + 250, 2_000);
        let (mut newest_too, mut now_too) = (newest, now_ns);
        for _ in 0..300 {
            let events = step(&mut desk, &mut one, &mut newest, &mut now_ns);
            assert_eq!(step(&mut continued, &mut other, &mut newest_too, &mut now_too), events);
        }
        assert_eq!(bytes_of(&continued.ledger), bytes_of(&desk.ledger));
        assert!(continued.ledger.deposit(GROUP, 2, CASH, 1, Some(b"a")).is_err());
    }
}

#[test]
fn damaged_bytes_are_refused_or_add_up() {
    let (mut desk, _) = run(event(3, 25), Rules { instrument: INSTRUMENT, ..Rules::default() }, 7, 400);
    desk.ledger.deposit(GROUP, 1, CASH, 1, Some(b"once")).unwrap();
    let bytes = bytes_of(&desk.ledger);
    assert!(desk.ledger.order_count() > 0 && desk.ledger.balance(GROUP, 1, OTHER).available > 0);
    for length in 0..bytes.len() {
        assert!(Ledger::restore(&bytes[..length]).is_err(), "cut at {length}");
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert!(Ledger::restore(&longer).is_err());
    // What came of cash, the event with its sets and pot, then the balances: an amount that changed no longer adds up.
    let totals = 8 + 8;
    let event = totals + 32 + 8 + 33;
    let balances = event + 32 + 8 + 2 * 4 + 8;
    let is_amount = |at: usize| {
        let of_balance = at >= balances && at < balances + 44 * desk.ledger.balances().count();
        (totals..totals + 32).contains(&at)
            || (event..event + 32).contains(&at)
            || (of_balance && (at - balances) % 44 >= 12)
    };
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            // Names and counts that nothing contradicts may be others; a snapshot's checksum is for those.
            if let Ok(ledger) = Ledger::restore(&damaged) {
                assert!(!is_amount(at), "byte {at}");
                ledger.check_conservation().unwrap();
                assert_eq!(bytes_of(&ledger), damaged, "what was read is what stands there");
            }
        }
    }
}
