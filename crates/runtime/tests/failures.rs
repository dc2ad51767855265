//! Everything that is wrong with a directory is refused by name, and nothing in it changes.

mod common;

use aeromatch_runtime::segment::segment_name;
use aeromatch_runtime::simulation::{Fault, Restart, SimulatedDisk};
use aeromatch_runtime::snapshot::snapshot_name;
use aeromatch_runtime::{Disk, Durability, DurableExchange, Failure, Options, Submitted, verify};
use common::{Directory, cancel, instrument, orders, plain, small};
use std::fs;

type Opened = Result<DurableExchange<Disk>, Failure>;

fn open(directory: &Directory, options: Options) -> Opened {
    DurableExchange::open_without_thread(Disk::open(directory.path())?, options).map(|(exchange, _)| exchange)
}

/// A directory with several segments and, if asked for, two snapshots.
fn filled(name: &str, has_snapshots: bool) -> Directory {
    let directory = Directory::new(name);
    let mut exchange = open(&directory, small(Durability::Os)).unwrap();
    exchange.submit(&instrument(), &mut Vec::new()).unwrap();
    for number in 1..40 {
        exchange.submit(&orders(10, number), &mut Vec::new()).unwrap();
        if has_snapshots && (number == 10 || number == 20) {
            exchange.compact().unwrap();
        }
    }
    exchange.close().unwrap();
    directory
}

/// Does not open, and leaves everything as it is.
fn refused(directory: &Directory) -> Failure {
    let before = directory.contents();
    let failure = open(directory, small(Durability::Os)).map(|_| ()).unwrap_err();
    assert_eq!(directory.contents(), before, "{failure}");
    failure
}

fn flip(directory: &Directory, name: &str, at: usize) {
    let mut bytes = fs::read(directory.file(name)).unwrap();
    bytes[at] ^= 4;
    fs::write(directory.file(name), bytes).unwrap();
}

fn segments(directory: &Directory) -> Vec<String> {
    directory.names().into_iter().filter(|name| name.starts_with("journal-")).collect()
}

fn snapshots(directory: &Directory) -> Vec<String> {
    directory.names().into_iter().filter(|name| name.starts_with("snapshot-")).collect()
}

#[test]
fn a_file_is_no_directory() {
    let directory = Directory::new("a-file");
    fs::write(directory.path(), "text").unwrap();
    assert!(matches!(open(&directory, Options::default()), Err(Failure::NotADirectory { .. })));
    fs::remove_file(directory.path()).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let failure = Disk::open("/proc/self").map(|_| ()).unwrap_err();
    assert_eq!(failure.slug(), "not_writable");
    assert_eq!(Disk::open("/proc/nothing/here").map(|_| ()).unwrap_err().slug(), "not_writable");
}

#[test]
fn another_version_of_a_segment_is_refused() {
    let directory = filled("segment-version", false);
    let name = segments(&directory)[0].clone();
    flip(&directory, &name, 8);
    let failure = refused(&directory);
    assert!(matches!(failure, Failure::UnknownVersion { found: 5, known: 1, .. }), "{failure}");
    assert_eq!(failure.file(), Some(name.as_str()));
}

#[test]
fn another_version_of_a_snapshot_is_refused() {
    let directory = filled("snapshot-version", true);
    let name = snapshots(&directory).pop().unwrap();
    let mut bytes = fs::read(directory.file(&name)).unwrap();
    bytes[8] = 7;
    let checksum = crc32c::crc32c(&bytes[..124]);
    bytes[124..128].copy_from_slice(&checksum.to_le_bytes());
    fs::write(directory.file(&name), bytes).unwrap();
    let failure = refused(&directory);
    assert!(matches!(failure, Failure::UnknownVersion { found: 7, known: 1, .. }), "{failure}");
}

#[test]
fn a_missing_segment_is_named() {
    for has_snapshots in [false, true] {
        for place in [0, 1, 3] {
            let directory = filled(&format!("missing-{place}-{has_snapshots}"), has_snapshots);
            let names = segments(&directory);
            fs::remove_file(directory.file(&names[place])).unwrap();
            if has_snapshots && place == 0 {
                // The snapshots stand in for what was before them.
                open(&directory, small(Durability::Os)).unwrap();
                continue;
            }
            let failure = refused(&directory);
            assert!(matches!(failure, Failure::Incomplete { .. }), "{failure}");
            assert_eq!(failure.file(), Some(names[place].as_str()), "{failure}");
        }
    }
}

#[test]
fn a_snapshot_without_its_journal_is_refused() {
    let directory = filled("no-journal", true);
    for name in segments(&directory) {
        fs::remove_file(directory.file(&name)).unwrap();
    }
    assert_eq!(refused(&directory).slug(), "incomplete");
}

#[test]
fn an_older_snapshot_stands_in_for_a_damaged_one() {
    let directory = filled("damaged-snapshot", true);
    let digest = open(&directory, small(Durability::Os)).unwrap().exchange().digest();
    let newest = snapshots(&directory).pop().unwrap();
    flip(&directory, &newest, 200);
    let disk = Disk::open(directory.path()).unwrap();
    let (exchange, recovery) = DurableExchange::open_without_thread(disk, small(Durability::Os)).unwrap();
    assert_eq!(exchange.exchange().digest(), digest);
    assert_eq!(recovery.snapshots_refused.len(), 1);
    assert_eq!(recovery.snapshots_refused[0].file(), Some(newest.as_str()));
    assert_eq!(recovery.snapshots_refused[0].slug(), "damaged");
    drop(exchange);

    // With all of them damaged the journal is enough, if it is all there.
    let oldest = snapshots(&directory).remove(0);
    flip(&directory, &oldest, 200);
    let exchange = open(&directory, small(Durability::Os)).unwrap();
    assert_eq!(exchange.exchange().digest(), digest);
    drop(exchange);
    fs::remove_file(directory.file(&segment_name(1))).unwrap();
    assert_eq!(refused(&directory).slug(), "incomplete");
}

#[test]
fn a_snapshot_of_another_state_is_found_by_verify() {
    let directory = filled("another-state", true);
    let proven = verify(&Disk::look(directory.path()).unwrap()).unwrap();
    assert_eq!((proven.snapshots, proven.commands), (2, 391));
    // A journal of as many commands, but other ones, has a snapshot of that name and another state.
    let other = Directory::new("another-state-too");
    let mut exchange = open(&other, small(Durability::Os)).unwrap();
    exchange.submit(&instrument(), &mut Vec::new()).unwrap();
    exchange.submit(&orders(200, 7), &mut Vec::new()).unwrap();
    exchange.compact().unwrap();
    let name = snapshot_name(201);
    fs::copy(other.file(&name), directory.file(&name)).unwrap();
    let failure = verify(&Disk::look(directory.path()).unwrap()).unwrap_err();
    assert!(matches!(failure, Failure::ReplayMismatch { .. }), "{failure}");
    assert_eq!(failure.file(), Some(name.as_str()));
    // And by opening, when the journal goes on from it.
    assert_eq!(refused(&directory).slug(), "replay_mismatch");
}

#[test]
fn a_write_that_fails_stops_for_good() {
    for &(operations, durability) in &[(1, Durability::Os), (1, Durability::Disk), (2, Durability::Disk)] {
        let disk = SimulatedDisk::new(1);
        let (mut exchange, _) = DurableExchange::open_without_thread(disk.clone(), small(durability)).unwrap();
        exchange.submit(&instrument(), &mut Vec::new()).unwrap();
        let digest = exchange.exchange().digest();
        disk.arm(operations, Fault::Error);
        let failure = exchange.submit(&orders(3, 1), &mut Vec::new()).unwrap_err();
        assert_eq!(failure.slug(), "io");
        for _ in 0..3 {
            let failure = exchange.submit(&cancel(), &mut Vec::new()).unwrap_err();
            assert!(failure.to_string().contains("simulated"), "{failure}");
            assert_eq!(failure.slug(), "stopped");
        }
        assert!(exchange.is_stopped());
        assert_eq!(exchange.exchange().digest(), digest);
        assert_eq!(exchange.close().unwrap_err().slug(), "stopped");
        disk.restart(Restart::Power);
        DurableExchange::open_without_thread(disk, small(durability)).unwrap();
    }
}

#[test]
fn a_full_disk_refuses_orders_takes_cancels_and_goes_on_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    let (mut exchange, _) = DurableExchange::open_without_thread(disk.clone(), small(Durability::Disk)).unwrap();
    let mut batches = vec![instrument()];
    exchange.submit(&batches[0], &mut Vec::new()).unwrap();
    disk.set_full(true);
    for number in 1.. {
        let batch = orders(3, number);
        if exchange.submit(&batch, &mut Vec::new()).unwrap() == Submitted::Capacity {
            break;
        }
        batches.push(batch);
    }
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    let mut cancels = 0;
    while exchange.submit(&cancel(), &mut Vec::new()).unwrap() != Submitted::Capacity {
        batches.push(cancel());
        cancels += 1;
    }
    assert!(cancels >= 3, "only {cancels} cancels were taken");
    let failure = exchange.compact().unwrap_err();
    assert!(matches!(failure, Failure::Io { .. }) && !exchange.is_stopped(), "{failure}");

    disk.set_full(false);
    batches.push(orders(3, 1000));
    assert!(matches!(
        exchange.submit(batches.last().unwrap(), &mut Vec::new()).unwrap(),
        Submitted::Applied { commands: 3 }
    ));
    exchange.compact().unwrap();
    exchange.close().unwrap();
    let (exchange, recovery) = DurableExchange::open_without_thread(disk, small(Durability::Disk)).unwrap();
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    assert!(recovery.clean);
}

#[test]
fn a_batch_that_is_no_commands_changes_nothing() {
    let directory = Directory::new("no-commands");
    let mut exchange = open(&directory, small(Durability::Os)).unwrap();
    exchange.submit(&instrument(), &mut Vec::new()).unwrap();
    let before = directory.contents();
    let mut batch = orders(3, 1);
    batch[64] = 99;
    let failure = exchange.submit(&batch, &mut Vec::new()).unwrap_err();
    assert!(matches!(&failure, Failure::Batch(error) if error.slot == 1), "{failure}");
    let mut numbered = orders(1, 1);
    numbered[48..56].copy_from_slice(&u64::MAX.to_le_bytes());
    let failure = exchange.submit(&numbered, &mut Vec::new()).unwrap_err();
    assert!(matches!(&failure, Failure::Batch(error) if error.field == "sequence"), "{failure}");
    assert!(matches!(exchange.submit(&[], &mut Vec::new()), Ok(Submitted::Applied { commands: 0 })));
    assert_eq!(directory.contents(), before);
}
