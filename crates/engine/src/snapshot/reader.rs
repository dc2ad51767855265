//! The bytes of a snapshot, read forward and never beyond the end.

use super::{CHECKSUM_BYTES, HEADER_BYTES, MAGIC, SNAPSHOT_VERSION, SnapshotError};
use crate::codes::{Matching, OffsetUnit, OrderType, SelfTradePrevention, Side, TimeInForce};
use crate::offset::Offset;
use crate::record::{ClientId, present};
use crate::rules::Rules;
use crate::statistics::Statistics;
use crate::views::OrderView;

/// Reads forward and never beyond the end.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) offset: usize,
}

impl<'a> Reader<'a> {
    /// Checks header and checksum of a book's snapshot; what follows is the body.
    pub fn open(bytes: &'a [u8]) -> Result<Reader<'a>, SnapshotError> {
        Reader::open_as(bytes, MAGIC, SNAPSHOT_VERSION)
    }

    /// The same for what begins with that magic and version.
    pub fn open_as(bytes: &'a [u8], magic: [u8; 8], known: u32) -> Result<Reader<'a>, SnapshotError> {
        if !bytes.starts_with(&magic) {
            return Err(SnapshotError::NotASnapshot { magic });
        }
        let found = bytes.len() as u64;
        let short = SnapshotError::WrongLength { expected: (HEADER_BYTES + CHECKSUM_BYTES) as u64, found };
        let mut header = Reader { bytes, offset: 8 };
        let version = header.u32().map_err(|_| short.clone())?;
        if version != known {
            return Err(SnapshotError::UnknownVersion { found: version, known });
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

    pub(crate) fn check(&self, holds: bool, problem: &'static str) -> Result<(), SnapshotError> {
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

    pub(crate) fn u8(&mut self) -> Result<u8, SnapshotError> {
        Ok(self.take::<1>()?[0])
    }
    pub(crate) fn u32(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.take()?))
    }
    pub(crate) fn u64(&mut self) -> Result<u64, SnapshotError> {
        Ok(u64::from_le_bytes(self.take()?))
    }
    pub(crate) fn u128(&mut self) -> Result<u128, SnapshotError> {
        Ok(u128::from_le_bytes(self.take()?))
    }

    /// That many bytes.
    pub(crate) fn slice(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let end = self.offset.checked_add(length);
        let Some(bytes) = end.and_then(|end| self.bytes.get(self.offset..end)) else {
            return Err(SnapshotError::Damaged { offset: self.offset, problem: "it ends too early" });
        };
        self.offset += length;
        Ok(bytes)
    }

    /// A part of a snapshot, which carries no header of its own.
    pub fn part(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, offset: 0 }
    }

    /// The end: nothing is left over.
    pub(crate) fn end(&self) -> Result<(), SnapshotError> {
        self.check(self.bytes.len() == self.offset, "bytes behind the end")
    }

    /// What is counted up one by one or by quantities: far from the type's end, so that counting on cannot overflow.
    pub(crate) fn count(&mut self) -> Result<u64, SnapshotError> {
        let value = self.u64()?;
        self.check(value <= u64::MAX / 2, "a count that was never reached")?;
        Ok(value)
    }
    pub(crate) fn sum(&mut self) -> Result<u128, SnapshotError> {
        let value = self.u128()?;
        self.check(value <= u128::MAX / 2, "a sum that was never reached")?;
        Ok(value)
    }

    pub(crate) fn optional(&mut self) -> Result<Option<i64>, SnapshotError> {
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

    pub(crate) fn statistics(&mut self) -> Result<Statistics, SnapshotError> {
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

    fn band(&mut self) -> Result<Option<Offset>, SnapshotError> {
        let kind = self.u8()?;
        let value = self.u64()?;
        let unit = kind.checked_sub(1).and_then(OffsetUnit::from_code);
        self.check(unit.is_some() || (kind == 0 && value == 0), "unknown kind of price band")?;
        Ok(unit.map(|unit| Offset { unit, value }))
    }

    pub(crate) fn rules(&mut self) -> Result<Rules, SnapshotError> {
        let rules = Rules {
            instrument: self.u32()?,
            dedup_window_ns: self.u64()?,
            self_trade_prevention: self.code(SelfTradePrevention::from_code, "unknown self-trade mode")?,
            matching: self.code(Matching::from_code, "unknown matching")?,
            fifo_share_bps: u16::try_from(self.u32()?).unwrap_or(u16::MAX),
            reference_price_ticks: self.optional()?,
            static_band: self.band()?,
            circuit_breaker: self.band()?,
            halt_ns: self.u64()?,
        };
        self.check(rules.problem().is_none(), rules.problem().unwrap_or_default())?;
        Ok(rules)
    }

    pub(crate) fn order(&mut self) -> Result<OrderView, SnapshotError> {
        let (order_id, account) = (self.u64()?, self.u32()?);
        let side = self.code(Side::from_code, "unknown side")?;
        let order_type = self.code(OrderType::from_code, "unknown order type")?;
        let time_in_force = self.code(TimeInForce::from_code, "unknown time in force")?;
        let mode = self.u8()?;
        let self_trade_prevention = SelfTradePrevention::from_code(mode);
        self.check(mode == 0 || self_trade_prevention.is_some(), "unknown self-trade mode")?;
        let post = self.u8()?;
        self.check(matches!(post, 0 | 1 | 3), "unknown post-only flags")?;
        let view = OrderView {
            order_id,
            account,
            side,
            order_type,
            is_dormant: order_type.is_stop(),
            time_in_force,
            self_trade_prevention,
            post_only: post & 1 != 0,
            slide: post & 2 != 0,
            price_ticks: self.u64()? as i64,
            quantity_lots: self.u64()?,
            remaining_lots: self.u64()?,
            shown_lots: 0,
            display_lots: None,
            minimum_lots: 0,
            stop_price_ticks: None,
            trail: None,
            protection_price_ticks: None,
            entered_ns: self.u64()?,
            expire_at_ns: self.u64()?,
            self_trade_group: self.u32()?,
            client_id: self.client_id()?,
        };
        self.terms(view)
    }

    /// The terms that few orders have.
    fn terms(&mut self, view: OrderView) -> Result<OrderView, SnapshotError> {
        let bits = self.u8()?;
        if bits == 0 {
            return Ok(view);
        }
        let has = |bit: u8| bits & bit != 0;
        let (shown_lots, stop) = (self.u64()?, self.u64()? as i64);
        let unit = self.code(OffsetUnit::from_code, "unknown unit of a trail offset")?;
        let (trail, display, minimum, protection) = (self.u64()?, self.u64()?, self.u64()?, self.u64()? as i64);
        let is_clean = (has(present::STOP) || stop == 0)
            && (has(present::TRAIL) || (unit == OffsetUnit::Ticks && trail == 0))
            && (has(present::DISPLAY) || display == 0)
            && (has(present::PROTECTION) || protection == 0);
        let view = OrderView {
            shown_lots,
            stop_price_ticks: has(present::STOP).then_some(stop),
            trail: has(present::TRAIL).then_some(Offset { unit, value: trail }),
            display_lots: has(present::DISPLAY).then_some(display),
            minimum_lots: minimum,
            protection_price_ticks: has(present::PROTECTION).then_some(protection),
            ..view
        };
        self.check(is_clean && view.present() == bits, "an order's terms contradict the bits that announce them")?;
        Ok(view)
    }

    pub(crate) fn client_id(&mut self) -> Result<Option<ClientId>, SnapshotError> {
        let length = usize::from(self.u8()?);
        self.check(length <= 36, "a client order id that is too long")?;
        let text = self.slice(length)?;
        Ok((length > 0).then(|| ClientId::new(text)))
    }
}
