//! Keeps what two cores write out of one cache line.
//!
//! A core that writes a word takes the whole line from every other core. Two counters in one line therefore cost as
//! much as one counter that both write, although nobody shares anything: false sharing.

use core::ops::{Deref, DerefMut};

/// A value with cache lines of its own.
///
/// 128 bytes, not 64: x86-64 prefetches lines in pairs, and Apple's and some other ARM cores have lines of 128.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Padded<T>(T);

impl<T> Padded<T> {
    /// Puts `value` into lines of its own.
    pub const fn new(value: T) -> Padded<T> {
        Padded(value)
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Padded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Padded;

    #[test]
    fn neighbours_are_in_lines_of_their_own() {
        let pair = [Padded::new(1_u8), Padded::new(2)];
        let distance = (&raw const *pair[1]).addr() - (&raw const *pair[0]).addr();
        assert_eq!((distance, (&raw const *pair[0]).addr() % 128), (128, 0));
        assert_eq!(*pair[0] + *pair[1], 3);
    }
}
