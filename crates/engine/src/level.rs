//! A price level: the queue of orders at one price, what they add up to, and what happened there.

use crate::aside::Aside;
use crate::pool::{NIL, Pool, Slab};
use std::hint::select_unpredictable;

/// Orders in order of time, linked through the pool.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Queue {
    /// Oldest order, the first to trade; [`NIL`] if there is none.
    pub head: u32,
    pub tail: u32,
}

impl Queue {
    /// Appends an order: last in time.
    #[inline(always)]
    pub fn append(&mut self, pool: &mut Pool, slot: u32) {
        let tail = self.tail;
        pool.order_mut(slot).prev = tail;
        pool.order_mut(tail).next = slot;
        self.tail = slot;
        self.head = select_unpredictable(tail == NIL, slot, self.head);
    }

    /// Takes an order out, wherever it stands; the others keep their places.
    #[inline(always)]
    pub fn unlink(&mut self, pool: &mut Pool, slot: u32) {
        let order = pool.order(slot);
        let (prev, next) = (order.prev, order.next);
        pool.order_mut(prev).next = next;
        pool.order_mut(next).prev = prev;
        self.head = select_unpredictable(prev == NIL, next, self.head);
        self.tail = select_unpredictable(next == NIL, prev, self.tail);
    }

    /// Slots, oldest first.
    pub fn iter(self, pool: &Pool) -> impl Iterator<Item = u32> {
        let link = |slot: u32| Some(slot).filter(|&slot| slot != NIL);
        std::iter::successors(link(self.head), move |&slot| link(pool.order(slot).next))
    }
}

/// One cache line: what adding, canceling and matching touch.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct Level {
    /// Price in the order of its side ([`crate::half::Half`]); the higher, the better.
    pub key: i64,
    /// The displayed orders; in an auction the protected market orders among them. In a free level `head` is the next free one.
    pub queue: Queue,
    /// Sum of what is displayed; 0 where nothing is, since what is displayed shows at least a lot. 2^32 orders of 2^48 lots do not fit 64 bits.
    pub quantity: u128,
    /// Number of orders, of whatever kind.
    pub count: u32,
    /// Place of its [`Aside`], or [`NIL`] while all its orders are plainly displayed ones.
    pub aside: u32,
    /// Orders that came to rest here since the level came to exist.
    pub orders_added: u64,
    pub side: u32,
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
    /// Is there no order left, of whatever kind?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A displayed order comes to rest: last in time.
    #[inline(always)]
    pub fn push_back(&mut self, pool: &mut Pool, slot: u32, shown: u64) {
        self.append(pool, slot, shown);
        self.orders_added += 1;
    }

    /// The same for one that was here before: an iceberg's next slice.
    #[inline(always)]
    pub fn append(&mut self, pool: &mut Pool, slot: u32, shown: u64) {
        self.queue.append(pool, slot);
        self.quantity += u128::from(shown);
        self.count += 1;
    }

    /// Takes a displayed order out of the queue.
    #[inline(always)]
    pub fn unlink(&mut self, pool: &mut Pool, slot: u32) {
        let shown = pool.order(slot).remaining();
        self.queue.unlink(pool, slot);
        self.quantity -= u128::from(shown);
        self.count -= 1;
    }
}

/// All levels of a book; a level is named by its number, 0 is none.
pub(crate) struct Levels {
    levels: Slab<Level>,
    free: u32,
    traded: Vec<Traded>,
    free_traded: Vec<u32>,
    asides: Vec<Aside>,
    free_asides: Vec<u32>,
}

impl Levels {
    pub fn new() -> Levels {
        let mut levels = Slab::new(0);
        let none = levels.add();
        debug_assert_eq!(none, NIL);
        Levels {
            levels,
            free: NIL,
            traded: vec![Traded::default()],
            free_traded: Vec::new(),
            asides: vec![Aside::default()],
            free_asides: Vec::new(),
        }
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
        let free = place.queue.head;
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
        debug_assert!(place.is_empty() && place.quantity == 0 && place.aside == NIL);
        place.queue.head = free;
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

    /// What stands aside at a level; nothing, if nothing does.
    #[inline(always)]
    pub fn aside(&self, level: u32) -> &Aside {
        &self.asides[self.get(level).aside as usize]
    }

    /// A level with what stands aside there, opened if it was not.
    pub fn with_aside(&mut self, level: u32) -> (&mut Level, &mut Aside) {
        if self.get(level).aside == NIL {
            let place = self.free_asides.pop().unwrap_or_else(|| {
                self.asides.push(Aside::default());
                u32::try_from(self.asides.len() - 1).expect("fewer than 2^32 price levels")
            });
            self.get_mut(level).aside = place;
        }
        let place = self.get(level).aside as usize;
        (self.levels.get_mut(level), &mut self.asides[place])
    }

    /// Closes what stood aside at a level, if nothing does any more; before the level goes.
    pub fn close_aside(&mut self, level: u32) {
        let place = self.get(level).aside;
        if place != NIL && self.asides[place as usize].is_vacant() {
            self.asides[place as usize] = Aside::default();
            self.free_asides.push(place);
            self.get_mut(level).aside = NIL;
        }
    }

    /// Has any level something aside?
    pub fn has_asides(&self) -> bool {
        self.asides.len() - 1 > self.free_asides.len()
    }

    pub fn bytes(&self) -> usize {
        self.levels.bytes() + self.traded.capacity() * size_of::<Traded>() + self.asides.capacity() * size_of::<Aside>()
    }
}
