//! The way into a shard: many producers, one consumer. Lock-free on both sides.
//!
//! # Contract
//! - Every item that was pushed is drained once, in the order in which the pushes were published; those of one producer
//!   in the order of its pushes.
//! - A push into a full intake gives the item back ([`Full`]). Nothing is dropped silently, nothing is allocated.
//! - Whatever its length, taking a batch is one swap, and giving its nodes back is one compare-exchange, in a loop: it is
//!   tried again where a producer has changed the pool's head in between, and has got on.
//! - Between two calls the consumer keeps back at most 64 emptied nodes, and no more than an eighth of the capacity
//!   ([`Drain::take`]). All others are free, in the hands of a producer, or hold an item that waits.
//! - What nobody drained is dropped with the last handle.
//!
//! # A push in three steps, and a producer that dies between them
//! 1. *claim*: takes a free node from the pool. It is this producer's alone.
//! 2. *fill*: writes the item into it.
//! 3. *publish*: links it to the inbox by one compare-exchange.
//!
//! A ring of claimed places, where a producer first moves a shared tail and then fills its place, is faster, but who dies
//! in between leaves a hole, and the consumer must wait at it for ever. Here the place in the order is given by
//! step 3, and step 3 is one instruction: before it the node is in nobody's way, after it the item is there in full.
//! A producer that dies between claim and publish costs one node of the capacity, and the item in it is
//! leaked; it stops neither the consumer nor another producer. Nothing in the three steps can panic, so only
//! a thread that is stopped for good gets there (the tests stop one at each step).
//!
//! # Orderings
//! The inbox is a stack of linked nodes, newest first. Producers exchange its head for their node; the consumer swaps
//! it for none and turns the links round.
//! - *publish* is a **release**: item and link are written before the node can be seen. Relaxed would let the consumer
//!   take a node and read an item from before.
//! - The consumer's swap is an **acquire**, the other half of that. It sees *all* nodes below the head, not only the
//!   newest: each publish is a read-modify-write and so continues the release sequences of the ones before it.
//! - The producer's load of the head is **relaxed**: the value becomes a link and is compared, nothing behind it is
//!   read. For the same reason the inbox needs no stamp: if the head came back to the same node meanwhile (drained,
//!   taken and published again), linking to it is still right, for it is the head.
//! - The consumer's look before the swap is **relaxed**: seen late, an item is drained by the next call. Who goes to
//!   sleep on an empty intake needs more than that, see [`crate::doorbell`].
//! - `delivered` is **relaxed**: a number for an estimate.
//! - `drain_gone` as in [`crate::ring::spsc`].
//!
//! The nodes come back to producers through the pool, by its own orderings ([`crate::pool::nodes`]).

use crate::padding::Padded;
use crate::pool::nodes::{NONE, Nodes};
use crate::ring::Full;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Nodes that [`Drain::take`] keeps back at most, where the capacity is large.
const MOST_KEPT: usize = 64;

struct Shared<T> {
    nodes: Nodes<T>,
    /// The newest published node, from which links lead to older ones. Written by all.
    inbox: Padded<AtomicU32>,
    /// How many items were delivered, modulo 2^32. Written by the consumer.
    delivered: Padded<AtomicU32>,
    drain_gone: AtomicBool,
}

impl<T> Shared<T> {
    /// Takes all that was published and not yet taken: its oldest node, from which links lead to newer ones.
    fn collect(&self) -> u32 {
        let newest = self.inbox.load(Ordering::Relaxed);
        if newest == NONE {
            return NONE;
        }
        // It comes from the producer's processor, and the swap has to wait for the inbox: both at once.
        self.nodes.prefetch(newest);
        let mut node = self.inbox.swap(NONE, Ordering::Acquire);
        let mut newer = NONE;
        while node != NONE {
            // Ours since the swap: relaxed.
            let older = self.nodes.link(node).load(Ordering::Relaxed);
            self.nodes.link(node).store(newer, Ordering::Relaxed);
            newer = node;
            node = older;
        }
        newer
    }

    /// Drops the items of a chain that `collect` returned.
    fn discard(&self, mut node: u32) {
        while node != NONE {
            // SAFETY: published nodes hold an item; this one was collected, so it is ours, and met once.
            drop(unsafe { self.nodes.get(node) });
            node = self.nodes.link(node).load(Ordering::Relaxed);
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let rest = self.collect();
        self.discard(rest);
    }
}

/// A producer's handle; clone it for another thread, or share it.
pub struct Intake<T> {
    shared: Arc<Shared<T>>,
}

/// The consumer's handle: one.
pub struct Drain<T> {
    shared: Arc<Shared<T>>,
    /// Collected and not yet delivered: the oldest, from which links lead to newer ones.
    taken: u32,
    /// Delivered and not yet given back.
    emptied: Emptied,
}

/// A chain of nodes that hold nothing any more.
struct Emptied {
    first: u32,
    last: u32,
    count: usize,
    /// So many are kept back at most, see [`Drain::take`].
    most: usize,
}

/// An intake that holds up to `capacity` items.
///
/// # Panics
/// If `capacity` is 0, or not below 2^32 - 1.
pub fn intake<T: Send>(capacity: usize) -> (Intake<T>, Drain<T>) {
    assert!(capacity > 0, "capacity is at least 1");
    let shared = Arc::new(Shared {
        nodes: Nodes::with_capacity(capacity),
        inbox: Padded::new(AtomicU32::new(NONE)),
        delivered: Padded::new(AtomicU32::new(0)),
        drain_gone: AtomicBool::new(false),
    });
    let emptied = Emptied { first: NONE, last: NONE, count: 0, most: MOST_KEPT.min(capacity / 8) };
    (Intake { shared: shared.clone() }, Drain { shared, taken: NONE, emptied })
}

impl<T> Clone for Intake<T> {
    fn clone(&self) -> Intake<T> {
        Intake { shared: self.shared.clone() }
    }
}

impl<T: Send> Intake<T> {
    /// Appends an item.
    ///
    /// # Errors
    /// [`Full`] with the item, if all nodes are in use.
    #[inline]
    pub fn push(&self, item: T) -> Result<(), Full<T>> {
        let Some(node) = self.shared.nodes.take() else { return Err(Full(item)) };
        // SAFETY: we took the node, so it is ours, and a free node holds nothing.
        unsafe { self.shared.nodes.put(node, item) };
        self.publish(node);
        Ok(())
    }

    #[inline]
    fn publish(&self, node: u32) {
        let mut newest = self.shared.inbox.load(Ordering::Relaxed);
        loop {
            self.shared.nodes.link(node).store(newest, Ordering::Relaxed);
            match self.shared.inbox.compare_exchange_weak(newest, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => newest = found,
            }
        }
    }

    /// Stops a push for good before its second step (false) or its third (true), as the death of its thread would. Returns
    /// whether it had claimed a node.
    #[cfg(any(test, loom))]
    pub fn push_and_die(&self, item: T, is_filled: bool) -> bool {
        let Some(node) = self.shared.nodes.take() else { return false };
        if is_filled {
            // SAFETY: as in push.
            unsafe { self.shared.nodes.put(node, item) };
        }
        true
    }
}

impl<T> Intake<T> {
    /// About how many items are pushed and not yet drained: what was exact at some moment during the call. Nodes of dead
    /// producers count.
    pub fn len_estimate(&self) -> usize {
        // Claims are counted by the pool's stamp already, so that a push pays nothing for this. Delivered first: read in
        // the other order more could be delivered than was claimed.
        let delivered = self.shared.delivered.load(Ordering::Relaxed);
        let waiting = self.shared.nodes.takes().wrapping_sub(delivered);
        // Relaxed loads may still come in the other order; then the difference is slightly negative.
        if waiting > u32::MAX / 2 { 0 } else { waiting.min(self.shared.nodes.capacity()) as usize }
    }

    /// How many items the intake holds.
    pub fn capacity(&self) -> usize {
        self.shared.nodes.capacity() as usize
    }

    /// Whether the consumer is gone: nobody will drain what is pushed.
    pub fn is_abandoned(&self) -> bool {
        self.shared.drain_gone.load(Ordering::Acquire)
    }
}

impl<T: Send> Drain<T> {
    /// Appends up to `limit` items to `out`, oldest first. Returns how many. What was taken and not delivered is
    /// delivered next.
    pub fn drain(&mut self, out: &mut Vec<T>, limit: usize) -> usize {
        let count = self.collect_and_deliver(out, limit);
        self.give_back();
        count
    }

    /// As [`Drain::drain`], but keeps emptied nodes back until there are more than 64, or more than an eighth of the capacity; then
    /// it gives back all of them before it returns. Where items come one by one, producers find the head of the pool where
    /// they left it, in their own cache, and the consumer makes one exchange for many items.
    pub fn take(&mut self, out: &mut Vec<T>, limit: usize) -> usize {
        let count = self.collect_and_deliver(out, limit);
        // Now and not with the next call: the caller may be busy for long with what it has.
        if self.emptied.count > self.emptied.most {
            self.give_back();
        }
        count
    }

    fn collect_and_deliver(&mut self, out: &mut Vec<T>, limit: usize) -> usize {
        let mut count = 0;
        while count < limit {
            if self.taken == NONE {
                self.taken = self.shared.collect();
                if self.taken == NONE {
                    break;
                }
            }
            count += self.deliver(out, limit - count);
        }
        count
    }

    /// Lets [`Drain::take`] keep back so many at most: of the few nodes of a model an eighth is none.
    #[cfg(loom)]
    pub fn keep_at_most(&mut self, most: usize) {
        self.emptied.most = most;
    }

    /// Gives the nodes of delivered items back, all at once.
    fn give_back(&mut self) {
        if self.emptied.count > 0 {
            self.shared.nodes.give(self.emptied.first, self.emptied.last);
            self.emptied.count = 0;
        }
    }

    /// Keeps a chain of so many nodes to be given back.
    fn keep(&mut self, first: u32, last: u32, count: usize) {
        let emptied = &mut self.emptied;
        if emptied.count == 0 {
            emptied.first = first;
        } else {
            // Ours, both: the pool orders what happens to them later.
            self.shared.nodes.link(emptied.last).store(first, Ordering::Relaxed);
        }
        emptied.last = last;
        emptied.count += count;
    }

    /// Delivers from what is taken, which is not nothing.
    fn deliver(&mut self, out: &mut Vec<T>, limit: usize) -> usize {
        let (first, mut last, mut count) = (self.taken, self.taken, 0);
        while count < limit && self.taken != NONE {
            last = self.taken;
            // Before the item is handed over: should the vector fail to grow, this node is lost, not read twice.
            self.taken = self.shared.nodes.link(last).load(Ordering::Relaxed);
            // SAFETY: published nodes hold an item; this one was collected, so it is ours, and met once.
            out.push(unsafe { self.shared.nodes.get(last) });
            count += 1;
        }
        let delivered = &self.shared.delivered;
        // Its only writer: a load and a store will do.
        delivered.store(delivered.load(Ordering::Relaxed).wrapping_add(count as u32), Ordering::Relaxed);
        if count > 0 {
            self.keep(first, last, count);
        }
        count
    }
}

impl<T> Drain<T> {
    /// Whether there is nothing to drain now.
    pub fn is_empty(&self) -> bool {
        self.taken == NONE && self.shared.inbox.load(Ordering::Relaxed) == NONE
    }
}

impl<T> Drop for Drain<T> {
    fn drop(&mut self) {
        self.shared.discard(core::mem::replace(&mut self.taken, NONE));
        self.shared.drain_gone.store(true, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::intake;
    use crate::ring::Full;
    use std::sync::Arc;

    #[test]
    fn items_come_in_order_and_a_full_intake_gives_them_back() {
        let (intake, mut drain) = intake(3);
        assert_eq!((intake.capacity(), intake.len_estimate(), drain.is_empty()), (3, 0, true));
        for item in 0..3 {
            intake.push(item).unwrap();
        }
        assert_eq!((intake.push(3), intake.len_estimate(), drain.is_empty()), (Err(Full(3)), 3, false));
        let mut out = vec![];
        assert_eq!((drain.drain(&mut out, 2), intake.len_estimate()), (2, 1));
        intake.clone().push(3).unwrap();
        assert_eq!((drain.drain(&mut out, 9), drain.drain(&mut out, 9), out), (2, 0, vec![0, 1, 2, 3]));
        assert!(drain.is_empty() && intake.len_estimate() == 0);
    }

    #[test]
    fn a_limit_leaves_the_rest_for_the_next_call() {
        let (intake, mut drain) = intake(4);
        (0..4).for_each(|item| intake.push(item).unwrap());
        let mut out = vec![];
        for count in [0, 1, 2, 1, 0] {
            assert_eq!(drain.drain(&mut out, count), count);
        }
        assert_eq!((out, drain.drain(&mut vec![], 9)), (vec![0, 1, 2, 3], 0));
    }

    #[test]
    fn nodes_that_are_kept_back_come_back_in_time() {
        let (intake, mut drain) = intake(32);
        let mut out = vec![];
        for item in 0..4 {
            intake.push(item).unwrap();
            assert_eq!((drain.take(&mut out, 9), drain.emptied.count), (1, item + 1), "an eighth is kept");
        }
        assert_eq!(intake.len_estimate(), 0);
        (4..32).for_each(|item| intake.push(item).unwrap());
        assert_eq!((intake.push(0), drain.take(&mut out, 9), drain.emptied.count), (Err(Full(0)), 9, 0));
        (32..45).for_each(|item| intake.push(item).unwrap());
        assert_eq!(intake.push(0), Err(Full(0)), "nodes of what waits, and no others, are in use");
        while drain.take(&mut out, 3) > 0 {}
        assert_eq!((out, drain.emptied.count), ((0..45).collect(), 2));
        (0..30).for_each(|item| intake.push(item).unwrap());
        assert_eq!((intake.push(0), drain.drain(&mut vec![], 99), drain.emptied.count), (Err(Full(0)), 30, 0));
    }

    /// Whoever took a batch may be busy with it for long.
    #[test]
    fn what_was_taken_makes_room_at_once() {
        for capacity in [1, 2, 7, 256, 4096] {
            let (intake, mut drain) = intake(capacity);
            (0..capacity).for_each(|item| intake.push(item).unwrap());
            assert_eq!(drain.take(&mut vec![], capacity), capacity);
            (0..capacity).for_each(|item| intake.push(item).unwrap());
        }
    }

    /// A thread stops for good at each step of a push: it costs a node, and nobody notices more than that.
    #[test]
    fn a_producer_that_dies_between_claim_and_publish_wedges_nobody() {
        for is_filled in [false, true] {
            let (intake, mut drain) = intake(3);
            let victim = intake.clone();
            intake.push(1_u64).unwrap();
            let death = std::thread::spawn(move || {
                victim.push(2).unwrap();
                assert!(victim.push_and_die(3, is_filled));
                panic!("dies inside of a push");
            });
            assert!(death.join().is_err());
            let mut out = vec![];
            assert_eq!((drain.drain(&mut out, 9), &out[..]), (2, &[1, 2][..]));
            for round in 0..100 {
                out.clear();
                intake.push(round).unwrap();
                intake.push(round + 1).unwrap();
                assert_eq!(intake.push(9), Err(Full(9)), "the dead producer has the third node");
                assert_eq!((drain.drain(&mut out, 9), &out[..]), (2, &[round, round + 1][..]));
            }
        }
    }

    #[test]
    fn what_is_not_drained_is_dropped_once() {
        let item = Arc::new(());
        let (intake, mut drain) = intake(8);
        (0..5).for_each(|_| intake.push(item.clone()).unwrap());
        assert_eq!(drain.drain(&mut vec![], 2), 2);
        intake.push(item.clone()).unwrap();
        assert!(!intake.is_abandoned());
        drop(drain);
        assert!(intake.is_abandoned());
        intake.push(item.clone()).unwrap();
        drop(intake);
        assert_eq!(Arc::strong_count(&item), 1);
    }
}
