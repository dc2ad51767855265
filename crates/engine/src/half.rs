//! One side of a book: its price index and its best level.
//!
//! Prices become *keys* in which better is always higher: a bid's key is its price, an ask's key is the price with every bit
//! flipped (`!p == -p - 1`, which reverses the order of all 64-bit numbers without overflow). One piece of code, without a
//! branch on the side, then serves both.

use crate::index::PriceIndex;
use crate::level::Levels;
use crate::pool::NIL;
use std::hint::select_unpredictable;

/// The key of a price on that side, and the price of a key: the same operation.
#[inline(always)]
pub(crate) fn flip(side: u8, value: i64) -> i64 {
    value ^ -i64::from(side)
}

/// Bids, or asks.
///
/// The best level is found lazily. Where it empties, its key stays as a bound that no level exceeds: orders come and go at the
/// touch far more often than anyone trades, and an arriving order that does not even reach the bound needs no search.
pub(crate) struct Half<I> {
    index: I,
    /// No level's key is above this; `i64::MIN` where there was none yet.
    bound: i64,
    /// The level at `bound`, which then is the best; [`NIL`] if there is none.
    best_level: u32,
}

impl<I: PriceIndex> Half<I> {
    pub fn new() -> Half<I> {
        Half { index: I::default(), bound: i64::MIN, best_level: NIL }
    }

    /// Could an order that takes down to `limit` (a key of this side) meet a level? False is certain.
    #[inline(always)]
    pub fn may_reach(&self, limit: i64) -> bool {
        self.bound >= limit
    }

    /// The best level, if an order that takes down to `limit` meets it.
    #[inline(always)]
    pub fn reached(&mut self, limit: i64) -> Option<(i64, u32)> {
        if self.best_level == NIL {
            (self.bound, self.best_level) = self.best().unwrap_or((i64::MIN, NIL));
        }
        (self.best_level != NIL && self.bound >= limit).then_some((self.bound, self.best_level))
    }

    /// The best level.
    pub fn best(&self) -> Option<(i64, u32)> {
        if self.best_level != NIL {
            return Some((self.bound, self.best_level));
        }
        if self.index.len() == 0 { None } else { self.index.below(self.bound) }
    }

    /// The level at a key, made if it is not there.
    #[inline(always)]
    pub fn level_at(&mut self, levels: &mut Levels, side: u8, key: i64) -> u32 {
        let level = self.index.get(key);
        if level != NIL { level } else { self.create(levels, side, key) }
    }

    #[inline(always)]
    fn create(&mut self, levels: &mut Levels, side: u8, key: i64) -> u32 {
        let level = levels.insert(side, key);
        let is_best = key >= self.bound;
        self.bound = self.bound.max(key);
        self.best_level = select_unpredictable(is_best, level, self.best_level);
        self.index.insert(key, level, self.bound);
        level
    }

    /// Removes an empty level.
    #[inline(always)]
    pub fn remove(&mut self, levels: &mut Levels, level: u32) {
        self.index.remove(levels.get(level).key);
        self.best_level = select_unpredictable(level == self.best_level, NIL, self.best_level);
        levels.remove(level);
    }

    /// The level at a key, or [`NIL`].
    pub fn find(&self, key: i64) -> u32 {
        self.index.get(key)
    }

    /// Number of levels.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Levels from the best to the worst.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        std::iter::successors(self.best(), |&(key, _)| self.index.below(key))
    }

    /// The best level worse than that key.
    pub fn next_below(&self, key: i64) -> Option<(i64, u32)> {
        self.index.below(key)
    }

    /// Levels worse than that key, from the best of them on.
    pub fn iter_below(&self, key: i64) -> impl Iterator<Item = (i64, u32)> {
        std::iter::successors(self.index.below(key), |&(key, _)| self.index.below(key))
    }

    pub fn bytes(&self) -> usize {
        self.index.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_reverse_the_asks_over_all_of_64_bits() {
        for price in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(flip(0, price), price);
            assert_eq!(flip(1, flip(1, price)), price);
        }
        assert!(flip(1, i64::MIN) > flip(1, -1) && flip(1, -1) > flip(1, 0) && flip(1, 0) > flip(1, i64::MAX));
    }
}
