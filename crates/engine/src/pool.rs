//! The order pool: every live order of a book, in chunks that never move.
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

const CHUNK_BITS: u32 = 15;
const CHUNK: usize = 1 << CHUNK_BITS;

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

const QUANTITY_BITS: u32 = 49;
const QUANTITY_MASK: u64 = (1 << QUANTITY_BITS) - 1;

/// What an order is, in the bits that its quantity leaves: side, time in force, self-trade mode, post-only, slide, and
/// whether it has rarer terms, so that those who end an order that has none need not read its [`Record`].
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
    #[inline(always)]
    pub fn remaining(&self) -> u64 {
        self.word & QUANTITY_MASK
    }
    #[inline(always)]
    pub fn traits(&self) -> Traits {
        Traits((self.word >> QUANTITY_BITS) as u16)
    }
    /// Replaces what remains and the level: an amended order finds a new place.
    pub fn reenter(&mut self, level: u32, remaining: u64) {
        *self = Order::new(self.id, level, self.account, self.traits(), remaining);
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

/// Preallocated slab of orders with an intrusive free list; grows by chunks.
pub(crate) struct Pool {
    orders: Vec<Region<Order>>,
    records: Vec<Region<Record>>,
    /// First of the free list, threaded through `Order::next`.
    free: u32,
    /// Slots below this were given out at least once.
    touched: u32,
    live: usize,
}

impl Pool {
    pub fn new() -> Pool {
        Pool { orders: vec![Region::new(CHUNK)], records: vec![Region::new(CHUNK)], free: NIL, touched: 1, live: 0 }
    }

    /// Number of live orders.
    #[inline(always)]
    pub fn live(&self) -> usize {
        self.live
    }

    /// Bytes of all chunks.
    pub fn bytes(&self) -> usize {
        self.orders.len() * CHUNK * (size_of::<Order>() + size_of::<Record>())
    }

    #[inline(always)]
    pub fn order(&self, slot: u32) -> &Order {
        // SAFETY: slots come from `insert` (or are NIL, in chunk 0), so their chunk exists and chunks never shrink.
        unsafe { self.orders.get_unchecked((slot >> CHUNK_BITS) as usize).get_unchecked(slot as usize % CHUNK) }
    }

    #[inline(always)]
    pub fn order_mut(&mut self, slot: u32) -> &mut Order {
        // SAFETY: as in `order`.
        unsafe { self.orders.get_unchecked_mut((slot >> CHUNK_BITS) as usize).get_unchecked_mut(slot as usize % CHUNK) }
    }

    #[inline(always)]
    pub fn record(&self, slot: u32) -> &Record {
        // SAFETY: as in `order`; both vectors of chunks grow together.
        unsafe { self.records.get_unchecked((slot >> CHUNK_BITS) as usize).get_unchecked(slot as usize % CHUNK) }
    }

    #[inline(always)]
    pub fn record_mut(&mut self, slot: u32) -> &mut Record {
        // SAFETY: as in `record`.
        unsafe {
            self.records.get_unchecked_mut((slot >> CHUNK_BITS) as usize).get_unchecked_mut(slot as usize % CHUNK)
        }
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

    /// Asks for the line that the next insertion writes.
    #[inline(always)]
    pub fn prefetch_free(&self) {
        prefetch(self.record(self.free));
    }

    fn fresh(&mut self) -> u32 {
        let slot = self.touched;
        if (slot >> CHUNK_BITS) as usize == self.orders.len() {
            self.orders.push(Region::new(CHUNK));
            self.records.push(Region::new(CHUNK));
        }
        self.touched = slot.checked_add(1).expect("fewer than 2^32 live orders");
        slot
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
    }

    #[test]
    fn a_stale_handle_never_resolves_to_the_slots_next_tenant() {
        let mut pool = Pool::new();
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
        let mut pool = Pool::new();
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
