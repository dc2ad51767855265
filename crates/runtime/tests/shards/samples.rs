//! Samples of batches, and the one command of each that is timed.

use crate::market::{LONG, PLAIN, TestShards, collect, day, instruments, limit, options};
use aeromatch_engine::codes::Side;
use aeromatch_runtime::{Completion, Sample, ShardOptions, Shards, SubmitError};
use std::collections::{HashMap, HashSet};

#[test]
fn samples_add_up_to_the_commands() {
    let shards: TestShards = Shards::in_memory(ShardOptions { samples: 4096, stamp_time: true, ..options(1) }).unwrap();
    let mut samples = shards.samples(0).unwrap();
    assert!(shards.samples(0).is_none());
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    for price in 0..200 {
        port.submit(&limit(1, Side::Buy, price, 1), false).unwrap();
    }
    let answers = collect(&mut port);
    let times: Vec<u64> = answers.iter().map(|answer| answer.result.as_ref().unwrap().events[0].other).collect();
    assert!(times[0] > 0 && times.is_sorted(), "the wall clock's time, and never back");
    shards.close().unwrap();
    let mut taken = Vec::new();
    samples.pop_batch(&mut taken, 5000);
    assert_eq!(taken.iter().map(|sample| u64::from(sample.commands)).sum::<u64>(), 201);
    assert!(taken.iter().all(|sample| sample.end_wall_ns > 0 && sample.sync_ns == 0), "nothing was waited for");
    let mut next = 1;
    for sample in &taken {
        assert_eq!(sample.first_sequence, next);
        assert!((1..=sample.commands).contains(&sample.timed_place), "{sample:?}");
        assert!(sample.timed_ns <= sample.match_ns, "{sample:?}");
        next += u64::from(sample.commands);
    }
}

#[test]
fn the_timed_command_of_a_batch_says_its_instrument() {
    // So many batches, whatever else the machine does, that every instrument is timed.
    let options = ShardOptions { samples: 8192, batch_commands: 4, ..options(2) };
    let shards: TestShards = Shards::in_memory(options).unwrap();
    let mut port = shards.port().unwrap();
    let day = day(5, 3000);
    let mut answers = Vec::new();
    for (place, command) in day.iter().enumerate() {
        if place == 2 * PLAIN as usize {
            // From here on all instruments are there.
            answers.extend(collect(&mut port));
        }
        while let Err(SubmitError::Full) = port.submit(command, false) {
            port.wait(Some(LONG));
            port.poll(&mut answers);
        }
    }
    answers.extend(collect(&mut port));
    // What each command was for, by shard and number.
    let mut subjects = HashMap::new();
    for Completion { ticket, shard, result } in answers {
        let command = &day[ticket.0 as usize - 1];
        let instrument = u32::from_le_bytes(command[8..12].try_into().unwrap());
        let is_known = command[0] < 16 && (1..=2 * PLAIN).contains(&instrument);
        subjects.insert((shard, result.unwrap().events[0].sequence), if is_known { instrument } else { 0 });
    }
    let mut seen = HashSet::new();
    for shard in 0..2 {
        let (mut samples, mut taken) = (shards.samples(shard).unwrap(), Vec::new());
        // A batch is counted before it is answered, and sampled after.
        while taken.iter().map(|sample: &Sample| u64::from(sample.commands)).sum::<u64>()
            < shards.counters(shard).commands
        {
            samples.pop_batch(&mut taken, 8192);
            std::thread::yield_now();
        }
        for sample in taken {
            let number = sample.first_sequence + u64::from(sample.timed_place) - 1;
            // What is for all has its answer on the first shard only.
            let subject = subjects.get(&(shard, number)).copied().unwrap_or(0);
            assert_eq!(sample.timed_instrument, subject, "shard {shard}: {sample:?}");
            seen.insert(subject);
        }
    }
    assert_eq!(seen.len(), 1 + 2 * PLAIN as usize, "{seen:?}");
    shards.close().unwrap();
}

#[test]
fn samples_that_nobody_takes_are_counted() {
    let shards: TestShards = Shards::in_memory(ShardOptions { samples: 1, ..options(1) }).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 10);
    assert!(port.wait(Some(LONG)) || port.unanswered() == 0);
    let counters = shards.counters(0);
    assert_eq!((counters.commands, counters.sequence, counters.batches), (10, 10, 10));
    assert_eq!(counters.samples_dropped, 9);
    shards.close().unwrap();
}
