//! What a shard counts for whoever looks, and the samples that it takes of its batches.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a shard has done since it was opened. Read one by one while it works: not of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounters {
    /// Commands that it has applied.
    pub commands: u64,
    /// Rounds in which there were any.
    pub batches: u64,
    /// Events that came of them.
    pub events: u64,
    /// Submissions that were refused because they are no commands, or because the disk is full.
    pub refused: u64,
    /// Submissions that wait now.
    pub intake_depth: u64,
    /// Number of the last command.
    pub sequence: u64,
    /// Everything up to this number survives a loss of power; in memory 0.
    pub durable_sequence: u64,
    /// Samples that nobody took in time.
    pub samples_dropped: u64,
}

/// One writer: the shard's thread stores, others load.
#[derive(Default)]
pub(crate) struct Counting {
    pub commands: Count,
    pub batches: Count,
    pub events: Count,
    pub refused: Count,
    pub sequence: Count,
    pub durable_sequence: Count,
    pub samples_dropped: Count,
    /// All events of commands up to this number were published to the streams: stored after them with release, so that who
    /// acquires it finds every one of them.
    pub published_sequence: AtomicU64,
}

/// Relaxed: each number stands for itself, and orders nothing.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Load and store instead of an addition: there is one writer.
    pub fn add(&self, more: u64) {
        self.set(self.get().wrapping_add(more));
    }
}

impl Counting {
    pub fn read(&self, intake_depth: usize) -> ShardCounters {
        ShardCounters {
            commands: self.commands.get(),
            batches: self.batches.get(),
            events: self.events.get(),
            refused: self.refused.get(),
            intake_depth: intake_depth as u64,
            sequence: self.sequence.get(),
            durable_sequence: self.durable_sequence.get(),
            samples_dropped: self.samples_dropped.get(),
        }
    }
}

/// How long the stages of one batch took.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// When the batch was done, nanoseconds since the Unix epoch by the wall clock.
    pub end_wall_ns: u64,
    /// Commands of it that were applied.
    pub commands: u32,
    /// Submissions that waited behind it when it was taken.
    pub intake_depth: u32,
    /// What the oldest of it waited at most while the shard was busy with the batch before; 0 if it was not busy.
    pub waited_ns: u64,
    /// Checking and writing the frame.
    pub journal_ns: u64,
    /// Making it durable.
    pub sync_ns: u64,
    /// Applying the commands.
    pub match_ns: u64,
    /// Publishing books and events.
    pub publish_ns: u64,
    /// Number of its first command.
    pub first_sequence: u64,
    /// Applying one command of it, chosen by chance, each with the same: two looks at the clock and what lies between.
    pub timed_ns: u64,
    /// The instrument which that command was for, by the number of its book; 0: it was for none that exists.
    pub timed_instrument: u32,
    /// Its place among the batch's commands, from 1; 0: none was timed.
    pub timed_place: u32,
}

const _: () = assert!(size_of::<Sample>() == 80);
