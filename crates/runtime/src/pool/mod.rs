//! A pool of values that are made once and lent out: lock-free, for any number of threads.
//!
//! # Contract
//! - [`Pool::take`] lends a value that nobody else has, or says that all are out. Nothing is allocated after
//!   [`Pool::with_capacity`].
//! - The value comes back when its [`Slot`] is given or dropped, as it was left: whoever takes it next finds it so, and
//!   sees all that was done to it. A slot that is leaked (`mem::forget`, a thread that never ends) costs its place and
//!   nothing else: nobody waits for it.
//! - Lock-free: of the threads that take and give at the same time one gets on, also if another one stops for good
//!   anywhere.
//!
//! The free list, its orderings and its protection against ABA are in [`nodes`].

pub mod nodes;

use core::ops::{Deref, DerefMut};
use nodes::Nodes;

/// A fixed number of values, lent to one holder at a time.
pub struct Pool<T> {
    nodes: Nodes<T>,
}

impl<T: Send + Default> Pool<T> {
    /// A pool of `capacity` default values.
    ///
    /// # Panics
    /// If `capacity` is not below 2^32 - 1.
    pub fn with_capacity(capacity: usize) -> Pool<T> {
        Pool::with(capacity, T::default)
    }
}

impl<T: Send> Pool<T> {
    /// A pool of `capacity` values that `make` makes, now.
    ///
    /// # Panics
    /// If `capacity` is not below 2^32 - 1.
    pub fn with(capacity: usize, mut make: impl FnMut() -> T) -> Pool<T> {
        let nodes = Nodes::with_capacity(capacity);
        for slot in 0..nodes.capacity() {
            // SAFETY: nobody else has the pool yet, and the node holds nothing.
            unsafe { nodes.put(slot, make()) };
        }
        Pool { nodes }
    }

    /// Lends a value; None if all are out.
    #[inline]
    pub fn take(&self) -> Option<Slot<'_, T>> {
        self.nodes.take().map(|index| Slot { pool: self, index })
    }

    /// Takes a value back. Dropping the slot does the same.
    #[inline]
    pub fn give(&self, slot: Slot<'_, T>) {
        drop(slot);
    }

    /// How many values there are, lent or not.
    pub fn capacity(&self) -> usize {
        self.nodes.capacity() as usize
    }
}

impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        for slot in 0..self.nodes.capacity() {
            // SAFETY: every node holds a value from the start, and slots borrow the pool, so none is in use.
            drop(unsafe { self.nodes.get(slot) });
        }
    }
}

/// A value of a pool, this holder's alone until it is dropped.
pub struct Slot<'a, T> {
    pool: &'a Pool<T>,
    index: u32,
}

// SAFETY: the only way to the value is through this slot, so a slot is as shareable as the value itself: &Slot gives &T.
unsafe impl<T: Send + Sync> Sync for Slot<'_, T> {}

impl<T> Slot<'_, T> {
    /// Which place of the pool this is: below its capacity, and no other live slot's.
    pub fn index(&self) -> u32 {
        self.index
    }
}

impl<T> Deref for Slot<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the node was taken and not given, so it is ours; it holds a value.
        self.pool.nodes.value(self.index).with(|value| unsafe { (*value).assume_init_ref() })
    }
}

impl<T> DerefMut for Slot<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and &mut self is the only access through this slot.
        self.pool.nodes.value(self.index).with_mut(|value| unsafe { (*value).assume_init_mut() })
    }
}

impl<T> Drop for Slot<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.pool.nodes.give(self.index, self.index);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Pool;
    use std::sync::Arc;

    #[test]
    fn every_value_is_lent_once_and_comes_back_as_it_was_left() {
        let pool = Pool::<Vec<u32>>::with_capacity(2);
        let (mut first, second) = (pool.take().unwrap(), pool.take().unwrap());
        assert_ne!(first.index(), second.index());
        assert!(pool.take().is_none());
        first.push(7);
        pool.give(first);
        assert_eq!(*pool.take().unwrap(), [7]);
        assert!(second.is_empty() && pool.take().is_some());
        assert_eq!(pool.capacity(), 2);
    }

    #[test]
    fn values_are_dropped_with_the_pool_and_once() {
        let value = Arc::new(());
        let pool = Pool::with(3, || value.clone());
        drop(pool.take());
        std::mem::forget(pool.take());
        assert_eq!(Arc::strong_count(&value), 4);
        drop(pool);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
