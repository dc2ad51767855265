//! One side of a book: its price index and its best level.
//!
//! Prices become *keys* in which better is always higher: a bid's key is its price, an ask's key is the price with every bit
//! flipped (`!p == -p - 1`, which reverses the order of all 64-bit numbers without overflow). One piece of code, without a
//! branch on the side, then serves both.

use crate::codes::Side;
use crate::index::PriceIndex;
use crate::level::Levels;
use crate::pool::NIL;

/// The key of a price on that side, and the price of a key: the same operation.
#[inline(always)]
pub(crate) fn flip(side: u8, value: i64) -> i64 {
    value ^ -i64::from(side)
}

/// Bids, or asks.
pub(crate) struct Half<I> {
    index: I,
    /// The best level, or [`NIL`].
    pub best_level: u32,
    /// Its key; `i64::MIN` where there is none, which also is a legal key: `best_level` decides.
    pub best_key: i64,
    levels: usize,
}

impl<I: PriceIndex> Half<I> {
    pub fn new() -> Half<I> {
        Half { index: I::default(), best_level: NIL, best_key: i64::MIN, levels: 0 }
    }

    /// Would an order that takes down to `limit` (a key of this side) meet the best level?
    #[inline(always)]
    pub fn reaches(&self, limit: i64) -> bool {
        self.best_key >= limit && self.best_level != NIL
    }

    /// The level at a key, made if it is not there.
    #[inline(always)]
    pub fn level_at(&mut self, levels: &mut Levels, side: u8, key: i64) -> u32 {
        if key == self.best_key && self.best_level != NIL {
            return self.best_level;
        }
        let level = self.index.get(key);
        if level != NIL { level } else { self.create(levels, side, key) }
    }

    fn create(&mut self, levels: &mut Levels, side: u8, key: i64) -> u32 {
        let level = levels.insert(side, key);
        if key > self.best_key || self.best_level == NIL {
            (self.best_key, self.best_level) = (key, level);
        }
        self.index.insert(key, level, self.best_key);
        self.levels += 1;
        level
    }

    /// Removes an empty level.
    pub fn remove(&mut self, levels: &mut Levels, level: u32) {
        let key = levels.get(level).key;
        self.index.remove(key);
        self.levels -= 1;
        if level == self.best_level {
            (self.best_key, self.best_level) = self.index.below(key).unwrap_or((i64::MIN, NIL));
        }
        levels.remove(level);
    }

    /// The level at a key, or [`NIL`].
    pub fn find(&self, key: i64) -> u32 {
        self.index.get(key)
    }

    /// Number of levels.
    pub fn len(&self) -> usize {
        self.levels
    }

    /// Levels from the best to the worst.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u32)> {
        let first = (self.best_level != NIL).then_some((self.best_key, self.best_level));
        std::iter::successors(first, |&(key, _)| self.index.below(key))
    }

    #[inline(always)]
    pub fn prefetch(&self, key: i64) {
        self.index.prefetch(key);
    }

    pub fn bytes(&self) -> usize {
        self.index.bytes()
    }
}

/// Best price of a side.
pub(crate) fn best_price<I: PriceIndex>(half: &Half<I>, side: Side) -> Option<i64> {
    (half.best_level != NIL).then(|| flip(side.code(), half.best_key))
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
