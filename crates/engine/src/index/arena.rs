//! Values by 32-bit number that never move: a reader who holds a number, or a reference, is not disturbed by growth.
//!
//! Memory comes in chunks, each twice the one before, so that a number tells its chunk with one instruction and a table of
//! 27 chunks is enough for all numbers. A chunk is made once, by the writer, before it gives any number of it away.

use std::sync::OnceLock;

/// Values in the first chunk, as a power of two.
const FIRST_BITS: u32 = 6;
const FIRST: u64 = 1 << FIRST_BITS;
/// Together these hold 2^33 - 64 values, more than there are numbers.
const CHUNKS: usize = 27;

/// See the module.
pub(super) struct Arena<T> {
    chunks: [OnceLock<Box<[T]>>; CHUNKS],
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena { chunks: [const { OnceLock::new() }; CHUNKS] }
    }
}

/// The chunk of a number, and the number's place in it.
#[inline(always)]
fn place(number: u32) -> (usize, usize) {
    let shifted = u64::from(number) + FIRST;
    let chunk = shifted.ilog2() - FIRST_BITS;
    (chunk as usize, (shifted - (FIRST << chunk)) as usize)
}

impl<T: Default> Arena<T> {
    /// The value of a number that was [made](Arena::make).
    #[inline(always)]
    pub fn get(&self, number: u32) -> &T {
        let (chunk, offset) = place(number);
        &self.chunks[chunk].get().expect("a number that was made")[offset]
    }

    /// Sees to it that the number has a value: a default one, if it is new.
    pub fn make(&self, number: u32) -> &T {
        let (chunk, offset) = place(number);
        let values = self.chunks[chunk].get_or_init(|| (0..FIRST << chunk).map(|_| T::default()).collect());
        &values[offset]
    }

    /// Bytes of all chunks made so far.
    pub fn bytes(&self) -> usize {
        let values: usize = self.chunks.iter().filter_map(OnceLock::get).map(|chunk| chunk.len()).sum();
        size_of::<Self>() + values * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_one_chunk_after_the_other() {
        let mut next = (0, 0);
        for number in 0..100_000 {
            assert_eq!(place(number), next);
            next.1 += 1;
            if next.1 == (FIRST << next.0) as usize {
                next = (next.0 + 1, 0);
            }
        }
        let (last, offset) = place(u32::MAX);
        assert!(last < CHUNKS && (offset as u64) < FIRST << last);
    }

    #[test]
    fn values_stay_where_they_are() {
        let arena = Arena::<u64>::default();
        let first = std::ptr::from_ref(arena.make(3));
        for number in 0..10_000 {
            arena.make(number);
        }
        assert_eq!(std::ptr::from_ref(arena.get(3)), first);
        assert!(arena.bytes() < 2 * 8 * 10_000 + size_of::<Arena<u64>>());
    }
}
