//! Two counters, two threads, nothing shared but perhaps a cache line.

use crate::stage::{Part, Placement, Stage};
use std::sync::atomic::{AtomicU64, Ordering};

/// Increments between two looks at whether it is over.
const BURST: u64 = 1_000;
/// The counters stand in a block of so many bytes, aligned to as many.
const BLOCK_BYTES: usize = 512;

/// Counters at a distance from each other.
#[repr(align(512))]
struct Block([AtomicU64; BLOCK_BYTES / 8]);

/// How a counter is incremented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Increment {
    /// A load and a store: enough where a counter has one writer.
    Plain,
    /// One locked instruction, which must own the cache line while it runs.
    Locked,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Increments that the threads made.
    pub increments: u64,
    /// What stands in the counters at the end: the same, or something is broken.
    pub counted: u64,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Lets each of 1 or 2 threads increment a counter of its own; the counters are `distance_bytes` apart (8 to 256).
pub fn count(stage: &Stage, threads: usize, distance_bytes: usize, increment: Increment) -> Counted {
    let block = Block([const { AtomicU64::new(0) }; BLOCK_BYTES / 8]);
    let part = |number: usize| -> Part<u64> {
        let counter = &block.0[number * distance_bytes / 8];
        Box::new(move |signal| {
            let mut increments = 0;
            while !signal.is_over() {
                match increment {
                    Increment::Plain => {
                        for _ in 0..BURST {
                            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                        }
                    }
                    Increment::Locked => {
                        for _ in 0..BURST {
                            counter.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                increments += BURST;
            }
            increments
        })
    };
    let played = stage.play(Placement::Even, (0..threads).map(part).collect());
    Counted {
        increments: played.results.iter().sum(),
        counted: block.0.iter().map(|counter| counter.load(Ordering::Relaxed)).sum(),
        elapsed_ns: played.elapsed.as_nanos() as u64,
    }
}
