//! Batches of commands from a seed: everything that an exchange can be told, legal or not.

use super::random::Random;
use aeromatch_engine::codes::{AdminKind, CommandKind, Phase, SettlementMode, Side, TimeInForce};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::records::{Admin, SettlementSlot};
use aeromatch_engine::record::{ALL_INSTRUMENTS, ClientId, Command, Terms, as_bytes, extension, flag, present};
use aeromatch_engine::rules::Rules;

const ACCOUNTS: u64 = 5;
/// A plain one, a settled one, the outcomes of an event, and one that does not exist.
const INSTRUMENTS: u64 = 5;

/// Makes batches one after the other.
pub struct Workload {
    random: Random,
    now_ns: u64,
    setup: std::vec::IntoIter<Admin>,
}

impl Workload {
    /// The batches of a seed.
    pub fn new(seed: u64) -> Workload {
        Workload { random: Random::new(seed), now_ns: 1, setup: setup().into_iter() }
    }

    /// The next batch: at first what makes the market, then what happens in it.
    pub fn batch(&mut self) -> Vec<u8> {
        let mut slots = Vec::new();
        let count = match self.random.below(40) {
            0 => 60 + self.random.below(120),
            1..=4 => 10 + self.random.below(20),
            _ => 1 + self.random.below(6),
        };
        for _ in 0..count {
            match self.setup.next() {
                Some(admin) => slots.extend_from_slice(&admin.to_bytes()),
                None => self.command(&mut slots),
            }
        }
        slots
    }

    /// A batch that is taken while the disk is full too, as long as there is room.
    pub fn relief(&mut self) -> Vec<u8> {
        let cancel = Command { instrument: self.instrument(), ..Command::cancel(self.order_id()) };
        as_bytes(&[cancel]).to_vec()
    }

    fn instrument(&mut self) -> u32 {
        1 + self.random.below(INSTRUMENTS) as u32
    }

    fn account(&mut self) -> u32 {
        1 + self.random.below(ACCOUNTS + 1) as u32
    }

    fn order_id(&mut self) -> u64 {
        u64::from(self.instrument()) << 40 | self.random.below(200)
    }

    fn command(&mut self, slots: &mut Vec<u8>) {
        self.now_ns += self.random.below(3);
        let (instrument, account) = (self.instrument(), self.account());
        let (lots, kind) = (self.random.below(20), self.random.below(100));
        let (timestamp_ns, order_id) = (self.now_ns, self.order_id());
        let of = |kind| Command { instrument, timestamp_ns, ..Command::of(kind) };
        let command = match kind {
            0..=59 => return self.order(Command { account, ..of(CommandKind::New) }, slots),
            60..=79 => Command { order_id, ..of(CommandKind::Cancel) },
            80..=84 => Command { order_id, flags: flag::QUANTITY, quantity_lots: lots, ..of(CommandKind::Amend) },
            85 => Command { account, ..of(CommandKind::MassCancel) },
            86 => Command {
                order_type: self.random.pick(&[Phase::Auction, Phase::Continuous]).code(),
                ..of(CommandKind::Phase)
            },
            87 => Command { order_type: Phase::Continuous.code(), ..of(CommandKind::Phase) },
            88 => Command { instrument: ALL_INSTRUMENTS, ..of(CommandKind::AdvanceTime) },
            _ => return slots.extend_from_slice(&self.admin(account, lots).to_bytes()),
        };
        slots.extend_from_slice(as_bytes(&[command]));
    }

    fn order(&mut self, base: Command, slots: &mut Vec<u8>) {
        let side = self.random.pick(&[Side::Buy, Side::Sell]);
        let random = &mut self.random;
        let time_in_force = random.pick(&[TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Day, TimeInForce::Ioc]);
        // A hidden order's terms have one bit, and a client id of no characters has none.
        let terms = random.one_in(6).then_some(Terms { present: present::DISPLAY, ..Terms::NONE });
        let name: [u8; 3] = std::array::from_fn(|_| b'a' + random.below(4) as u8);
        let length = random.index(4);
        let client_id = random.one_in(6).then(|| ClientId::new(&name[..length]));
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let order = Command {
            side: side.code(),
            time_in_force: time_in_force.code(),
            extensions: bit(terms.is_some(), extension::TERMS) | bit(client_id.is_some(), extension::CLIENT_ID),
            flags: flag::PRICE,
            price_ticks: 1 + random.below(9) as i64,
            quantity_lots: random.below(20),
            // Now and then a number is left out (R4).
            sequence: if random.one_in(50) { random.below(5000) } else { 0 },
            ..base
        };
        slots.extend_from_slice(as_bytes(&[order]));
        terms.iter().for_each(|terms| slots.extend_from_slice(as_bytes(&[*terms])));
        client_id.iter().for_each(|id| slots.extend_from_slice(as_bytes(&[*id])));
    }

    fn admin(&mut self, account: u32, lots: u64) -> Admin {
        let asset = 1 + self.random.below(5) as u32;
        match self.random.below(40) {
            0..=11 => Admin::funds(AdminKind::Deposit, account, asset, u128::from(lots) * 50, 1, None),
            12..=19 => Admin::funds(AdminKind::Withdraw, account, asset, u128::from(lots), 1, Some("again")),
            20..=24 => Admin::funds(AdminKind::Transfer, account, asset, u128::from(lots), 1 | 2 << 32, Some("once")),
            25..=31 => Admin::sets(AdminKind::Mint, 1, account, lots),
            32..=36 => Admin::sets(AdminKind::Redeem, 1, account, lots),
            37 => Admin::named(AdminKind::CreateAccount, [["late", "later", "latest"][self.random.index(3)]]),
            38 if self.random.one_in(5) => Admin::settle(1, SettlementMode::Full, lots % 2, None),
            _ => Admin::named(AdminKind::CreateGroup, ["again"]),
        }
    }
}

/// What makes the market.
fn setup() -> Vec<Admin> {
    let mut plain = Admin::named(AdminKind::CreateInstrument, ["PLAIN", "1", "1"]);
    plain.rules = Some((Rules { dedup_window_ns: 5, ..Rules::default() }, IndexKind::BTree));
    let mut spot = Admin::named(AdminKind::CreateInstrument, ["SPOT", "1", "1", "BASE", "CASH", "main", "fees"]);
    spot.rules = Some((Rules::default(), IndexKind::BTree));
    let units = SettlementSlot { lot_base_units: 7, tick_lot_units: 3, ..SettlementSlot::default() };
    spot.settlement = Some(SettlementSlot { maker_fee_bps: -3, taker_fee_bps: 40, ..units });
    let names = ["event", "0.1", "1", "CASH", "main", "fees", "yes", "no"];
    let mut event = Admin::named(AdminKind::CreateEvent, names);
    event.rules = Some((Rules::default(), IndexKind::BTree));
    let units = SettlementSlot { lot_base_units: 1, tick_lot_units: 3, unit_ticks: 10, ..SettlementSlot::default() };
    event.settlement = Some(SettlementSlot { taker_fee_bps: 150, ..units });
    let mut setup = vec![plain, spot, event, Admin::named(AdminKind::CreateGroup, ["other"])];
    let names = ["a", "b", "c", "d"];
    setup.extend(names.map(|name| Admin::named(AdminKind::CreateAccount, [name])));
    for account in 1..=ACCOUNTS as u32 {
        setup.extend([1, 2].map(|asset| Admin::funds(AdminKind::Deposit, account, asset, 2000, 1, None)));
    }
    setup
}
