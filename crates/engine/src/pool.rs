//! The order pool: every live order of a book, in slabs that grow without moving.
//!
//! Orders are named by 32-bit slots inside the book, which halves their links against pointers. A slot is reused, so what
//! outlives an order (an expiry entry, an index entry) holds a [`Handle`]: the slot with a stamp. The stamp is the order's own
//! id, of which no two orders ever share one (R5), so a stale handle cannot match a slot's next tenant, however often the
//! slot was reused (no ABA, without a counter that could wrap).
//!
//! Slot 0 is nobody's: links to it mean "none" and may be written through, which saves the branches that a null would need.

use crate::platform::{Region, Zeroable, prefetch};

/// The slot that no order has.
pub(crate) const NIL: u32 = 0;

/// Values of a new slab where addresses cannot be reserved.
const LEAST: usize = 1 << 10;
/// Values for which a slab reserves addresses: 64 Mi orders of 32 bytes are 2 GiB of addresses, not of memory.
const MOST: usize = 1 << 26;
/// Values between two questions whether the system has huge pages.
const CHUNK: usize = 1 << 16;
/// From this many expected values on, the first chunk is worth huge pages too.
const LARGE: usize = 1 << 14;

/// The half of an order that matching touches: two of these to a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Order {
    /// Next in the level's queue, or in the free list.
    pub next: u32,
    pub prev: u32,
    pub level: u32,
    pub account: u32,
    /// Remaining lots (49 bits: up to 2^48) below [`Traits`].
    word: u64,
    /// Order id; 0 in a free slot.
    pub id: u64,
}

/// The half that only arrival, amends and reads touch.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Record {
    /// Total quantity, filled part included.
    pub total: u64,
    /// When it was accepted.
    pub entered_ns: u64,
    /// Slot in the rarer terms, or [`NIL`].
    pub extra: u32,
    pub zero: u32,
}

// SAFETY: integers only.
unsafe impl Zeroable for Order {}
// SAFETY: integers only.
unsafe impl Zeroable for Record {}
// SAFETY: integers only.
unsafe impl Zeroable for crate::level::Level {}

const QUANTITY_BITS: u32 = 49;
const QUANTITY_MASK: u64 = (1 << QUANTITY_BITS) - 1;

/// Where a live order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Place {
    /// In its level's displayed queue.
    Displayed = 0,
    /// Behind it, in the queue of hidden and all-or-none orders.
    Undisplayed = 1,
    /// In no level: a stop that was not reached yet.
    Dormant = 2,
    /// A market order that waits for an uncross.
    Waiting = 3,
}

/// What an order is, in the bits that its quantity leaves: side, time in force, self-trade mode, post-only, slide, whether it
/// has rarer terms (so that those who end an order that has none need not read its [`Record`]), its [`Place`], and whether it
/// shows slices. An order that is not plainly displayed always has rarer terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits(u16);

impl Traits {
    #[inline(always)]
    pub fn new(side: u8, time_in_force: u8, self_trade_prevention: u8, post_flags: u8) -> Traits {
        Traits(
            u16::from(side)
                | u16::from(time_in_force) << 1
                | u16::from(self_trade_prevention) << 4
                | u16::from(post_flags) << 7,
        )
    }
    /// With the mark that the order has rarer terms.
    #[inline(always)]
    pub fn with_extra(self) -> Traits {
        Traits(self.0 | 1 << 9)
    }
    #[inline(always)]
    pub fn has_extra(self) -> bool {
        self.0 >> 9 & 1 != 0
    }
    /// Standing there.
    #[inline(always)]
    pub fn at(self, place: Place) -> Traits {
        Traits(self.0 & !(3 << 10) | (place as u16) << 10)
    }
    #[inline(always)]
    pub fn place(self) -> Place {
        match self.0 >> 10 & 3 {
            0 => Place::Displayed,
            1 => Place::Undisplayed,
            2 => Place::Dormant,
            _ => Place::Waiting,
        }
    }
    /// With the mark of an iceberg.
    pub fn with_slices(self) -> Traits {
        Traits(self.0 | 1 << 12)
    }
    #[inline(always)]
    pub fn has_slices(self) -> bool {
        self.0 >> 12 & 1 != 0
    }
    #[inline(always)]
    pub fn side(self) -> u8 {
        (self.0 & 1) as u8
    }
    #[inline(always)]
    pub fn time_in_force(self) -> u8 {
        (self.0 >> 1 & 7) as u8
    }
    /// As in the command: 0 is the instrument's.
    #[inline(always)]
    pub fn self_trade_prevention(self) -> u8 {
        (self.0 >> 4 & 7) as u8
    }
    /// The bits of `record::flag` for post-only and slide.
    #[inline(always)]
    pub fn post_flags(self) -> u8 {
        (self.0 >> 7 & 3) as u8
    }
}

impl Order {
    #[inline(always)]
    pub fn new(id: u64, level: u32, account: u32, traits: Traits, remaining: u64) -> Order {
        debug_assert!(remaining <= QUANTITY_MASK);
        let word = remaining | u64::from(traits.0) << QUANTITY_BITS;
        Order { next: NIL, prev: NIL, level, account, word, id }
    }
    /// What is live of it; of an iceberg the slice that it shows, its reserve stands with its rarer terms.
    #[inline(always)]
    pub fn remaining(&self) -> u64 {
        self.word & QUANTITY_MASK
    }
    #[inline(always)]
    pub fn traits(&self) -> Traits {
        Traits((self.word >> QUANTITY_BITS) as u16)
    }
    /// Replaces traits, level and what remains: an order that arrived anew finds a new place.
    pub fn reenter(&mut self, traits: Traits, level: u32, remaining: u64) {
        *self = Order::new(self.id, level, self.account, traits, remaining);
    }
    /// Takes `quantity` off what remains; never more than there is, so the traits above stay whole.
    #[inline(always)]
    pub fn reduce(&mut self, quantity: u64) {
        debug_assert!(quantity <= self.remaining());
        self.word -= quantity;
    }
}

/// A slot and the id of the order that was in it: it resolves only while that order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle {
    pub id: u64,
    pub slot: u32,
}

/// Values by 32-bit number, from 0, given out one after the other; addresses stay as long as the system lets them be reserved.
pub(crate) struct Slab<T: Zeroable> {
    region: Region<T>,
    /// Numbers below this were given out.
    touched: u32,
}

impl<T: Zeroable> Slab<T> {
    pub fn new(expected: usize) -> Slab<T> {
        let mut region = Region::reserve(LEAST, MOST);
        if expected >= LARGE {
            region.prefer_huge_pages(0, CHUNK);
        }
        Slab { region, touched: 0 }
    }

    #[inline(always)]
    pub fn get(&self, number: u32) -> &T {
        debug_assert!(number < self.touched);
        // SAFETY: numbers come from `add`, which sees to it that the region reaches beyond them; it never shrinks.
        unsafe { self.region.get_unchecked(number as usize) }
    }

    #[inline(always)]
    pub fn get_mut(&mut self, number: u32) -> &mut T {
        debug_assert!(number < self.touched);
        // SAFETY: as in `get`.
        unsafe { self.region.get_unchecked_mut(number as usize) }
    }

    /// The next number, for a value of zeroes.
    pub fn add(&mut self) -> u32 {
        let number = self.touched;
        if number as usize == self.region.len() {
            self.region = self.region.grown(self.region.len() * 2);
        }
        if number > 0 && (number as usize).is_multiple_of(CHUNK) {
            self.region.prefer_huge_pages(number as usize, number as usize + CHUNK);
        }
        self.touched = number.checked_add(1).expect("fewer than 2^32 orders and price levels");
        number
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.touched as usize * size_of::<T>()
    }
}

/// Orders with an intrusive free list.
pub(crate) struct Pool {
    orders: Slab<Order>,
    records: Slab<Record>,
    /// First of the free list, threaded through `Order::next`.
    free: u32,
    live: usize,
}

impl Pool {
    /// An empty pool, laid out for that many orders; more are taken too.
    pub fn new(expected: usize) -> Pool {
        let mut pool = Pool { orders: Slab::new(expected), records: Slab::new(expected), free: NIL, live: 0 };
        let nobody = pool.fresh();
        debug_assert_eq!(nobody, NIL);
        for _ in 0..expected {
            let slot = pool.fresh();
            pool.order_mut(slot).next = pool.free;
            *pool.record_mut(slot) = Record { total: 0, entered_ns: 0, extra: 0, zero: 0 };
            pool.free = slot;
        }
        pool
    }

    /// Number of live orders.
    #[inline(always)]
    pub fn live(&self) -> usize {
        self.live
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.orders.bytes() + self.records.bytes()
    }

    #[inline(always)]
    pub fn order(&self, slot: u32) -> &Order {
        self.orders.get(slot)
    }

    #[inline(always)]
    pub fn order_mut(&mut self, slot: u32) -> &mut Order {
        self.orders.get_mut(slot)
    }

    #[inline(always)]
    pub fn record(&self, slot: u32) -> &Record {
        self.records.get(slot)
    }

    #[inline(always)]
    pub fn record_mut(&mut self, slot: u32) -> &mut Record {
        self.records.get_mut(slot)
    }

    /// The order that the handle was made for, if it still lives.
    #[inline(always)]
    pub fn resolve(&self, handle: Handle) -> Option<&Order> {
        Some(self.order(handle.slot)).filter(|order| order.id == handle.id)
    }

    /// Puts an order into a free slot, the one freed last first: it is the likeliest to be in the cache.
    #[inline(always)]
    pub fn insert(&mut self, order: Order, record: Record) -> u32 {
        let slot = self.free;
        let slot = if slot != NIL {
            self.free = self.order(slot).next;
            slot
        } else {
            self.fresh()
        };
        *self.order_mut(slot) = order;
        *self.record_mut(slot) = record;
        self.live += 1;
        slot
    }

    /// Frees a slot; handles to its order stop resolving.
    #[inline(always)]
    pub fn remove(&mut self, slot: u32) {
        debug_assert!(slot != NIL && self.order(slot).id != 0);
        let free = self.free;
        let order = self.order_mut(slot);
        order.id = 0;
        order.next = free;
        self.free = slot;
        self.live -= 1;
    }

    /// Asks for an order's line ahead of its use.
    #[inline(always)]
    pub fn prefetch(&self, slot: u32) {
        prefetch(self.order(slot));
    }

    #[inline(never)]
    fn fresh(&mut self) -> u32 {
        self.records.add();
        self.orders.add()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: u64) -> Order {
        Order::new(id, 1, 0, Traits::new(1, 2, 5, 3), 1 << 48)
    }

    const RECORD: Record = Record { total: 1, entered_ns: 0, extra: 0, zero: 0 };

    #[test]
    fn traits_and_the_largest_quantity_share_a_word() {
        let mut order = order(7);
        order.reduce((1 << 48) - 1);
        assert_eq!(order.remaining(), 1);
        let traits = order.traits();
        assert_eq!((traits.side(), traits.time_in_force()), (1, 2));
        assert_eq!((traits.self_trade_prevention(), traits.post_flags()), (5, 3));
        assert_eq!((traits.place(), traits.has_slices()), (Place::Displayed, false));
        let traits = traits.with_slices().at(Place::Waiting).at(Place::Dormant);
        assert_eq!((traits.place(), traits.has_slices(), traits.post_flags()), (Place::Dormant, true, 3));
    }

    #[test]
    fn a_stale_handle_never_resolves_to_the_slots_next_tenant() {
        let mut pool = Pool::new(0);
        let slot = pool.insert(order(7), RECORD);
        let handle = Handle { id: 7, slot };
        assert!(pool.resolve(handle).is_some());
        pool.remove(slot);
        assert!(pool.resolve(handle).is_none());
        assert_eq!(pool.insert(order(8), RECORD), slot, "the freed slot is reused");
        assert!(pool.resolve(handle).is_none());
    }

    #[test]
    fn orders_do_not_move_when_the_pool_grows() {
        let mut pool = Pool::new(0);
        let first = pool.insert(order(1), RECORD);
        let place = std::ptr::from_ref(pool.order(first));
        for id in 2..=3 * CHUNK as u64 {
            pool.insert(order(id), RECORD);
        }
        assert_eq!(std::ptr::from_ref(pool.order(first)), place);
        assert_eq!(pool.live(), 3 * CHUNK);
        assert_eq!(pool.order(first).id, 1);
    }
}
