//! Makes an exchange durable: journal, snapshots, recovery (docs/journal-format.md, docs/reliability.md).
//!
//! Start at [`durable`] for what is promised, at `journal` for the way in, at [`recovery`] for the way back.
//!
//! The lock-free structures are [`ring`], [`intake`], [`pool`], [`versioned`] and [`doorbell`] (docs/lock-free.md).

pub mod admission;
pub mod catalog;
pub mod compactor;
pub mod disk;
pub mod doorbell;
pub mod durable;
pub mod failure;
pub mod feed;
pub mod frame;
pub mod idle;
pub mod inspect;
pub mod intake;
pub mod options;
pub mod padding;
pub mod pool;
pub mod port;
pub mod publication;
pub mod recovery;
pub mod ring;
pub mod segment;
pub mod shard;
pub mod simulation;
pub mod snapshot;
pub mod storage;
pub mod stream;
pub mod sync;
pub mod versioned;
pub mod wire;

mod coordinator;
mod journal;
mod platform;
mod process;
mod reader;
mod replay;
mod routes;
mod shared;

pub use compactor::Step;
pub use disk::Disk;
pub use durable::{DurableExchange, Submitted};
pub use failure::Failure;
pub use idle::Idle;
pub use inspect::{JournalReader, verify};
pub use options::{Durability, Options};
pub use platform::pin;
pub use port::{Port, SubmitError};
pub use publication::{Depth, PublishedBook, PublishedLevel, Top};
pub use reader::Frame;
pub use recovery::Recovery;
pub use shard::{Completion, Sample, ShardCounters, ShardOptions, Shards, Ticket};
pub use snapshot::SnapshotInfo;
pub use storage::{Storage, StorageFile};
pub use stream::{EventStream, StreamError};
