//! Rings: fixed memory between threads (docs/lock-free.md).
//!
//! [`spsc`] hands every item to one consumer and pushes back when it is full; [`broadcast`] shows every item to all
//! readers, overwrites the oldest, and tells a reader who was too slow.

pub mod broadcast;
pub mod spsc;

pub use broadcast::{BroadcastReader, BroadcastRing, Broadcaster, Lagged, broadcast, broadcast_of};
pub use spsc::{Consumer, Producer, spsc};

/// There was no room: here is the value back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

/// A capacity that positions can be masked with.
///
/// # Panics
/// If no such power of two exists.
fn rounded_up(capacity: usize) -> usize {
    capacity.max(1).checked_next_power_of_two().expect("capacity has a power of two above it")
}
