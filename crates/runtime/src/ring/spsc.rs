//! A ring from one producer to one consumer. Wait-free: each operation ends after a fixed number of its own steps,
//! whatever the other side does, and if it never runs again.
//!
//! # Contract
//! - Every item that was pushed is popped once, in the order of the pushes. What is in the ring when both sides are
//!   gone is dropped.
//! - A full ring gives the item back ([`Full`]); nothing is overwritten, nothing is dropped silently.
//! - Each side sees whether the other one has gone: `is_abandoned`. After a consumer saw that, one more pop that finds
//!   nothing means that nothing will come.
//!
//! # Positions
//! `tail` counts the pushes, `head` the pops; both wrap with `usize`, which the capacity, a power of two, divides. The
//! slots `head..tail` are the consumer's, the others the producer's. Each side keeps its own position in a plain field
//! and remembers what it last saw of the other's: the other's cache line is read only when the remembered value says
//! full (or empty), that is about once per round instead of once per item.
//!
//! # Orderings
//! - `tail`: stored with **release** after the slot was written, loaded with **acquire** before it is read. Together
//!   they order the write of an item before its read. With either one relaxed the consumer may see the new tail and the
//!   slot's old content.
//! - `head`: stored with **release** after the slot was read, loaded with **acquire** before it is written again. This is
//!   the direction that is easily forgotten: with either one relaxed the producer may overwrite an item while the
//!   consumer still reads it.
//! - `tail` and `head` by the side that owns them: no load at all, the plain field is it.
//! - `*_gone`: stored with **release** after the side's last push or pop, loaded with **acquire**: who sees the other
//!   gone sees all that it did.
//!
//! Nothing here needs sequential consistency: no decision depends on the order of writes to two different words by two
//! threads. Who wants to sleep when the ring is empty needs that, and gets it from [`crate::doorbell`].

use super::{Full, rounded_up};
use crate::padding::Padded;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, UnsafeCell};
use core::mem::MaybeUninit;

struct Ring<T> {
    /// Written by the producer.
    tail: Padded<AtomicUsize>,
    /// Written by the consumer.
    head: Padded<AtomicUsize>,
    producer_gone: AtomicBool,
    consumer_gone: AtomicBool,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

// SAFETY: a slot is touched by one side at a time, the one that the positions give it to, and passes between threads by
// release and acquire of a position. Items move from thread to thread, which T: Send allows; no two threads ever have a
// reference to the same item.
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    #[inline]
    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position & (self.slots.len() - 1)]
    }

    /// # Safety
    /// The slot of `position` is the caller's to write, and holds no item.
    #[inline]
    unsafe fn put(&self, position: usize, item: T) {
        // SAFETY: the caller's promise.
        self.slot(position).with_mut(|slot| unsafe { (*slot).write(item) });
    }

    /// # Safety
    /// The slot of `position` is the caller's to read, and holds an item that nobody takes again.
    #[inline]
    unsafe fn get(&self, position: usize) -> T {
        // A mutable access, to loom too: the item leaves.
        // SAFETY: the caller's promise.
        self.slot(position).with_mut(|slot| unsafe { (*slot).assume_init_read() })
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // Both sides are gone, and dropping the Arc ordered all they did before this.
        let tail = self.tail.load(Ordering::Relaxed);
        let mut head = self.head.load(Ordering::Relaxed);
        while head != tail {
            // SAFETY: head..tail hold items; each is taken once.
            drop(unsafe { self.get(head) });
            head = head.wrapping_add(1);
        }
    }
}

/// The side that pushes.
pub struct Producer<T> {
    ring: Arc<Ring<T>>,
    tail: usize,
    /// The consumer's position as last seen: the real one is there or further.
    seen_head: usize,
}

/// The side that pops.
pub struct Consumer<T> {
    ring: Arc<Ring<T>>,
    head: usize,
    /// The producer's position as last seen: the real one is there or further.
    seen_tail: usize,
}

/// A ring of at least `capacity` items: rounded up to a power of two, and at least one.
///
/// # Panics
/// If no power of two is that large.
pub fn spsc<T: Send>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let slots = (0..rounded_up(capacity)).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
    let ring = Arc::new(Ring {
        tail: Padded::new(AtomicUsize::new(0)),
        head: Padded::new(AtomicUsize::new(0)),
        producer_gone: AtomicBool::new(false),
        consumer_gone: AtomicBool::new(false),
        slots,
    });
    (Producer { ring: ring.clone(), tail: 0, seen_head: 0 }, Consumer { ring, head: 0, seen_tail: 0 })
}

/// Publishes what was put, also if the caller's iterator panics half-way: what it gave until then was given.
struct Publish<'a, T> {
    producer: &'a mut Producer<T>,
    tail: usize,
}

impl<T> Drop for Publish<'_, T> {
    fn drop(&mut self) {
        if self.tail != self.producer.tail {
            self.producer.tail = self.tail;
            self.producer.ring.tail.store(self.tail, Ordering::Release);
        }
    }
}

impl<T: Send> Producer<T> {
    /// Appends an item.
    ///
    /// # Errors
    /// [`Full`] with the item, if the consumer is a whole ring behind.
    #[inline]
    pub fn push(&mut self, item: T) -> Result<(), Full<T>> {
        if self.seen_free() == 0 && self.free() == 0 {
            return Err(Full(item));
        }
        // SAFETY: one slot at least is free, so that of tail is ours and empty.
        unsafe { self.ring.put(self.tail, item) };
        self.tail = self.tail.wrapping_add(1);
        self.ring.tail.store(self.tail, Ordering::Release);
        Ok(())
    }

    /// Appends as many of `items` as there is room for, from the first on, and shows them to the consumer at once. Returns
    /// how many.
    pub fn push_batch(&mut self, items: &[T]) -> usize
    where
        T: Copy,
    {
        self.push_from(&mut items.iter().copied())
    }

    /// The same for items that an iterator yields: takes from it only what there is room for.
    pub fn push_from(&mut self, items: &mut impl Iterator<Item = T>) -> usize {
        let free = self.free();
        let start = self.tail;
        let mut publish = Publish { tail: start, producer: self };
        for item in items.take(free) {
            // SAFETY: take(free) ends before the slots do that are ours and empty.
            unsafe { publish.producer.ring.put(publish.tail, item) };
            publish.tail = publish.tail.wrapping_add(1);
        }
        publish.tail.wrapping_sub(start)
    }

    /// How many items there is room for now; it only grows until the next push.
    #[inline]
    pub fn free(&mut self) -> usize {
        self.seen_head = self.ring.head.load(Ordering::Acquire);
        self.seen_free()
    }

    #[inline]
    fn seen_free(&self) -> usize {
        self.ring.slots.len() - self.tail.wrapping_sub(self.seen_head)
    }
}

impl<T> Producer<T> {
    /// How many items the ring holds.
    pub fn capacity(&self) -> usize {
        self.ring.slots.len()
    }

    /// Whether the consumer is gone: nobody will pop what is pushed.
    pub fn is_abandoned(&self) -> bool {
        self.ring.consumer_gone.load(Ordering::Acquire)
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.ring.producer_gone.store(true, Ordering::Release);
    }
}

impl<T: Send> Consumer<T> {
    /// Takes the oldest item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.head == self.seen_tail {
            self.seen_tail = self.ring.tail.load(Ordering::Acquire);
            if self.head == self.seen_tail {
                return None;
            }
        }
        // SAFETY: head is before tail, so its slot is ours and holds an item; head moves past it.
        let item = unsafe { self.ring.get(self.head) };
        self.head = self.head.wrapping_add(1);
        self.ring.head.store(self.head, Ordering::Release);
        Some(item)
    }

    /// Appends up to `limit` items to `out`, oldest first, and gives their slots back at once. Returns how many.
    pub fn pop_batch(&mut self, out: &mut Vec<T>, limit: usize) -> usize {
        let count = self.available().min(limit);
        // Before anything is taken: a panic here takes nothing.
        out.reserve(count);
        for _ in 0..count {
            // SAFETY: head is before tail, so its slot is ours and holds an item; head moves past it, and the push into
            // reserved room cannot panic in between.
            out.push(unsafe { self.ring.get(self.head) });
            self.head = self.head.wrapping_add(1);
        }
        if count > 0 {
            self.ring.head.store(self.head, Ordering::Release);
        }
        count
    }

    fn available(&mut self) -> usize {
        self.seen_tail = self.ring.tail.load(Ordering::Acquire);
        self.seen_tail.wrapping_sub(self.head)
    }
}

impl<T> Consumer<T> {
    /// How many items are there now; it only grows until the next pop.
    pub fn len(&self) -> usize {
        // The count alone is used, and the pop that follows acquires: relaxed would do, were it not for callers who
        // take "not empty" as news of what the producer did before.
        self.ring.tail.load(Ordering::Acquire).wrapping_sub(self.head)
    }

    /// Whether there is nothing to pop now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the producer is gone: what is in the ring now is all that will come.
    pub fn is_abandoned(&self) -> bool {
        self.ring.producer_gone.load(Ordering::Acquire)
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.ring.consumer_gone.store(true, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::Full;
    use super::spsc;
    use std::sync::Arc;

    #[test]
    fn a_full_ring_gives_the_item_back() {
        let (mut producer, mut consumer) = spsc(3);
        assert_eq!((producer.capacity(), producer.free()), (4, 4));
        for item in 0..4 {
            producer.push(item).unwrap();
        }
        assert_eq!((producer.push(4), producer.free(), consumer.len()), (Err(Full(4)), 0, 4));
        assert_eq!(consumer.pop(), Some(0));
        producer.push(4).unwrap();
        let mut out = vec![];
        assert_eq!((consumer.pop_batch(&mut out, 3), consumer.pop_batch(&mut out, 9)), (3, 1));
        assert_eq!((out, consumer.pop(), consumer.is_empty()), (vec![1, 2, 3, 4], None, true));
    }

    #[test]
    fn a_batch_is_cut_where_the_room_ends() {
        let (mut producer, mut consumer) = spsc(4);
        assert_eq!(producer.push_batch(&[1, 2, 3]), 3);
        let mut rest = 4..9;
        assert_eq!((producer.push_from(&mut rest), rest.next()), (1, Some(5)));
        assert_eq!((producer.push_batch(&[9]), producer.push_batch(&[])), (0, 0));
        let mut out = vec![];
        assert_eq!((consumer.pop_batch(&mut out, 0), consumer.pop_batch(&mut out, 9)), (0, 4));
        assert_eq!(out, [1, 2, 3, 4]);
    }

    #[test]
    fn what_an_iterator_gave_before_it_panicked_is_in_the_ring() {
        let (mut producer, mut consumer) = spsc(4);
        let mut items = (0..3).inspect(|&item| assert!(item < 2, "the caller's own panic"));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| producer.push_from(&mut items)));
        assert!(result.is_err());
        producer.push(7).unwrap();
        let mut out = vec![];
        consumer.pop_batch(&mut out, 9);
        assert_eq!(out, [0, 1, 7]);
    }

    #[test]
    fn each_side_sees_the_other_go_and_the_rest_is_dropped() {
        let (mut producer, consumer) = spsc(4);
        let item = Arc::new(());
        producer.push(item.clone()).unwrap();
        producer.push(item.clone()).unwrap();
        assert!(!producer.is_abandoned() && !consumer.is_abandoned());
        drop(consumer);
        assert!(producer.is_abandoned());
        producer.push(item.clone()).unwrap();
        drop(producer);
        assert_eq!(Arc::strong_count(&item), 1);
        let (producer, mut consumer) = spsc::<Arc<()>>(1);
        drop(producer);
        assert!(consumer.is_abandoned() && consumer.pop().is_none());
    }

    /// Positions pass the end of the slots many times.
    #[test]
    fn order_holds_over_many_rounds() {
        let (mut producer, mut consumer) = spsc(2);
        for item in 0..1000_u32 {
            producer.push(item).unwrap();
            assert_eq!(consumer.pop(), Some(item));
        }
    }
}
