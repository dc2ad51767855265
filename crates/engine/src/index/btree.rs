//! The standard library's B-tree: logarithmic everywhere, no window, no surprises. The yardstick for the others.

use super::PriceIndex;
use std::collections::BTreeMap;

/// Keys in a B-tree.
#[derive(Default)]
pub struct BTree {
    levels: BTreeMap<i64, u32>,
}

impl PriceIndex for BTree {
    fn get(&self, key: i64) -> u32 {
        self.levels.get(&key).copied().unwrap_or(0)
    }

    fn insert(&mut self, key: i64, level: u32, _bound: i64) {
        self.levels.insert(key, level);
    }

    fn remove(&mut self, key: i64) {
        self.levels.remove(&key);
    }

    fn below(&self, key: i64) -> Option<(i64, u32)> {
        self.levels.range(..key).next_back().map(|(&key, &level)| (key, level))
    }

    fn len(&self) -> usize {
        self.levels.len()
    }

    fn bytes(&self) -> usize {
        // A node holds up to 11 pairs; two thirds full is the long-run mean of a B-tree.
        self.levels.len() * (size_of::<(i64, u32)>() * 3 / 2 + 2)
    }
}
