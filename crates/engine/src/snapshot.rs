//! Snapshots: the whole book as versioned, checksummed bytes, and back. Reading trusts nothing: whatever the bytes, the result
//! is a book that could have been, or an error that says what is wrong and where.

use crate::book::{COUNTER_BITS, COUNTER_MASK, OrderBook, Resting, Rules};
use crate::client_ids::Finished;
use crate::codes::{Phase, SelfTradePrevention, Side, TimeInForce};
use crate::engine::IndexKind;
use crate::extras::Extra;
use crate::half::flip;
use crate::ids::OrderIds;
use crate::index::PriceIndex;
use crate::level::Traded;
use crate::pool::{NIL, Order, Record, Traits};
use crate::record::{ClientId, MAX_QUANTITY_LOTS};
use crate::statistics::Statistics;
use crate::views::OrderView;
use std::fmt;

const MAGIC: [u8; 8] = *b"AEROBOOK";
/// The version of the snapshot's layout.
pub const SNAPSHOT_VERSION: u32 = 1;
const HEADER_BYTES: usize = 8 + 4 + 8;
const CHECKSUM_BYTES: usize = 4;

/// Why bytes are no snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// The first bytes are not those of a snapshot.
    NotASnapshot,
    /// Made by another version of the layout.
    UnknownVersion(u32),
    /// Fewer or more bytes than the header says.
    WrongLength {
        /// By the header.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// The checksum does not match: some bytes changed.
    Checksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The checksum matches but the content contradicts itself.
    Damaged {
        /// Byte offset where it was noticed.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => {
                write!(f, "not a snapshot: it does not start with {:?}", MAGIC.escape_ascii().to_string())
            }
            Self::UnknownVersion(found) => {
                write!(f, "snapshot version {found} is unknown, this is version {SNAPSHOT_VERSION}")
            }
            Self::WrongLength { expected, found } => {
                write!(f, "snapshot of {expected} bytes is {found} bytes long")
            }
            Self::Checksum { stored, computed } => {
                write!(f, "snapshot checksum is {computed:08x}, stored is {stored:08x}: some bytes changed")
            }
            Self::Damaged { offset, problem } => write!(f, "snapshot is damaged at byte {offset}: {problem}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl<I: PriceIndex> OrderBook<I> {
    pub(crate) fn write_snapshot(&self, index: IndexKind) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(512 + self.order_count() * 80));
        out.bytes(&MAGIC);
        out.bytes(&SNAPSHOT_VERSION.to_le_bytes());
        out.u64(0);
        out.u8(index.code());
        out.u32(self.rules.instrument);
        out.u64(self.rules.dedup_window_ns);
        out.u8(self.rules.self_trade_prevention.code());
        out.u8(self.phase.code());
        out.u64(self.now_ns);
        out.u64(self.sequence);
        out.u64(self.ids.next());
        out.u64(self.last_trade_id);
        out.optional(self.last_trade_price);
        out.statistics(&self.statistics);
        for side in [Side::Buy, Side::Sell] {
            let half = &self.halves[usize::from(side.code())];
            out.u64(half.len() as u64);
            for (key, number) in half.iter() {
                let (level, traded) = (self.levels.get(number), self.levels.traded(number));
                out.u64(flip(side.code(), key) as u64);
                out.u32(level.count);
                out.u64(level.orders_added);
                out.u64(traded.orders_filled);
                out.u64(traded.trade_count);
                out.u128(traded.quantity);
                self.queue(number).for_each(|order| out.order(&order));
            }
        }
        let finished = self.finished_client_ids();
        out.u64(finished.len() as u64);
        for done in finished {
            out.u64(done.at_ns);
            out.u32(done.name.0);
            out.u64(done.order_id);
            out.client_id(Some(&done.name.1));
        }
        let length = (out.0.len() - HEADER_BYTES) as u64;
        out.0[12..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32c::crc32c(&out.0);
        out.u32(checksum);
        out.0
    }

    /// Reads the body behind the index's byte.
    pub(crate) fn read_body(input: &mut Reader<'_>) -> Result<OrderBook<I>, SnapshotError> {
        let instrument = input.u32()?;
        input.check(instrument < 1 << 24, "the instrument's number has more than 24 bits")?;
        let dedup_window_ns = input.u64()?;
        let self_trade_prevention = input.code(SelfTradePrevention::from_code, "unknown self-trade mode")?;
        let mut book = OrderBook::<I>::new(Rules { instrument, dedup_window_ns, self_trade_prevention });
        book.phase = input.code(Phase::from_code, "unknown phase")?;
        book.now_ns = input.u64()?;
        book.sequence = input.u64()?;
        let next = input.u64()?;
        input.check((1..=1 << COUNTER_BITS).contains(&next), "the order counter is out of range")?;
        book.ids = OrderIds::new(next);
        book.last_trade_id = input.count()?;
        book.last_trade_price = input.optional()?;
        book.statistics = input.statistics()?;
        let mut slots = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            book.read_half(side, input, &mut slots)?;
        }
        let is_crossed = match (book.best(Side::Buy), book.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid >= ask,
            _ => false,
        };
        input.check(!is_crossed, "the book is crossed")?;
        book.enlist(slots, input)?;
        book.read_finished(input)?;
        book.next_due_ns = book.expiries.next_ns().min(book.client_ids.next_ns());
        input.check(input.bytes.len() == input.offset, "bytes behind the end")?;
        Ok(book)
    }

    fn read_half(&mut self, side: Side, input: &mut Reader<'_>, slots: &mut Vec<u32>) -> Result<(), SnapshotError> {
        let code = side.code();
        let mut above = None;
        for _ in 0..input.u64()? {
            let key = flip(code, input.u64()? as i64);
            input.check(above.is_none_or(|above| key < above), "levels are out of order")?;
            above = Some(key);
            let count = input.u32()?;
            input.check(count > 0, "a level without orders")?;
            let number = self.halves[usize::from(code)].level_at(&mut self.levels, code, key);
            let (added, filled) = (input.count()?, input.count()?);
            let (trade_count, traded_quantity) = (input.count()?, input.sum()?);
            let is_whole = filled.checked_add(u64::from(count)).is_some_and(|sum| sum <= added)
                && filled <= trade_count
                && (trade_count > 0) == (traded_quantity > 0);
            input.check(is_whole, "a level's counts contradict one another")?;
            for _ in 0..count {
                slots.push(self.read_order(side, number, input)?);
            }
            self.levels.get_mut(number).orders_added = added;
            if trade_count > 0 {
                *self.levels.traded_mut(number) =
                    Traded { orders_filled: filled, trade_count, quantity: traded_quantity };
            }
        }
        Ok(())
    }

    fn read_order(&mut self, side: Side, level: u32, input: &mut Reader<'_>) -> Result<u32, SnapshotError> {
        let view = input.order(side)?;
        let (id, account) = (view.order_id, view.account);
        let is_given = id >> COUNTER_BITS == u64::from(self.rules.instrument)
            && (1..self.ids.next()).contains(&(id & COUNTER_MASK));
        input.check(is_given, "an order id that was never given")?;
        let is_legal = (1..=MAX_QUANTITY_LOTS).contains(&view.remaining_lots)
            && (view.remaining_lots..=MAX_QUANTITY_LOTS).contains(&view.quantity_lots);
        input.check(is_legal, "an order's quantities are out of range")?;
        let is_there = view.price_ticks == flip(side.code(), self.levels.get(level).key);
        input.check(is_there, "an order's price is not its level's")?;
        let is_gtd = view.time_in_force == TimeInForce::Gtd;
        let rests = matches!(view.time_in_force, TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Gtd);
        input.check(rests, "an order that cannot rest")?;
        let is_live = if is_gtd { view.expire_at_ns > self.now_ns } else { view.expire_at_ns == 0 };
        input.check(is_live, "an order's expiry contradicts its time in force")?;
        if let Some(client_id) = view.client_id {
            input.check(client_id.is_legal(), "an illegal client order id")?;
            let is_free = self.client_ids.owner(&(account, client_id)).is_none();
            input.check(is_free, "two orders with one client order id")?;
            self.client_ids.insert((account, client_id), id);
        }
        let mode = view.self_trade_prevention.map_or(0, |mode| mode.code());
        let post_flags = u8::from(view.post_only) | u8::from(view.slide) << 1;
        let traits = Traits::new(side.code(), view.time_in_force.code(), mode, post_flags);
        let is_bare = account == 0 && view.self_trade_group == 0 && view.expire_at_ns == 0 && view.client_id.is_none();
        let extra = if is_bare {
            NIL
        } else {
            self.extras.insert(Extra::new(view.self_trade_group, view.expire_at_ns, view.client_id))
        };
        let record = Record { total: view.quantity_lots, entered_ns: view.entered_ns, extra, zero: 0 };
        let resting = Resting { id, account, traits, price_ticks: view.price_ticks, remaining: view.remaining_lots };
        let traits = if is_bare { resting.traits } else { resting.traits.with_extra() };
        let order = Order::new(id, level, account, traits, resting.remaining);
        let slot = self.pool.insert(order, record);
        self.levels.get_mut(level).push_back(&mut self.pool, slot, resting.remaining);
        Ok(slot)
    }

    /// Enters the orders into what is kept in order of id.
    fn enlist(&mut self, mut slots: Vec<u32>, input: &Reader<'_>) -> Result<(), SnapshotError> {
        slots.sort_unstable_by_key(|&slot| self.pool.order(slot).id);
        let mut before = 0;
        for slot in slots {
            let id = self.pool.order(slot).id;
            input.check(id > before, "two orders with one id")?;
            before = id;
            self.ids.restore(id & COUNTER_MASK, slot);
            self.note_extras(slot, id);
        }
        Ok(())
    }

    fn read_finished(&mut self, input: &mut Reader<'_>) -> Result<(), SnapshotError> {
        let mut before = 0;
        for _ in 0..input.u64()? {
            let at_ns = input.u64()?;
            let account = input.u32()?;
            let order_id = input.u64()?;
            let is_ordered = at_ns >= before && at_ns <= self.now_ns;
            input.check(is_ordered, "finished client ids are out of order")?;
            before = at_ns;
            let Some(id) = input.client_id()?.filter(ClientId::is_legal) else {
                return input.check(false, "an illegal client order id");
            };
            let is_free = self.client_ids.restore(Finished { at_ns, name: (account, id), order_id });
            input.check(is_free, "one client order id twice")?;
        }
        Ok(())
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
    fn u128(&mut self, value: u128) {
        self.bytes(&value.to_le_bytes());
    }
    fn optional(&mut self, value: Option<i64>) {
        self.u8(u8::from(value.is_some()));
        self.u64(value.unwrap_or(0) as u64);
    }

    fn statistics(&mut self, s: &Statistics) {
        self.u64(s.commands);
        s.rejected.iter().chain(&s.canceled).for_each(|&count| self.u64(count));
        self.u64(s.amended);
        self.u64(s.trade_count);
        self.u128(s.traded_quantity);
        self.u128(s.notional as u128);
        self.u128(s.decremented_quantity);
        self.optional(s.high_ticks);
        self.optional(s.low_ticks);
    }

    /// The order's level, which says side and price, was written before.
    fn order(&mut self, order: &OrderView) {
        self.u64(order.order_id);
        self.u32(order.account);
        self.u8(order.time_in_force.code());
        self.u8(order.self_trade_prevention.map_or(0, |mode| mode.code()));
        self.u8(u8::from(order.post_only) | u8::from(order.slide) << 1);
        self.u64(order.price_ticks as u64);
        self.u64(order.quantity_lots);
        self.u64(order.remaining_lots);
        self.u64(order.entered_ns);
        self.u64(order.expire_at_ns);
        self.u32(order.self_trade_group);
        self.client_id(order.client_id.as_ref());
    }

    fn client_id(&mut self, id: Option<&ClientId>) {
        let text = id.map_or(&[][..], ClientId::bytes);
        self.u8(text.len() as u8);
        self.bytes(text);
    }
}

/// Reads forward and never beyond the end.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Checks header and checksum; what follows is the body.
    pub fn open(bytes: &'a [u8]) -> Result<Reader<'a>, SnapshotError> {
        if bytes.get(..8).is_none_or(|magic| magic != MAGIC) {
            return Err(SnapshotError::NotASnapshot);
        }
        let found = bytes.len() as u64;
        let short = SnapshotError::WrongLength { expected: (HEADER_BYTES + CHECKSUM_BYTES) as u64, found };
        let mut header = Reader { bytes, offset: 8 };
        let version = header.u32().map_err(|_| short.clone())?;
        if version != SNAPSHOT_VERSION {
            return Err(SnapshotError::UnknownVersion(version));
        }
        let body = header.u64().map_err(|_| short)?;
        let expected = body.saturating_add((HEADER_BYTES + CHECKSUM_BYTES) as u64);
        if expected != found {
            return Err(SnapshotError::WrongLength { expected, found });
        }
        let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        let stored = u32::from_le_bytes([checksum[0], checksum[1], checksum[2], checksum[3]]);
        let computed = crc32c::crc32c(content);
        if stored != computed {
            return Err(SnapshotError::Checksum { stored, computed });
        }
        Ok(Reader { bytes: content, offset: HEADER_BYTES })
    }

    fn check(&self, holds: bool, problem: &'static str) -> Result<(), SnapshotError> {
        if holds { Ok(()) } else { Err(SnapshotError::Damaged { offset: self.offset, problem }) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let bytes = self.bytes.get(self.offset..).and_then(|rest| rest.first_chunk::<N>());
        let Some(bytes) = bytes else {
            return Err(SnapshotError::Damaged { offset: self.offset, problem: "it ends too early" });
        };
        self.offset += N;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8, SnapshotError> {
        Ok(self.take::<1>()?[0])
    }
    fn u32(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.take()?))
    }
    fn u64(&mut self) -> Result<u64, SnapshotError> {
        Ok(u64::from_le_bytes(self.take()?))
    }
    fn u128(&mut self) -> Result<u128, SnapshotError> {
        Ok(u128::from_le_bytes(self.take()?))
    }

    /// What is counted up one by one or by quantities: far from the type's end, so that counting on cannot overflow.
    fn count(&mut self) -> Result<u64, SnapshotError> {
        let value = self.u64()?;
        self.check(value <= u64::MAX / 2, "a count that was never reached")?;
        Ok(value)
    }
    fn sum(&mut self) -> Result<u128, SnapshotError> {
        let value = self.u128()?;
        self.check(value <= u128::MAX / 2, "a sum that was never reached")?;
        Ok(value)
    }

    fn optional(&mut self) -> Result<Option<i64>, SnapshotError> {
        let flag = self.u8()?;
        self.check(flag <= 1, "a flag that is neither 0 nor 1")?;
        let value = self.u64()? as i64;
        self.check(flag == 1 || value == 0, "an absent value that is not zero")?;
        Ok((flag == 1).then_some(value))
    }

    /// A closed enum's code.
    pub fn code<T>(&mut self, from_code: fn(u8) -> Option<T>, problem: &'static str) -> Result<T, SnapshotError> {
        let offset = self.offset;
        from_code(self.u8()?).ok_or(SnapshotError::Damaged { offset, problem })
    }

    fn statistics(&mut self) -> Result<Statistics, SnapshotError> {
        let mut s = Statistics { commands: self.count()?, ..Statistics::default() };
        for count in s.rejected.iter_mut().chain(&mut s.canceled) {
            *count = self.count()?;
        }
        s.amended = self.count()?;
        s.trade_count = self.count()?;
        s.traded_quantity = self.sum()?;
        s.notional = self.u128()? as i128;
        s.decremented_quantity = self.sum()?;
        s.high_ticks = self.optional()?;
        s.low_ticks = self.optional()?;
        Ok(s)
    }

    fn order(&mut self, side: Side) -> Result<OrderView, SnapshotError> {
        let (order_id, account) = (self.u64()?, self.u32()?);
        let time_in_force = self.code(TimeInForce::from_code, "unknown time in force")?;
        let mode = self.u8()?;
        let self_trade_prevention = SelfTradePrevention::from_code(mode);
        self.check(mode == 0 || self_trade_prevention.is_some(), "unknown self-trade mode")?;
        let post = self.u8()?;
        self.check(matches!(post, 0 | 1 | 3), "unknown post-only flags")?;
        Ok(OrderView {
            order_id,
            account,
            side,
            time_in_force,
            self_trade_prevention,
            post_only: post & 1 != 0,
            slide: post & 2 != 0,
            price_ticks: self.u64()? as i64,
            quantity_lots: self.u64()?,
            remaining_lots: self.u64()?,
            entered_ns: self.u64()?,
            expire_at_ns: self.u64()?,
            self_trade_group: self.u32()?,
            client_id: self.client_id()?,
        })
    }

    fn client_id(&mut self) -> Result<Option<ClientId>, SnapshotError> {
        let length = usize::from(self.u8()?);
        self.check(length <= 36, "a client order id that is too long")?;
        let Some(text) = self.bytes.get(self.offset..self.offset + length) else {
            return Err(SnapshotError::Damaged { offset: self.offset, problem: "it ends too early" });
        };
        self.offset += length;
        Ok((length > 0).then(|| ClientId::new(text)))
    }
}
