//! Streams: all events of a shard once and in order, whatever the writer does meanwhile.

use crate::common::Directory;
use crate::gated::{Gate, Gated, gated};
use crate::market::{Dice, LONG, TestShards, collect, day, disks, instruments, limit, options, small};
use aeromatch_engine::codes::Side;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::Event;
use aeromatch_runtime::simulation::disk::SimulatedDisk;
use aeromatch_runtime::{
    Disk, Durability, EventStream, Failure, JournalReader, Options, Port, ShardOptions, Shards, StreamError,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a plain exchange makes of all commands of a journal.
fn replayed(disk: &SimulatedDisk) -> Vec<Event> {
    let journal = JournalReader::open(disk.clone()).unwrap();
    let (mut exchange, mut events) = (Exchange::new(), Vec::new());
    assert_eq!(journal.segments()[0].first_sequence, 1);
    for place in 0..journal.segments().len() {
        let mut frames = journal.frames(place).unwrap();
        while let Some(frame) = frames.next().unwrap() {
            if !frame.header.is_closing() {
                exchange.process(frame.slots, &mut events).unwrap();
            }
        }
    }
    events
}

/// Reads a stream to where nothing more comes after `is_done`, in pieces of random length; goes on elsewhere where it lags.
fn follow(shards: &TestShards, shard: u16, from: u64, seed: u64, is_done: &AtomicBool) -> Vec<Event> {
    let mut dice = Dice::new(seed);
    let mut stream = shards.stream(shard, from).unwrap();
    let mut events: Vec<Event> = Vec::new();
    loop {
        let was_done = is_done.load(Ordering::SeqCst);
        let before = events.len();
        match stream.read(&mut events, 1 + dice.below(300) as usize) {
            Ok(0) if was_done && !stream.is_ready() => return events,
            Ok(0) => {
                stream.wait(Some(Duration::from_millis(1 + dice.below(5))));
            }
            // Commands without events may lie behind the last event.
            Ok(_) => assert!(stream.position() > events.last().unwrap().sequence),
            Err(StreamError::Lagged { resume_sequence }) => {
                assert_eq!(
                    (resume_sequence, events.len()),
                    (stream.position(), before),
                    "an error takes nothing along"
                );
                stream = shards.stream(shard, resume_sequence).unwrap();
            }
            Err(StreamError::Failed(failure)) => panic!("{failure}"),
        }
        if dice.below(40) == 0 {
            // Now and then another stream goes on where this one stands.
            stream = shards.stream(shard, stream.position()).unwrap();
        }
    }
}

/// Runs days on shards whose streams are followed meanwhile, from the start and from somewhere.
fn followed(options: Options, shard_options: &ShardOptions, seed: u64) {
    let disks = disks(shard_options.shards, seed);
    let day = day(seed, 1500);
    let mut followed: Vec<Vec<(u64, Vec<Event>)>> = Vec::new();
    for part in day.chunks(750) {
        let (shards, _) = Shards::open(disks.to_vec(), options, shard_options.clone()).unwrap();
        let is_done = AtomicBool::new(false);
        let found = std::thread::scope(|scope| {
            let followers: Vec<_> = (0..shard_options.shards)
                .flat_map(|shard| [0, 100, 600].map(|from| (shard, from)))
                .map(|(shard, from)| {
                    let (shards, is_done) = (&shards, &is_done);
                    scope.spawn(move || (from, follow(shards, shard, from, seed + from, is_done)))
                })
                .collect();
            let mut port = shards.port().unwrap();
            for (round, batch) in part.chunks(50).enumerate() {
                port.process(&batch.concat(), &mut Vec::new()).unwrap();
                if round % 5 == 4 {
                    shards.compact((round % usize::from(shard_options.shards)) as u16).unwrap();
                }
            }
            is_done.store(true, Ordering::SeqCst);
            followers.into_iter().map(|follower| follower.join().unwrap()).collect()
        });
        followed.push(found);
        shards.close().unwrap();
    }
    for (shard, disk) in disks.iter().enumerate() {
        let all = replayed(disk);
        let last = followed.last().unwrap();
        for (from, events) in &last[3 * shard..3 * shard + 3] {
            let expected: Vec<Event> = all.iter().filter(|event| event.sequence >= *from).copied().collect();
            assert!(*events == expected, "shard {shard} from {from}: {} of {}", events.len(), expected.len());
        }
        for (from, events) in &followed[0][3 * shard..3 * shard + 3] {
            let expected: Vec<Event> = all.iter().filter(|event| event.sequence >= *from).copied().collect();
            assert!(*events == expected[..events.len()], "shard {shard} from {from}, before it was opened again");
        }
    }
}

#[test]
fn from_the_journal_and_then_live() {
    for (seed, durability) in [(1, Durability::Disk), (2, Durability::Os), (3, Durability::Memory)] {
        followed(small(durability), &options(2), seed);
    }
}

#[test]
fn who_lags_goes_on_from_the_journal() {
    for (seed, durability) in [(4, Durability::Os), (5, Durability::Memory)] {
        followed(small(durability), &ShardOptions { stream_events: 16, ..options(2) }, seed);
    }
}

#[test]
fn what_retention_has_removed_is_named() {
    let disks = disks(1, 9);
    let options = Options { keep_snapshots: 1, retain_bytes: Some(0), ..small(Durability::Os) };
    let shard_options = ShardOptions { stream_events: 16, ..options_of_one() };
    let (shards, _) = Shards::open(disks.clone(), options, shard_options).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    for number in 0..620 {
        port.process(&limit(1, Side::Buy, number, 1), &mut Vec::new()).unwrap();
        if number % 200 == 199 {
            shards.compact(0).unwrap();
        }
    }
    // Retention comes after the snapshot, in the compactor's own time.
    let oldest = wait_for(|| match shards.stream(0, 1) {
        Err(Failure::Gone { sequence: 1, oldest }) => Some(oldest),
        Err(failure) => panic!("{failure}"),
        Ok(_) => None,
    });
    let mut events = Vec::new();
    let mut stream = shards.stream(0, oldest).unwrap();
    while stream.read(&mut events, 100).unwrap() > 0 {}
    assert_eq!(events.first().map(|event| event.sequence), Some(oldest));
    assert_eq!(events.last().map(|event| event.sequence), Some(621));
    shards.close().unwrap();
}

fn options_of_one() -> ShardOptions {
    options(1)
}

fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..10_000 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("it never came");
}

#[test]
fn in_memory_what_the_ring_has_lost_is_gone() {
    let shards: TestShards = Shards::in_memory(ShardOptions { stream_events: 16, ..options(1) }).unwrap();
    let mut port = shards.port().unwrap();
    let mut stream = shards.stream(0, 0).unwrap();
    instruments(&mut port, 1);
    let mut events = Vec::new();
    assert_eq!(stream.read(&mut events, 10).unwrap(), 2);
    for price in 0..100 {
        port.process(&limit(1, Side::Buy, price, 1), &mut Vec::new()).unwrap();
    }
    let Err(StreamError::Lagged { resume_sequence }) = stream.read(&mut events, 10) else { panic!("it must lag") };
    let Err(Failure::Gone { sequence: 2, oldest }) = shards.stream(0, 2) else { panic!("it must be gone") };
    assert_eq!((resume_sequence, oldest), (101 - 16 + 1, 101 - 16 + 1));
    let mut stream = shards.stream(0, oldest).unwrap();
    events.clear();
    assert_eq!(stream.read(&mut events, 100).unwrap(), 16);
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), (oldest..=101).collect::<Vec<_>>());
    shards.close().unwrap();
    assert!(stream.is_over() && stream.wait(None));
}

#[test]
fn who_waits_is_woken() {
    let shards: TestShards = Shards::in_memory(options(1)).unwrap();
    let mut port = shards.port().unwrap();
    let mut stream: EventStream = shards.stream(0, 0).unwrap();
    assert!(!stream.wait(Some(Duration::from_millis(1))));
    let waiting = std::thread::spawn(move || {
        let mut events = Vec::new();
        while !stream.is_over() {
            assert!(stream.wait(Some(LONG)));
            stream.read(&mut events, 10).unwrap();
        }
        events.len()
    });
    instruments(&mut port, 3);
    std::thread::sleep(Duration::from_millis(5));
    shards.close().unwrap();
    assert_eq!(waiting.join().unwrap(), 6);
}

fn bids(port: &mut Port, count: i64) {
    for price in 0..count {
        port.process(&limit(1, Side::Buy, price, 1), &mut Vec::new()).unwrap();
    }
}

/// Runs a shard of one instrument with that many orders behind it, and closes it.
fn ran(disk: &SimulatedDisk, orders: i64) {
    let (shards, _) = Shards::open(vec![disk.clone()], small(Durability::Disk), options(1)).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    bids(&mut port, orders);
    shards.close().unwrap();
}

/// What was written and not synced may be gone after a loss of power: it has not happened yet.
#[test]
fn nobody_hears_of_what_is_not_durable() {
    let disk = disks(1, 12).remove(0);
    ran(&disk, 3);
    let (storage, gate) = gated(disk);
    let (shards, _) = Shards::open(vec![storage], small(Durability::Disk), options(1)).unwrap();
    let mut port = shards.port().unwrap();
    let mut stream = shards.stream(0, 1).unwrap();
    let mut late = shards.stream(0, 1).unwrap();
    assert!(!stream.is_live() && !late.is_live());
    gate.close();
    port.submit(&limit(1, Side::Buy, 9, 1), false).unwrap();
    wait_for(|| gate.is_met().then_some(()));
    let mut events = Vec::new();
    while stream.read(&mut events, 2).unwrap() > 0 {}
    let position = stream.position();
    gate.open();
    assert_eq!((events.last().unwrap().sequence, position), (4, 5));
    assert_eq!(collect(&mut port).len(), 1);
    for stream in [&mut stream, &mut late] {
        let mut events = Vec::new();
        while stream.read(&mut events, 2).unwrap() > 0 {}
        assert_eq!((events.last().unwrap().sequence, stream.position(), stream.is_live()), (5, 6, true));
    }
    shards.close().unwrap();
}

/// A stream may be kept for longer than its exchange: it is not what the directory is in use by.
#[test]
fn a_stream_that_nobody_reads_does_not_keep_the_directory() {
    let directory = Directory::new("streams");
    let opened = || {
        let disk = Disk::open(directory.path())?;
        let shard_options = ShardOptions { stream_events: 16, ..options(1) };
        Shards::open(vec![disk], small(Durability::Os), shard_options).map_err(|(_, failure)| failure)
    };
    let (shards, _) = opened().unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    bids(&mut port, 200);
    let mut stream = shards.stream(0, 1).unwrap();
    assert!(!stream.is_live());
    shards.close().unwrap();
    let (shards, _) = opened().unwrap();
    bids(&mut shards.port().unwrap(), 200);
    assert!(matches!(opened().map(|_| ()).unwrap_err(), Failure::DirectoryInUse { .. }));
    // It has what was when its exchange was closed.
    let mut events = Vec::new();
    while !stream.is_over() {
        assert!(stream.read(&mut events, 10).unwrap() > 0);
    }
    assert_eq!((events.first().unwrap().sequence, events.last().unwrap().sequence), (1, 201));
    shards.close().unwrap();
}

/// Frames were never written, and the ring has gone on without them: what is between is gone for good.
fn ends_with_an_error(shards: &Shards<Gated>, mut stream: EventStream) {
    assert!(!stream.is_live());
    let mut events = Vec::new();
    let failure = loop {
        match stream.read(&mut events, 10) {
            Ok(0) => panic!("it goes on for ever: {}, {}", stream.is_ready(), stream.is_over()),
            Ok(_) => {}
            Err(StreamError::Failed(failure)) => break failure,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(matches!(failure, Failure::Stopped { .. } | Failure::Io { .. }), "{failure}");
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!((sequences.first(), sequences.is_sorted()), (Some(&1), true));
    assert!(*sequences.last().unwrap() < shards.counters(0).sequence);
    assert_eq!(stream.position(), sequences.last().unwrap() + 1);
    assert!(matches!(stream.read(&mut events, 10), Err(StreamError::Failed(_))), "it has come to its end");
}

/// A stream of the past, and a ring that has lost what it has not in the files yet.
fn overrun() -> (Shards<Gated>, Gate, EventStream) {
    let disk = disks(1, 13).remove(0);
    ran(&disk, 3);
    let (storage, gate) = gated(disk);
    let shard_options = ShardOptions { stream_events: 16, ..options(1) };
    let (shards, _) = Shards::open(vec![storage], small(Durability::Memory), shard_options).unwrap();
    let stream = shards.stream(0, 1).unwrap();
    let mut port = shards.port().unwrap();
    bids(&mut port, 40);
    (shards, gate, stream)
}

#[test]
fn a_stream_ends_where_a_panic_has_kept_the_files_from_going_on() {
    let (shards, gate, stream) = overrun();
    gate.break_with_panic();
    let mut port = shards.port().unwrap();
    // Until the segment is full, nothing is written.
    while port.process(&limit(1, Side::Buy, 9, 1), &mut Vec::new()).is_ok() {}
    assert!(shards.check().is_err());
    ends_with_an_error(&shards, stream);
    assert!(shards.close().is_err());
}

#[test]
fn a_stream_ends_where_what_waits_cannot_be_written() {
    let (shards, gate, stream) = overrun();
    gate.break_with_error();
    ends_with_an_error(&shards, stream);
    assert!(shards.close().is_err());
}

/// Without a failure the files are complete once the shards are closed.
#[test]
fn a_stream_of_the_past_is_read_to_its_end_after_close() {
    let (shards, _, mut stream) = overrun();
    let last = shards.counters(0).sequence;
    shards.close().unwrap();
    let mut events = Vec::new();
    while !stream.is_over() {
        assert!(stream.read(&mut events, 10).unwrap() > 0);
    }
    assert_eq!(events.last().unwrap().sequence, last);
}

/// Nor does a stream give up while they are being completed.
#[test]
fn a_stream_of_the_past_waits_for_close() {
    let (shards, gate, mut stream) = overrun();
    let last = shards.counters(0).sequence;
    gate.close_to_writes();
    let mut events = Vec::new();
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| shards.close().unwrap());
        wait_for(|| gate.is_met().then_some(()));
        let opening = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            gate.open();
        });
        let read = loop {
            match stream.read(&mut events, 10) {
                Ok(_) if !stream.is_over() => {}
                other => break other,
            }
        };
        opening.join().unwrap();
        closing.join().unwrap();
        read.unwrap();
    });
    assert_eq!(events.last().unwrap().sequence, last);
}
