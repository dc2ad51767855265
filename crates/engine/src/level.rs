//! A price level: the queue of orders at one price, what they add up to, and what happened there.

use crate::pool::{NIL, Pool};

/// First line: what adding, canceling and matching touch. Second: statistics since the level came to exist.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct Level {
    /// Price in the order of its side ([`crate::half::Half`]); the higher, the better.
    pub key: i64,
    /// Oldest order, the first to trade; [`NIL`] in an empty level. In a free level the next free one.
    pub head: u32,
    pub tail: u32,
    /// Sum of what remains. 2^32 orders of 2^48 lots do not fit 64 bits.
    pub quantity: u128,
    pub count: u32,
    pub side: u32,
    pub orders_added: u64,
    pub orders_filled: u64,
    pub trade_count: u64,
    pub traded_quantity: u128,
}

impl Level {
    /// Appends an order: last in time.
    #[inline(always)]
    pub fn push_back(&mut self, pool: &mut Pool, slot: u32, remaining: u64) {
        let tail = self.tail;
        pool.order_mut(slot).prev = tail;
        pool.order_mut(tail).next = slot;
        self.tail = slot;
        self.head = if tail == NIL { slot } else { self.head };
        self.quantity += u128::from(remaining);
        self.count += 1;
        self.orders_added += 1;
    }

    /// Takes an order out of the queue, wherever it stands; the others keep their places.
    #[inline(always)]
    pub fn unlink(&mut self, pool: &mut Pool, slot: u32) {
        let order = *pool.order(slot);
        pool.order_mut(order.prev).next = order.next;
        pool.order_mut(order.next).prev = order.prev;
        self.head = if order.prev == NIL { order.next } else { self.head };
        self.tail = if order.next == NIL { order.prev } else { self.tail };
        self.quantity -= u128::from(order.remaining());
        self.count -= 1;
    }
}

/// All levels of a book; a level is named by its number, 0 is none.
pub(crate) struct Levels {
    levels: Vec<Level>,
    free: u32,
}

impl Levels {
    pub fn new() -> Levels {
        Levels { levels: vec![Level::default()], free: NIL }
    }

    #[inline(always)]
    pub fn get(&self, level: u32) -> &Level {
        &self.levels[level as usize]
    }

    #[inline(always)]
    pub fn get_mut(&mut self, level: u32) -> &mut Level {
        &mut self.levels[level as usize]
    }

    pub fn insert(&mut self, side: u8, key: i64) -> u32 {
        let fresh = Level { key, side: u32::from(side), ..Level::default() };
        let level = self.free;
        if level == NIL {
            let level = u32::try_from(self.levels.len()).expect("fewer than 2^32 price levels");
            self.levels.push(fresh);
            return level;
        }
        self.free = self.get(level).head;
        *self.get_mut(level) = fresh;
        level
    }

    pub fn remove(&mut self, level: u32) {
        debug_assert!(self.get(level).count == 0 && self.get(level).quantity == 0);
        self.get_mut(level).head = self.free;
        self.free = level;
    }

    pub fn bytes(&self) -> usize {
        self.levels.capacity() * size_of::<Level>()
    }

    #[inline(always)]
    pub fn prefetch(&self, level: u32) {
        crate::platform::prefetch(self.get(level));
    }
}
