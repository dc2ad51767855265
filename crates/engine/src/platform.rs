//! What differs between operating systems and processors: large zeroed memory with huge pages, and prefetch.
//!
//! Linux on x86-64 is what is measured; elsewhere the same functions do less and mean the same.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Types for which all-zero bytes are a value.
///
/// # Safety
/// Zeroed memory must be a valid value of the type, and the type must not need dropping.
pub unsafe trait Zeroable: Copy {}
// SAFETY: zero is a `u32`.
unsafe impl Zeroable for u32 {}
// SAFETY: zero is a `u64`.
unsafe impl Zeroable for u64 {}

/// A fixed number of values that start as zeroes and never move. Pages are touched only as they are used.
pub struct Region<T: Zeroable> {
    start: NonNull<T>,
    length: usize,
}

// SAFETY: a region owns its memory like a `Box<[T]>`; `Zeroable` values are plain data.
unsafe impl<T: Zeroable + Send> Send for Region<T> {}
// SAFETY: as above; shared access is through `&[T]` only.
unsafe impl<T: Zeroable + Sync> Sync for Region<T> {}

impl<T: Zeroable> Region<T> {
    /// That many zeroes.
    pub fn new(length: usize) -> Region<T> {
        let layout = Self::layout(length);
        // SAFETY: the layout has a size above zero (`layout` sees to it).
        let Some(start) = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<T>()) else { handle_alloc_error(layout) };
        if layout.align() == HUGE_PAGE_BYTES {
            advise_huge(start.as_ptr().cast(), layout.size());
        }
        Region { start, length: length.max(1) }
    }

    /// From half a huge page on, whole huge pages: fewer page faults and TLB misses.
    fn layout(length: usize) -> Layout {
        let bytes = length.max(1).checked_mul(size_of::<T>()).expect("a region fits the address space");
        let (bytes, align) = if bytes >= HUGE_PAGE_BYTES / 2 {
            (bytes.next_multiple_of(HUGE_PAGE_BYTES), HUGE_PAGE_BYTES)
        } else {
            (bytes, 64)
        };
        Layout::from_size_align(bytes, align).expect("a region fits the address space")
    }
}

impl<T: Zeroable> Region<T> {
    /// The value at `index` modulo the length, which is a power of two.
    #[inline(always)]
    pub fn wrapped(&self, index: usize) -> &T {
        debug_assert!(self.length.is_power_of_two());
        // SAFETY: `index & (length - 1)` is below `length`, which is above zero.
        unsafe { self.start.add(index & (self.length - 1)).as_ref() }
    }

    /// As [`Region::wrapped`].
    #[inline(always)]
    pub fn wrapped_mut(&mut self, index: usize) -> &mut T {
        debug_assert!(self.length.is_power_of_two());
        // SAFETY: as in `wrapped`.
        unsafe { self.start.add(index & (self.length - 1)).as_mut() }
    }
}

impl<T: Zeroable> Drop for Region<T> {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout; `Zeroable` needs no drop of its values.
        unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.length)) }
    }
}

impl<T: Zeroable> Deref for Region<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `length` values live at `start`, zeroed at first, which `Zeroable` makes values of `T`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T: Zeroable> DerefMut for Region<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `&mut self` makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

#[cfg(target_os = "linux")]
fn advise_huge(start: *mut u8, bytes: usize) {
    // SAFETY: the range was allocated by the caller and is aligned to huge pages; the advice changes no contents. A
    // refusal costs speed only, so its result does not matter.
    unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_start: *mut u8, _bytes: usize) {}

/// Asks for the cache line of `value` ahead of its use; a hint that can be wrong at no harm.
#[inline(always)]
pub fn prefetch<T>(value: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing architecturally and cannot fault, whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(value.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
