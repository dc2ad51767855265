//! On a real directory: what is journaled comes back, files come and go as they should, and what is wrong is refused by name.

mod common;

use aeromatch_engine::record::Event;
use aeromatch_runtime::segment::{segment_name, sequence_of_segment};
use aeromatch_runtime::snapshot::sequence_of_snapshot;
use aeromatch_runtime::{
    Disk, Durability, DurableExchange, Failure, JournalReader, Options, Recovery, Submitted, verify,
};
use common::{Directory, instrument, orders, plain, small};

fn open(directory: &Directory, options: Options) -> (DurableExchange<Disk>, Recovery) {
    DurableExchange::open(Disk::open(directory.path()).unwrap(), options).unwrap()
}

fn batches(count: i64) -> Vec<Vec<u8>> {
    std::iter::once(instrument()).chain((1..count).map(|number| orders(5, number))).collect()
}

#[test]
fn what_was_submitted_comes_back() {
    for &durability in Durability::ALL {
        let directory = Directory::new(&format!("comes-back-{}", durability.slug()));
        let batches = batches(100);
        let (expected, expected_events) = plain(&batches);
        let (mut exchange, recovery) = open(&directory, small(durability));
        assert!(!recovery.clean && recovery.commands_replayed == 0);
        let mut events: Vec<Event> = Vec::new();
        for batch in &batches {
            let submitted = exchange.submit(batch, &mut events).unwrap();
            assert!(matches!(submitted, Submitted::Applied { .. }));
        }
        assert_eq!(events, expected_events);
        assert_eq!(exchange.exchange().digest(), expected.digest());
        exchange.close().unwrap();
        assert!(directory.names().len() > 5, "segments were closed: {:?}", directory.names());

        let (exchange, recovery) = open(&directory, small(durability));
        assert_eq!(exchange.exchange().digest(), expected.digest());
        assert!(recovery.clean);
        assert_eq!((recovery.commands_replayed, recovery.bytes_cut), (expected.sequence(), 0));
    }
}

#[test]
fn a_forgotten_close_loses_nothing() {
    for &durability in Durability::ALL {
        let directory = Directory::new(&format!("forgotten-{}", durability.slug()));
        let batches = batches(10);
        let (mut exchange, _) = open(&directory, small(durability));
        for batch in &batches {
            exchange.submit(batch, &mut Vec::new()).unwrap();
        }
        drop(exchange);
        let (exchange, _) = open(&directory, small(durability));
        assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    }
}

#[test]
fn a_directory_has_one_exchange_at_a_time() {
    let directory = Directory::new("one-at-a-time");
    let (exchange, _) = open(&directory, Options::default());
    let second = Disk::open(directory.path());
    assert!(matches!(second, Err(Failure::DirectoryInUse { .. })), "{second:?}");
    drop(exchange);
    Disk::open(directory.path()).unwrap();
}

#[test]
fn a_directory_that_is_renamed_stays_the_journal() {
    let (before, after) = (Directory::new("renamed-before"), Directory::new("renamed-after"));
    let batches = batches(200);
    let (mut exchange, _) = open(&before, small(Durability::Os));
    for (number, batch) in batches.iter().enumerate() {
        if number == 50 {
            std::fs::rename(before.path(), after.path()).unwrap();
            std::fs::create_dir(before.path()).unwrap();
        }
        exchange.submit(batch, &mut Vec::new()).unwrap();
    }
    drop(exchange);
    assert_eq!(before.names(), Vec::<String>::new());
    let (exchange, _) = open(&after, small(Durability::Os));
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
}

#[test]
fn a_journal_that_ends_before_its_snapshot_is_refused_by_all() {
    let directory = Directory::new("ends-before-snapshot");
    let (mut exchange, _) = open(&directory, small(Durability::Os));
    for batch in &batches(50) {
        exchange.submit(batch, &mut Vec::new()).unwrap();
    }
    exchange.compact().unwrap();
    drop(exchange);
    let last = directory.names().into_iter().rfind(|name| name.ends_with(".log")).unwrap();
    std::fs::remove_file(directory.file(&last)).unwrap();
    let verified = aeromatch_runtime::verify(&Disk::look(directory.path()).unwrap());
    assert!(matches!(verified, Err(Failure::Incomplete { .. })), "not refused");
    let opened = DurableExchange::open(Disk::open(directory.path()).unwrap(), small(Durability::Os));
    assert!(matches!(opened, Err(Failure::Incomplete { .. })), "not refused");
}

#[test]
fn a_deleted_lock_file_lets_nobody_in() {
    let directory = Directory::new("no-lock-file");
    let (exchange, _) = open(&directory, Options::default());
    std::fs::remove_file(directory.file("lock")).unwrap();
    let second = Disk::open(directory.path());
    assert!(matches!(second, Err(Failure::DirectoryInUse { .. })), "{second:?}");
    drop(exchange);
    Disk::open(directory.path()).unwrap();
}

#[test]
fn batches_of_any_size_are_journaled() {
    let directory = Directory::new("any-size");
    let options = small(Durability::Os);
    let batches = vec![instrument(), orders(1000, 1), orders(1, 2), orders(60, 3), orders(50_000, 4), orders(2, 5)];
    let (mut exchange, _) = open(&directory, options);
    for batch in &batches {
        exchange.submit(batch, &mut Vec::new()).unwrap();
    }
    drop(exchange);
    let (exchange, recovery) = open(&directory, options);
    assert!(recovery.clean);
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
}

#[test]
fn an_exchange_can_be_opened_and_closed_more_often_than_a_segment_has_room_for() {
    let directory = Directory::new("often");
    for _ in 0..100 {
        let (exchange, _) = open(&directory, small(Durability::Os));
        exchange.close().unwrap();
    }
    let (mut exchange, recovery) = open(&directory, small(Durability::Os));
    assert!(recovery.clean);
    for batch in batches(3) {
        exchange.submit(&batch, &mut Vec::new()).unwrap();
    }
    drop(exchange);
    let (exchange, _) = open(&directory, small(Durability::Os));
    assert_eq!(exchange.exchange().digest(), plain(&batches(3)).0.digest());
}

#[test]
fn snapshots_are_made_beside_matching_and_old_files_go() {
    let directory = Directory::new("compactor");
    let options =
        Options { snapshot_bytes: 3 * 8192, keep_snapshots: 2, retain_bytes: Some(4 * 8192), ..small(Durability::Os) };
    let batches = batches(600);
    let (mut exchange, _) = open(&directory, options);
    for (place, batch) in batches.iter().enumerate() {
        exchange.submit(batch, &mut Vec::new()).unwrap();
        if place == 300 {
            while exchange.newest_snapshot().is_none() {
                assert!(!exchange.is_stopped());
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    }
    let newest = exchange.compact().unwrap().unwrap();
    assert_eq!(newest.sequence, exchange.exchange().sequence());
    assert_eq!(newest.digest, exchange.exchange().digest());
    drop(exchange);
    let names = directory.names();
    let count = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(count("snapshot-"), 2, "{names:?}");
    // Segments that both snapshots cover go until the rest takes no more than what may stay.
    let mut segments = names.iter().filter_map(|name| sequence_of_segment(name));
    let oldest = names.iter().find_map(|name| sequence_of_snapshot(name)).unwrap();
    let is_small = count("journal-") * 8192 <= 4 * 8192;
    assert!(is_small || segments.nth(1).is_some_and(|second| second > oldest + 1), "{names:?}");
    assert!(!names.contains(&segment_name(1)), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with(".tmp")), "{names:?}");

    let (exchange, recovery) = open(&directory, options);
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    assert_eq!((recovery.snapshot_sequence, recovery.commands_replayed), (Some(newest.sequence), 0));
}

#[test]
fn all_of_the_journal_stays_unless_told_otherwise() {
    let directory = Directory::new("all-stays");
    let options = Options { snapshot_bytes: 8192, ..small(Durability::Os) };
    let batches = batches(300);
    let (mut exchange, _) = open(&directory, options);
    for (place, batch) in batches.iter().enumerate() {
        exchange.submit(batch, &mut Vec::new()).unwrap();
        if place % 100 == 99 {
            exchange.compact().unwrap();
        }
    }
    exchange.close().unwrap();
    let proven = verify(&Disk::look(directory.path()).unwrap()).unwrap();
    let (expected, _) = plain(&batches);
    assert_eq!((proven.base_sequence, proven.commands), (None, expected.sequence()));
    assert_eq!(proven.digest, expected.digest());
    assert_eq!(proven.snapshots, 2);
    assert!(proven.clean);
}

#[test]
fn a_journal_is_read_while_it_is_written() {
    let directory = Directory::new("beside");
    let (mut exchange, _) = open(&directory, small(Durability::Os));
    let batches = batches(50);
    for batch in &batches {
        exchange.submit(batch, &mut Vec::new()).unwrap();
    }
    let reader = JournalReader::open(Disk::look(directory.path()).unwrap()).unwrap();
    let mut commands = 0;
    for place in 0..reader.segments().len() {
        let mut frames = reader.frames(place).unwrap();
        while let Some(frame) = frames.next().unwrap() {
            assert_eq!(reader.segment_of(frame.header.last_sequence), Some(place));
            commands += u64::from(frame.header.commands);
        }
    }
    assert_eq!(commands, exchange.exchange().sequence());
    let proven = verify(&Disk::look(directory.path()).unwrap()).unwrap();
    assert_eq!(proven.digest, exchange.exchange().digest());
}
