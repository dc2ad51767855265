//! Values by order id. Ids are numbers that nobody outside chooses, so a multiplication spreads them well enough, and nothing
//! depends on the order in which they stand here.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// 2^64 divided by the golden ratio, odd.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads one number of 64 bits.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        // The table takes its place from the low bits and its tag from the high ones: both halves of the product.
        let product = u128::from(self.0 ^ value) * u128::from(SPREAD);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

/// Values by order id.
pub struct OrderMap<T>(HashMap<u64, T, BuildHasherDefault<IdHasher>>);

impl<T> Default for OrderMap<T> {
    fn default() -> OrderMap<T> {
        OrderMap(HashMap::default())
    }
}

impl<T> OrderMap<T> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub fn get(&self, order_id: u64) -> Option<&T> {
        self.0.get(&order_id)
    }

    #[inline]
    pub fn get_mut(&mut self, order_id: u64) -> Option<&mut T> {
        self.0.get_mut(&order_id)
    }

    #[inline]
    pub fn insert(&mut self, order_id: u64, value: T) {
        self.0.insert(order_id, value);
    }

    #[inline]
    pub fn remove(&mut self, order_id: u64) {
        self.0.remove(&order_id);
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }
}
