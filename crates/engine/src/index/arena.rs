//! Values with 32-bit names that never move: a reader who holds a name, or a reference, is not disturbed by growth.
//!
//! Memory comes in chunks, each twice the one before. A name is the chunk's number above the place in it, so that following
//! one takes a shift and a mask. A chunk is made once, by the writer, before it gives any name of it away.

use std::sync::OnceLock;

/// Values in the first chunk, as a power of two. Loom follows each atomic value, used or not.
const FIRST_BITS: u32 = if cfg!(loom) { 1 } else { 6 };
const FIRST: u64 = 1 << FIRST_BITS;
/// Bits of a name that are the place in its chunk; those above are the chunk.
const PLACE_BITS: u32 = 27;
const CHUNKS: usize = 1 << (u32::BITS - PLACE_BITS);

/// See the module.
pub(super) struct Arena<T> {
    chunks: [OnceLock<Box<[T]>>; CHUNKS],
}

impl<T> Default for Arena<T> {
    fn default() -> Arena<T> {
        Arena { chunks: [const { OnceLock::new() }; CHUNKS] }
    }
}

/// The name of the value made after `before` others; 0 is the first.
pub(super) fn name(before: u32) -> u32 {
    let shifted = u64::from(before) + FIRST;
    let chunk = shifted.ilog2() - FIRST_BITS;
    assert!(FIRST << chunk <= 1 << PLACE_BITS, "fewer than 2^28 price levels");
    chunk << PLACE_BITS | (shifted - (FIRST << chunk)) as u32
}

/// The chunk of a name, and the place in it.
#[inline(always)]
fn place(name: u32) -> (usize, usize) {
    ((name >> PLACE_BITS) as usize, (name & ((1 << PLACE_BITS) - 1)) as usize)
}

impl<T: Default> Arena<T> {
    /// The value of a name that was [made](Arena::make).
    #[inline(always)]
    pub fn get(&self, name: u32) -> &T {
        let (chunk, place) = place(name);
        &self.chunks[chunk].get().expect("a name that was made")[place]
    }

    /// Sees to it that the name has a value: a default one, if it is new.
    pub fn make(&self, name: u32) -> &T {
        let (chunk, place) = place(name);
        let values = self.chunks[chunk].get_or_init(|| (0..FIRST << chunk).map(|_| T::default()).collect());
        &values[place]
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
    fn names_fill_one_chunk_after_the_other() {
        let mut next = (0, 0);
        for before in 0..100_000 {
            assert_eq!(place(name(before)), next);
            next.1 += 1;
            if next.1 == (FIRST << next.0) as usize {
                next = (next.0 + 1, 0);
            }
        }
        assert_eq!(place(name((1 << 28) - FIRST as u32 - 1)), (21, (1 << PLACE_BITS) - 1));
    }

    #[test]
    fn values_stay_where_they_are() {
        let arena = Arena::<u64>::default();
        let first = std::ptr::from_ref(arena.make(name(3)));
        for before in 0..10_000 {
            arena.make(name(before));
        }
        assert_eq!(std::ptr::from_ref(arena.get(name(3))), first);
        assert!(arena.bytes() < 2 * 8 * 10_000 + size_of::<Arena<u64>>());
    }
}
