//! The atomics of the skip list: the processor's, or loom's, which tries every order that the memory model allows.

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, fence};
#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, fence};
