//! Price indexes: from a price to its level, and from a level to the next worse one.
//!
//! Both sides of a book use the same code: an index works on *keys*, in which the better price is always the higher one
//! (`half.rs` turns prices into keys and back). Which index a book has is a type parameter, so there is no
//! virtual call inside; every index passes the same conformance tests (`conformance.rs`). How they compare: docs/price-indexes.md.

mod arena;
mod btree;
#[cfg(test)]
mod conformance;
mod grace;
mod heap;
mod ladder;
mod skiplist;
mod sync;

pub use btree::BTree;
pub use heap::Heap;
pub use ladder::Ladder;
pub use skiplist::{SkipList, SkipListReader, Walk};

/// From keys to levels, in order. A level is a number above 0, an empty result is 0.
pub trait PriceIndex: Default {
    /// The level at that key, or 0.
    fn get(&self, key: i64) -> u32;

    /// Adds a level; its key must not be there yet. No key is above `bound`: about where the market is,
    /// for an index that follows it.
    fn insert(&mut self, key: i64, level: u32, bound: i64);

    /// Takes out the level at that key, which must be there.
    fn remove(&mut self, key: i64);

    /// The highest key below `key`, and its level.
    fn below(&self, key: i64) -> Option<(i64, u32)>;

    /// Number of levels.
    fn len(&self) -> usize;

    /// Is there no level?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held.
    fn bytes(&self) -> usize;
}
