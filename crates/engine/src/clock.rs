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

    /// What has become due, in the order in which it did: GTD orders expire, in order of expiry, then id (R17); then, at the
    /// same time, the circuit breaker's halt ends (R28). Client ids whose window has passed become free (R5).
    #[cold]
    fn effects_of_time<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        // First the old names: an order that expires at this very command starts its window now.
        self.client_ids.forget_until(self.now_ns);
        if let Some(end_ns) = self.halt_end_ns.filter(|&end_ns| end_ns <= self.now_ns) {
            self.expire_until(end_ns, out);
            self.end_halt(out);
        }
        self.expire_until(self.now_ns, out);
        self.expiries.tidy(&self.pool);
        self.find_next_due();
        self.look_around();
    }

    /// When time next does something that shows: an expiry or the end of a halt. Never later than that.
    pub(crate) fn next_effect_ns(&self) -> Option<u64> {
        let expiry_ns = Some(self.expiries.next_ns()).filter(|&due_ns| due_ns < u64::MAX);
        expiry_ns.into_iter().chain(self.halt_end_ns).min()
    }

    /// Time is `now_ns`. The caller has several books, whose effects come one due time after the other: `expire`, then
    /// `resume`, for each; then `end_time` once.
    pub(crate) fn begin_time(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        self.client_ids.forget_until(self.now_ns);
    }

    /// The expiries due at `due_ns`.
    pub(crate) fn expire<S: EventSink>(&mut self, due_ns: u64, sequence: u64, sink: &mut S) {
        let mut out = Output { sink, sequence, instrument: self.rules.instrument, index: 0 };
        self.expire_until(due_ns, &mut out);
    }

    /// The end of a halt, if it is due at `due_ns`.
    pub(crate) fn resume<S: EventSink>(&mut self, due_ns: u64, sequence: u64, sink: &mut S) {
        if self.halt_end_ns.is_some_and(|end_ns| end_ns <= due_ns) {
            let mut out = Output { sink, sequence, instrument: self.rules.instrument, index: 0 };
            self.end_halt(&mut out);
        }
    }

    /// The effects of time are out.
    pub(crate) fn end_time(&mut self) {
        self.expiries.tidy(&self.pool);
        self.find_next_due();
        self.look_around();
    }

    fn expire_until<S: EventSink>(&mut self, until_ns: u64, out: &mut Output<'_, S>) {
        while let Some(slot) = self.expiries.pop_due(until_ns, &self.pool) {
            self.cancel(slot, CancelReason::Expired, out);
        }
    }

    /// Finds out until when time passes without effect.
    pub(crate) fn find_next_due(&mut self) {
        let next_ns = self.expiries.next_ns().min(self.client_ids.next_ns());
        self.next_due_ns = next_ns.min(self.halt_end_ns.unwrap_or(u64::MAX));
    }
}
