//! Failures, panics, full disks, and who goes first: nobody waits for ever, and everybody is told why.

use crate::gated::gated;
use crate::market::{LONG, TestShards, collect, disks, instrument, instruments, limit, open, options, small};
use aeromatch_engine::codes::{EventKind, RejectReason, Side};
use aeromatch_engine::record::{Command, as_bytes};
use aeromatch_runtime::simulation::disk::{Fault, Restart, SimulatedDisk, SimulatedFile};
use aeromatch_runtime::{Durability, Failure, ShardOptions, Shards, Storage, StorageFile, SubmitError};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn is_stopped(failure: &Failure) -> bool {
    matches!(failure, Failure::Stopped { .. })
}

#[test]
fn a_shard_that_fails_stops_all() {
    let disks = disks(2, 1);
    let shards = open(&disks, Durability::Disk);
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    disks[1].arm(1, Fault::Error);
    port.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    let failing = port.submit(&limit(2, Side::Buy, 5, 1), false).unwrap();
    let answers = collect(&mut port);
    let failed = answers.iter().find(|answer| answer.ticket == failing).unwrap();
    assert!(is_stopped(failed.result.as_ref().unwrap_err()));
    assert_eq!(port.submit(&limit(1, Side::Buy, 5, 1), false), Err(SubmitError::Stopped));
    assert!(is_stopped(&port.process(&instrument("C"), &mut Vec::new()).unwrap_err()));
    let Err(Failure::Stopped { cause }) = shards.check() else { panic!("it goes on") };
    assert!(cause.starts_with("shard 1: "), "{cause}");
    // What was acknowledged can be read still, and nothing else.
    assert_eq!(shards.read(1, |exchange| exchange.book(2).unwrap().order_count()).unwrap(), 0);
    assert!(shards.port().is_err());
    assert!(is_stopped(&shards.close().unwrap_err()));
}

/// A disk whose writes panic when they are told to.
#[derive(Clone)]
struct Panicking(SimulatedDisk, Arc<AtomicBool>);
struct PanickingFile(SimulatedFile, Arc<AtomicBool>);

impl Storage for Panicking {
    type File = PanickingFile;
    fn reader(&self) -> io::Result<Panicking> {
        Ok(self.clone())
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn open(&self, name: &str) -> io::Result<PanickingFile> {
        Ok(PanickingFile(self.0.open(name)?, Arc::clone(&self.1)))
    }
    fn create(&self, name: &str) -> io::Result<PanickingFile> {
        Ok(PanickingFile(self.0.create(name)?, Arc::clone(&self.1)))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }
}

impl StorageFile for PanickingFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert!(!self.1.swap(false, Ordering::SeqCst), "on purpose");
        self.0.write_at(bytes, offset)
    }
    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        self.0.preallocate(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_panic_stops_all_and_is_told() {
    let panics = Arc::new(AtomicBool::new(false));
    let storages: Vec<Panicking> = disks(2, 2).into_iter().map(|disk| Panicking(disk, Arc::clone(&panics))).collect();
    let (shards, _) = Shards::open(storages, small(Durability::Os), options(2)).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    let mut stream = shards.stream(0, 0).unwrap();
    panics.store(true, Ordering::SeqCst);
    port.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    assert!(is_stopped(collect(&mut port)[0].result.as_ref().unwrap_err()));
    let Err(Failure::Stopped { cause }) = shards.check() else { panic!("it goes on") };
    assert!(cause.starts_with("shard 0 panicked: ") && cause.contains("on purpose"), "{cause}");
    assert!(is_stopped(&shards.read(0, |_| ()).unwrap_err()));
    while !stream.is_over() {
        assert!(stream.wait(Some(LONG)));
        stream.read(&mut Vec::new(), 10).unwrap();
    }
    assert!(is_stopped(&shards.close().unwrap_err()));
}

#[test]
fn a_full_disk_refuses_orders_and_takes_cancels() {
    let disks = disks(1, 3);
    let shards = open(&disks, Durability::Os);
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    disks[0].set_full(true);
    let mut refused = 0;
    for number in 0..200 {
        port.submit(&limit(1, Side::Buy, 5, 1 + number), false).unwrap();
        let cancel = Command { instrument: 1, ..Command::cancel(1 << 40 | (number + 1)) };
        port.submit(as_bytes(&[cancel]), false).unwrap();
        let answers = collect(&mut port);
        let reason = |place: usize| {
            let event = &answers[place].result.as_ref().unwrap().events[0];
            (event.kind == EventKind::Rejected.code()).then_some((event.reason, event.sequence == 0))
        };
        let capacity = Some((RejectReason::Capacity.code(), true));
        refused += u32::from(reason(0) == capacity);
        if reason(1) == capacity {
            break;
        }
    }
    assert!(refused > 1, "cancels went on while orders were refused");
    disks[0].set_full(false);
    port.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    assert_eq!(collect(&mut port)[0].result.as_ref().unwrap().events[0].kind, EventKind::Accepted.code());
    assert!(shards.counters(0).refused >= u64::from(refused));
    shards.close().unwrap();
}

#[test]
fn windows_and_intakes_that_are_full_say_so() {
    let options = ShardOptions { window: 3, intake_capacity: 2, ..options(2) };
    let shards: TestShards = Shards::in_memory(options).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 2);
    // The shard is busy with a reader, so nothing is taken.
    shards
        .read(0, |_| {
            let mut taken = 0;
            while port.submit(&limit(1, Side::Buy, 5, 1), false).is_ok() {
                taken += 1;
            }
            assert!((2..=3).contains(&taken), "{taken}");
            assert_eq!(port.submit(&limit(1, Side::Buy, 5, 1), false), Err(SubmitError::Full));
        })
        .unwrap();
    assert!((2..=3).contains(&collect(&mut port).len()));
    let mixed = [limit(1, Side::Buy, 5, 1), limit(2, Side::Buy, 5, 1)].concat();
    assert!(matches!(port.submit(&mixed, false), Err(SubmitError::Batch(error)) if error.slot == 1));
    shards.close().unwrap();
}

#[test]
fn ports_and_shards_go_in_any_order() {
    let shards: TestShards = Shards::in_memory(options(2)).unwrap();
    let mut first = shards.port().unwrap();
    instruments(&mut first, 2);
    for round in 0..40 {
        // The next port has the place of the one before, whose answers are still under way.
        let mut port = shards.port().unwrap();
        for _ in 0..round {
            port.submit(&limit(1 + round % 2, Side::Buy, 5, 1), false).unwrap();
        }
        if round % 3 == 0 {
            assert_eq!(collect(&mut port).len(), round as usize);
        }
    }
    let orders = |instrument: u32, shard: u16| {
        shards.read(shard, |exchange| exchange.book(instrument).map(|book| book.order_count())).unwrap()
    };
    first.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    first.submit(&limit(2, Side::Buy, 5, 1), false).unwrap();
    collect(&mut first);
    assert_eq!((orders(1, 0), orders(2, 1)), (Some(381), Some(401)));
    first.submit(&limit(1, Side::Buy, 5, 1), false).unwrap();
    drop(shards);
    assert_eq!(collect(&mut first).len(), 1);
    drop(first);
}

#[test]
fn readers_have_their_turn_while_matching_runs() {
    let shards: TestShards = Shards::in_memory(options(1)).unwrap();
    let mut port = shards.port().unwrap();
    instruments(&mut port, 1);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut reads = 0u64;
                    let book = shards.published(1).unwrap();
                    while !is_done.load(Ordering::SeqCst) {
                        let before = book.top();
                        let (sequence, bid) = shards
                            .read(0, |exchange| (exchange.sequence(), exchange.book(1).unwrap().best(Side::Buy)))
                            .unwrap();
                        assert!(before.sequence <= sequence);
                        assert!(before.bid.map(|bid| bid.price_ticks) <= bid);
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        for price in 0..2000 {
            port.submit(&limit(1, Side::Buy, price, 2), false).unwrap();
            if price % 10 == 0 {
                collect(&mut port);
                // What was acknowledged is published.
                let top = shards.published(1).unwrap().top();
                let bid = top.bid.unwrap();
                assert_eq!(
                    (top.sequence, bid.price_ticks, bid.quantity_lots, bid.orders),
                    (price as u64 + 2, price, 2, 1)
                );
            }
        }
        is_done.store(true, Ordering::SeqCst);
        assert!(readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u64>() > 0);
    });
    shards.close().unwrap();
}

/// The compactors run already while what a crash has left half done is completed.
#[test]
fn a_file_that_goes_while_an_opening_reads_it_is_looked_for_again() {
    let mut missed = 0;
    for seed in 0..20 {
        let disks = disks(2, seed);
        let shards = open(&disks, Durability::Os);
        instruments(&mut shards.port().unwrap(), 20);
        disks.iter().for_each(SimulatedDisk::shut_down);
        drop(shards);
        disks[0].restart(Restart::Process);
        disks[1].restart(Restart::Power);
        let (storages, gates): (Vec<_>, Vec<_>) = disks.into_iter().map(gated).unzip();
        gates[0].miss();
        let (shards, _) = Shards::open(storages, small(Durability::Os), options(2)).unwrap();
        // By chance the power has taken nothing.
        missed += u32::from(gates[0].has_missed());
        let made = |shard| shards.read(shard, |exchange| exchange.registry().instruments().count()).unwrap();
        assert_eq!((made(0), made(1)), (20, 20));
        shards.close().unwrap();
    }
    assert!(missed > 0, "{missed}: nothing had to be completed");
}
