//! Experiments that teach what the structures of the runtime cost, and why they are as they are: `aeromatch lab`.
//!
//! Two kinds of modules. Structures small enough to read whole, some with a known flaw on purpose, are checked with loom as
//! they stand: [`free_list`], [`seqlock`], [`ring`], [`store_buffer`], [`shared_ladder`]. The rest puts threads
//! around them or around what the runtime ships, and measures; [`stage`] is what all measurements share. What is drawn,
//! explained and chosen stands in Python: `src/aeromatch/lab`.

pub mod free_list;
pub mod ladder;
pub mod ring;
pub mod seqlock;
pub mod shared_ladder;
pub mod store_buffer;

#[cfg(not(loom))]
pub mod aba;
#[cfg(not(loom))]
pub mod cell;
#[cfg(not(loom))]
pub mod false_sharing;
#[cfg(not(loom))]
pub mod idling;
#[cfg(not(loom))]
pub mod lending;
#[cfg(not(loom))]
pub mod queues;
#[cfg(not(loom))]
pub mod single_writer;
#[cfg(not(loom))]
pub mod stage;
#[cfg(not(loom))]
pub mod weakened;
