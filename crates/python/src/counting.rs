//! The extension's allocator: the system's, with a count of allocations per thread, so that benchmarks can show that the
//! steady state has none.
//!
//! `unsafe` here is the allocator's contract, passed on unchanged.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    // No destructor and a constant start: reading it never allocates, in any phase of a thread's life.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[inline(always)]
fn count() {
    ALLOCATIONS.with(|count| count.set(count.get().wrapping_add(1)));
}

/// How often this thread has asked for memory from native code.
pub fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

// SAFETY: every call goes to `System` with the same arguments.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: whoever calls keeps the contract of `GlobalAlloc`; it is `System`'s too.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: whoever calls keeps the contract of `GlobalAlloc`; it is `System`'s too.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System` through this allocator.
        unsafe { System.dealloc(memory, layout) }
    }

    // SAFETY: whoever calls keeps the contract of `GlobalAlloc`; it is `System`'s too.
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    // SAFETY: whoever calls keeps the contract of `GlobalAlloc`; it is `System`'s too.
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `memory` came from `System` through this allocator, with this layout.
        unsafe { System.realloc(memory, layout, size) }
    }
}
