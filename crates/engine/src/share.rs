//! Pro rata (R29): what an aggressor takes from a level is shared out among the orders on show.

use crate::book::{OrderBook, Output};
use crate::codes::Matching;
use crate::index::PriceIndex;
use crate::matching::{Aggressor, Walk};
use crate::record::EventSink;

const BPS: u128 = 10_000;

impl<I: PriceIndex> OrderBook<I> {
    /// Rounds over the displayed orders of a level until none is left or the aggressor is done.
    pub(crate) fn share_out<S: EventSink>(
        &mut self,
        level: u32,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) -> Walk {
        while taker.remaining > 0 && self.levels.get(level).quantity > 0 {
            if !self.may_print(price_ticks) {
                self.halt(out);
                return Walk::Halted;
            }
            // What each order shows now: an iceberg's next slice waits for the next round.
            let mut round = std::mem::take(&mut self.round);
            round.clear();
            let queue = self.levels.get(level).queue;
            round.extend(queue.iter(&self.pool).map(|slot| (slot, self.pool.order(slot).remaining())));
            self.share_round(&mut round, price_ticks, taker, out);
            self.round = round;
        }
        Walk::Done
    }

    fn share_round<S: EventSink>(
        &mut self,
        round: &mut [(u32, u64)],
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) {
        let shown: u128 = round.iter().map(|&(_, shown)| u128::from(shown)).sum();
        let quantity = u128::from(taker.remaining).min(shown) as u64;
        let mut first = 0;
        if self.rules.matching == Matching::FifoProRata {
            first = (u128::from(quantity) * u128::from(self.rules.fifo_share_bps) / BPS) as u64;
            self.oldest_first(round, first, price_ticks, taker, out);
        }
        let left = quantity - first;
        let shown = shown - u128::from(first);
        let mut given = 0;
        for (slot, shows) in round.iter_mut() {
            // `shown` is 0 only if nothing is left, and then this is no division by it.
            let part = u128::from(left) * u128::from(*shows);
            let share = part.checked_div(shown).unwrap_or(0) as u64;
            if share > 0 {
                *shows -= share;
                given += share;
                self.strike(*slot, share, price_ticks, taker, out);
            }
        }
        self.oldest_first(round, left - given, price_ticks, taker, out);
    }

    /// Shares out `quantity` among what the orders of a round still show, oldest first.
    fn oldest_first<S: EventSink>(
        &mut self,
        round: &mut [(u32, u64)],
        quantity: u64,
        price_ticks: i64,
        taker: &mut Aggressor,
        out: &mut Output<'_, S>,
    ) {
        let mut left = quantity;
        for (slot, shows) in round.iter_mut() {
            let share = left.min(*shows);
            if share > 0 {
                *shows -= share;
                left -= share;
                self.strike(*slot, share, price_ticks, taker, out);
            }
        }
    }
}
