//! A skip list for one writer, laid out so that readers on other threads can walk it without a lock.
//!
//! A node is a key, a level and a tower of links: height 0 links every node to the next lower key, each height above links
//! about a quarter of those below it. A search follows high links while they stay above the key, then lower ones. It starts at
//! the bottom of the head and climbs only as far as the distance asks for: the cost is the logarithm of how far a key stands
//! behind the best one, not of how many there are, and most of what happens in a market happens near the best price.
//!
//! Nodes are slots of an arena that never moves them, linked by 32-bit numbers. Slot 0 is both ends: its links are the first
//! nodes, and a link to it is the end, where its key, the lowest there is, stops every search without a question. How high a
//! tower is follows from the slot's number alone: no randomness from outside (R3), no state, and a slot that is used again
//! keeps its tower.
//!
//! # Readers: the contract
//!
//! [`SkipList::reader`] gives a [`SkipListReader`], which goes to another thread and takes no lock, nor ever makes the writer
//! wait. What it may see:
//!
//! - *One look-up* ([`SkipListReader::first_at_or_below`]) is linearisable: its answer was right at some moment between its
//!   begin and its end. Whatever happened before it began (in the sense of the memory model) counts, and a later look-up
//!   of one reader never sees an earlier list.
//! - *A walk* ([`SkipListReader::walk`]) shows strictly falling keys, each of which was there at some moment of the walk. A key
//!   that is there from its begin to its end is shown; one that comes or goes meanwhile may be or not. It is no snapshot: two
//!   keys of one walk need never have stood in the list together. What must be consistent across keys (a depth) needs a version
//!   around it, as published books have.
//! - A key comes with the number it was inserted with; what the number stands for is the writer's.
//!
//! # Why it is right
//!
//! Every field is atomic, so nothing that a reader does can hurt memory or the writer; there is no `unsafe` here. What the
//! writer does, it does in this order:
//!
//! - *Insert.* The node is written whole, its own links included, and then linked in from the bottom up, each time by a
//!   store with `Release`. Who comes to the node by a load with `Acquire` sees all of it. The bottom link is the moment at
//!   which the key exists; the higher ones are only shortcuts, so that a reader may see any number of them.
//! - *Remove.* The node is unlinked from the top down; the bottom link is the moment at which the key is gone. The node keeps
//!   its key and its links, so a reader who stands on it walks on from there: to what followed it when it left, or to nodes
//!   that left later, whose links lead on in the same way. Links only ever lead to lower keys, so every walk ends.
//!   The store is a `Release` too: it may be the first through which a reader comes to the node behind.
//! - So each answer was right at some moment while it was looked for. It is read from the bottom link of the last node passed.
//!   If that node is in the list, the answer is right now. If not, it was right when the node left; and that was after the
//!   search began, because a node is linked at the bottom as long as it is at any height, and at each height as long as at any
//!   higher one: whoever comes to it, by a link of the list or one that a removed node kept, comes to a node that was still
//!   there below. A step of a walk is the same argument from where the walk stands.
//! - Keys and levels are loaded `Relaxed`: a node does not change between the link that led to it and the end of the reader's
//!   pin. That is the last promise, and [`super::grace`] keeps it: a removed slot is not used again before every reader that may
//!   have come to it has let go. Without it, a node would move under the feet of one who stands on it to another part of the
//!   list, and his walk would skip or repeat keys.

use super::PriceIndex;
use super::arena::{Arena, name};
use super::grace::{Limbo, Pin, Seats};
use super::sync::{AtomicI64, AtomicU32};
use std::cell::Cell;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Both ends of the list.
const END: u32 = 0;
/// Links inside a node; one node of 256 needs more, and has a [`Spire`] for them.
const LOW: usize = 4;
const HIGH: usize = 8;
/// With a quarter of the nodes at each next height, enough for 4^12 = 16 Mi levels; beyond, searches grow longer.
const HEIGHTS: usize = LOW + HIGH;

/// Half a cache line, and never across two.
#[derive(Default)]
#[repr(align(32))]
struct Node {
    key: AtomicI64,
    level: AtomicU32,
    spire: AtomicU32,
    next: [AtomicU32; LOW],
}

impl Node {
    /// What a reader is shown of it: its key and its level.
    #[inline(always)]
    fn shown(&self) -> (i64, u32) {
        (self.key.load(Relaxed), self.level.load(Relaxed))
    }
}

/// The upper links of a high tower.
type Spire = [AtomicU32; HIGH];

/// The height of a slot's tower: one more for every two trailing zeros of the slot's number, well mixed.
fn height_of(slot: u32) -> usize {
    let mixed = u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let zeros = (mixed ^ mixed >> 32).trailing_zeros() as usize;
    (1 + zeros / 2).min(HEIGHTS)
}

/// The list: what readers share with the one writer.
struct Towers {
    nodes: Arena<Node>,
    spires: Arena<Spire>,
    seats: Seats,
}

/// The last node above a key, at each height.
type Path = [u32; HEIGHTS];

impl Towers {
    fn new() -> Towers {
        let towers = Towers { nodes: Arena::default(), spires: Arena::default(), seats: Seats::default() };
        towers.nodes.make(END).key.store(i64::MIN, Relaxed);
        towers.spires.make(END);
        towers
    }

    #[inline(always)]
    fn link<'a>(&'a self, node: &'a Node, height: usize) -> &'a AtomicU32 {
        match node.next.get(height) {
            Some(link) => link,
            // Whoever is at this height came by a link of this height, which was published after the spire was set.
            None => &self.spires.get(node.spire.load(Relaxed))[height - LOW],
        }
    }

    /// The first node, from the best, whose key is not above `key`; [`END`] if there is none. For readers too, while pinned.
    #[inline]
    fn first_at_or_below(&self, key: i64) -> (u32, &Node) {
        self.search(key, |_, _| ())
    }

    /// The same search, which shows where it went down.
    #[inline(always)]
    fn search(&self, key: i64, mut turned: impl FnMut(usize, u32)) -> (u32, &Node) {
        let (mut slot, mut node) = (END, self.nodes.get(END));
        let mut height = 0;
        while height + 1 < HEIGHTS && self.nodes.get(self.link(node, height + 1).load(Acquire)).key.load(Relaxed) > key
        {
            height += 1;
        }
        loop {
            let mut next = self.link(node, height).load(Acquire);
            let mut ahead = self.nodes.get(next);
            while ahead.key.load(Relaxed) > key {
                (slot, node) = (next, ahead);
                next = self.link(node, height).load(Acquire);
                ahead = self.nodes.get(next);
            }
            turned(height, slot);
            if height == 0 {
                return (next, ahead);
            }
            height -= 1;
        }
    }

    /// The writer's search. Heights to which it did not climb have nothing above `key`: there the head stands before it.
    fn path(&self, key: i64) -> (Path, u32) {
        let mut path = [END; HEIGHTS];
        let (slot, _) = self.search(key, |height, slot| path[height] = slot);
        (path, slot)
    }

    /// The writer's: links in a slot that is in no reader's sight, where the path to its key leads.
    fn insert(&self, slot: u32, key: i64, level: u32, path: &Path) {
        let node = self.nodes.get(slot);
        let height = height_of(slot);
        node.key.store(key, Relaxed);
        node.level.store(level, Relaxed);
        for (height, &before) in path.iter().enumerate().take(height) {
            let behind = self.link(self.nodes.get(before), height).load(Relaxed);
            self.link(node, height).store(behind, Relaxed);
        }
        for (height, &before) in path.iter().enumerate().take(height) {
            self.link(self.nodes.get(before), height).store(slot, Release);
        }
    }

    /// The writer's: unlinks the node of a key that is there. It stays readable until its slot is used again.
    fn remove(&self, key: i64) -> u32 {
        let (path, slot) = self.path(key);
        let node = self.nodes.get(slot);
        debug_assert!(slot != END && node.key.load(Relaxed) == key);
        for (height, &before) in path.iter().enumerate().take(height_of(slot)).rev() {
            let behind = self.link(node, height).load(Relaxed);
            self.link(self.nodes.get(before), height).store(behind, Release);
        }
        slot
    }
}

/// Which slots are in use: the writer's alone.
#[derive(Default)]
struct Slots {
    /// Removed and left by every reader, the last one on top: it is the likeliest to be in the cache.
    free: Vec<u32>,
    limbo: Limbo,
    /// Slots and spires made so far, without those of the ends.
    made: u32,
    spires: u32,
}

impl Slots {
    /// A slot whose tower is ready to be linked.
    fn take(&mut self, towers: &Towers) -> u32 {
        self.free.pop().unwrap_or_else(|| self.make(towers))
    }

    #[cold]
    fn make(&mut self, towers: &Towers) -> u32 {
        self.made += 1;
        let slot = name(self.made);
        let node = towers.nodes.make(slot);
        if height_of(slot) > LOW {
            self.spires += 1;
            let spire = name(self.spires);
            towers.spires.make(spire);
            node.spire.store(spire, Relaxed);
        }
        slot
    }

    /// A slot that has been unlinked begins to wait for its readers.
    fn give_back(&mut self, slot: u32, seats: &Seats) {
        self.limbo.retire(slot, seats, &mut self.free);
    }
}

/// See the module.
pub struct SkipList {
    towers: Arc<Towers>,
    slots: Slots,
    len: usize,
    /// The key that was last looked for in vain, and the path to it, while that is as it was: where no level is found,
    /// one is made.
    missed: Cell<Option<(i64, Path)>>,
    /// The node that [`PriceIndex::below`] last found, while it is there: whoever walks asks for the one behind it next.
    found: Cell<u32>,
}

impl Default for SkipList {
    fn default() -> SkipList {
        SkipList {
            towers: Arc::new(Towers::new()),
            slots: Slots::default(),
            len: 0,
            missed: Cell::new(None),
            found: Cell::new(END),
        }
    }
}

impl SkipList {
    /// A reader for another thread, or `None` when sixteen are there already. It outlives the list if need be.
    pub fn reader(&self) -> Option<SkipListReader> {
        let seat = self.towers.seats.sit()?;
        Some(SkipListReader { towers: Arc::clone(&self.towers), seat })
    }
}

/// Reads beside the writer, without a lock: see the module for what it may see. Dropping it gives its place back.
///
/// ```
/// use aeromatch_engine::index::{PriceIndex, SkipList};
///
/// let mut list = SkipList::default();
/// let mut reader = list.reader().expect("the first one");
/// list.insert(1_001, 7, 0);
/// list.insert(998, 8, 0);
/// assert_eq!(reader.first_at_or_below(1_000), Some((998, 8)));
/// assert_eq!(reader.walk(i64::MAX).collect::<Vec<_>>(), [(1_001, 7), (998, 8)]);
/// ```
pub struct SkipListReader {
    towers: Arc<Towers>,
    seat: usize,
}

impl SkipListReader {
    /// The highest key that is not above `key`, and its level.
    #[inline]
    pub fn first_at_or_below(&mut self, key: i64) -> Option<(i64, u32)> {
        let _pin = self.towers.seats.pin(self.seat);
        let (slot, node) = self.towers.first_at_or_below(key);
        (slot != END).then(|| node.shown())
    }

    /// The keys from the highest that is not above `key` down, with their levels. No slot that leaves the list meanwhile is used
    /// again before the walk is dropped, so drop it when it has shown enough.
    pub fn walk(&mut self, key: i64) -> Walk<'_> {
        let towers = &*self.towers;
        let pin = towers.seats.pin(self.seat);
        Walk { towers, ahead: towers.first_at_or_below(key), _pin: pin }
    }
}

impl Drop for SkipListReader {
    fn drop(&mut self) {
        self.towers.seats.leave(self.seat);
    }
}

/// Falling keys with their levels: [`SkipListReader::walk`].
pub struct Walk<'a> {
    towers: &'a Towers,
    ahead: (u32, &'a Node),
    _pin: Pin<'a>,
}

impl Iterator for Walk<'_> {
    type Item = (i64, u32);

    #[inline]
    fn next(&mut self) -> Option<(i64, u32)> {
        let (slot, node) = self.ahead;
        if slot == END {
            return None;
        }
        let next = node.next[0].load(Acquire);
        self.ahead = (next, self.towers.nodes.get(next));
        Some(node.shown())
    }
}

impl FusedIterator for Walk<'_> {}

impl PriceIndex for SkipList {
    #[inline]
    fn get(&self, key: i64) -> u32 {
        let mut path = [END; HEIGHTS];
        let (_, node) = self.towers.search(key, |height, slot| path[height] = slot);
        if node.key.load(Relaxed) == key {
            // The end has the lowest key, and no level.
            node.level.load(Relaxed)
        } else {
            self.missed.set(Some((key, path)));
            0
        }
    }

    fn insert(&mut self, key: i64, level: u32, _bound: i64) {
        let slot = self.slots.take(&self.towers);
        let path = match self.missed.take() {
            Some((missed, path)) if missed == key => path,
            _ => self.towers.path(key).0,
        };
        self.towers.insert(slot, key, level, &path);
        self.len += 1;
    }

    fn remove(&mut self, key: i64) {
        let slot = self.towers.remove(key);
        self.slots.give_back(slot, &self.towers.seats);
        self.len -= 1;
        self.missed.set(None);
        if self.found.get() == slot {
            self.found.set(END);
        }
    }

    #[inline]
    fn below(&self, key: i64) -> Option<(i64, u32)> {
        let limit = key.checked_sub(1)?;
        let last = self.towers.nodes.get(self.found.get());
        let (slot, node) = if last.key.load(Relaxed) == key {
            let slot = last.next[0].load(Relaxed);
            (slot, self.towers.nodes.get(slot))
        } else {
            self.towers.first_at_or_below(limit)
        };
        self.found.set(slot);
        (slot != END).then(|| node.shown())
    }

    fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self) -> usize {
        let slots = self.slots.free.capacity() * size_of::<u32>() + self.slots.limbo.bytes();
        self.towers.nodes.bytes() + self.towers.spires.bytes() + size_of::<Seats>() + slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys and levels from the best down, by links of that height.
    fn row(towers: &Towers, height: usize) -> Vec<(i64, u32)> {
        let mut found = Vec::new();
        let mut slot = towers.link(towers.nodes.get(END), height).load(Acquire);
        while slot != END {
            let node = towers.nodes.get(slot);
            found.push((node.key.load(Relaxed), node.level.load(Relaxed)));
            slot = towers.link(node, height).load(Acquire);
        }
        found
    }

    #[test]
    fn a_quarter_of_the_towers_reaches_the_next_height() {
        for height in 1..6 {
            let (all, higher) = (1..1_u32 << 16)
                .map(height_of)
                .filter(|&found| found >= height)
                .fold((0, 0), |(all, higher), found| (all + 1, higher + u32::from(found > height)));
            assert!((all / 8..all * 3 / 8).contains(&higher), "{higher} of {all} above height {height}");
        }
        assert!((0..1 << 16).all(|slot| (1..=HEIGHTS).contains(&height_of(slot))));
    }

    #[test]
    fn every_height_is_a_sorted_part_of_the_one_below() {
        let mut list = SkipList::default();
        for key in 0..5_000_i64 {
            list.insert(key * 7_919 % 5_003, 1 + key as u32, 0);
        }
        for key in (0..5_000_i64).filter(|key| key % 3 == 0) {
            list.remove(key * 7_919 % 5_003);
        }
        let mut below = row(&list.towers, 0);
        assert_eq!(below.len(), list.len());
        assert!(list.slots.spires > 0, "high towers are part of this test");
        for height in 0..HEIGHTS {
            let here = row(&list.towers, height);
            assert!(here.is_sorted_by(|a, b| a.0 > b.0));
            assert!(here.iter().all(|node| below.contains(node)));
            below = here;
        }
    }

    #[test]
    fn nothing_is_remembered_of_a_node_that_left() {
        let mut list = SkipList::default();
        (1..=5).for_each(|key| list.insert(2 * key, key as u32, 10));
        assert_eq!(list.below(9), Some((8, 4)));
        list.remove(8);
        list.remove(4);
        list.insert(7, 7, 10);
        assert_eq!(list.below(8), Some((7, 7)), "not what followed 8 when it left");
        assert_eq!(list.get(5), 0);
        list.remove(6);
        list.insert(5, 9, 10);
        assert_eq!(list.get(5), 9, "linked behind a node that is there");
        assert_eq!(row(&list.towers, 0), [(10, 5), (7, 7), (5, 9), (2, 1)]);
    }

    #[test]
    fn slots_are_used_again() {
        let mut list = SkipList::default();
        for key in 0..100_000 {
            list.insert(key, 1, key);
            if key >= 50 {
                list.remove(key - 50);
            }
        }
        assert_eq!(list.slots.made, 51);
    }

    #[test]
    fn a_pinned_reader_makes_the_limbo_longer_and_nothing_else() {
        let mut list = SkipList::default();
        let mut reader = list.reader().expect("the first one");
        (1..=3).for_each(|key| list.insert(10 * key, key as u32, 0));
        let mut walk = reader.walk(i64::MAX);
        assert_eq!(walk.next(), Some((30, 3)));
        for round in 0..1_000 {
            list.remove(20);
            list.insert(20, 4 + round, 0);
        }
        assert!(list.slots.made > 1_000, "no slot is used twice: {}", list.slots.made);
        assert_eq!(walk.collect::<Vec<_>>(), [(20, 2), (10, 1)], "a removed node keeps what it was");
        let made = list.slots.made;
        for round in 0..1_000 {
            list.remove(20);
            list.insert(20, 4 + round, 0);
        }
        assert!(list.slots.made <= made + 64, "and then all are used again: {}", list.slots.made);
        assert_eq!(reader.first_at_or_below(29), Some((20, 1_003)));
        drop(list);
        assert_eq!(reader.first_at_or_below(19), Some((10, 1)), "the last list stays for its readers");
    }

    #[test]
    fn readers_at_the_limits_of_the_keys() {
        let mut list = SkipList::default();
        let mut reader = list.reader().expect("the first one");
        assert_eq!(reader.first_at_or_below(i64::MAX), None);
        assert_eq!(reader.walk(i64::MAX).next(), None);
        list.insert(i64::MIN, 5, 0);
        list.insert(i64::MAX, 6, 0);
        assert_eq!(reader.first_at_or_below(i64::MIN), Some((i64::MIN, 5)));
        assert_eq!(reader.walk(i64::MAX).collect::<Vec<_>>(), [(i64::MAX, 6), (i64::MIN, 5)]);
        assert_eq!(reader.walk(i64::MAX - 1).collect::<Vec<_>>(), [(i64::MIN, 5)]);
        let others: Vec<_> = std::iter::from_fn(|| list.reader()).collect();
        assert_eq!(others.len(), super::super::grace::SEATS - 1);
        drop(reader);
        assert!(list.reader().is_some());
    }
}
