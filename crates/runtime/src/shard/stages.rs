//! The clock of a batch: one look for each stage, two for one of its commands, and none at all where nobody takes samples.
//!
//! Which command is timed is decided before any of them is applied, by a number that follows from nothing but how many batches
//! there were: so every command of a batch has the same chance, whatever it is and whatever pattern its senders have. (A place
//! that moves on by one with each batch would not do: of batches of one and two commands in turn it would always time the same
//! one.) A timed command stands for all of its batch.

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
    /// How many batches have had a command chosen.
    turn: u64,
    /// The place of the batch's command that is timed, from 0.
    place: u64,
}

/// No command is timed.
const NOWHERE: u64 = u64::MAX;

impl Stages {
    pub fn new(samples: Option<Producer<Sample>>) -> Stages {
        Stages { samples, last: None, busy_since: None, sample: Sample::default(), turn: 0, place: NOWHERE }
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

    /// Chooses the command to be timed of a batch that has so many.
    pub fn choose(&mut self, commands: u64) {
        if self.samples.is_some() {
            self.turn += 1;
            self.place = if commands > 0 { place_of(self.turn, commands) } else { NOWHERE };
        }
    }

    /// The place of that command in the batch, from 0; out of any batch's range if there is none.
    #[inline]
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The command is done that began then.
    pub fn timed(&mut self, began: Instant, instrument: impl FnOnce() -> u32) {
        self.sample.timed_ns = ns(began, Instant::now());
        self.sample.timed_instrument = instrument();
        self.sample.timed_place = u32::try_from(self.place + 1).unwrap_or(u32::MAX);
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

/// A number below `commands`: each equally likely, and none to be foretold from those before it.
fn place_of(turn: u64, commands: u64) -> u64 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    let mut bits = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    ((u128::from(bits) * u128::from(commands)) >> 64) as u64
}

fn ns(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::spsc::spsc;

    #[test]
    fn every_place_is_as_likely_as_any_other() {
        for commands in [1, 2, 3, 7, 64, 256] {
            let turns = 1000 * commands;
            let mut hits = vec![0_i64; commands as usize];
            (1..=turns).for_each(|turn| hits[place_of(turn, commands) as usize] += 1);
            // Five standard deviations of a binomial distribution with this mean.
            assert!(hits.iter().all(|hits| (hits - 1000).abs() < 160), "{commands}: {hits:?}");
        }
    }

    #[test]
    fn patterns_of_batches_do_not_choose_the_command() {
        // One command, then two, and so on.
        let of_two = (1..=4000).filter(|turn| turn % 2 == 0);
        let first = of_two.filter(|&turn| place_of(turn, 2) == 0).count();
        assert!((840..=1160).contains(&first), "{first} of 2000");
    }

    #[test]
    fn a_batch_has_one_timed_command_or_none() {
        let (producer, mut consumer) = spsc(8);
        let (mut stages, counting) = (Stages::new(Some(producer)), Counting::default());
        for commands in [0, 3] {
            stages.begin(1, || 0);
            stages.choose(commands);
            let timed = (0..commands).filter(|&place| place == stages.place()).collect::<Vec<_>>();
            for _ in &timed {
                stages.timed(Instant::now(), || 7);
            }
            assert_eq!(timed.len() as u64, commands.min(1));
            stages.end(commands, &counting);
            let sample = consumer.pop().unwrap();
            assert_eq!(sample.timed_instrument, if commands > 0 { 7 } else { 0 });
            assert_eq!(u64::from(sample.timed_place), timed.first().map_or(0, |place| place + 1));
        }
    }

    #[test]
    fn nothing_is_timed_where_nobody_takes_samples() {
        let mut stages = Stages::new(None);
        stages.begin(1, || unreachable!("nobody looks"));
        stages.choose(5);
        assert_eq!(stages.place(), NOWHERE);
    }
}
