//! A value handed from thread to thread by a flag, with the orderings of the caller's choice.

use aeromatch_runtime::sync::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

struct Handed {
    value: UnsafeCell<u64>,
    is_there: AtomicBool,
}

// SAFETY: written before the flag is set and read after it was seen. With relaxed orderings that is not enough, and such a
// hand-over is run to see ThreadSanitizer say so.
unsafe impl Sync for Handed {}

/// Hands a value over and returns it.
pub fn hand_over(publish: Ordering, look: Ordering) -> u64 {
    let handed = Arc::new(Handed { value: UnsafeCell::new(0), is_there: AtomicBool::new(false) });
    let giver = thread::spawn({
        let handed = handed.clone();
        move || {
            // SAFETY: the flag is not set, so nobody reads.
            handed.value.with_mut(|value| unsafe { value.write(7) });
            handed.is_there.store(true, publish);
            handed
        }
    });
    while !handed.is_there.load(look) {
        thread::yield_now();
    }
    // SAFETY: the flag is set, so nobody writes.
    let value = handed.value.with(|value| unsafe { value.read() });
    giver.join().unwrap();
    value
}
