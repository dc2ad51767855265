//! The ladder: an array of levels over a window of ticks that follows the market, found through a bitmap of three floors;
//! prices outside the window stand in a sorted overflow, so any 64-bit price is legal and costs no window.
//!
//! The window is circular: key `k` stands at position `k & (width - 1)`, so moving the window moves no level that stays in it.
//! It moves only after as many look-ups outside of it as the move costs steps, which makes every operation O(1) amortised,
//! whatever prices are sent; and it grows only while levels fill at least one in 64 of its ticks.

use super::PriceIndex;
use crate::platform::Region;
use std::collections::BTreeMap;

const MIN_WIDTH: usize = 1 << 10;
const MAX_WIDTH: usize = 1 << 18;

/// See the module.
pub struct Ladder {
    /// Lowest key of the window; `base + width - 1` does not overflow.
    base: i64,
    /// Level by position, 0 where there is none.
    window: Region<u32>,
    /// Bit per position that has a level.
    bits: Bitmap,
    /// Levels outside the window.
    overflow: BTreeMap<i64, u32>,
    /// Levels inside the window.
    inside: usize,
    /// Insertions outside and inside the window since it was last looked at.
    misses: u32,
    hits: u32,
}

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder {
            base: 0,
            window: Region::new(MIN_WIDTH),
            bits: Bitmap::new(MIN_WIDTH),
            overflow: BTreeMap::new(),
            inside: 0,
            misses: 0,
            hits: 0,
        }
    }
}

impl Ladder {
    #[inline(always)]
    fn holds(&self, key: i64) -> bool {
        (key.wrapping_sub(self.base) as u64) < self.window.len() as u64
    }

    #[inline(always)]
    fn position(&self, key: i64) -> usize {
        key as usize & (self.window.len() - 1)
    }

    /// The key at a position: the one inside the window.
    #[inline(always)]
    fn key_at(&self, position: usize) -> i64 {
        let offset = position.wrapping_sub(self.base as usize) & (self.window.len() - 1);
        self.base + offset as i64
    }

    /// The highest key of the window at or below `key`, which the window holds.
    #[inline]
    fn highest_at_or_below(&self, key: i64) -> Option<(i64, u32)> {
        let (position, first) = (self.position(key), self.position(self.base));
        // Positions from `first` up, then from 0 up, are keys in rising order; a bit on the wrong side of `first` is a
        // key above `key`.
        let found = match self.bits.highest_at_or_below(position) {
            Some(found) if position < first || found >= first => Some(found),
            _ if position < first => self.bits.highest_at_or_below(self.window.len() - 1).filter(|&p| p >= first),
            _ => None,
        }?;
        Some((self.key_at(found), *self.window.wrapped(found)))
    }

    #[inline(always)]
    fn put(&mut self, key: i64, level: u32) {
        let position = self.position(key);
        *self.window.wrapped_mut(position) = level;
        self.bits.set(position);
        self.inside += 1;
    }

    /// A key outside the window was inserted: move or widen the window if enough of them have paid for it. It goes to the
    /// best price, or, where most prices arrive far from that (a lone outlier is best), to where they arrive.
    #[cold]
    fn missed(&mut self, key: i64, bound: i64) {
        self.misses += 1;
        if self.misses as usize > self.inside + self.window.len() / 64 {
            self.follow(if self.misses > self.hits { key } else { bound });
            (self.misses, self.hits) = (0, 0);
        }
    }

    /// Lays the window so that `centre` stands at three quarters: most of a side lies behind its best price.
    fn follow(&mut self, centre: i64) {
        let base_of = |width: usize| {
            let below = (width - width / 4) as i64;
            centre.saturating_sub(below).min(i64::MAX - (width as i64 - 1))
        };
        let mut width = self.window.len();
        while width < MAX_WIDTH {
            let wider = width * 4;
            let base = base_of(wider);
            let outside = self.overflow.range(base..=base + (wider as i64 - 1)).count();
            if outside == 0 || (self.inside + outside) * 64 < wider {
                break;
            }
            width = wider;
        }
        if width == self.window.len() && base_of(width) == self.base {
            return;
        }
        let mut levels = std::mem::take(&mut self.overflow);
        let mut next = self.highest_at_or_below(self.base + (self.window.len() as i64 - 1));
        while let Some((key, level)) = next {
            levels.insert(key, level);
            let position = self.position(key);
            *self.window.wrapped_mut(position) = 0;
            self.bits.clear(position);
            next = if key == self.base { None } else { self.highest_at_or_below(key - 1) };
        }
        if width != self.window.len() {
            self.window = Region::new(width);
            self.bits = Bitmap::new(width);
        }
        self.base = base_of(width);
        self.inside = 0;
        let last = self.base + (width as i64 - 1);
        let mut far = levels.split_off(&self.base);
        let beyond = if last == i64::MAX { BTreeMap::new() } else { far.split_off(&(last + 1)) };
        for (key, level) in far {
            self.put(key, level);
        }
        levels.extend(beyond);
        self.overflow = levels;
    }
}

impl PriceIndex for Ladder {
    #[inline(always)]
    fn get(&self, key: i64) -> u32 {
        if self.holds(key) { *self.window.wrapped(key as usize) } else { self.overflow.get(&key).copied().unwrap_or(0) }
    }

    #[inline(always)]
    fn insert(&mut self, key: i64, level: u32, bound: i64) {
        if self.holds(key) {
            self.put(key, level);
            self.hits = self.hits.saturating_add(1);
        } else {
            self.overflow.insert(key, level);
            self.missed(key, bound);
        }
    }

    #[inline(always)]
    fn remove(&mut self, key: i64) {
        if self.holds(key) {
            let position = self.position(key);
            *self.window.wrapped_mut(position) = 0;
            self.bits.clear(position);
            self.inside -= 1;
        } else {
            self.overflow.remove(&key);
        }
    }

    #[inline(always)]
    fn below(&self, key: i64) -> Option<(i64, u32)> {
        let last = self.base + (self.window.len() as i64 - 1);
        if key > last {
            let far = if self.overflow.is_empty() { None } else { self.overflow.range(..key).next_back() };
            if let Some((&key, &level)) = far.filter(|&(&key, _)| key > last) {
                return Some((key, level));
            }
        }
        if key > self.base
            && let Some(found) = self.highest_at_or_below(last.min(key - 1))
        {
            return Some(found);
        }
        if self.overflow.is_empty() {
            return None;
        }
        self.overflow.range(..key.min(self.base)).next_back().map(|(&key, &level)| (key, level))
    }

    fn len(&self) -> usize {
        self.inside + self.overflow.len()
    }

    fn bytes(&self) -> usize {
        self.window.len() * size_of::<u32>() + self.bits.bytes() + self.overflow.len() * 20
    }
}

/// A set of positions below a power of two, up to 64^3, as a tree of words: a bit on each floor says that the word below has bits.
struct Bitmap {
    ground: Region<u64>,
    middle: Region<u64>,
    top: u64,
}

impl Bitmap {
    fn new(width: usize) -> Bitmap {
        Bitmap { ground: Region::new(width.div_ceil(64)), middle: Region::new(width.div_ceil(4096)), top: 0 }
    }

    #[inline(always)]
    fn set(&mut self, position: usize) {
        *self.ground.wrapped_mut(position >> 6) |= 1 << (position & 63);
        *self.middle.wrapped_mut(position >> 12) |= 1 << (position >> 6 & 63);
        self.top |= 1 << (position >> 12 & 63);
    }

    #[inline(always)]
    fn clear(&mut self, position: usize) {
        let ground = self.ground.wrapped_mut(position >> 6);
        *ground &= !(1 << (position & 63));
        if *ground == 0 {
            let middle = self.middle.wrapped_mut(position >> 12);
            *middle &= !(1 << (position >> 6 & 63));
            if *middle == 0 {
                self.top &= !(1 << (position >> 12 & 63));
            }
        }
    }

    #[inline(always)]
    fn highest_at_or_below(&self, position: usize) -> Option<usize> {
        let word = position >> 6;
        let bits = self.ground.wrapped(word) & (u64::MAX >> (63 - (position & 63)));
        if bits != 0 {
            return Some(word << 6 | bits.ilog2() as usize);
        }
        let block = word >> 6;
        let words = self.middle.wrapped(block) & ((1 << (word & 63)) - 1);
        let word = if words != 0 {
            block << 6 | words.ilog2() as usize
        } else {
            let blocks = self.top & ((1 << (block & 63)) - 1);
            let block = blocks.checked_ilog2()? as usize;
            block << 6 | self.middle.wrapped(block).checked_ilog2()? as usize
        };
        Some(word << 6 | self.ground.wrapped(word).checked_ilog2()? as usize)
    }

    fn bytes(&self) -> usize {
        (self.ground.len() + self.middle.len() + 1) * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_a_market_that_moves_away() {
        let mut ladder = Ladder::default();
        for key in 1_000_000..1_020_000 {
            ladder.insert(key, 7, key);
            if key >= 1_000_100 {
                ladder.remove(key - 100);
            }
        }
        assert!(ladder.holds(1_019_999), "the market is inside the window");
        assert!(ladder.overflow.len() < 100);
    }

    #[test]
    fn far_prices_cost_no_window() {
        let mut ladder = Ladder::default();
        for i in 0..10_000_i64 {
            ladder.insert(i * 1_000_000_007, 1, i * 1_000_000_007);
        }
        assert_eq!(ladder.window.len(), MIN_WIDTH);
    }
}
