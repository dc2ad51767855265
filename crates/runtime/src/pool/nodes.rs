//! Nodes with a lock-free free list: what [`super::Pool`] and [`crate::intake`] are made of.
//!
//! # Contract
//! - A node is in the free list, or it belongs to the one who took it. [`Nodes::take`] and [`Nodes::give`] move it; the
//!   owner alone may touch its value and its link.
//! - `give` takes a chain of nodes that are linked already, and costs one compare-exchange whatever their number.
//!
//! # ABA
//! The list is a stack: `take` reads the first node and the one behind it, and swings the head from the one to the
//! other. Between its two reads and its compare-exchange others may take both nodes and give the first one back. The
//! head then names the same node again (A, then B, then A), and a compare-exchange of the bare index would succeed and
//! install a node that somebody owns. So the head carries a stamp that each `take` raises: the head that comes back is
//! not the head that was read. Only takes count, for no node returns to the head without having been taken.
//!
//! The stamp has 32 bits. It would deceive a thread that stops between reading the head and exchanging it while the
//! others take exactly a multiple of 2^32 nodes *and* the same node is first again. At 20 ns a take, which is what one
//! core does alone with the line in its cache, 2^32 takes are 86 seconds; at the 10^6 commands a second of a busy shard
//! they are 71 minutes. A thread that is stopped for so long must also wake at one head among 2^32. Index and stamp of 32
//! bits each make the head one word that every 64-bit processor can exchange.
//!
//! # Orderings
//! - `give` exchanges the head with **release**: what the owner did to value and link comes before the node is free.
//!   Its load of the head may be **relaxed**: the value is written into a link and compared, nothing behind it is read.
//! - `take` loads the head with **acquire**, also where the exchange fails, for the value decides which link is read
//!   next: with relaxed it may read a link from before the node was given, and if the exchange then succeeds the list
//!   goes on at the wrong node. All changes of the head are read-modify-writes, so each continues the release
//!   sequence of every `give` before it: whatever value is loaded, all nodes below it were given before.
//! - `take` exchanges the head with **relaxed**. It publishes nothing, so needs no release; and the value that it replaces
//!   is one that an acquiring load has returned before, from the same store (the stamp sees to that), so all that was
//!   done to the node is seen. That its link was read before the next owner writes it follows from the node's own way
//!   there: through our `give`, which releases.
//! - Links are **relaxed**: the head orders them. They are atomics only because a `take` that is going to fail may read
//!   the link of a node that is somebody's by now.

use crate::padding::Padded;
use crate::sync::UnsafeCell;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use aeromatch_engine::platform::prefetch;
use core::mem::MaybeUninit;

/// No node: the end of a chain.
pub const NONE: u32 = u32::MAX;

/// A line of its own: neighbours belong to different threads.
#[repr(align(64))]
struct Node<T> {
    link: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// A fixed number of nodes, all of them free at first, holding nothing.
pub struct Nodes<T> {
    /// First free node in the low half, stamp in the high half.
    free: Padded<AtomicU64>,
    nodes: Box<[Node<T>]>,
}

// SAFETY: a node's value is touched by its owner alone, and passes between owners by release and acquire of the head.
unsafe impl<T: Send> Send for Nodes<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Nodes<T> {}

fn pack(node: u32, stamp: u32) -> u64 {
    u64::from(stamp) << 32 | u64::from(node)
}

fn unpack(head: u64) -> (u32, u32) {
    (head as u32, (head >> 32) as u32)
}

impl<T> Nodes<T> {
    /// `capacity` nodes.
    ///
    /// # Panics
    /// If `capacity` is not below 2^32 - 1.
    pub fn with_capacity(capacity: usize) -> Nodes<T> {
        let count = u32::try_from(capacity).ok().filter(|&count| count < NONE).expect("capacity is below 2^32 - 1");
        let link = |node| if node + 1 < count { node + 1 } else { NONE };
        let node = |node| Node { link: AtomicU32::new(link(node)), value: UnsafeCell::new(MaybeUninit::uninit()) };
        let first = if count == 0 { NONE } else { 0 };
        Nodes { free: Padded::new(AtomicU64::new(pack(first, 0))), nodes: (0..count).map(node).collect() }
    }

    /// How many nodes there are, free or not.
    #[inline]
    pub fn capacity(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Takes a node out of the free list: it is the caller's.
    #[inline]
    pub fn take(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        loop {
            let (node, stamp) = unpack(head);
            if node == NONE {
                return None;
            }
            let next = pack(self.link(node).load(Ordering::Relaxed), stamp.wrapping_add(1));
            match self.free.compare_exchange_weak(head, next, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Some(node),
                Err(found) => head = found,
            }
        }
    }

    /// Puts a chain of the caller's nodes into the free list: `first` to `last`, along their links. To give what one did
    /// not take breaks the promise that a node has one owner.
    #[inline]
    pub fn give(&self, first: u32, last: u32) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            let (node, stamp) = unpack(head);
            self.link(last).store(node, Ordering::Relaxed);
            match self.free.compare_exchange_weak(head, pack(first, stamp), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    /// How many nodes were ever taken, modulo 2^32.
    pub fn takes(&self) -> u32 {
        // A number for statistics: nothing is read on the strength of it.
        unpack(self.free.load(Ordering::Relaxed)).1
    }

    /// Asks for a node's lines ahead of their use; a hint, that reads nothing.
    #[inline]
    pub fn prefetch(&self, node: u32) {
        let first: *const u8 = (&raw const self.nodes[node as usize]).cast();
        for line in (0..size_of::<Node<T>>()).step_by(align_of::<Node<T>>()) {
            prefetch(first.wrapping_add(line));
        }
    }

    /// The link of a node: its owner's to write.
    #[inline]
    pub fn link(&self, node: u32) -> &AtomicU32 {
        &self.nodes[node as usize].link
    }

    /// The value of a node: its owner's to touch.
    #[inline]
    pub fn value(&self, node: u32) -> &UnsafeCell<MaybeUninit<T>> {
        &self.nodes[node as usize].value
    }

    /// Fills a node.
    ///
    /// # Safety
    /// The node is the caller's. A value that it holds is leaked.
    #[inline]
    pub unsafe fn put(&self, node: u32, value: T) {
        // SAFETY: the caller's promise.
        self.value(node).with_mut(|place| unsafe { (*place).write(value) });
    }

    /// Empties a node.
    ///
    /// # Safety
    /// The node is the caller's, and holds a value.
    #[inline]
    pub unsafe fn get(&self, node: u32) -> T {
        // SAFETY: the caller's promise.
        self.value(node).with_mut(|place| unsafe { (*place).assume_init_read() })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{NONE, Nodes, pack, unpack};
    use std::sync::atomic::Ordering;

    #[test]
    fn takes_every_node_once_and_chains_come_back_whole() {
        let nodes = Nodes::<u8>::with_capacity(3);
        assert_eq!([nodes.take(), nodes.take(), nodes.take(), nodes.take()], [Some(0), Some(1), Some(2), None]);
        nodes.link(2).store(0, Ordering::Relaxed);
        nodes.give(2, 0);
        assert_eq!([nodes.take(), nodes.take(), nodes.take()], [Some(2), Some(0), None]);
        assert_eq!((nodes.takes(), nodes.link(0).load(Ordering::Relaxed)), (5, NONE));
        assert_eq!(Nodes::<u8>::with_capacity(0).take(), None);
    }

    /// The interleaving that stamps are for: the first node comes back while a take is under way.
    #[test]
    fn a_head_that_came_back_is_another_head() {
        let nodes = Nodes::<u8>::with_capacity(2);
        let read = nodes.free.load(Ordering::Acquire);
        let behind = nodes.link(0).load(Ordering::Relaxed);
        assert_eq!((nodes.take(), nodes.take()), (Some(0), Some(1)));
        nodes.give(0, 0);
        assert_eq!(unpack(nodes.free.load(Ordering::Acquire)).0, unpack(read).0);
        let late = nodes.free.compare_exchange(read, pack(behind, 1), Ordering::Acquire, Ordering::Acquire);
        assert!(late.is_err(), "node 1 is owned and must not become the head");
    }
}
