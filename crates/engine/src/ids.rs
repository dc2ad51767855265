//! From an order id to its slot.
//!
//! Ids are counted up, and most orders die young. The newest ids therefore stand in a ring, where taking the next id is a write
//! to the line written before, and a look-up of a young order hits the cache; an order that outlives the ring moves to an
//! open-addressed table of eight bytes an entry. Nothing here grows with the number of orders that ever lived.

use crate::platform::{Region, prefetch};
use crate::pool::NIL;

const MIN_RING: usize = 1 << 12;
const MAX_RING: usize = 1 << 16;

/// Slots of live orders by counter (the low 40 bits of an order id).
pub(crate) struct OrderIds {
    /// Slot of each of the newest counters, by counter modulo length; [`NIL`] if it does not rest.
    ring: Region<u32>,
    /// The counter that comes next.
    next: u64,
    elders: Elders,
}

impl OrderIds {
    pub fn new(next: u64) -> OrderIds {
        OrderIds { ring: Region::new(MIN_RING), next, elders: Elders::new(16) }
    }

    /// The counter that [`OrderIds::push`] will take.
    #[inline(always)]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes the next counter, for the order in `slot` ([`NIL`]: it does not rest). `counter_of` tells the counter of the
    /// live order in a slot.
    #[inline(always)]
    pub fn push(&mut self, slot: u32, counter_of: impl Fn(u32) -> u64) {
        let elder = *self.ring.wrapped(self.next as usize);
        if elder != NIL {
            self.retire(elder, counter_of);
        }
        *self.ring.wrapped_mut(self.next as usize) = slot;
        self.next += 1;
    }

    /// The slot of a live order's counter; [`NIL`], or the slot of another order, if there is none: the caller compares the
    /// id in the slot (the stamp), through `is`.
    #[inline(always)]
    pub fn find(&self, counter: u64, is: impl Fn(u32) -> bool) -> u32 {
        if self.is_young(counter) {
            let slot = *self.ring.wrapped(counter as usize);
            if slot != NIL && is(slot) { slot } else { NIL }
        } else {
            self.elders.find(counter as u32, is)
        }
    }

    /// As `find`, and forgets the order if it is one.
    #[inline(always)]
    pub fn take(&mut self, counter: u64, is: impl Fn(u32) -> bool) -> u32 {
        if self.is_young(counter) {
            let place = self.ring.wrapped_mut(counter as usize);
            let slot = *place;
            if slot == NIL || !is(slot) {
                return NIL;
            }
            *place = NIL;
            return slot;
        }
        let slot = self.elders.find(counter as u32, is);
        if slot != NIL {
            self.elders.remove(counter as u32, slot);
        }
        slot
    }

    /// Forgets a live order.
    #[inline(always)]
    pub fn remove(&mut self, counter: u64, slot: u32) {
        if self.is_young(counter) {
            *self.ring.wrapped_mut(counter as usize) = NIL;
        } else {
            self.elders.remove(counter as u32, slot);
        }
    }

    /// Adds an order that was given its counter before; for restoring a snapshot.
    pub fn restore(&mut self, counter: u64, slot: u32) {
        if self.is_young(counter) {
            *self.ring.wrapped_mut(counter as usize) = slot;
        } else {
            self.elders.insert(counter as u32, slot);
        }
    }

    /// Asks for the memory that `find` will read. Both places, because which one it is would be a branch that cannot be
    /// foretold.
    #[inline(always)]
    pub fn prefetch(&self, counter: u64) {
        prefetch(self.ring.wrapped(counter as usize));
        self.elders.prefetch(counter as u32);
    }

    /// The slot that `find` will probably return, without a branch and without proof.
    #[inline(always)]
    pub fn guess(&self, counter: u64) -> u32 {
        let young = *self.ring.wrapped(counter as usize);
        let elder = *self.elders.table.wrapped(self.elders.home(counter as u32)) as u32;
        if self.is_young(counter) { young } else { elder }
    }

    pub fn bytes(&self) -> usize {
        self.ring.len() * size_of::<u32>() + self.elders.table.len() * size_of::<u64>()
    }

    #[inline(always)]
    fn is_young(&self, counter: u64) -> bool {
        // A counter not yet given wraps to a huge age and is looked for, in vain, among the elders.
        self.next.wrapping_sub(counter).wrapping_sub(1) < self.ring.len() as u64
    }

    /// The order whose counter is one ring's length behind the next leaves the ring.
    #[inline(never)]
    fn retire(&mut self, slot: u32, counter_of: impl Fn(u32) -> u64) {
        let length = self.ring.len() as u64;
        self.elders.insert((self.next - length) as u32, slot);
        if self.elders.count as u64 * 4 <= length || self.ring.len() >= MAX_RING {
            return;
        }
        let mut wider = Region::new(self.ring.len() * 2);
        let place = |counter: u64| counter as usize & (length as usize * 2 - 1);
        // Ages of one up to a length are in the ring, but for the order just retired; the next length's worth, which is
        // young now, comes back from the elders.
        for age in 1..(length * 2).min(self.next + 1) {
            let counter = self.next - age;
            if age < length {
                wider[place(counter)] = self.ring[counter as usize & (length as usize - 1)];
                continue;
            }
            let slot = self.elders.find(counter as u32, |slot| counter_of(slot) == counter);
            if slot != NIL {
                self.elders.remove(counter as u32, slot);
                wider[place(counter)] = slot;
            }
        }
        self.ring = wider;
    }
}

/// Open addressing with linear probing; an entry is the counter's low half above the slot. Two orders whose counters agree
/// in 32 bits can be alive at once, so a match is confirmed by the caller.
struct Elders {
    table: Region<u64>,
    count: usize,
}

impl Elders {
    fn new(length: usize) -> Elders {
        Elders { table: Region::new(length), count: 0 }
    }

    #[inline(always)]
    fn home(&self, low: u32) -> usize {
        // Fibonacci hashing: the product's high bits are spread evenly even for consecutive counters.
        let spread = u64::from(low).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & (self.table.len() - 1)
    }

    #[inline(always)]
    fn find(&self, low: u32, is: impl Fn(u32) -> bool) -> u32 {
        let mut place = self.home(low);
        loop {
            let entry = *self.table.wrapped(place);
            if entry == 0 {
                return NIL;
            }
            if (entry >> 32) as u32 == low && is(entry as u32) {
                return entry as u32;
            }
            place += 1;
        }
    }

    fn insert(&mut self, low: u32, slot: u32) {
        if (self.count + 1) * 4 > self.table.len() * 3 {
            let larger = Region::new(self.table.len() * 2);
            let old = std::mem::replace(&mut self.table, larger);
            for &entry in old.iter().filter(|&&entry| entry != 0) {
                self.place(entry);
            }
        }
        self.place(u64::from(low) << 32 | u64::from(slot));
        self.count += 1;
    }

    fn place(&mut self, entry: u64) {
        let mut place = self.home((entry >> 32) as u32);
        while self.table[place] != 0 {
            place = (place + 1) & (self.table.len() - 1);
        }
        self.table[place] = entry;
    }

    /// Removes an entry that is there and closes the gap, so that no probe stops short of a later entry.
    fn remove(&mut self, low: u32, slot: u32) {
        let last = self.table.len() - 1;
        let entry = u64::from(low) << 32 | u64::from(slot);
        let mut gap = self.home(low);
        while self.table[gap] != entry {
            debug_assert!(self.table[gap] != 0, "the entry is there");
            gap = (gap + 1) & last;
        }
        let mut place = gap;
        loop {
            place = (place + 1) & last;
            let entry = self.table[place];
            if entry == 0 {
                break;
            }
            // An entry may move into the gap unless its home lies between the gap and itself.
            let home = self.home((entry >> 32) as u32);
            if (place.wrapping_sub(home) & last) >= (place.wrapping_sub(gap) & last) {
                self.table[gap] = entry;
                gap = place;
            }
        }
        self.table[gap] = 0;
        self.count -= 1;
    }

    #[inline(always)]
    fn prefetch(&self, low: u32) {
        prefetch(self.table.wrapped(self.home(low)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn ids_find_what_lives_and_nothing_else(
            start in prop_oneof![Just(1_u64), Just((1 << 32) - 700), any::<u32>().prop_map(u64::from)],
            steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 1..6000),
        ) {
            let mut ids = OrderIds::new(start);
            let mut model = BTreeMap::new();
            let mut stamps = vec![0_u64];
            for (what, pick) in steps {
                if what > 0 || model.is_empty() {
                    let counter = ids.next();
                    let slot = if what == 3 { NIL } else { stamps.len() as u32 };
                    if slot != NIL {
                        stamps.push(counter);
                        model.insert(counter, slot);
                    }
                    ids.push(slot, |slot| stamps[slot as usize]);
                } else {
                    let (&counter, &slot) = model.iter().nth(pick.index(model.len())).unwrap();
                    ids.remove(counter, slot);
                    model.remove(&counter);
                    prop_assert_eq!(ids.find(counter, |slot| stamps[slot as usize] == counter), NIL);
                }
            }
            for (&counter, &slot) in &model {
                prop_assert_eq!(ids.find(counter, |slot| stamps[slot as usize] == counter), slot);
            }
            prop_assert_eq!(ids.find(ids.next(), |_| true), NIL);
        }

        #[test]
        fn elders_are_a_map(steps in prop::collection::vec((0..60_u32, any::<bool>()), 1..300)) {
            let mut elders = Elders::new(16);
            let mut model = BTreeMap::new();
            for (low, add) in steps {
                let low = low.wrapping_mul(0x1000_0001);
                match (add, model.get(&low).copied()) {
                    (true, None) => { elders.insert(low, low | 1); model.insert(low, low | 1); }
                    (false, Some(slot)) => { elders.remove(low, slot); model.remove(&low); }
                    _ => {}
                }
                for (&low, &slot) in &model {
                    prop_assert_eq!(elders.find(low, |_| true), slot);
                }
                prop_assert_eq!(elders.count, model.len());
            }
        }
    }
}
