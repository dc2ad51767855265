//! Commands to the exchange itself, beyond the orders of one book: how they stand in slots (docs/records.md), built here and
//! decoded here. Decoding never trusts its input.

use crate::codes::{
    AdminKind, CommandKind, Matching, OffsetUnit, PlaceKind, SelfTradePrevention, SettlementMode, TransferPart,
};
use crate::engine::IndexKind;
use crate::offset::Offset;
use crate::record::{
    Command, NO_SIDE, Problem, RECORD_VERSION, RecordError, SLOT_BYTES, as_bytes, fail, known, read, unused,
};
use crate::rules::Rules;

pub use super::subject::{Subject, subject_of};

/// Bytes of text that one slot holds.
pub const MAX_TEXT_BYTES: usize = SLOT_BYTES - 1;
/// Most outcomes of an event.
pub const MAX_OUTCOMES: usize = 15;
/// Most text slots of a command: an event's six and its outcomes.
const MAX_TEXTS: usize = 6 + MAX_OUTCOMES;

/// Bits of [`Command::extensions`] for the kinds of [`AdminKind`]; the slots follow in this order.
pub mod slot {
    /// The rules of an instrument.
    pub const RULES: u8 = 4;
    /// What its settlement needs.
    pub const SETTLEMENT: u8 = 8;
    /// What each outcome pays.
    pub const PAYOUTS: u8 = 16;
    /// Texts; their number stands in the command's byte 6.
    pub const TEXTS: u8 = 32;
}

/// What the settlement of an instrument needs (R30, R31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettlementSlot {
    /// Decimals of the base asset, or of an event's shares.
    pub base_decimals: u8,
    /// Decimals of the quote asset, or of an event's currency.
    pub quote_decimals: u8,
    /// Maker's fee in basis points; below 0 it is a rebate.
    pub maker_fee_bps: i16,
    /// Taker's fee in basis points.
    pub taker_fee_bps: i16,
    /// Units of the base asset in a lot.
    pub lot_base_units: u64,
    /// Units of the quote asset that a lot costs at a price of one tick.
    pub tick_lot_units: u64,
    /// Events: ticks in one unit of cash; else 0.
    pub unit_ticks: u32,
}

/// A decoded command to the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Its own slot.
    pub command: Command,
    /// What it asks for.
    pub kind: AdminKind,
    /// Rules and price index, where the kind carries them.
    pub rules: Option<(Rules, IndexKind)>,
    /// What settlement needs, where the kind carries it.
    pub settlement: Option<SettlementSlot>,
    /// Ticks by outcome, where the kind carries them.
    pub payouts: Option<Vec<u32>>,
    /// Names, in the order of docs/records.md.
    pub texts: Vec<String>,
}

impl Admin {
    /// A command of that kind with nothing else set.
    pub fn of(kind: AdminKind) -> Admin {
        let command = Command { kind: kind.code(), ..Command::of(CommandKind::New) };
        Admin { command, kind, rules: None, settlement: None, payouts: None, texts: Vec::new() }
    }

    /// A command that makes something under that name, or names.
    pub fn named<'a>(kind: AdminKind, texts: impl IntoIterator<Item = &'a str>) -> Admin {
        Admin { texts: texts.into_iter().map(str::to_string).collect(), ..Admin::of(kind) }
    }

    /// An amount of an asset for an account: deposit, withdrawal or transfer. `groups` is the clearing group, of a transfer the
    /// group it leaves and, above 32 bits, the one it goes to.
    pub fn funds(kind: AdminKind, account: u32, asset: u32, amount: u128, groups: u64, id: Option<&str>) -> Admin {
        let mut admin = Admin::named(kind, id);
        admin.command.account = account;
        admin.command.instrument = asset;
        admin.command.quantity_lots = amount as u64;
        admin.command.order_id = (amount >> 64) as u64;
        admin.command.price_ticks = groups as i64;
        admin
    }

    /// Full sets of an event's shares, to mint or to redeem.
    pub fn sets(kind: AdminKind, event: u32, account: u32, lots: u64) -> Admin {
        let mut admin = Admin::of(kind);
        admin.command.instrument = event;
        admin.command.account = account;
        admin.command.quantity_lots = lots;
        admin
    }

    /// The end of an event: the winning outcome's place, from 0, or what each outcome pays.
    pub fn settle(event: u32, mode: SettlementMode, outcome: u64, payouts: Option<Vec<u32>>) -> Admin {
        let mut admin = Admin { payouts, ..Admin::of(AdminKind::Settle) };
        admin.command.instrument = event;
        admin.command.order_type = mode.code();
        admin.command.quantity_lots = outcome;
        admin
    }

    /// The first command of a log: it is this shard of that many.
    pub fn partition(shard: u16, shards: u16) -> Admin {
        let mut admin = Admin::of(AdminKind::Partition);
        admin.command.quantity_lots = u64::from(shard);
        admin.command.order_id = u64::from(shards);
        admin
    }

    /// The shard of a clearing group or of an instrument that is not settled, before it is made.
    pub fn place(kind: PlaceKind, name: &str, shard: u16) -> Admin {
        let mut admin = Admin::named(AdminKind::Place, [name]);
        admin.command.order_type = kind.code();
        admin.command.quantity_lots = u64::from(shard);
        admin
    }

    /// The amount of a deposit, withdrawal or transfer.
    pub fn amount(&self) -> u128 {
        u128::from(self.command.order_id) << 64 | u128::from(self.command.quantity_lots)
    }

    /// The clearing group that a deposit, withdrawal or transfer names first.
    pub fn group(&self) -> u32 {
        self.command.price_ticks as u64 as u32
    }

    /// The clearing group that a transfer goes to.
    pub fn target_group(&self) -> u32 {
        (self.command.price_ticks as u64 >> 32) as u32
    }

    /// Is it what a transfer brings to another shard, and not what somebody asked for?
    pub fn is_second_half(&self) -> bool {
        self.kind == AdminKind::Transfer && self.command.order_type == TransferPart::Arrival.code()
    }

    /// Its slots' bytes.
    ///
    /// # Panics
    /// For texts that no slot holds (1 to [`MAX_TEXT_BYTES`] bytes), and for more texts or payouts than a command carries.
    pub fn to_bytes(&self) -> Vec<u8> {
        assert!(self.texts.len() <= MAX_TEXTS, "a command carries at most {MAX_TEXTS} texts");
        let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let extensions = bit(self.rules.is_some(), slot::RULES)
            | bit(self.settlement.is_some(), slot::SETTLEMENT)
            | bit(self.payouts.is_some(), slot::PAYOUTS)
            | bit(!self.texts.is_empty(), slot::TEXTS);
        let command = Command { extensions, self_trade_prevention: self.texts.len() as u8, ..self.command };
        let mut out = as_bytes(&[command]).to_vec();
        if let Some((rules, index)) = &self.rules {
            out.extend_from_slice(&rules_slot(rules, *index));
        }
        if let Some(settlement) = &self.settlement {
            out.extend_from_slice(&settlement_slot(settlement));
        }
        if let Some(payouts) = &self.payouts {
            out.extend_from_slice(&payouts_slot(payouts));
        }
        self.texts.iter().for_each(|text| out.extend_from_slice(&text_slot(text)));
        out
    }
}

type Slot = [u8; SLOT_BYTES];

fn put<const N: usize>(slot: &mut Slot, at: usize, bytes: [u8; N]) {
    slot[at..at + N].copy_from_slice(&bytes);
}

fn get<const N: usize>(slot: &Slot, at: usize) -> [u8; N] {
    std::array::from_fn(|byte| slot[at + byte])
}

fn rules_slot(rules: &Rules, index: IndexKind) -> Slot {
    let mut slot = [0; SLOT_BYTES];
    let (reference, band, breaker) = (rules.reference_price_ticks, rules.static_band, rules.circuit_breaker);
    let present = u8::from(reference.is_some()) | u8::from(band.is_some()) << 1 | u8::from(breaker.is_some()) << 2;
    let unit = |offset: Option<Offset>| offset.map_or(0, |offset| offset.unit.code());
    let codes = [1, rules.self_trade_prevention.code(), rules.matching.code(), index.code()];
    put(&mut slot, 0, codes);
    put(&mut slot, 4, [present, unit(band), unit(breaker)]);
    put(&mut slot, 8, rules.fifo_share_bps.to_le_bytes());
    put(&mut slot, 16, rules.dedup_window_ns.to_le_bytes());
    put(&mut slot, 24, reference.unwrap_or(0).to_le_bytes());
    put(&mut slot, 32, band.map_or(0, |band| band.value).to_le_bytes());
    put(&mut slot, 40, breaker.map_or(0, |band| band.value).to_le_bytes());
    put(&mut slot, 48, rules.halt_ns.to_le_bytes());
    slot
}

fn read_rules(slot: &Slot, instrument: u32) -> Result<(Rules, IndexKind), Problem> {
    known(0, "rules", slot[0], slot[0] == 1)?;
    let problem = |at: usize, field: &'static str| (at, field, format!("unknown value {}", slot[at]));
    let index = IndexKind::from_code(slot[3]).ok_or_else(|| problem(3, "price index"))?;
    let present = slot[4];
    known(4, "present", present, present < 8)?;
    let reference = i64::from_le_bytes(get(slot, 24));
    unused(24, "reference price", reference == 0 || present & 1 != 0)?;
    let band = |bit: u8, unit_at: usize, at: usize, field: &'static str| {
        let unit = OffsetUnit::from_code(slot[unit_at]).ok_or_else(|| problem(unit_at, field))?;
        let value = u64::from_le_bytes(get(slot, at));
        let is_given = present & bit != 0;
        unused(at, field, is_given || (value == 0 && unit == OffsetUnit::Ticks))?;
        Ok(is_given.then_some(Offset { unit, value }))
    };
    unused(7, "padding", slot[7] == 0 && slot[10..16].iter().chain(&slot[56..]).all(|&byte| byte == 0))?;
    let rules = Rules {
        instrument,
        dedup_window_ns: u64::from_le_bytes(get(slot, 16)),
        self_trade_prevention: SelfTradePrevention::from_code(slot[1])
            .ok_or_else(|| problem(1, "self-trade prevention"))?,
        matching: Matching::from_code(slot[2]).ok_or_else(|| problem(2, "matching"))?,
        fifo_share_bps: u16::from_le_bytes(get(slot, 8)),
        reference_price_ticks: (present & 1 != 0).then_some(reference),
        static_band: band(2, 5, 32, "static band")?,
        circuit_breaker: band(4, 6, 40, "circuit breaker")?,
        halt_ns: u64::from_le_bytes(get(slot, 48)),
    };
    Ok((rules, index))
}

fn settlement_slot(terms: &SettlementSlot) -> Slot {
    let mut slot = [0; SLOT_BYTES];
    put(&mut slot, 0, [1, terms.base_decimals, terms.quote_decimals]);
    put(&mut slot, 4, terms.maker_fee_bps.to_le_bytes());
    put(&mut slot, 6, terms.taker_fee_bps.to_le_bytes());
    put(&mut slot, 8, terms.lot_base_units.to_le_bytes());
    put(&mut slot, 16, terms.tick_lot_units.to_le_bytes());
    put(&mut slot, 24, terms.unit_ticks.to_le_bytes());
    slot
}

fn read_settlement(slot: &Slot) -> Result<SettlementSlot, Problem> {
    known(0, "settlement", slot[0], slot[0] == 1)?;
    unused(3, "padding", slot[3] == 0 && slot[28..].iter().all(|&byte| byte == 0))?;
    Ok(SettlementSlot {
        base_decimals: slot[1],
        quote_decimals: slot[2],
        maker_fee_bps: i16::from_le_bytes(get(slot, 4)),
        taker_fee_bps: i16::from_le_bytes(get(slot, 6)),
        lot_base_units: u64::from_le_bytes(get(slot, 8)),
        tick_lot_units: u64::from_le_bytes(get(slot, 16)),
        unit_ticks: u32::from_le_bytes(get(slot, 24)),
    })
}

fn payouts_slot(payouts: &[u32]) -> Slot {
    assert!((1..=MAX_OUTCOMES).contains(&payouts.len()), "an event has 2 to {MAX_OUTCOMES} outcomes");
    let mut slot = [0; SLOT_BYTES];
    slot[0] = payouts.len() as u8;
    for (place, ticks) in payouts.iter().enumerate() {
        put(&mut slot, 4 + place * 4, ticks.to_le_bytes());
    }
    slot
}

fn read_payouts(slot: &Slot) -> Result<Vec<u32>, Problem> {
    let count = usize::from(slot[0]);
    known(0, "number of payouts", slot[0], (1..=MAX_OUTCOMES).contains(&count))?;
    let end = 4 + count * 4;
    unused(1, "padding", slot[1..4].iter().chain(&slot[end..]).all(|&byte| byte == 0))?;
    Ok((0..count).map(|place| u32::from_le_bytes(get(slot, 4 + place * 4))).collect())
}

fn text_slot(text: &str) -> Slot {
    assert!((1..=MAX_TEXT_BYTES).contains(&text.len()), "a text has 1 to {MAX_TEXT_BYTES} bytes");
    let mut slot = [0; SLOT_BYTES];
    slot[0] = text.len() as u8;
    slot[1..=text.len()].copy_from_slice(text.as_bytes());
    slot
}

fn read_text(slot: &Slot) -> Result<String, Problem> {
    let length = usize::from(slot[0]);
    known(0, "length", slot[0], (1..=MAX_TEXT_BYTES).contains(&length))?;
    let (text, behind) = slot[1..].split_at(length);
    unused(1 + length, "text", behind.iter().all(|&byte| byte == 0))?;
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_string()),
        Err(_) => Err((1, "text", "not UTF-8".to_string())),
    }
}

/// Is the command that starts at `slot` one to the exchange itself? `None` where there is no slot.
#[inline(always)]
pub(crate) fn is_admin(bytes: &[u8], slot: usize) -> Option<bool> {
    bytes.get(slot.checked_mul(SLOT_BYTES)?).map(|&kind| kind >= AdminKind::CreateAsset.code())
}

/// The slots behind a command's own, one after the other.
struct Slots<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl Slots<'_> {
    fn take<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&Slot) -> Result<T, Problem>,
    ) -> Result<T, RecordError> {
        let (slot, start) = (self.next, self.next * SLOT_BYTES);
        let Some(taken) = self.bytes.get(start..).and_then(|rest| rest.first_chunk::<SLOT_BYTES>()) else {
            let left = self.bytes.len().saturating_sub(start);
            return Err(fail(slot, 0, what, format!("cut short: {left} of {SLOT_BYTES} bytes")));
        };
        self.next += 1;
        read(taken).map_err(|(at, field, problem)| fail(slot, at, field, problem))
    }
}

/// Reads the command to the exchange that starts at `slot`, and returns how many slots it takes.
///
/// # Errors
/// [`RecordError`] for truncated input, unknown kinds, versions and codes, and for fields that the kind does not use but are
/// not unset.
pub fn decode(bytes: &[u8], slot: usize) -> Result<(Admin, usize), RecordError> {
    let command: Command = read(bytes, slot, "command")?;
    let kind = check_command(&command).map_err(|(at, field, problem)| fail(slot, at, field, problem))?;
    let mut admin = Admin { command, ..Admin::of(kind) };
    let mut slots = Slots { bytes, next: slot + 1 };
    let has = |bit: u8| command.extensions & bit != 0;
    if has(slot::RULES) {
        admin.rules = Some(slots.take("rules", |slot| read_rules(slot, command.instrument))?);
    }
    if has(slot::SETTLEMENT) {
        admin.settlement = Some(slots.take("settlement", read_settlement)?);
    }
    if has(slot::PAYOUTS) {
        admin.payouts = Some(slots.take("payouts", read_payouts)?);
    }
    for _ in 0..command.self_trade_prevention {
        admin.texts.push(slots.take("text", read_text)?);
    }
    Ok((admin, slots.next - slot))
}

/// Which slots a kind may carry, and how many texts: the least and the most.
const fn shape(kind: AdminKind) -> (u8, usize, usize) {
    match kind {
        AdminKind::CreateAsset | AdminKind::CreateGroup | AdminKind::CreateAccount | AdminKind::Place => {
            (slot::TEXTS, 1, 1)
        }
        AdminKind::CreateInstrument => (slot::RULES | slot::SETTLEMENT | slot::TEXTS, 3, 7),
        AdminKind::CreateEvent => (slot::RULES | slot::SETTLEMENT | slot::TEXTS, 8, MAX_TEXTS),
        AdminKind::Deposit | AdminKind::Withdraw => (slot::TEXTS, 0, 1),
        AdminKind::Transfer => (slot::TEXTS, 1, 1),
        AdminKind::Mint | AdminKind::Redeem | AdminKind::Partition => (0, 0, 0),
        AdminKind::Settle => (slot::PAYOUTS, 0, 0),
    }
}

/// The fields that a kind may use.
fn check_command(c: &Command) -> Result<AdminKind, Problem> {
    known(1, "version", c.version, c.version == RECORD_VERSION)?;
    let Some(kind) = AdminKind::from_code(c.kind) else {
        return Err((0, "kind", format!("unknown value {}", c.kind)));
    };
    let (slots, least, most) = shape(kind);
    let count = usize::from(c.self_trade_prevention);
    known(2, "extensions", c.extensions, c.extensions & !slots == 0)?;
    known(6, "number of texts", c.self_trade_prevention, (least..=most).contains(&count))?;
    known(2, "extensions", c.extensions, (c.extensions & slot::TEXTS != 0) == (count > 0))?;
    known(3, "side", c.side, c.side == NO_SIDE)?;
    match kind {
        AdminKind::CreateAsset => {}
        AdminKind::Settle => {
            known(4, "settlement mode", c.order_type, SettlementMode::from_code(c.order_type).is_some())?;
        }
        AdminKind::Transfer => {
            known(4, "part of a transfer", c.order_type, TransferPart::from_code(c.order_type).is_some())?;
        }
        AdminKind::Place => known(4, "what is placed", c.order_type, PlaceKind::from_code(c.order_type).is_some())?,
        _ => unused(4, "order type", c.order_type == 0)?,
    }
    unused(5, "time in force", c.time_in_force == 0)?;
    unused(7, "flags", c.flags == 0)?;
    let is_funds = matches!(kind, AdminKind::Deposit | AdminKind::Withdraw | AdminKind::Transfer);
    let is_sets = matches!(kind, AdminKind::Mint | AdminKind::Redeem);
    let names_number = is_funds || is_sets || matches!(kind, AdminKind::CreateInstrument | AdminKind::Settle);
    unused(8, "instrument", c.instrument == 0 || names_number)?;
    unused(12, "account", c.account == 0 || is_funds || is_sets)?;
    unused(16, "price_ticks", c.price_ticks == 0 || is_funds)?;
    let names_shard = matches!(kind, AdminKind::Partition | AdminKind::Place);
    let counts = is_funds || is_sets || names_shard || kind == AdminKind::Settle;
    unused(24, "quantity_lots", c.quantity_lots == 0 || counts)?;
    unused(32, "order_id", c.order_id == 0 || is_funds || kind == AdminKind::Partition)?;
    if is_funds && kind != AdminKind::Transfer {
        unused(20, "target group", c.price_ticks as u64 >> 32 == 0)?;
    }
    Ok(kind)
}
