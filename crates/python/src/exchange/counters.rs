//! What a shard counts, as Python sees it, and the samples that it takes of its batches.

use aeromatch_runtime::ShardCounters as Counters;
use pyo3::prelude::*;

/// What a shard has done since it was opened. Immutable.
///
/// Its numbers were read one by one while the shard worked: they are not of one moment.
#[pyclass(frozen, eq, hash, module = "aeromatch")]
#[derive(PartialEq, Eq, Hash)]
pub struct ShardCounters {
    /// Number of the shard, from 0.
    #[pyo3(get)]
    shard: usize,
    /// Commands that it has applied.
    #[pyo3(get)]
    commands: u64,
    /// Batches that they came in: each is one write of the journal.
    #[pyo3(get)]
    batches: u64,
    /// Events that came of them.
    #[pyo3(get)]
    events: u64,
    /// Submissions that were refused because the disk is full.
    #[pyo3(get)]
    refused: u64,
    /// Submissions that wait for it.
    #[pyo3(get)]
    intake_depth: u64,
    /// Number of its last command (R4).
    #[pyo3(get)]
    sequence: u64,
    /// Number of its last command that survives a loss of power; 0 in memory.
    #[pyo3(get)]
    durable_sequence: u64,
    /// Samples of batches that nobody took in time.
    #[pyo3(get)]
    samples_dropped: u64,
}

impl ShardCounters {
    pub fn new(shard: usize, counters: &Counters) -> ShardCounters {
        ShardCounters {
            shard,
            commands: counters.commands,
            batches: counters.batches,
            events: counters.events,
            refused: counters.refused,
            intake_depth: counters.intake_depth,
            sequence: counters.sequence,
            durable_sequence: counters.durable_sequence,
            samples_dropped: counters.samples_dropped,
        }
    }
}

#[pymethods]
impl ShardCounters {
    fn __repr__(&self) -> String {
        format!(
            "ShardCounters(shard={}, commands={}, batches={}, events={}, intake_depth={}, sequence={})",
            self.shard, self.commands, self.batches, self.events, self.intake_depth, self.sequence
        )
    }
}
