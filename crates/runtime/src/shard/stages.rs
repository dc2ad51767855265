//! The clock of a batch: one look for each stage, and none at all where nobody takes samples.

use super::counters::{Counting, Sample};
use crate::ring::spsc::Producer;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall clock, nanoseconds since the Unix epoch.
pub(crate) fn wall_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What a stage's time counts as.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    Journal,
    Sync,
    Match,
    Publish,
}

/// Takes the times of one batch after another.
pub(crate) struct Stages {
    samples: Option<Producer<Sample>>,
    /// The last look.
    last: Option<Instant>,
    /// When the batch before was done, if the shard has been busy since.
    busy_since: Option<Instant>,
    sample: Sample,
}

impl Stages {
    pub fn new(samples: Option<Producer<Sample>>) -> Stages {
        Stages { samples, last: None, busy_since: None, sample: Sample::default() }
    }

    /// There was a round without work: what comes next has not waited.
    #[inline]
    pub fn idle(&mut self) {
        self.busy_since = None;
    }

    /// A batch begins.
    pub fn begin(&mut self, first_sequence: u64, intake_depth: impl FnOnce() -> usize) {
        if self.samples.is_none() {
            return;
        }
        let now = Instant::now();
        self.last = Some(now);
        self.sample = Sample {
            first_sequence,
            intake_depth: u32::try_from(intake_depth()).unwrap_or(u32::MAX),
            waited_ns: self.busy_since.map_or(0, |since| ns(since, now)),
            ..Sample::default()
        };
        // Whatever comes from here on waits for this batch.
        self.busy_since = Some(now);
    }

    /// A stage is done.
    #[inline]
    pub fn done(&mut self, stage: Stage) {
        let Some(last) = self.last else { return };
        let now = Instant::now();
        let sample = &mut self.sample;
        let total = match stage {
            Stage::Journal => &mut sample.journal_ns,
            Stage::Sync => &mut sample.sync_ns,
            Stage::Match => &mut sample.match_ns,
            Stage::Publish => &mut sample.publish_ns,
        };
        *total += ns(last, now);
        self.last = Some(now);
    }

    /// The batch is done. A sample that nobody takes is dropped, and counted.
    pub fn end(&mut self, commands: u64, counting: &Counting) {
        let Some(samples) = &mut self.samples else { return };
        let commands = u32::try_from(commands).unwrap_or(u32::MAX);
        let sample = Sample { end_wall_ns: wall_ns(), commands, ..self.sample };
        if samples.push(sample).is_err() {
            counting.samples_dropped.add(1);
        }
    }
}

fn ns(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}
