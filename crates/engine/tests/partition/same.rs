//! The same log on one shard, two and four says the same of every clearing group, every instrument and every command (R3).

use crate::router::Router;
use crate::{at, event, order, plain, spot};
use aeromatch_engine::codes::{AdminKind, CommandKind, EventKind, PlaceKind, SettlementMode, Side, TimeInForce};
use aeromatch_engine::exchange::records::{Admin, Subject, subject_of};
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, Terms, as_bytes, extension, present};
use std::collections::BTreeMap;

const ACCOUNTS: u32 = 4;
const GROUPS: u64 = 5;
/// 1 to 4 not settled, then one in each group, then the outcomes of two events.
const INSTRUMENTS: u32 = 4 + GROUPS as u32 + 2 + 3;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn setup() -> Vec<Vec<u8>> {
    let mut log: Vec<Vec<u8>> = (1..=4).map(|number| plain(&format!("P{number}"))).collect();
    log.extend((1..=GROUPS).map(|group| spot(&format!("S{group}"), &format!("g{group}"))));
    log.push(event("rain", "g2", &["yes", "no"]));
    log.push(event("race", "g3", &["a", "b", "c"]));
    log.extend((1..ACCOUNTS).map(|name| Admin::named(AdminKind::CreateAccount, [&*format!("a{name}")]).to_bytes()));
    for (account, group) in (1..=ACCOUNTS).flat_map(|account| (1..=GROUPS).map(move |group| (account, group))) {
        log.extend([1, 2].map(|asset| Admin::funds(AdminKind::Deposit, account, asset, 3000, group, None).to_bytes()));
    }
    log
}

fn gtd(base: Command, expire_at_ns: u64) -> Vec<u8> {
    let terms = Terms { present: present::EXPIRE_AT, expire_at_ns, ..Terms::default() };
    let order = Command { extensions: extension::TERMS, time_in_force: TimeInForce::Gtd.code(), ..base };
    [as_bytes(&[order]), as_bytes(&[terms])].concat()
}

/// Anything that may happen, at a time of its own, which may be an earlier one.
fn something(dice: &mut Dice, step: u64) -> Vec<u8> {
    let now_ns = 10 * step + dice.below(40);
    let instrument = 1 + dice.below(u64::from(INSTRUMENTS) + 1) as u32;
    let account = 1 + dice.below(u64::from(ACCOUNTS) + 1) as u32;
    let (group, other) = (1 + dice.below(GROUPS), 1 + dice.below(GROUPS + 1));
    let (asset, amount) = (1 + dice.below(3) as u32, u128::from(dice.below(400)));
    let side = if dice.below(2) == 0 { Side::Buy } else { Side::Sell };
    let (price_ticks, lots) = (1 + dice.below(12) as i64, 1 + dice.below(20));
    let id = format!("t{}", dice.below(60));
    let slots = match dice.below(100) {
        0..=39 => order(instrument, account, side, price_ticks, lots),
        40..=54 => {
            let base = Command { instrument, account, ..Command::limit(side, price_ticks, lots) };
            gtd(base, now_ns + 1 + dice.below(300))
        }
        55..=84 => Admin::funds(AdminKind::Transfer, account, asset, amount, other << 32 | group, Some(&id)).to_bytes(),
        85..=88 => Admin::funds(AdminKind::Deposit, account, asset, amount, group, Some(&id)).to_bytes(),
        89..=90 => Admin::funds(AdminKind::Withdraw, account, asset, amount, group, None).to_bytes(),
        91..=95 => Admin::sets(AdminKind::Mint, 1 + dice.below(3) as u32, account, lots).to_bytes(),
        96 => Admin::settle(1 + dice.below(10) as u32, SettlementMode::Full, 0, None).to_bytes(),
        97 => as_bytes(&[Command { instrument: ALL_INSTRUMENTS, ..Command::of(CommandKind::AdvanceTime) }]).to_vec(),
        98 => Admin::place(PlaceKind::Group, &format!("x{step}"), 0).to_bytes(),
        _ => as_bytes(&[Command { instrument: ALL_INSTRUMENTS, account, ..Command::of(CommandKind::MassCancel) }])
            .to_vec(),
    };
    at(now_ns, slots)
}

/// What an event is about: the clearing group of funds, the instrument of an order, or neither.
fn subject(event: &Event) -> (u64, u32) {
    if event.kind == EventKind::Funds.code() { (event.detail, 0) } else { (0, event.instrument) }
}

/// By subject, in order. What follows from a command to all comes shard by shard; of each subject it is the same.
fn by_subject(events: &[Event]) -> BTreeMap<(u64, u32), Vec<Event>> {
    let mut found: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for event in events {
        found.entry(subject(event)).or_default().push(*event);
    }
    found
}

type Standing = (BTreeMap<(u32, u32, u32), (i128, u128)>, Vec<Option<u64>>);

/// All balances, and the time of every group.
fn standing(router: &Router) -> Standing {
    let mut balances = BTreeMap::new();
    for shard in &router.shards {
        let found = shard.ledger().balances();
        balances.extend(
            found.map(|(group, account, asset, found)| ((group, account, asset), (found.available, found.held))),
        );
    }
    let time_of = |group: u32| {
        let home = router.shards[0].home_of_group(group)?;
        router.shards[usize::from(home)].group_now_ns(group)
    };
    (balances, (1..=GROUPS as u32).map(time_of).collect())
}

#[test]
fn r3_the_number_of_shards_makes_no_difference() {
    let mut kinds = [0; 16];
    for seed in 1..=6 {
        let mut dice = Dice(seed);
        let log: Vec<Vec<u8>> = setup().into_iter().chain((1..=1500).map(|step| something(&mut dice, step))).collect();
        let mut routers = [1, 2, 4].map(Router::new);
        for (place, slots) in log.iter().enumerate() {
            let [one, two, four] = routers.each_mut().map(|router| {
                let events = router.send(slots).into_iter().flat_map(|(_, events)| events);
                events.map(|event| Event { sequence: 0, index: 0, ..event }).collect::<Vec<_>>()
            });
            one.iter().for_each(|event| kinds[usize::from(event.kind)] += 1);
            let is_for_all = subject_of(slots, 0).expect("a command").0 == Subject::All;
            for many in [two, four] {
                assert_eq!(by_subject(&many), by_subject(&one), "seed {seed}, command {place}: {slots:?}");
                // What is about one shard, or two, is told in one order.
                assert!(is_for_all || many == one, "seed {seed}, command {place}: {slots:?}");
            }
        }
        let [one, two, four] = routers.each_ref().map(standing);
        assert!(two == one && four == one, "seed {seed}");
        let arrived: usize = routers[2].shards.iter().map(|shard| shard.transfers_out().count()).sum();
        assert!(arrived > 50, "{arrived} transfers between shards");
    }
    use EventKind::{Canceled, Funds, Rejected, Settled, Trade};
    let heard = [Canceled, Funds, Rejected, Settled, Trade].map(|kind| kinds[usize::from(kind.code())]);
    assert!(heard.iter().all(|&count| count > 3), "{heard:?}");
}
