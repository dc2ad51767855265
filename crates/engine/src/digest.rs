//! The digest: a hash of the logical state, the same for every price index and platform (docs/records.md). It covers what can
//! influence a later event and nothing else, so two books with the same digest behave alike for ever.

use crate::book::OrderBook;
use crate::client_ids::Finished;
use crate::codes::{Phase, Side};
use crate::index::PriceIndex;
use crate::offset::Offset;
use crate::record::ClientId;
use crate::rules::Rules;
use crate::views::OrderView;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};

impl<I: PriceIndex> OrderBook<I> {
    /// BLAKE2b-256 over the logical state.
    pub fn digest(&self) -> [u8; 32] {
        self.digest_at(self.now_ns)
    }

    /// The same where time is kept by a clearing group: `now_ns` is the group's (R2).
    pub(crate) fn digest_at(&self, now_ns: u64) -> [u8; 32] {
        let mut hash = Hash(Blake2b::new());
        hash.bytes(b"AMDIGST2");
        hash.rules(&self.rules, self.phase);
        hash.u64(now_ns);
        hash.u64(self.last_order_counter());
        hash.u64(self.last_trade_id);
        hash.optional(self.last_trade_price);
        hash.u64(self.halt_end_ns.unwrap_or(0));
        hash.u64(self.order_count() as u64);
        for side in [Side::Buy, Side::Sell] {
            self.by_priority(side).for_each(|slot| hash.order(&self.view_order(slot)));
        }
        for slot in self.dormant_by_arrival() {
            hash.order(&self.view_order(slot));
        }
        // A book of a clearing group forgets with its next command what the group's time has freed already.
        let is_taken = |done: &&Finished| !self.client_ids.is_free(done, now_ns);
        let finished: Vec<&Finished> = self.finished_client_ids().filter(is_taken).collect();
        hash.u64(finished.len() as u64);
        for done in finished {
            let (account, id) = &done.name;
            hash.u64(done.at_ns);
            hash.u32(*account);
            hash.u64(done.order_id);
            hash.client_id(Some(id));
        }
        hash.0.finalize().into()
    }
}

struct Hash(Blake2b<U32>);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    fn optional(&mut self, value: Option<i64>) {
        self.bytes(&[u8::from(value.is_some())]);
        self.u64(value.unwrap_or(0) as u64);
    }

    fn band(&mut self, band: Option<Offset>) {
        self.bytes(&[band.map_or(0, |band| band.unit.code() + 1)]);
        self.u64(band.map_or(0, |band| band.value));
    }

    fn rules(&mut self, rules: &Rules, phase: Phase) {
        self.u32(rules.instrument);
        self.u64(rules.dedup_window_ns);
        self.bytes(&[rules.self_trade_prevention.code(), phase.code(), rules.matching.code()]);
        self.bytes(&rules.fifo_share_bps.to_le_bytes());
        self.optional(rules.reference_price_ticks);
        self.band(rules.static_band);
        self.band(rules.circuit_breaker);
        self.u64(rules.halt_ns);
    }

    fn order(&mut self, order: &OrderView) {
        self.u64(order.order_id);
        self.u32(order.account);
        let mode = order.self_trade_prevention.map_or(0, |mode| mode.code());
        let flags = u8::from(order.post_only) | u8::from(order.slide) << 1 | u8::from(order.is_dormant) << 2;
        self.bytes(&[order.side.code(), order.time_in_force.code(), mode, flags]);
        let unit = order.trail.map_or(0, |trail| trail.unit.code());
        self.bytes(&[order.order_type.code(), order.present(), unit]);
        self.u64(order.price_ticks as u64);
        self.u64(order.quantity_lots);
        self.u64(order.remaining_lots);
        self.u64(order.shown_lots);
        self.u64(order.entered_ns);
        self.u64(order.expire_at_ns);
        self.u32(order.self_trade_group);
        self.u64(order.stop_price_ticks.unwrap_or(0) as u64);
        self.u64(order.trail.map_or(0, |trail| trail.value));
        self.u64(order.display_lots.unwrap_or(0));
        self.u64(order.minimum_lots);
        self.u64(order.protection_price_ticks.unwrap_or(0) as u64);
        self.client_id(order.client_id.as_ref());
    }

    fn client_id(&mut self, id: Option<&ClientId>) {
        let text = id.map_or(&[][..], ClientId::bytes);
        self.bytes(&[text.len() as u8]);
        self.bytes(text);
    }
}
