//! Time: it moves with commands only (R2), and its effects come before the command's own first event (R6).

use crate::book::{OrderBook, Output};
use crate::codes::CancelReason;
use crate::index::PriceIndex;
use crate::record::EventSink;

impl<I: PriceIndex> OrderBook<I> {
    /// Moves time to `timestamp_ns`; an earlier stamp counts as the last one seen.
    #[inline(always)]
    pub(crate) fn move_time<S: EventSink>(&mut self, timestamp_ns: u64, out: &mut Output<'_, S>) {
        self.now_ns = self.now_ns.max(timestamp_ns);
        if self.now_ns >= self.next_due_ns {
            self.effects_of_time(out);
        }
    }

    /// R17: GTD orders that have expired, in order of expiry, then id. R5: client ids whose window has passed become free.
    #[cold]
    fn effects_of_time<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        // First the old names: an order that expires at this very command starts its window now.
        self.client_ids.forget_until(self.now_ns);
        while let Some(slot) = self.expiries.pop_due(self.now_ns, &self.pool) {
            let gone = self.remove(slot, out);
            self.count_canceled(CancelReason::Expired);
            out.canceled(CancelReason::Expired, gone);
        }
        self.expiries.tidy(&self.pool);
        self.next_due_ns = self.expiries.next_ns().min(self.client_ids.next_ns());
    }
}
