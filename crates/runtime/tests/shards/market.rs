//! A market for the tests: what makes it, and what happens in it.

use aeromatch_engine::codes::{AdminKind, CommandKind, Phase, Side, TimeInForce};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot};
use aeromatch_engine::record::{ALL_INSTRUMENTS, Command, Event, as_bytes, flag};
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::{Completion, Durability, Options, Port, ShardOptions, Shards};
use std::time::Duration;

pub type TestShards = Shards<SimulatedDisk>;

/// What a test may wait for at most: long enough for the slowest machine, and no measure of anything.
pub const LONG: Duration = Duration::from_secs(60);

pub fn options(shards: u16) -> ShardOptions {
    // Small rings: they are made often, and run over.
    ShardOptions { shards, stream_events: 4096, intake_capacity: 1024, window: 256, ..ShardOptions::default() }
}

pub fn small(durability: Durability) -> Options {
    Options { durability, segment_bytes: 8192, snapshot_bytes: 1 << 20, snapshot_interval_s: 0, ..Options::default() }
}

pub fn disks(shards: u16, seed: u64) -> Vec<SimulatedDisk> {
    (0..shards).map(|shard| SimulatedDisk::new(seed * 100 + u64::from(shard))).collect()
}

pub fn open(disks: &[SimulatedDisk], durability: Durability) -> TestShards {
    match Shards::open(disks.to_vec(), small(durability), options(disks.len() as u16)) {
        Ok((shards, _)) => shards,
        Err((shard, failure)) => panic!("shard {shard}: {failure}"),
    }
}

/// An instrument without settlement; the next free number.
pub fn instrument(symbol: &str) -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    admin.to_bytes()
}

/// A settled instrument of a clearing group; the next free number.
pub fn settled(symbol: &str, group: &str) -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, [symbol, "1", "1", "BASE", "CASH", group, "fees"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    admin.settlement = Some(SettlementSlot { lot_base_units: 7, tick_lot_units: 3, ..SettlementSlot::default() });
    admin.to_bytes()
}

pub fn limit(instrument: u32, side: Side, price_ticks: i64, lots: u64) -> Vec<u8> {
    as_bytes(&[Command { instrument, ..Command::limit(side, price_ticks, lots) }]).to_vec()
}

/// Makes that many instruments.
pub fn instruments(port: &mut Port, count: u32) {
    for number in 0..count {
        let mut events = Vec::new();
        assert_eq!(port.process(&instrument(&format!("I{number}")), &mut events).unwrap(), 1);
        assert_eq!(events.len(), 2, "{events:?}");
    }
}

/// Waits for the answer to everything.
pub fn collect(port: &mut Port) -> Vec<Completion> {
    let mut completions = Vec::new();
    while port.unanswered() > 0 {
        assert!(port.wait(Some(LONG)), "no answer");
        port.poll(&mut completions);
    }
    completions
}

/// What one exchange makes of the batch.
pub fn plain(batch: &[u8]) -> (Exchange, Vec<Event>) {
    let (mut exchange, mut events) = (Exchange::new(), Vec::new());
    exchange.process(batch, &mut events).unwrap();
    (exchange, events)
}

/// Numbers from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31) % end
    }
}

/// Plain instruments of [`day`]; behind them as many settled ones, of clearing groups of their own.
pub const PLAIN: u32 = 4;
pub const ACCOUNTS: u32 = 4;

/// Commands of a market of several instruments and clearing groups, and transfers between these.
pub fn day(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut day = Vec::new();
    day.extend((0..PLAIN).map(|number| instrument(&format!("P{number}"))));
    day.extend((0..PLAIN).map(|number| settled(&format!("S{number}"), &format!("group{number}"))));
    day.extend(
        (1..ACCOUNTS).map(|number| Admin::named(AdminKind::CreateAccount, [format!("a{number}").as_str()]).to_bytes()),
    );
    for account in 1..=ACCOUNTS {
        for group in 1..=u64::from(PLAIN) {
            day.extend(
                [1, 2].map(|asset| Admin::funds(AdminKind::Deposit, account, asset, 5000, group, None).to_bytes()),
            );
        }
    }
    let mut dice = Dice::new(seed);
    let mut now_ns = 1;
    while day.len() < count {
        now_ns += dice.below(3);
        day.push(something(&mut dice, now_ns));
    }
    // Its place comes back in a command's first event.
    for (place, command) in day.iter_mut().enumerate() {
        command[56..64].copy_from_slice(&(place as u64).to_le_bytes());
    }
    day
}

fn something(dice: &mut Dice, now_ns: u64) -> Vec<u8> {
    let instrument = 1 + dice.below(u64::from(2 * PLAIN) + 1) as u32;
    let account = 1 + dice.below(u64::from(ACCOUNTS)) as u32;
    let order_id = u64::from(instrument) << 40 | (1 + dice.below(60));
    let base = |kind| Command { instrument, account, timestamp_ns: now_ns, ..Command::of(kind) };
    let command = match dice.below(100) {
        0..=64 => Command {
            side: dice.below(2) as u8,
            time_in_force: if dice.below(5) == 0 { TimeInForce::Ioc.code() } else { TimeInForce::Gtc.code() },
            flags: flag::PRICE,
            price_ticks: 1 + dice.below(9) as i64,
            quantity_lots: 1 + dice.below(20),
            ..base(CommandKind::New)
        },
        65..=79 => Command { account: 0, order_id, ..base(CommandKind::Cancel) },
        80..=84 => Command {
            account: 0,
            order_id,
            flags: flag::QUANTITY,
            quantity_lots: 1 + dice.below(9),
            ..base(CommandKind::Amend)
        },
        85..=87 => base(CommandKind::MassCancel),
        88 => Command { account: 0, order_type: Phase::Continuous.code(), ..base(CommandKind::Phase) },
        89 => Command { account: 0, instrument: ALL_INSTRUMENTS, ..base(CommandKind::AdvanceTime) },
        _ => {
            let (asset, group) = (1 + dice.below(2) as u32, 1 + dice.below(u64::from(PLAIN)));
            let amount = u128::from(1 + dice.below(90));
            let mut admin = match dice.below(4) {
                0 => Admin::funds(AdminKind::Deposit, account, asset, amount, group, None),
                1 => Admin::funds(AdminKind::Withdraw, account, asset, amount, group, None),
                _ => {
                    let groups = (1 + dice.below(u64::from(PLAIN) + 1)) << 32 | group;
                    let id = format!("t{}", dice.below(40));
                    Admin::funds(AdminKind::Transfer, account, asset, amount, groups, Some(&id))
                }
            };
            admin.command.timestamp_ns = now_ns;
            return admin.to_bytes();
        }
    };
    as_bytes(&[command]).to_vec()
}
