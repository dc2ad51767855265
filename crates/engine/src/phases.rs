//! Trading phases (R26) and what a change of phase brings about (R17, R27).

use crate::book::{OrderBook, Output};
use crate::codes::{CancelReason, Phase, RejectReason, TimeInForce};
use crate::enter::Refusal;
use crate::index::PriceIndex;
use crate::pool::Place;
use crate::record::{Command, EventSink};

impl<I: PriceIndex> OrderBook<I> {
    /// Any phase may follow any; the same again has no effect. Entering continuous trading, or closing an auction, uncrosses;
    /// closing ends the DAY orders, in order of id.
    pub(crate) fn change_phase<S: EventSink>(&mut self, c: &Command, out: &mut Output<'_, S>) -> Result<(), Refusal> {
        let phase = Phase::from_code(c.order_type).ok_or(RejectReason::InvalidCombination)?;
        out.accepted(0, c.account, self.now_ns, c.tag);
        if phase == self.phase {
            return Ok(());
        }
        let before = self.phase;
        self.phase = phase;
        self.halt_end_ns = None;
        self.announce_phase(out);
        if phase == Phase::Continuous || (before, phase) == (Phase::Auction, Phase::Closed) {
            self.uncross(out);
            let waiting = self.live_slots(|order| order.traits().place() == Place::Waiting);
            self.cancel_all(waiting, CancelReason::NoLiquidity, out);
        }
        if phase == Phase::Closed {
            let of_the_day = self.live_slots(|order| order.traits().time_in_force() == TimeInForce::Day.code());
            self.cancel_all(of_the_day, CancelReason::SessionClosed, out);
        }
        Ok(())
    }

    /// R28: the circuit breaker's halt has lasted as long as it should; an auction follows.
    pub(crate) fn end_halt<S: EventSink>(&mut self, out: &mut Output<'_, S>) {
        self.halt_end_ns = None;
        self.phase = Phase::Auction;
        self.announce_phase(out);
    }
}
