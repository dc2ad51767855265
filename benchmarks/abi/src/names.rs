//! From the sender's ids to order ids, and back.

use aeromatch_engine::platform::{Region, prefetch};
use std::collections::HashMap;

const FIRST: usize = 1 << 21;
const LAST: usize = 1 << 28;
/// In the table: the order id does not fit and is in the map.
const ELSEWHERE: u32 = u32::MAX;

/// Small ids, which senders count up or draw from a range, index a table; others are in a hash map.
pub struct Names {
    /// Order id by sender's id; 0 is none.
    table: Region<u32>,
    far: HashMap<u64, u64>,
    /// Sender's id by order id.
    names: Region<u64>,
}

impl Names {
    pub fn new() -> Names {
        Names { table: touched(FIRST), far: HashMap::new(), names: touched(FIRST) }
    }

    /// The order id last bound to a sender's id, or 0.
    #[inline(always)]
    pub fn order_id(&self, name: u64) -> u64 {
        match self.table.get(name as usize) {
            Some(&order_id) if order_id != ELSEWHERE => u64::from(order_id),
            _ => self.far.get(&name).copied().unwrap_or(0),
        }
    }

    /// The same without the rarer case, for looking ahead.
    #[inline(always)]
    pub fn order_id_hint(&self, name: u64) -> u64 {
        u64::from(*self.table.wrapped(name as usize))
    }

    /// The sender's id of an order id that was bound.
    #[inline(always)]
    pub fn name_of(&self, order_id: u64) -> u64 {
        self.names[order_id as usize]
    }

    #[inline(always)]
    pub fn bind(&mut self, name: u64, order_id: u64) {
        if order_id as usize >= self.names.len() {
            widen(&mut self.names);
        }
        self.names[order_id as usize] = name;
        match self.table.get_mut(name as usize) {
            Some(place) if order_id < u64::from(ELSEWHERE) => *place = order_id as u32,
            _ => self.bind_far(name, order_id),
        }
    }

    /// The table doubles for a name that is just beyond it; a name far beyond would cost memory for those that never come.
    #[inline(never)]
    fn bind_far(&mut self, name: u64, order_id: u64) {
        let length = self.table.len();
        self.far.insert(name, order_id);
        if let Some(place) = self.table.get_mut(name as usize) {
            *place = ELSEWHERE;
        } else if length < LAST && (name as usize) < 2 * length {
            widen(&mut self.table);
            let fits =
                |&name: &u64, &mut order_id: &mut u64| (name as usize) < 2 * length && order_id < u64::from(ELSEWHERE);
            for (name, order_id) in self.far.extract_if(fits) {
                self.table[name as usize] = order_id as u32;
            }
        }
    }

    #[inline(always)]
    pub fn prefetch(&self, name: u64) {
        prefetch(self.table.as_ptr().wrapping_add(name as usize));
    }
}

/// A region whose pages exist: an engine is made before the clock runs.
fn touched<T: Copy + Default + aeromatch_engine::platform::Zeroable>(length: usize) -> Region<T> {
    let mut region = Region::new(length);
    region.fill(std::hint::black_box(T::default()));
    region
}

fn widen<T: Copy + aeromatch_engine::platform::Zeroable>(region: &mut Region<T>) {
    let mut wider = Region::new(region.len() * 2);
    wider[..region.len()].copy_from_slice(region);
    *region = wider;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_last_order_wherever_it_is_kept() {
        let mut names = Names::new();
        let beyond = 2 * FIRST as u64 + 5;
        names.bind(beyond, 1);
        names.bind(FIRST as u64, 2);
        names.bind(beyond, 3);
        assert_eq!((names.order_id(beyond), names.order_id(FIRST as u64)), (3, 2));
        names.bind_far(7, 1 << 32);
        assert_eq!(names.order_id(7), 1 << 32);
        names.bind(7, 4);
        assert_eq!(names.order_id(7), 4);
    }
}
