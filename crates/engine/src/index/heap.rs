//! A heap of prices and a hash map from price to level: what most people build first.
//!
//! A heap only ever knows its best key, and can take out no other. So a removal takes nothing out: the level's entry in the
//! map becomes 0, and its key stays in the heap until it stands at the top when the next new key comes. A price that is
//! left and taken again before that (at the touch, most are) costs the map alone. The map has an entry for
//! every key in the heap, live or stale, and the other way round, so a key is in the heap at most once. When stale
//! keys outnumber the live ones they are swept out, which bounds memory by the live levels and costs each removal O(1).
//!
//! The next worse level is what a heap cannot tell. [`PriceIndex::below`] for a key above the top is the top, if it lives.
//! Otherwise the keys are walked in falling order, and the walk is kept: what it has passed, sorted, and the places in the
//! heap at which it can go on. Going r levels deep after a change costs O(r log r), each step from there O(log r), and a whole
//! depth O(n log n) once. Only a new key ends the walk, because it moves others in the heap; removals do not, so an order
//! that sweeps many levels walks once.
//!
//! Nothing is ever asked of the order in which the map stands (R3). Its hash is fixed, so whoever may choose any 64-bit
//! price can choose prices that collide: for a market that is attacked take an index that only compares.

use super::PriceIndex;
use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Children of a place in the heap: four keys are half a cache line, and make a heap half as high as two do.
const ARITY: usize = 4;
/// Stale keys that are never worth a sweep.
const SLACK: usize = 64;

/// One multiplication; its upper half, which every bit of the price reaches, is folded into the lower.
#[derive(Default)]
struct PriceHasher(u64);

impl Hasher for PriceHasher {
    #[inline(always)]
    fn write_i64(&mut self, key: i64) {
        let product = u128::from(key as u64 ^ self.0) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_i64(i64::from(byte)));
    }

    #[inline(always)]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// See the module.
#[derive(Default)]
pub struct Heap {
    /// The key of every level, and stale ones; each before its children.
    keys: Vec<i64>,
    /// The level of every key in the heap; 0 if it is stale.
    levels: HashMap<i64, u32, BuildHasherDefault<PriceHasher>>,
    live: usize,
    /// How far the heap as it is was walked. Behind `&self`: a book is read, and used, by one thread at a time.
    walk: RefCell<Walk>,
}

/// The highest keys of a heap in falling order, stale ones among them, as far as someone asked.
#[derive(Default)]
struct Walk {
    passed: Vec<i64>,
    /// Where it can go on: all children of places passed that are not passed themselves.
    ahead: BinaryHeap<(i64, usize)>,
}

impl Walk {
    /// Passes one more key.
    fn advance(&mut self, keys: &[i64]) -> Option<()> {
        if self.passed.is_empty() {
            self.ahead.push((*keys.first()?, 0));
        }
        let (key, place) = self.ahead.pop()?;
        self.passed.push(key);
        let children = keys.iter().enumerate().skip(place * ARITY + 1).take(ARITY);
        self.ahead.extend(children.map(|(place, &key)| (key, place)));
        Some(())
    }

    fn forget(&mut self) {
        if !self.passed.is_empty() {
            self.passed.clear();
            self.ahead.clear();
        }
    }
}

impl Heap {
    #[inline]
    fn level(&self, key: i64) -> u32 {
        self.levels.get(&key).copied().unwrap_or(0)
    }

    /// Adds a key that is not in the heap, in place of stale ones at the top.
    fn push(&mut self, key: i64) {
        self.walk.get_mut().forget();
        while let Some(&top) = self.keys.first()
            && self.level(top) == 0
        {
            self.levels.remove(&top);
            let last = self.keys.pop().expect("there is a top");
            if !self.keys.is_empty() {
                self.keys[0] = last;
                self.sift_down(0);
            }
        }
        self.keys.push(key);
        let mut place = self.keys.len() - 1;
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.keys[parent] >= key {
                break;
            }
            self.keys[place] = self.keys[parent];
            place = parent;
        }
        self.keys[place] = key;
    }

    fn sift_down(&mut self, mut place: usize) {
        let key = self.keys[place];
        loop {
            let first = place * ARITY + 1;
            let Some(child) = (first..self.keys.len().min(first + ARITY)).max_by_key(|&child| self.keys[child]) else {
                break;
            };
            if self.keys[child] <= key {
                break;
            }
            self.keys[place] = self.keys[child];
            place = child;
        }
        self.keys[place] = key;
    }

    /// Sweeps stale keys out, and gives back memory that is far too much for those that live.
    #[cold]
    fn sweep(&mut self) {
        let levels = &mut self.levels;
        self.keys.retain(|key| {
            let is_live = levels[key] != 0;
            if !is_live {
                levels.remove(key);
            }
            is_live
        });
        for place in (0..self.keys.len().div_ceil(ARITY)).rev() {
            self.sift_down(place);
        }
        let enough = 2 * self.live + SLACK;
        if self.keys.capacity() > 2 * enough {
            self.keys.shrink_to(enough);
            self.levels.shrink_to(enough);
            self.walk = RefCell::default();
        }
        self.walk.get_mut().forget();
    }
}

impl PriceIndex for Heap {
    #[inline]
    fn get(&self, key: i64) -> u32 {
        self.level(key)
    }

    fn insert(&mut self, key: i64, level: u32, _bound: i64) {
        self.live += 1;
        match self.levels.entry(key) {
            Entry::Occupied(mut stale) => _ = stale.insert(level),
            Entry::Vacant(entry) => {
                entry.insert(level);
                self.push(key);
            }
        }
    }

    fn remove(&mut self, key: i64) {
        *self.levels.get_mut(&key).expect("the level is there") = 0;
        self.live -= 1;
        if self.keys.len() > 2 * self.live + SLACK {
            self.sweep();
        }
    }

    fn below(&self, key: i64) -> Option<(i64, u32)> {
        let top = *self.keys.first()?;
        if top < key {
            let level = self.level(top);
            if level != 0 {
                return Some((top, level));
            }
        }
        let mut walk = self.walk.borrow_mut();
        let mut place = walk.passed.partition_point(|&passed| passed >= key);
        loop {
            if place == walk.passed.len() {
                walk.advance(&self.keys)?;
            }
            let found = walk.passed[place];
            if found < key {
                let level = self.level(found);
                if level != 0 {
                    return Some((found, level));
                }
            }
            place += 1;
        }
    }

    fn len(&self) -> usize {
        self.live
    }

    fn bytes(&self) -> usize {
        let walk = self.walk.borrow();
        // The map has a control byte for each place and is at most 7/8 full.
        (self.keys.capacity() + walk.passed.capacity()) * size_of::<i64>()
            + walk.ahead.capacity() * size_of::<(i64, usize)>()
            + self.levels.capacity() * 8 / 7 * (size_of::<(i64, u32)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of key and level from the best down.
    fn falling(heap: &Heap) -> Vec<(i64, u32)> {
        std::iter::successors(heap.below(i64::MAX), |&(key, _)| heap.below(key)).collect()
    }

    #[test]
    fn a_level_that_comes_and_goes_leaves_one_key() {
        let mut heap = Heap::default();
        heap.insert(5, 1, 5);
        for level in 2..1_000 {
            heap.insert(7, level, 7);
            assert_eq!(heap.below(8), Some((7, level)));
            heap.remove(7);
            assert_eq!(heap.below(8), Some((5, 1)));
        }
        assert_eq!(heap.keys.len(), 2);
    }

    #[test]
    fn stale_keys_leave_the_top_when_a_new_one_comes() {
        let mut heap = Heap::default();
        (0..40).for_each(|key| heap.insert(key, 1, key));
        (10..40).for_each(|key| heap.remove(key));
        assert_eq!((heap.keys.len(), heap.len()), (40, 10));
        heap.insert(100, 2, 100);
        assert_eq!((heap.keys.len(), heap.levels.len()), (11, 11));
        assert_eq!(falling(&heap)[..2], [(100, 2), (9, 1)]);
    }

    #[test]
    fn a_walk_goes_on_over_removals_and_starts_anew_after_a_new_key() {
        let mut heap = Heap::default();
        (0..100).for_each(|key| heap.insert(key * 2, 1, 0));
        assert_eq!(heap.below(190), Some((188, 1)));
        heap.remove(186);
        assert_eq!(heap.below(188), Some((184, 1)));
        assert_eq!(heap.walk.borrow().passed.len(), 8, "as far as was asked");
        heap.insert(186, 9, 0);
        assert_eq!(heap.below(188), Some((186, 9)), "a stale key that lives again is where it was");
        heap.insert(187, 5, 0);
        assert!(heap.walk.borrow().passed.is_empty());
        assert_eq!(heap.below(188), Some((187, 5)));
    }

    #[test]
    fn a_sweep_keeps_what_lives_and_gives_memory_back() {
        let mut heap = Heap::default();
        (0..10_000).for_each(|key| heap.insert(key * 31 % 10_007, 1, 0));
        assert_eq!(falling(&heap).len(), 10_000);
        let full = heap.bytes();
        (0..9_990).for_each(|key| heap.remove(key * 31 % 10_007));
        assert!(heap.keys.len() <= 2 * heap.len() + SLACK && heap.keys.len() == heap.levels.len());
        assert!(heap.bytes() * 20 < full, "{} of {full}", heap.bytes());
        let mut wanted: Vec<_> = (9_990..10_000).map(|key| (key * 31 % 10_007, 1)).collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(falling(&heap), wanted);
    }

    #[test]
    fn a_walk_starts_anew_after_a_sweep() {
        let mut heap = Heap::default();
        let keys = || (0..1_000).map(|key| key * 387 % 1_009);
        keys().for_each(|key| heap.insert(key, 1, 0));
        let walked = std::iter::successors(heap.below(i64::MAX), |&(key, _)| heap.below(key)).nth(50);
        let (last, _) = walked.expect("a level so deep");
        // The heap is another one afterwards, and the walk goes on below what it had passed.
        keys().filter(|key| key % 5 > 1).for_each(|key| heap.remove(key));
        assert!(heap.keys.len() < 500, "there was a sweep");
        let mut wanted: Vec<_> = keys().filter(|key| key % 5 <= 1 && *key < last).collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        let found = std::iter::successors(heap.below(last), |&(key, _)| heap.below(key));
        assert!(found.map(|(key, _)| key).eq(wanted));
    }

    /// No time is asserted: were a step of any of these O(n), this would not end.
    #[test]
    fn depth_and_sweeps_of_many_levels_are_not_quadratic() {
        let count = 1 << 18;
        let mut heap = Heap::default();
        (0..count).for_each(|key| heap.insert(key, 1, key));
        assert_eq!(falling(&heap).len(), count as usize);
        let mut next = heap.below(count);
        while let Some((key, _)) = next {
            heap.remove(key);
            next = heap.below(key);
        }
        assert!(heap.is_empty());
    }
}
