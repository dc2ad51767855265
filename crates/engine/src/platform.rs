//! What differs between operating systems and processors: large zeroed memory with huge pages, and prefetch.
//!
//! Linux on x86-64 is what is measured; elsewhere the same functions do less and mean the same.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

const HUGE_PAGE_BYTES: usize = 2 << 20;
const PAGE_BYTES: usize = 4096;

/// Types for which all-zero bytes are a value.
///
/// # Safety
/// Zeroed memory must be a valid value of the type, and the type must not need dropping.
pub unsafe trait Zeroable: Copy {}
// SAFETY: zero is a `u32`.
unsafe impl Zeroable for u32 {}
// SAFETY: zero is a `u64`.
unsafe impl Zeroable for u64 {}

/// A fixed number of values that start as zeroes and never move.
pub struct Region<T: Zeroable> {
    start: NonNull<T>,
    length: usize,
    source: Source,
}

/// Where a region's memory came from, and so goes back to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Allocator,
    /// Addresses reserved from the system; a page costs memory from its first use on.
    Reserved,
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
        Region { start, length: length.max(1), source: Source::Allocator }
    }

    /// Room for up to `most` values at addresses that stay, at the price of the pages in use; where the system has no such
    /// thing, or refuses, room for `least`.
    pub fn reserve(least: usize, most: usize) -> Region<T> {
        let reserved = most.checked_mul(size_of::<T>()).and_then(reserve);
        match reserved {
            Some(start) => Region { start: start.cast(), length: most, source: Source::Reserved },
            None => Region::new(least),
        }
    }

    /// Asks for whole huge pages behind the values in `from..to`, before they are first used.
    pub fn prefer_huge_pages(&mut self, from: usize, to: usize) {
        let bytes = |index: usize| index.min(self.length) * size_of::<T>();
        // SAFETY: both offsets lie within the region.
        let start = unsafe { self.start.as_ptr().cast::<u8>().add(bytes(from)) };
        let skipped = start.align_offset(PAGE_BYTES);
        let length = (bytes(to) - bytes(from)).saturating_sub(skipped);
        if self.source == Source::Reserved && length > 0 {
            advise_huge(start.wrapping_add(skipped), length);
        }
    }

    /// A larger region with the same values; their addresses change.
    pub fn grown(&self, length: usize) -> Region<T> {
        let mut grown = Region::new(length);
        grown[..self.length].copy_from_slice(self);
        grown
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
        let start = self.start.as_ptr().cast::<u8>();
        match self.source {
            // SAFETY: allocated in `new` with this very layout; `Zeroable` needs no drop of its values.
            Source::Allocator => unsafe { dealloc(start, Self::layout(self.length)) },
            Source::Reserved => release(start, self.length * size_of::<T>()),
        }
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
fn reserve(bytes: usize) -> Option<NonNull<u8>> {
    // Two megabytes more than asked for, so that the start can be laid where huge pages begin.
    let (access, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    let length = bytes.checked_add(HUGE_PAGE_BYTES)?;
    // SAFETY: a new anonymous mapping at an address of the system's choice touches no memory that is in use.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, access, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    let start = start.cast::<u8>();
    let skipped = start.align_offset(HUGE_PAGE_BYTES);
    let aligned = start.wrapping_add(skipped);
    // SAFETY: the parts before and behind the aligned range belong to the mapping just made and are not used.
    unsafe {
        if skipped > 0 {
            libc::munmap(start.cast(), skipped);
        }
        libc::munmap(aligned.wrapping_add(bytes.next_multiple_of(PAGE_BYTES)).cast(), HUGE_PAGE_BYTES - skipped);
    }
    NonNull::new(aligned)
}

#[cfg(target_os = "linux")]
fn release(start: *mut u8, bytes: usize) {
    // SAFETY: exactly the range that `reserve` returned; its region is being dropped.
    unsafe { libc::munmap(start.cast(), bytes.next_multiple_of(PAGE_BYTES)) };
}

thread_local! {
    static USES_HUGE_PAGES: Cell<bool> = const { Cell::new(true) };
}

/// Does the calling thread ask for huge pages behind the large tables that it makes from here on? It does unless told
/// otherwise. They cost fewer misses, and memory that a small market never uses.
pub fn use_huge_pages(uses_huge_pages: bool) {
    USES_HUGE_PAGES.set(uses_huge_pages);
}

#[cfg(target_os = "linux")]
fn advise_huge(start: *mut u8, bytes: usize) {
    if !USES_HUGE_PAGES.get() {
        return;
    }
    // SAFETY: the range belongs to the caller's region; the advice changes no contents. A refusal costs speed only, so its
    // result does not matter.
    unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn reserve(_bytes: usize) -> Option<NonNull<u8>> {
    None
}

#[cfg(not(target_os = "linux"))]
fn release(_start: *mut u8, _bytes: usize) {}

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
