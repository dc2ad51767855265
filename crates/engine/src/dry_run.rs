//! The matching walk done dry (R13, R19 to R21): what an order would meet, without a trade.

use crate::book::OrderBook;
use crate::codes::{SelfTradePrevention, TimeInForce};
use crate::half::flip;
use crate::index::PriceIndex;
use crate::matching::Aggressor;

/// How the dry walk over a level ended.
enum Dry {
    /// So much is still missing.
    Missing(u128),
    /// The real walk would end here, at an own order.
    Ends(u128),
}

impl<I: PriceIndex> OrderBook<I> {
    /// R19: would the walk, done now, fill the aggressor?
    pub(crate) fn can_fill(&self, taker: &Aggressor) -> bool {
        self.find(taker, taker.remaining) == taker.remaining
    }

    /// How much of `wanted` the walk, done now, would trade. It counts only what stands inside the circuit breaker's band.
    pub(crate) fn find(&self, taker: &Aggressor, wanted: u64) -> u64 {
        let side = taker.side ^ 1;
        let wanted = u128::from(wanted);
        let mut missing = wanted;
        for (key, level) in self.halves[usize::from(side)].iter() {
            if key < taker.worst_key || missing == 0 {
                break;
            }
            match self.find_in(level, taker, missing) {
                // A print outside the band would halt the walk; a level that prints nothing is passed by.
                Dry::Missing(left) if left < missing && !self.may_print(flip(side, key)) => break,
                Dry::Ends(_) if !self.may_print(flip(side, key)) => break,
                Dry::Missing(left) => missing = left,
                Dry::Ends(left) => {
                    missing = left;
                    break;
                }
            }
        }
        (wanted - missing) as u64
    }

    fn find_in(&self, number: u32, taker: &Aggressor, missing: u128) -> Dry {
        let (level, aside) = (self.levels.get(number), self.levels.aside(number));
        if taker.mode == SelfTradePrevention::None {
            let missing = missing.saturating_sub(level.quantity + aside.reserve);
            return self.find_undisplayed(number, taker, missing);
        }
        let mut left = missing;
        let mut reserves = 0_u128;
        for slot in level.queue.iter(&self.pool) {
            if left == 0 {
                return Dry::Missing(0);
            }
            let order = self.pool.order(slot);
            if !self.is_own(taker, slot) {
                left = left.saturating_sub(u128::from(order.remaining()));
                reserves += u128::from(self.whole(slot) - order.remaining());
            } else if taker.mode != SelfTradePrevention::CancelOldest {
                return Dry::Ends(left);
            }
        }
        // The next slices stand behind all that is displayed now.
        self.find_undisplayed(number, taker, left.saturating_sub(reserves))
    }

    /// Hidden orders, and all-or-none ones that are not larger than what is left, in order of time.
    fn find_undisplayed(&self, number: u32, taker: &Aggressor, missing: u128) -> Dry {
        let aside = self.levels.aside(number);
        if taker.mode == SelfTradePrevention::None && aside.aon_count == 0 {
            return Dry::Missing(missing.saturating_sub(aside.hidden));
        }
        let mut missing = missing;
        for slot in aside.queue.iter(&self.pool) {
            if missing == 0 {
                break;
            }
            let order = self.pool.order(slot);
            let remaining = u128::from(order.remaining());
            if self.is_aon(slot) && remaining > missing {
                continue;
            }
            if !self.is_own(taker, slot) {
                missing = missing.saturating_sub(remaining);
            } else if taker.mode != SelfTradePrevention::CancelOldest {
                return Dry::Ends(missing);
            }
        }
        Dry::Missing(missing)
    }

    /// Is there, below `above` and down to `worst` (keys of that side), an order that one of `quantity` lots could meet? An
    /// all-or-none order that is larger cannot be met.
    pub(crate) fn meets(&self, side: u8, above: i64, worst: i64, quantity: u64) -> bool {
        let half = &self.halves[usize::from(side)];
        half.iter_below(above).take_while(|&(key, _)| key >= worst).any(|(_, level)| self.offers(level, quantity))
    }

    /// R13: the best key of that side, down to `worst`, at which an order of `quantity` lots would meet one.
    pub(crate) fn best_met(&self, side: u8, worst: i64, quantity: u64) -> Option<i64> {
        let half = &self.halves[usize::from(side)];
        if !half.may_reach(worst) {
            return None;
        }
        let mut reached = half.iter().take_while(|&(key, _)| key >= worst);
        reached.find(|&(_, level)| self.offers(level, quantity)).map(|(key, _)| key)
    }

    /// Has a level an order that one of `quantity` lots could meet?
    fn offers(&self, number: u32, quantity: u64) -> bool {
        let (level, aside) = (self.levels.get(number), self.levels.aside(number));
        level.quantity > 0
            || aside.count > aside.aon_count
            || aside.queue.iter(&self.pool).any(|slot| self.pool.order(slot).remaining() <= quantity)
    }

    #[inline(always)]
    pub(crate) fn is_aon(&self, slot: u32) -> bool {
        self.pool.order(slot).traits().time_in_force() == TimeInForce::Aon.code()
    }
}
