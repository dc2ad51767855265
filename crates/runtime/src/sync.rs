//! The atomics, cells and threads that the lock-free structures are written with: the processor's own, or loom's.
//!
//! A build with `--cfg loom` swaps in loom's, which run a test once for every interleaving and every value that a load
//! may return under the memory model. The structures are written once, against this module: what is checked is what
//! is shipped.

#[cfg(loom)]
pub use loom::{
    cell::UnsafeCell,
    hint,
    sync::{Arc, atomic},
    thread,
};

#[cfg(not(loom))]
pub use core::{hint, sync::atomic};
#[cfg(not(loom))]
pub use std::{sync::Arc, thread};

/// A cell whose content is reached through a closure, as loom's is: loom takes the closure's time as the time of the
/// access, and reports two of them that no ordering keeps apart.
#[cfg(not(loom))]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    /// A cell that holds `value`.
    #[inline]
    pub const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(core::cell::UnsafeCell::new(value))
    }

    /// Reads: the pointer is valid for reads while nobody writes.
    #[inline]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Writes: the pointer is valid for reads and writes while nobody else does either.
    #[inline]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
