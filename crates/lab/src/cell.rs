//! A spin lock around a value: what a hand-off without a queue of its own costs.
//!
//! Contract: [`SpinLock::with`] gives one thread at a time the value. Not fair, and a holder that loses its processor holds
//! up everybody: nothing in the runtime uses one.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value behind a flag.
pub struct SpinLock<T> {
    is_held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `with` hands the value from thread to thread, never to two at once; so sharing the lock is sending the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

/// Lets go of the flag, also when the holder panics.
struct Release<'a>(&'a AtomicBool);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<T> SpinLock<T> {
    /// A lock that nobody holds.
    pub fn new(value: T) -> SpinLock<T> {
        SpinLock { is_held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits for the value, by `pause`, and uses it.
    #[inline]
    pub fn with<R>(&self, mut pause: impl FnMut(), use_value: impl FnOnce(&mut T) -> R) -> R {
        // Acquire: what the last holder wrote, before its release of the flag, is seen.
        while self.is_held.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            // Only reads while it is held, so that the line stays with those who wait and is not torn from the holder.
            while self.is_held.load(Ordering::Relaxed) {
                pause();
            }
        }
        let _release = Release(&self.is_held);
        // SAFETY: The flag was false and this thread made it true; every other one stays in the loop above until
        // `_release` is dropped, which is after the last use of the reference.
        use_value(unsafe { &mut *self.value.get() })
    }
}
