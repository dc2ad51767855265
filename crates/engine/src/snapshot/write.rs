//! Writing a snapshot.

use super::{MAGIC, SNAPSHOT_VERSION, sealed};
use crate::book::OrderBook;
use crate::codes::Side;
use crate::engine::IndexKind;
use crate::half::flip;
use crate::index::PriceIndex;
use crate::offset::Offset;
use crate::record::ClientId;
use crate::rules::Rules;
use crate::statistics::Statistics;
use crate::views::OrderView;

impl<I: PriceIndex> OrderBook<I> {
    pub(crate) fn write_snapshot(&self, index: IndexKind) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(512 + self.order_count() * 88));
        out.bytes(&MAGIC);
        out.bytes(&SNAPSHOT_VERSION.to_le_bytes());
        out.u64(0);
        out.u8(index.code());
        out.rules(&self.rules);
        out.u8(self.phase.code());
        out.u64(self.halt_end_ns.unwrap_or(0));
        out.u64(self.now_ns);
        out.u64(self.sequence);
        out.u64(self.ids.next());
        out.u64(self.last_trade_id);
        out.optional(self.last_trade_price);
        out.statistics(&self.statistics);
        for side in [Side::Buy, Side::Sell] {
            self.write_half(side, &mut out);
        }
        let dormant = self.dormant_by_arrival();
        out.orders(self, dormant.into_iter());
        let finished = self.finished_client_ids();
        out.u64(finished.len() as u64);
        for done in finished {
            out.u64(done.at_ns);
            out.u32(done.name.0);
            out.u64(done.order_id);
            out.client_id(Some(&done.name.1));
        }
        sealed(out.0)
    }

    fn write_half(&self, side: Side, out: &mut Writer) {
        let (code, number) = (side.code(), usize::from(side.code()));
        out.orders(self, self.markets[number].queue.iter(&self.pool));
        let half = &self.halves[number];
        out.u64(half.len() as u64);
        for (key, number) in half.iter() {
            let (level, traded) = (self.levels.get(number), self.levels.traded(number));
            out.u64(flip(code, key) as u64);
            out.u64(level.orders_added);
            out.u64(traded.orders_filled);
            out.u64(traded.trade_count);
            out.u128(traded.quantity);
            out.orders(self, self.queue(number));
        }
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

    fn band(&mut self, band: Option<Offset>) {
        self.u8(band.map_or(0, |band| band.unit.code() + 1));
        self.u64(band.map_or(0, |band| band.value));
    }

    fn rules(&mut self, rules: &Rules) {
        self.u32(rules.instrument);
        self.u64(rules.dedup_window_ns);
        self.u8(rules.self_trade_prevention.code());
        self.u8(rules.matching.code());
        self.u32(u32::from(rules.fifo_share_bps));
        self.optional(rules.reference_price_ticks);
        self.band(rules.static_band);
        self.band(rules.circuit_breaker);
        self.u64(rules.halt_ns);
    }

    /// How many, then each.
    fn orders<I: PriceIndex>(&mut self, book: &OrderBook<I>, slots: impl Iterator<Item = u32>) {
        let place = self.0.len();
        self.u64(0);
        let mut count = 0_u64;
        for slot in slots {
            self.order(&book.view_order(slot));
            count += 1;
        }
        self.0[place..place + 8].copy_from_slice(&count.to_le_bytes());
    }

    fn order(&mut self, order: &OrderView) {
        self.u64(order.order_id);
        self.u32(order.account);
        self.u8(order.side.code());
        self.u8(order.order_type.code());
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
        // The bits of the terms that it has, then these.
        self.u8(order.present());
        if order.present() != 0 {
            self.u64(order.shown_lots);
            self.u64(order.stop_price_ticks.unwrap_or(0) as u64);
            self.u8(order.trail.map_or(0, |trail| trail.unit.code()));
            self.u64(order.trail.map_or(0, |trail| trail.value));
            self.u64(order.display_lots.unwrap_or(0));
            self.u64(order.minimum_lots);
            self.u64(order.protection_price_ticks.unwrap_or(0) as u64);
        }
    }

    fn client_id(&mut self, id: Option<&ClientId>) {
        let text = id.map_or(&[][..], ClientId::bytes);
        self.u8(text.len() as u8);
        self.bytes(text);
    }
}
