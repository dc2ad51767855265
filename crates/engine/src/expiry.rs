//! GTD orders by the time they end (R17): a heap whose stale entries are recognised by their handles.

use crate::pool::{Handle, Pool};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Entries in order of expiry, then id. An order that ends early leaves its entry behind; when most entries are stale they are
/// swept out, so the heap stays in proportion to the live orders and steady trading allocates nothing.
#[derive(Default)]
pub(crate) struct Expiries {
    heap: BinaryHeap<Reverse<(u64, Handle)>>,
    live: usize,
}

impl Expiries {
    /// Time of the earliest entry, stale ones included; `u64::MAX` if there is none.
    pub fn next_ns(&self) -> u64 {
        self.heap.peek().map_or(u64::MAX, |Reverse((at, _))| *at)
    }

    pub fn insert(&mut self, expire_at_ns: u64, handle: Handle) {
        self.heap.push(Reverse((expire_at_ns, handle)));
        self.live += 1;
    }

    /// An order with an entry here is about to end.
    pub fn forget(&mut self) {
        self.live -= 1;
    }

    /// Sweeps stale entries if they outnumber the live ones. Not while an order is half removed.
    pub fn tidy(&mut self, pool: &Pool) {
        if self.heap.len() > 64 + 2 * self.live {
            self.heap.retain(|Reverse((_, handle))| pool.resolve(*handle).is_some());
        }
    }

    /// Takes out the next live order that ends at or before `now_ns`.
    pub fn pop_due(&mut self, now_ns: u64, pool: &Pool) -> Option<u32> {
        while self.next_ns() <= now_ns {
            let Reverse((_, handle)) = self.heap.pop()?;
            if pool.resolve(handle).is_some() {
                return Some(handle.slot);
            }
        }
        None
    }
}
