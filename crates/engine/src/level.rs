//! A price level: the queue of orders at one price, what they add up to, and what happened there.

use crate::pool::{NIL, Pool, Slab};
use std::hint::select_unpredictable;

/// One cache line: what adding, canceling and matching touch.
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
    /// Orders that came to rest here since the level came to exist.
    pub orders_added: u64,
    /// Place of its [`Traded`], or [`NIL`] while nothing traded here.
    traded: u32,
}

/// What traded at a level since it came to exist. Most levels come and go without a trade, so it stands aside.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traded {
    pub orders_filled: u64,
    pub trade_count: u64,
    pub quantity: u128,
}

impl Level {
    /// Appends an order: last in time.
    #[inline(always)]
    pub fn push_back(&mut self, pool: &mut Pool, slot: u32, remaining: u64) {
        let tail = self.tail;
        pool.order_mut(slot).prev = tail;
        pool.order_mut(tail).next = slot;
        self.tail = slot;
        self.head = select_unpredictable(tail == NIL, slot, self.head);
        self.quantity += u128::from(remaining);
        self.count += 1;
        self.orders_added += 1;
    }

    /// Takes an order out of the queue, wherever it stands; the others keep their places.
    #[inline(always)]
    pub fn unlink(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (prev, next, remaining) = (order.prev, order.next, order.remaining());
        pool.order_mut(prev).next = next;
        pool.order_mut(next).prev = prev;
        self.head = select_unpredictable(prev == NIL, next, self.head);
        self.tail = select_unpredictable(next == NIL, prev, self.tail);
        self.quantity -= u128::from(remaining);
        self.count -= 1;
    }
}

/// All levels of a book; a level is named by its number, 0 is none.
pub(crate) struct Levels {
    levels: Slab<Level>,
    free: u32,
    traded: Vec<Traded>,
    free_traded: Vec<u32>,
}

impl Levels {
    pub fn new() -> Levels {
        let mut levels = Slab::new(0);
        let none = levels.add();
        debug_assert_eq!(none, NIL);
        Levels { levels, free: NIL, traded: vec![Traded::default()], free_traded: Vec::new() }
    }

    #[inline(always)]
    pub fn get(&self, level: u32) -> &Level {
        self.levels.get(level)
    }

    #[inline(always)]
    pub fn get_mut(&mut self, level: u32) -> &mut Level {
        self.levels.get_mut(level)
    }

    #[inline(always)]
    pub fn insert(&mut self, side: u8, key: i64) -> u32 {
        let mut level = self.free;
        if level == NIL {
            level = self.fresh();
        }
        let place = self.get_mut(level);
        let free = place.head;
        *place = Level { key, side: u32::from(side), ..Level::default() };
        self.free = free;
        level
    }

    #[inline(never)]
    fn fresh(&mut self) -> u32 {
        self.levels.add()
    }

    #[inline(always)]
    pub fn remove(&mut self, level: u32) {
        let free = self.free;
        let place = self.get_mut(level);
        debug_assert!(place.count == 0 && place.quantity == 0);
        place.head = free;
        let traded = place.traded;
        self.free = level;
        if traded != NIL {
            self.free_traded.push(traded);
        }
    }

    /// What traded at a level.
    pub fn traded(&self, level: u32) -> &Traded {
        &self.traded[self.get(level).traded as usize]
    }

    /// The same, to be added to.
    #[inline(always)]
    pub fn traded_mut(&mut self, level: u32) -> &mut Traded {
        let mut place = self.get(level).traded;
        if place == NIL {
            place = self.open_traded(level);
        }
        &mut self.traded[place as usize]
    }

    fn open_traded(&mut self, level: u32) -> u32 {
        let place = self.free_traded.pop().unwrap_or_else(|| {
            self.traded.push(Traded::default());
            u32::try_from(self.traded.len() - 1).expect("fewer than 2^32 price levels")
        });
        self.traded[place as usize] = Traded::default();
        self.get_mut(level).traded = place;
        place
    }

    pub fn bytes(&self) -> usize {
        self.levels.bytes() + self.traded.capacity() * size_of::<Traded>()
    }
}
