//! The 64-byte slots: commands in, events out (docs/records.md). Decoding never trusts its input.
//!
//! `unsafe` here is the view of plain old data as bytes and back: both structs are `repr(C)`, 64 bytes, without padding,
//! made of integers only, so every bit pattern is a value.

use crate::codes::{CommandKind, EventKind, OffsetUnit, OrderType, Phase, SelfTradePrevention, Side, TimeInForce};
use crate::offset::Offset;
use std::fmt;

/// Bytes of a slot.
pub const SLOT_BYTES: usize = 64;
/// The version that commands and events carry.
pub const RECORD_VERSION: u8 = 1;
/// Largest quantity of one order, in lots (R1).
pub const MAX_QUANTITY_LOTS: u64 = 1 << 48;
/// The side byte where there is no side, or both.
pub const NO_SIDE: u8 = 255;

/// Bits of [`Command::extensions`].
pub mod extension {
    /// A terms slot follows.
    pub const TERMS: u8 = 1;
    /// A client id slot follows (behind the terms).
    pub const CLIENT_ID: u8 = 2;
}

/// Bits of [`Command::flags`].
pub mod flag {
    /// Rejected rather than taking (R13).
    pub const POST_ONLY: u8 = 1;
    /// Post-only: repriced rather than rejected.
    pub const SLIDE: u8 = 2;
    /// `price_ticks` counts (0 is a legal price).
    pub const PRICE: u8 = 4;
    /// `quantity_lots` counts (amend).
    pub const QUANTITY: u8 = 8;
    /// The sender's price cannot be expressed in ticks (R1).
    pub const PRICE_OFF_GRID: u8 = 16;
}

/// Bits of [`Terms::present`].
pub mod present {
    /// `stop_price_ticks` counts.
    pub const STOP: u8 = 1;
    /// `trail_offset` and `trail_unit` count.
    pub const TRAIL: u8 = 2;
    /// `display_lots` counts: 0 is hidden.
    pub const DISPLAY: u8 = 4;
    /// `minimum_lots` counts.
    pub const MINIMUM: u8 = 8;
    /// `expire_at_ns` counts.
    pub const EXPIRE_AT: u8 = 16;
    /// `protection_price_ticks` counts.
    pub const PROTECTION: u8 = 32;
    /// `self_trade_group` counts.
    pub const GROUP: u8 = 64;
    /// `protection_price_ticks` is the most that a market buy may cost, in units of the quote asset, read as a `u64`; legal
    /// where funds are settled only (R30).
    pub const BUDGET: u8 = 128;
}

/// What the exchange has found wrong with a command before its book sees it: bits of [`EventSink::faults`].
pub mod fault {
    /// A price that a settled instrument cannot have.
    pub const PRICE: u8 = 1;
    /// A market buy without a bound, or with two.
    pub const COMBINATION: u8 = 2;
    /// The account cannot pay.
    pub const FUNDS: u8 = 4;
}

/// What `accepted` says of a new order in its `reason` byte, beside the [`OrderType`]'s code.
pub mod shape {
    /// The order is not displayed where it rests: hidden, or all or none.
    pub const UNDISPLAYED: u8 = 8;
    /// It shows a slice at a time.
    pub const SLICES: u8 = 16;
    /// It was entered for the second of two outcomes: the event has it in the first one's terms (R32).
    pub const MIRRORED: u8 = 32;
    /// All of them: what is left of the byte is the order type.
    pub const ALL: u8 = UNDISPLAYED | SLICES | MIRRORED;
}

/// One entry of the log. Build it with [`Command::limit`] and its siblings or decode it with [`decode`].
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// [`CommandKind`].
    pub kind: u8,
    /// [`RECORD_VERSION`].
    pub version: u8,
    /// [`extension`] bits.
    pub extensions: u8,
    /// [`Side`] or [`NO_SIDE`].
    pub side: u8,
    /// [`OrderType`]; in a phase command the [`Phase`].
    pub order_type: u8,
    /// [`TimeInForce`].
    pub time_in_force: u8,
    /// [`SelfTradePrevention`], or 0 for the instrument's.
    pub self_trade_prevention: u8,
    /// [`flag`] bits.
    pub flags: u8,
    /// The instrument's number.
    pub instrument: u32,
    /// The account's number, 0 for none.
    pub account: u32,
    /// Limit price in ticks.
    pub price_ticks: i64,
    /// Quantity, or an amend's new total, in lots.
    pub quantity_lots: u64,
    /// The order to cancel or amend.
    pub order_id: u64,
    /// Nanoseconds since the Unix epoch; what is earlier than the last one seen counts as that (R2).
    pub timestamp_ns: u64,
    /// Number in the shard's log; 0: the next one (R4).
    pub sequence: u64,
    /// The sender's own number, returned in the command's first event.
    pub tag: u64,
}

/// Rarer terms of a new order: the first extension slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// [`present`] bits.
    pub present: u8,
    /// [`OffsetUnit`] of the trail offset.
    pub trail_unit: u8,
    /// Zero.
    pub zero: [u8; 6],
    /// Stop price (R15).
    pub stop_price_ticks: i64,
    /// How far behind the last trade a trailing stop follows (R15).
    pub trail_offset: u64,
    /// What an iceberg shows at a time (R14).
    pub display_lots: u64,
    /// The least that must be there on arrival (R21).
    pub minimum_lots: u64,
    /// When a GTD order ends.
    pub expire_at_ns: u64,
    /// Worst price of a market order.
    pub protection_price_ticks: i64,
    /// Orders of one group count as one owner (R25); 0 is none.
    pub self_trade_group: u32,
    /// Zero.
    pub zero_too: u32,
}

/// A client order id: the second extension slot.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    /// Bytes of the text; 255 for a text longer than the slot holds.
    pub length: u8,
    /// The text, zero behind its end.
    pub text: [u8; 36],
    /// Zero.
    pub zero: [u8; 27],
}

/// Header of the plainest new order: a limit without extensions, own self-trade mode or flags.
pub(crate) const PLAIN_LIMIT: u64 = Command::limit(Side::Buy, 0, 0).header();
/// The bits of it that vary: side 0 or 1, time in force 0 to 3.
pub(crate) const PLAIN_FREE: u64 = 1 << 24 | 3 << 40;
/// Header of a cancel by order id.
pub(crate) const PLAIN_CANCEL: u64 = Command::cancel(0).header();
/// Header of an amend by order id that gives a total and no price.
pub(crate) const PLAIN_RESIZE: u64 = Command { flags: flag::QUANTITY, ..Command::of(CommandKind::Amend) }.header();

/// What stands in the slots behind a command's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Present if [`extension::TERMS`] is set.
    pub terms: Option<Terms>,
    /// Present if [`extension::CLIENT_ID`] is set.
    pub client_id: Option<ClientId>,
}

impl Extensions {
    /// No extension slots.
    pub const NONE: Extensions = Extensions { terms: None, client_id: None };
}

/// One thing that happened. Fields by kind: docs/records.md.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// [`EventKind`].
    pub kind: u8,
    /// [`RECORD_VERSION`].
    pub version: u8,
    /// Reason of a rejection or cancel; accepted: order type and [`shape`] bits; amended: 1 where priority was kept; the phase.
    pub reason: u8,
    /// [`Side`] or [`NO_SIDE`].
    pub side: u8,
    /// The instrument's number.
    pub instrument: u32,
    /// Account of the order in `order_id`; of the command in a rejection.
    pub account: u32,
    /// Place within its command, from 0.
    pub index: u32,
    /// Price in ticks.
    pub price_ticks: i64,
    /// Quantity in lots.
    pub quantity_lots: u64,
    /// The order; in a trade the maker.
    pub order_id: u64,
    /// Trade: the taker; decremented: the aggressor; amended: the new total; accepted, rejected: time now.
    pub other: u64,
    /// The command's number in the log.
    pub sequence: u64,
    /// Trade id, or the command's tag.
    pub detail: u64,
}

/// Mass cancel and advance time: every instrument.
pub const ALL_INSTRUMENTS: u32 = u32::MAX;
/// An account, asset, group or event that does not exist: what a sender puts who knows only a name that is not there.
pub const UNKNOWN: u32 = u32::MAX;

const _: () = {
    assert!(size_of::<Command>() == SLOT_BYTES && size_of::<Terms>() == SLOT_BYTES);
    assert!(size_of::<ClientId>() == SLOT_BYTES && size_of::<Event>() == SLOT_BYTES);
    assert!(cfg!(target_endian = "little"), "the slots are little-endian");
};

impl Command {
    /// A command of that kind with nothing else set.
    #[inline(always)]
    pub const fn of(kind: CommandKind) -> Command {
        Command {
            kind: kind as u8,
            version: RECORD_VERSION,
            extensions: 0,
            side: NO_SIDE,
            order_type: 0,
            time_in_force: 0,
            self_trade_prevention: 0,
            flags: 0,
            instrument: 0,
            account: 0,
            price_ticks: 0,
            quantity_lots: 0,
            order_id: 0,
            timestamp_ns: 0,
            sequence: 0,
            tag: 0,
        }
    }

    /// A new limit order, GTC unless changed.
    #[inline(always)]
    pub const fn limit(side: Side, price_ticks: i64, quantity_lots: u64) -> Command {
        Command { side: side as u8, flags: flag::PRICE, price_ticks, quantity_lots, ..Command::of(CommandKind::New) }
    }

    /// A new market order.
    #[inline(always)]
    pub const fn market(side: Side, quantity_lots: u64) -> Command {
        Command {
            side: side as u8,
            order_type: OrderType::Market as u8,
            quantity_lots,
            ..Command::of(CommandKind::New)
        }
    }

    /// Cancel by order id.
    #[inline(always)]
    pub const fn cancel(order_id: u64) -> Command {
        Command { order_id, ..Command::of(CommandKind::Cancel) }
    }

    /// The first eight bytes as one number: one comparison tells the plainest commands from the rest.
    #[inline(always)]
    pub const fn header(&self) -> u64 {
        u64::from_le_bytes([
            self.kind,
            self.version,
            self.extensions,
            self.side,
            self.order_type,
            self.time_in_force,
            self.self_trade_prevention,
            self.flags,
        ])
    }

    /// How many slots this command takes, its own included.
    #[inline(always)]
    pub const fn slots(&self) -> usize {
        1 + (self.extensions & 1) as usize + (self.extensions >> 1 & 1) as usize
    }
}

impl Terms {
    /// No term at all.
    pub const NONE: Terms = Terms {
        present: 0,
        trail_unit: 0,
        zero: [0; 6],
        stop_price_ticks: 0,
        trail_offset: 0,
        display_lots: 0,
        minimum_lots: 0,
        expire_at_ns: 0,
        protection_price_ticks: 0,
        self_trade_group: 0,
        zero_too: 0,
    };

    /// The trail offset, where there is one.
    pub(crate) fn trail(&self) -> Offset {
        Offset { unit: OffsetUnit::from_code(self.trail_unit).unwrap_or(OffsetUnit::Ticks), value: self.trail_offset }
    }
}

impl ClientId {
    /// The id of a text; one that is too long keeps its first bytes and is rejected by the book.
    pub fn new(text: &[u8]) -> ClientId {
        let mut id = ClientId { length: text.len().min(255) as u8, text: [0; 36], zero: [0; 27] };
        let kept = text.len().min(36);
        id.text[..kept].copy_from_slice(&text[..kept]);
        if text.len() > 36 {
            id.length = 255;
        }
        id
    }

    /// The text's bytes (the first 36 of one that is too long).
    pub fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length).min(36)]
    }

    /// R5: 1 to 36 printable ASCII characters.
    pub fn is_legal(&self) -> bool {
        (1..=36).contains(&self.length) && self.bytes().iter().all(|byte| (0x20..=0x7e).contains(byte))
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({:?})", String::from_utf8_lossy(self.bytes()))
    }
}

/// Where events go. The book is generic over it, so an adapter's sink is compiled into the matching loop.
pub trait EventSink {
    /// Takes the next event.
    fn event(&mut self, event: Event);

    /// A price level's displayed quantity or count changed; may be called more than once for a level (R7).
    #[inline(always)]
    fn level_touched(&mut self, _side: Side, _price_ticks: i64) {}

    /// What follows is of that instrument's book. An exchange says so; a book alone does not.
    #[inline(always)]
    fn book(&mut self, _instrument: u32) {}

    /// [`fault`] bits of the command under way: each makes its rejection at its place in R8. Where nothing is settled there
    /// are none, and as a constant they cost nothing.
    #[inline(always)]
    fn faults(&self) -> u8 {
        0
    }
}

impl EventSink for Vec<Event> {
    #[inline(always)]
    fn event(&mut self, event: Event) {
        self.push(event);
    }
}

/// A slot that is no command: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Number of the offending slot, from 0.
    pub slot: usize,
    /// Byte offset from the start of the input.
    pub offset: usize,
    /// Name of the field, as in docs/records.md.
    pub field: &'static str,
    /// What was found and what would be legal.
    pub problem: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {} (byte {}): {}: {}", self.slot, self.offset, self.field, self.problem)
    }
}

impl std::error::Error for RecordError {}

/// Reads the command that starts at `slot` and its extension slots: each byte once, unaligned, then validated.
///
/// # Errors
/// [`RecordError`] for truncated input, unknown kinds, versions, codes and flags, and for fields that the kind does not
/// use but are not zero.
pub fn decode(bytes: &[u8], slot: usize) -> Result<(Command, Extensions), RecordError> {
    let command: Command = read(bytes, slot, "command")?;
    check_command(&command).map_err(|(at, field, problem)| fail(slot, at, field, problem))?;
    let mut extensions = Extensions::NONE;
    let mut next = slot + 1;
    if command.extensions & extension::TERMS != 0 {
        let terms: Terms = read(bytes, next, "terms")?;
        check_terms(&terms).map_err(|(at, field, problem)| fail(next, at, field, problem))?;
        extensions.terms = Some(terms);
        next += 1;
    }
    if command.extensions & extension::CLIENT_ID != 0 {
        let id: ClientId = read(bytes, next, "client id")?;
        check_client_id(&id).map_err(|(at, field, problem)| fail(next, at, field, problem))?;
        extensions.client_id = Some(id);
    }
    Ok((command, extensions))
}

/// Checks the command that starts at `slot` as [`decode`] does, and returns how many slots it takes. Plain commands, which
/// have nothing that could be wrong but what is looked at here, pass quickly.
#[inline(always)]
pub(crate) fn check(bytes: &[u8], slot: usize) -> Result<usize, RecordError> {
    if let Some(c) = slot_at::<Command>(bytes, slot) {
        let header = c.header();
        // Without short cuts: whether the next command is an order or a cancel is a branch that nobody can foretell.
        let is_order = (header & !PLAIN_FREE == PLAIN_LIMIT) & (c.order_id == 0);
        let is_cancel = (header == PLAIN_CANCEL) & (c.price_ticks as u64 | c.quantity_lots == 0);
        if is_order | is_cancel {
            return Ok(1);
        }
    }
    decode(bytes, slot).map(|(command, _)| command.slots())
}

/// Types that may be copied out of, and viewed as, a slot's bytes.
///
/// # Safety
/// The type is `repr(C)`, has exactly [`SLOT_BYTES`] bytes, no padding, and every bit pattern is a value of it.
pub unsafe trait SlotType: Copy {}
// SAFETY: `repr(C)` structs of integers whose fields fill 64 bytes (asserted above).
unsafe impl SlotType for Command {}
// SAFETY: as above.
unsafe impl SlotType for Terms {}
// SAFETY: as above.
unsafe impl SlotType for ClientId {}
// SAFETY: as above.
unsafe impl SlotType for Event {}

/// The bytes of a slice of slots.
pub fn as_bytes<T: SlotType>(slots: &[T]) -> &[u8] {
    // SAFETY: `SlotType` promises plain 64-byte values without padding, so their bytes are initialised and readable.
    unsafe { std::slice::from_raw_parts(slots.as_ptr().cast(), size_of_val(slots)) }
}

/// Copies slot number `slot` out of `bytes`.
#[inline(always)]
pub(crate) fn slot_at<T: SlotType>(bytes: &[u8], slot: usize) -> Option<T> {
    let start = slot.checked_mul(SLOT_BYTES)?;
    let source = bytes.get(start..start.checked_add(SLOT_BYTES)?)?;
    // SAFETY: `source` has the type's 64 bytes, and every bit pattern is a value of a `SlotType`.
    Some(unsafe { source.as_ptr().cast::<T>().read_unaligned() })
}

pub(crate) fn read<T: SlotType>(bytes: &[u8], slot: usize, what: &'static str) -> Result<T, RecordError> {
    slot_at(bytes, slot).ok_or_else(|| {
        let left = bytes.len().saturating_sub(slot * SLOT_BYTES);
        fail(slot, 0, what, format!("cut short: {left} of {SLOT_BYTES} bytes"))
    })
}

pub(crate) fn fail(slot: usize, at: usize, field: &'static str, problem: String) -> RecordError {
    RecordError { slot, offset: slot * SLOT_BYTES + at, field, problem }
}

pub(crate) type Problem = (usize, &'static str, String);

pub(crate) fn known(at: usize, field: &'static str, value: u8, legal: bool) -> Result<(), Problem> {
    if legal { Ok(()) } else { Err((at, field, format!("unknown value {value}"))) }
}

pub(crate) fn unused(at: usize, field: &'static str, is_unset: bool) -> Result<(), Problem> {
    if is_unset { Ok(()) } else { Err((at, field, "not used by this kind, must be unset".to_string())) }
}

/// The fields that a kind may use, as (extensions, flags) masks and whether side, price/quantity and id are used.
fn check_command(c: &Command) -> Result<(), Problem> {
    known(1, "version", c.version, c.version == RECORD_VERSION)?;
    let Some(kind) = CommandKind::from_code(c.kind) else {
        return Err((0, "kind", format!("unknown value {}", c.kind)));
    };
    let (extensions, flags) = match kind {
        CommandKind::New => (
            extension::TERMS | extension::CLIENT_ID,
            flag::POST_ONLY | flag::SLIDE | flag::PRICE | flag::PRICE_OFF_GRID,
        ),
        CommandKind::Cancel => (extension::CLIENT_ID, 0),
        CommandKind::Amend => (extension::CLIENT_ID, flag::PRICE | flag::QUANTITY | flag::PRICE_OFF_GRID),
        _ => (0, 0),
    };
    known(2, "extensions", c.extensions, c.extensions & !extensions == 0)?;
    known(7, "flags", c.flags, c.flags & !flags == 0)?;
    if kind == CommandKind::New {
        known(3, "side", c.side, Side::from_code(c.side).is_some())?;
        known(4, "order type", c.order_type, OrderType::from_code(c.order_type).is_some())?;
        known(5, "time in force", c.time_in_force, TimeInForce::from_code(c.time_in_force).is_some())?;
        let mode = c.self_trade_prevention;
        known(6, "self-trade prevention", mode, mode == 0 || SelfTradePrevention::from_code(mode).is_some())?;
        unused(32, "order_id", c.order_id == 0)?;
        return unused(16, "price_ticks", c.price_ticks == 0 || c.flags & flag::PRICE != 0);
    }
    let sided = kind == CommandKind::MassCancel && Side::from_code(c.side).is_some();
    known(3, "side", c.side, c.side == NO_SIDE || sided)?;
    if kind == CommandKind::Phase {
        known(4, "phase", c.order_type, Phase::from_code(c.order_type).is_some())?;
    } else {
        unused(4, "order type", c.order_type == 0)?;
    }
    unused(5, "time in force", c.time_in_force == 0)?;
    unused(6, "self-trade prevention", c.self_trade_prevention == 0)?;
    unused(16, "price_ticks", c.price_ticks == 0 || c.flags & flag::PRICE != 0)?;
    unused(24, "quantity_lots", c.quantity_lots == 0 || c.flags & flag::QUANTITY != 0)?;
    let names_order = matches!(kind, CommandKind::Cancel | CommandKind::Amend);
    unused(32, "order_id", c.order_id == 0 || names_order)
}

fn check_terms(t: &Terms) -> Result<(), Problem> {
    let has = |bit: u8| t.present & bit != 0;
    let bounds = present::PROTECTION | present::BUDGET;
    known(0, "present", t.present, t.present & bounds != bounds)?;
    known(1, "trail unit", t.trail_unit, OffsetUnit::from_code(t.trail_unit).is_some())?;
    unused(1, "trail unit", t.trail_unit == 0 || has(present::TRAIL))?;
    unused(2, "padding", t.zero == [0; 6])?;
    unused(8, "stop price", t.stop_price_ticks == 0 || has(present::STOP))?;
    unused(16, "trail offset", t.trail_offset == 0 || has(present::TRAIL))?;
    unused(24, "display quantity", t.display_lots == 0 || has(present::DISPLAY))?;
    unused(32, "minimum quantity", t.minimum_lots == 0 || has(present::MINIMUM))?;
    unused(40, "expire_at", t.expire_at_ns == 0 || has(present::EXPIRE_AT))?;
    unused(48, "protection price", t.protection_price_ticks == 0 || t.present & bounds != 0)?;
    unused(56, "self-trade group", t.self_trade_group == 0 || has(present::GROUP))?;
    unused(60, "padding", t.zero_too == 0)
}

fn check_client_id(id: &ClientId) -> Result<(), Problem> {
    known(0, "length", id.length, id.length <= 36 || id.length == 255)?;
    let end = usize::from(id.length).min(36);
    unused(1 + end, "text", id.text[end..].iter().all(|&byte| byte == 0))?;
    unused(37, "padding", id.zero == [0; 27])
}

impl Event {
    /// An event of that kind with nothing else set.
    #[inline(always)]
    pub(crate) const fn of(kind: EventKind) -> Event {
        Event {
            kind: kind as u8,
            version: RECORD_VERSION,
            reason: 0,
            side: NO_SIDE,
            instrument: 0,
            account: 0,
            index: 0,
            price_ticks: 0,
            quantity_lots: 0,
            order_id: 0,
            other: 0,
            sequence: 0,
            detail: 0,
        }
    }
}
