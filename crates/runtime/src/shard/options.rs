//! How shards are run: docs/shards.md has each option's default and when to change it.

use crate::failure::Failure;
use crate::idle::Idle;
use aeromatch_engine::exchange::records::MAX_TEXT_BYTES;
use aeromatch_engine::exchange::registry::is_legal_name;

/// Most shards of an exchange.
pub const MAX_SHARDS: u16 = 1024;
/// Most levels of a side that are published.
pub const MAX_PUBLISHED_LEVELS: usize = 256;
/// Most of what a ring or an intake holds: their memory is taken at once.
const MAX_CAPACITY: usize = 1 << 24;

/// How shards are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardOptions {
    /// Writer threads, each with its own part of the instruments and clearing groups.
    pub shards: u16,
    /// The processor that each shard's thread runs on; empty: wherever the system puts it.
    pub cores: Vec<usize>,
    /// What the threads do while there is nothing to do.
    pub idle: Idle,
    /// Submissions that wait for a shard at most.
    pub intake_capacity: usize,
    /// Submissions of one port that are not answered, at most.
    pub window: usize,
    /// Submissions that become one frame of the journal, at most.
    pub batch_commands: usize,
    /// Events that a shard's stream holds for those who lag.
    pub stream_events: usize,
    /// Levels of a side that are published for readers; 0: nothing is published.
    pub published_levels: usize,
    /// Commands without a time get the wall clock's, before they are journaled.
    pub stamp_time: bool,
    /// Asks the system for huge pages behind the shards' large tables.
    pub huge_pages: bool,
    /// Clearing groups by name, and the shard that each is to live on.
    pub groups: Vec<(String, u16)>,
    /// Instruments without settlement by symbol, and the shard that each is to live on.
    pub instruments: Vec<(String, u16)>,
    /// Samples that wait for whoever takes statistics; 0: none are made, and no clock is read.
    pub samples: usize,
}

impl Default for ShardOptions {
    fn default() -> ShardOptions {
        ShardOptions {
            shards: 1,
            cores: Vec::new(),
            idle: Idle::Park,
            intake_capacity: 16384,
            window: 4096,
            batch_commands: 256,
            stream_events: 65536,
            published_levels: 8,
            stamp_time: false,
            huge_pages: true,
            groups: Vec::new(),
            instruments: Vec::new(),
            samples: 0,
        }
    }
}

impl ShardOptions {
    /// # Errors
    /// [`Failure::Option`] for the first option that cannot be.
    pub fn check(&self) -> Result<(), Failure> {
        let refuse = |option, problem| Err(Failure::Option { option, problem });
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            return refuse("shards", format!("{} is not from 1 to {MAX_SHARDS}", self.shards));
        }
        if !self.cores.is_empty() && self.cores.len() != usize::from(self.shards) {
            return refuse("cores", format!("{} cores for {} shards", self.cores.len(), self.shards));
        }
        let sizes = [
            ("intake_capacity", self.intake_capacity),
            ("window", self.window),
            ("batch_commands", self.batch_commands),
            ("stream_events", self.stream_events),
        ];
        for (option, size) in sizes {
            if !(1..=MAX_CAPACITY).contains(&size) {
                return refuse(option, format!("{size} is not from 1 to {MAX_CAPACITY}"));
            }
        }
        if self.published_levels > MAX_PUBLISHED_LEVELS {
            return refuse("published_levels", format!("{} is above {MAX_PUBLISHED_LEVELS}", self.published_levels));
        }
        if self.samples > MAX_CAPACITY {
            return refuse("samples", format!("{} is above {MAX_CAPACITY}", self.samples));
        }
        for (option, places) in [("groups", &self.groups), ("instruments", &self.instruments)] {
            for (place, (name, shard)) in places.iter().enumerate() {
                if !is_legal_name(name) || name.len() > MAX_TEXT_BYTES {
                    return refuse(option, format!("{name:?} is no legal name of 1 to {MAX_TEXT_BYTES} bytes"));
                }
                if *shard >= self.shards {
                    return refuse(option, format!("{name:?} on shard {shard}, there are {}", self.shards));
                }
                if places[..place].iter().any(|(other, _)| other == name) {
                    return refuse(option, format!("{name:?} is placed twice"));
                }
            }
        }
        Ok(())
    }
}
