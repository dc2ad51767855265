//! The ladder: an array of levels over a window of ticks that follows the market, found through a bitmap of three floors;
//! prices outside the window stand in a sorted overflow, so any 64-bit price is legal and costs no window.
//!
//! The window is circular: key `k` stands at position `k & MASK`, so moving the window moves no level that stays in it. It
//! moves only after as many insertions outside of it as the move costs steps, which makes every operation O(1) amortised,
//! whatever prices are sent. Its width is a constant, which the compiler turns into masks instead of checks; memory is
//! spent only on the pages of it that the market has visited.

use super::PriceIndex;
use std::collections::BTreeMap;

/// Ticks in the window.
const WIDTH: usize = 1 << 16;
const MASK: usize = WIDTH - 1;
const WORDS: usize = WIDTH / 64;
const BLOCKS: usize = WORDS / 64;
/// Insertions outside the window that pay for looking through its bitmap.
const PATIENCE: usize = WORDS;

/// See the module.
pub struct Ladder {
    /// Lowest key of the window; `base + WIDTH - 1` does not overflow.
    base: i64,
    /// Level by position, 0 where there is none.
    window: Box<[u32; WIDTH]>,
    /// Bit per position that has a level.
    bits: Bitmap,
    /// Levels outside the window.
    overflow: BTreeMap<i64, u32>,
    /// Levels inside the window.
    inside: usize,
    /// Insertions outside and inside the window since it was last looked at.
    misses: u64,
    hits: u64,
}

impl Default for Ladder {
    fn default() -> Ladder {
        Ladder {
            base: 0,
            window: zeroes(),
            bits: Bitmap { ground: zeroes(), middle: [0; BLOCKS], top: 0, visited: 0 },
            overflow: BTreeMap::new(),
            inside: 0,
            misses: 0,
            hits: 0,
        }
    }
}

/// Zeroed memory straight from the allocator: pages that are never visited are never touched.
fn zeroes<T: Clone + Default, const N: usize>() -> Box<[T; N]> {
    let Ok(zeroes) = vec![T::default(); N].try_into() else { unreachable!("the length is the array's") };
    zeroes
}

impl Ladder {
    #[inline(always)]
    fn holds(&self, key: i64) -> bool {
        (key.wrapping_sub(self.base) as u64) < WIDTH as u64
    }

    /// The highest key of the window.
    #[inline(always)]
    fn last(&self) -> i64 {
        self.base + MASK as i64
    }

    /// The highest key of the window at or below `key`, which the window holds.
    #[inline]
    fn highest_at_or_below(&self, key: i64) -> Option<(i64, u32)> {
        let (position, first) = (key as usize & MASK, self.base as usize & MASK);
        // Positions from `first` up, then from 0 up, are keys in rising order; a bit on the wrong side of `first` is a
        // key above `key`.
        let found = match self.bits.highest_at_or_below(position) {
            Some(found) if position < first || found >= first => Some(found),
            _ if position < first => self.bits.highest_at_or_below(MASK).filter(|&found| found >= first),
            _ => None,
        }?;
        let offset = found.wrapping_sub(first) & MASK;
        Some((self.base + offset as i64, self.window[found]))
    }

    #[inline(always)]
    fn put(&mut self, key: i64, level: u32) {
        self.window[key as usize & MASK] = level;
        self.bits.set(key as usize & MASK);
        self.inside += 1;
    }

    #[inline(always)]
    fn take(&mut self, key: i64) {
        self.window[key as usize & MASK] = 0;
        self.bits.clear(key as usize & MASK);
        self.inside -= 1;
    }

    /// A key outside the window was inserted: move the window if enough of them have paid for it. It goes to the best
    /// price, or, where most prices arrive far from that (a lone outlier is best), to where they arrive.
    #[cold]
    fn missed(&mut self, key: i64, best: i64) {
        self.misses += 1;
        if self.misses > (self.inside + PATIENCE) as u64 || self.inside == 0 {
            self.follow(if self.misses > self.hits { key } else { best });
            (self.misses, self.hits) = (0, 0);
        }
    }

    /// Lays the window so that `centre` stands at three quarters: most of a side lies behind its best price.
    fn follow(&mut self, centre: i64) {
        let base = centre.saturating_sub((WIDTH - WIDTH / 4) as i64).min(i64::MAX - MASK as i64);
        let last = base + MASK as i64;
        // Those that will be outside leave, from the highest down.
        let mut next = self.highest_at_or_below(self.last());
        while let Some((key, level)) = next {
            if key < base || key > last {
                self.take(key);
                self.overflow.insert(key, level);
            }
            next = if key == self.base { None } else { self.highest_at_or_below(key - 1) };
        }
        self.base = base;
        while let Some((&key, &level)) = self.overflow.range(base..=last).next() {
            self.overflow.remove(&key);
            self.put(key, level);
        }
    }
}

impl PriceIndex for Ladder {
    #[inline(always)]
    fn get(&self, key: i64) -> u32 {
        if self.holds(key) { self.window[key as usize & MASK] } else { self.overflow.get(&key).copied().unwrap_or(0) }
    }

    #[inline(always)]
    fn insert(&mut self, key: i64, level: u32, bound: i64) {
        if self.holds(key) {
            self.put(key, level);
            self.hits += 1;
        } else {
            self.overflow.insert(key, level);
            self.missed(key, bound);
        }
    }

    #[inline(always)]
    fn remove(&mut self, key: i64) {
        if self.holds(key) {
            self.take(key);
        } else {
            self.overflow.remove(&key);
        }
    }

    #[inline]
    fn below(&self, key: i64) -> Option<(i64, u32)> {
        let last = self.last();
        if key > last && !self.overflow.is_empty() {
            let far = self.overflow.range(..key).next_back().map(|(&key, &level)| (key, level));
            if far.is_some_and(|(key, _)| key > last) {
                return far;
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
        // A block is 4,096 positions: four pages of the window, half a kilobyte of the bitmap.
        let visited = (self.bits.visited | self.bits.top).count_ones() as usize;
        visited * (WIDTH / BLOCKS) * (size_of::<u32>() + 1) + self.overflow.len() * 20
    }
}

/// A set of positions, as a tree of words: a bit on each floor says that the word below has bits.
struct Bitmap {
    ground: Box<[u64; WORDS]>,
    middle: [u64; BLOCKS],
    top: u64,
    /// Blocks that once had a bit.
    visited: u64,
}

impl Bitmap {
    #[inline(always)]
    fn set(&mut self, position: usize) {
        self.ground[position >> 6 & (WORDS - 1)] |= 1 << (position & 63);
        self.middle[position >> 12 & (BLOCKS - 1)] |= 1 << (position >> 6 & 63);
        self.top |= 1 << (position >> 12 & (BLOCKS - 1));
    }

    #[inline(always)]
    fn clear(&mut self, position: usize) {
        let ground = &mut self.ground[position >> 6 & (WORDS - 1)];
        *ground &= !(1 << (position & 63));
        if *ground == 0 {
            let middle = &mut self.middle[position >> 12 & (BLOCKS - 1)];
            *middle &= !(1 << (position >> 6 & 63));
            if *middle == 0 {
                self.visited |= self.top;
                self.top &= !(1 << (position >> 12 & (BLOCKS - 1)));
            }
        }
    }

    #[inline(always)]
    fn highest_at_or_below(&self, position: usize) -> Option<usize> {
        let word = position >> 6 & (WORDS - 1);
        let bits = self.ground[word] & (u64::MAX >> (63 - (position & 63)));
        if bits != 0 {
            return Some(word << 6 | bits.ilog2() as usize);
        }
        let block = word >> 6;
        let words = self.middle[block] & ((1 << (word & 63)) - 1);
        let word = if words != 0 {
            block << 6 | words.ilog2() as usize
        } else {
            let block = (self.top & ((1 << block) - 1)).checked_ilog2()? as usize & (BLOCKS - 1);
            block << 6 | self.middle[block].checked_ilog2()? as usize
        };
        Some(word << 6 | self.ground[word].checked_ilog2()? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_a_market_that_moves_away() {
        let mut ladder = Ladder::default();
        for key in 1_000_000..1_300_000 {
            ladder.insert(key, 7, key);
            if key >= 1_000_100 {
                ladder.remove(key - 100);
            }
        }
        assert!(ladder.holds(1_299_000), "the market is inside the window");
        assert!(ladder.overflow.len() < 2 * PATIENCE);
    }

    #[test]
    fn a_move_takes_the_levels_with_it_that_stay() {
        let mut ladder = Ladder::default();
        for key in (0..WIDTH as i64).step_by(1_000) {
            ladder.insert(key, 1 + key as u32, key);
        }
        ladder.follow(WIDTH as i64 + 5);
        assert!(ladder.base > 0 && ladder.overflow.len() > 10);
        for key in (0..WIDTH as i64).step_by(1_000) {
            assert_eq!(ladder.get(key), 1 + key as u32);
            assert_eq!(ladder.holds(key), !ladder.overflow.contains_key(&key));
        }
    }

    /// No time is asserted: were the whole overflow handled on each move of the window, this would not end.
    #[test]
    fn many_far_levels_do_not_move_when_the_window_does() {
        let mut ladder = Ladder::default();
        let (count, far) = (1 << 17, 1_000_003_i64);
        for i in 0..count {
            ladder.insert(-i * far, 1, 0);
        }
        assert_eq!(ladder.len(), count as usize);
        let falling = std::iter::successors(ladder.below(1), |&(key, _)| ladder.below(key));
        assert!(falling.map(|(key, _)| key).eq((0..count).map(|i| -i * far)));
    }
}
