//! Atomics, fences and threads: the real ones, or loom's.

#[cfg(loom)]
pub use loom::sync::atomic;
#[cfg(not(loom))]
pub use std::sync::atomic;
