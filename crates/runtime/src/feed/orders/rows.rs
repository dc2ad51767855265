//! What is told of an order and of a fill, as the little-endian rows that `ORDER_DTYPE` and `FILL_DTYPE` describe.

use super::other_side;
use aeromatch_engine::codes::OrderType;

/// Bytes of an order's row.
pub const ORDER_BYTES: usize = 112;
/// Bytes of a fill's row.
pub const FILL_BYTES: usize = 64;

/// Bits of [`OrderRow::flags`].
pub mod row {
    /// The notional has all of its fills: it was followed since it was accepted.
    pub const HAS_FILLS: u8 = 1;
}

/// Where an order stands after a whole command (R9). The codes are those of Python's `OrderStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrderStatus {
    /// A stop that sleeps.
    Dormant = 0,
    /// Live, without a fill.
    Open = 1,
    /// Live, with fills.
    PartiallyFilled = 2,
    /// Ended: nothing is left.
    Filled = 3,
    /// Ended otherwise, with or without fills.
    Canceled = 4,
}

/// An order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderRow {
    /// Its id (R5).
    pub order_id: u64,
    /// What it was entered for: of a second outcome that outcome's number.
    pub instrument: u32,
    /// Its account, 0 for none.
    pub account: u32,
    /// Its side.
    pub side: u8,
    /// The type that it was entered with: a stop stays a stop.
    pub order_type: u8,
    /// [`OrderStatus`].
    pub status: u8,
    /// Why it was canceled, else 0.
    pub reason: u8,
    /// Bits of [`row`], and those of [`aeromatch_engine::record::shape`] that say how it is displayed.
    pub flags: u8,
    /// Its limit now; 0 without one.
    pub price_ticks: i64,
    /// Total, filled part included.
    pub quantity_lots: u64,
    /// What was filled.
    pub filled_lots: u64,
    /// What is live.
    pub remaining_lots: u64,
    /// Sum of price times quantity of its fills.
    pub notional: i128,
    /// When it was accepted.
    pub created_ns: u64,
    /// Time of the last command that changed it.
    pub updated_ns: u64,
    /// Number of that command.
    pub sequence: u64,
    /// The instrument whose book it stands in.
    pub book: u32,
    /// Ticks in one unit of cash if it is of a second outcome, else 0.
    pub unit_ticks: u32,
    /// Number of the command that entered it; 0: not known. What events do not tell of it stands there.
    pub accepted: u64,
}

impl OrderRow {
    fn is_mirrored(&self) -> bool {
        self.unit_ticks != 0
    }

    /// A price in the terms of the other outcome; the same where there is none.
    #[inline]
    pub fn price_across(&self, price_ticks: i64) -> i64 {
        if self.is_mirrored() { i64::from(self.unit_ticks).wrapping_sub(price_ticks) } else { price_ticks }
    }

    /// Its side in the terms of the other outcome; the same where there is none.
    #[inline]
    pub fn side_across(&self) -> u8 {
        if self.is_mirrored() { other_side(self.side) } else { self.side }
    }

    /// From the terms of its book to its own, or back: the same.
    #[inline]
    pub fn across(&self) -> OrderRow {
        if !self.is_mirrored() {
            return *self;
        }
        let has_limit = OrderType::from_code(self.order_type).is_some_and(OrderType::has_limit);
        let whole = i128::from(self.unit_ticks) * i128::from(self.filled_lots);
        OrderRow {
            side: self.side_across(),
            price_ticks: if has_limit { self.price_across(self.price_ticks) } else { self.price_ticks },
            notional: whole - self.notional,
            ..*self
        }
    }

    /// Appends its bytes.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; ORDER_BYTES];
        let mut put = Put { bytes: &mut bytes, at: 0 };
        put.u64(self.order_id);
        put.u32(self.instrument);
        put.u32(self.account);
        put.u64(u64::from_le_bytes([self.side, self.order_type, self.status, self.reason, self.flags, 0, 0, 0]));
        put.u64(self.price_ticks as u64);
        put.u64(self.quantity_lots);
        put.u64(self.filled_lots);
        put.u64(self.remaining_lots);
        put.u64(self.notional as u64);
        put.u64((self.notional >> 64) as u64);
        put.u64(self.created_ns);
        put.u64(self.updated_ns);
        put.u64(self.sequence);
        put.u32(self.book);
        put.u32(self.unit_ticks);
        put.u64(self.accepted);
        out.extend_from_slice(&bytes);
    }

    /// Reads what `write` wrote.
    pub fn read(bytes: &[u8; ORDER_BYTES]) -> OrderRow {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let half = |at: usize| (word(at & !7) >> (8 * (at & 7))) as u32;
        let [side, order_type, status, reason, flags, ..] = word(16).to_le_bytes();
        OrderRow {
            order_id: word(0),
            instrument: half(8),
            account: half(12),
            side,
            order_type,
            status,
            reason,
            flags,
            price_ticks: word(24) as i64,
            quantity_lots: word(32),
            filled_lots: word(40),
            remaining_lots: word(48),
            notional: (u128::from(word(64)) << 64 | u128::from(word(56))) as i128,
            created_ns: word(72),
            updated_ns: word(80),
            sequence: word(88),
            book: half(96),
            unit_ticks: half(100),
            accepted: word(104),
        }
    }
}

/// One execution of an order, in its own terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillRow {
    /// Whose it is.
    pub order_id: u64,
    /// The trade: one an instrument's book.
    pub trade_id: u64,
    /// The price.
    pub price_ticks: i64,
    /// What was traded.
    pub quantity_lots: u64,
    /// Number of the command.
    pub sequence: u64,
    /// Its time.
    pub timestamp_ns: u64,
    /// What the order was entered for.
    pub instrument: u32,
    /// Its account, 0 for none.
    pub account: u32,
    /// Its side.
    pub side: u8,
    /// Did it rest? In an uncross the older of the two counts as the maker.
    pub is_maker: u8,
}

impl FillRow {
    /// Appends its bytes.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; FILL_BYTES];
        let mut put = Put { bytes: &mut bytes, at: 0 };
        put.u64(self.order_id);
        put.u64(self.trade_id);
        put.u64(self.price_ticks as u64);
        put.u64(self.quantity_lots);
        put.u64(self.sequence);
        put.u64(self.timestamp_ns);
        put.u32(self.instrument);
        put.u32(self.account);
        put.u64(u64::from_le_bytes([self.side, self.is_maker, 0, 0, 0, 0, 0, 0]));
        out.extend_from_slice(&bytes);
    }
}

/// Writes numbers one behind the other.
struct Put<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Put<'_> {
    #[inline(always)]
    fn u64(&mut self, value: u64) {
        self.bytes[self.at..self.at + 8].copy_from_slice(&value.to_le_bytes());
        self.at += 8;
    }

    #[inline(always)]
    fn u32(&mut self, value: u32) {
        self.bytes[self.at..self.at + 4].copy_from_slice(&value.to_le_bytes());
        self.at += 4;
    }
}
