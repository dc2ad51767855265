//! The end of a journal after a crash, case by case: what a crash explains is cut off and reported, everything else is refused
//! with file and offset (docs/journal-format.md).

mod common;

use aeromatch_runtime::frame::FrameHeader;
use aeromatch_runtime::simulation::{Restart, SimulatedDisk};
use aeromatch_runtime::{Durability, DurableExchange, Failure, JournalReader, Options, Recovery, Storage, StorageFile};
use common::{instrument, orders, plain, small};

const SECTOR: u64 = 512;

/// A frame of the journal.
struct Found {
    file: String,
    offset: u64,
    header: FrameHeader,
}

/// A journal of which the process ended without a word.
struct Journal {
    disk: SimulatedDisk,
    batches: Vec<Vec<u8>>,
    options: Options,
}

impl Journal {
    /// Frames of 21 slots, over three sectors or more, in one large segment or in small ones.
    fn new(durability: Durability, segment_bytes: u64) -> Journal {
        let disk = SimulatedDisk::new(1);
        let options = Options { segment_bytes, ..small(durability) };
        let batches: Vec<Vec<u8>> = std::iter::once(instrument()).chain((1..9).map(|n| orders(20, n))).collect();
        let (mut exchange, _) = DurableExchange::open_without_thread(disk.clone(), options).unwrap();
        for batch in &batches {
            exchange.submit(batch, &mut Vec::new()).unwrap();
        }
        disk.shut_down();
        drop(exchange);
        disk.restart(Restart::Process);
        Journal { disk, batches, options }
    }

    fn frames(&self) -> Vec<Found> {
        let reader = JournalReader::open(self.disk.clone()).unwrap();
        let mut found = Vec::new();
        for (place, segment) in reader.segments().iter().enumerate() {
            let mut frames = reader.frames(place).unwrap();
            while let Some(frame) = frames.next().unwrap() {
                found.push(Found { file: segment.name(), offset: frame.offset, header: frame.header });
            }
        }
        found
    }

    fn read(&self, file: &str, offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.disk.open(file).unwrap().read_at(&mut bytes, offset).unwrap();
        bytes
    }

    fn write(&self, file: &str, offset: u64, bytes: &[u8]) {
        let mut file = self.disk.open(file).unwrap();
        file.write_at(bytes, offset).unwrap();
        file.sync().unwrap();
    }

    fn clear(&self, file: &str, offset: u64, length: u64) {
        self.write(file, offset, &vec![0; length as usize]);
    }

    fn flip(&self, file: &str, offset: u64) {
        let byte = self.read(file, offset, 1)[0];
        self.write(file, offset, &[byte ^ 4]);
    }

    fn open(&self) -> Result<(DurableExchange<SimulatedDisk>, Recovery), Failure> {
        DurableExchange::open_without_thread(self.disk.clone(), self.options)
    }

    /// Opens, and finds the first batches and a cut behind them.
    fn is_cut(&self, batches: usize, at: &Found) -> Recovery {
        let (exchange, recovery) = self.open().unwrap();
        assert_eq!(exchange.exchange().digest(), plain(&self.batches[..batches]).0.digest());
        assert_eq!(recovery.cut_file.as_deref(), Some(at.file.as_str()));
        assert_eq!(recovery.cut_offset, at.offset);
        // Once: what was cut off is gone.
        drop(exchange);
        let (_, again) = self.open().unwrap();
        assert!(again.clean && again.cut_file.is_none());
        recovery
    }

    /// Does not open, and says where; nothing has changed.
    fn is_refused(&self, at: &Found) {
        let before = self.contents();
        let failure = self.open().map(|_| ()).unwrap_err();
        assert!(matches!(failure, Failure::Damaged { .. }), "{failure}");
        assert_eq!((failure.file(), failure.offset()), (Some(at.file.as_str()), Some(at.offset)), "{failure}");
        assert_eq!(self.contents(), before);
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let mut names = self.disk.list().unwrap();
        names.sort();
        let bytes = |name: &String| self.read(name, 0, self.disk.open(name).unwrap().length().unwrap());
        names.iter().map(|name| (name.clone(), bytes(name))).collect()
    }
}

/// The second sector that a frame reaches into.
fn second_sector(frame: &Found) -> u64 {
    (frame.offset / SECTOR + 1) * SECTOR
}

#[test]
fn nothing_is_cut_from_a_whole_journal() {
    let journal = Journal::new(Durability::Disk, 65536);
    let (exchange, recovery) = journal.open().unwrap();
    assert_eq!(exchange.exchange().digest(), plain(&journal.batches).0.digest());
    assert!(recovery.cut_file.is_none() && !recovery.clean);
}

#[test]
fn a_sector_of_the_last_frame_that_is_missing_is_cut_off_with_it() {
    let journal = Journal::new(Durability::Disk, 65536);
    let last = journal.frames().pop().unwrap();
    journal.clear(&last.file, second_sector(&last), SECTOR);
    let recovery = journal.is_cut(8, &last);
    assert_eq!(recovery.bytes_cut, last.header.frame_bytes());
}

#[test]
fn a_last_frame_without_its_header_is_cut_off() {
    let journal = Journal::new(Durability::Disk, 65536);
    let last = journal.frames().pop().unwrap();
    journal.clear(&last.file, last.offset, second_sector(&last) - last.offset);
    journal.is_cut(8, &last);
}

#[test]
fn a_last_frame_that_is_missing_altogether_cannot_be_missed() {
    let journal = Journal::new(Durability::Disk, 65536);
    let last = journal.frames().pop().unwrap();
    journal.clear(&last.file, last.offset, last.header.frame_bytes());
    let (exchange, recovery) = journal.open().unwrap();
    assert_eq!(exchange.exchange().digest(), plain(&journal.batches[..8]).0.digest());
    assert_eq!(recovery.bytes_cut, 0);
}

#[test]
fn changed_bytes_of_the_last_frame_are_refused() {
    for at in [0, 8, 30, 63, 64, 700, 1343] {
        let journal = Journal::new(Durability::Disk, 65536);
        let last = journal.frames().pop().unwrap();
        journal.flip(&last.file, last.offset + at);
        journal.is_refused(&last);
    }
}

#[test]
fn part_of_a_sector_that_is_missing_is_refused() {
    let journal = Journal::new(Durability::Disk, 65536);
    let last = journal.frames().pop().unwrap();
    journal.clear(&last.file, second_sector(&last) + 64, 64);
    journal.is_refused(&last);
}

#[test]
fn a_sector_in_the_middle_that_was_durable_is_refused() {
    let journal = Journal::new(Durability::Disk, 65536);
    let frame = &journal.frames()[4];
    journal.clear(&frame.file, second_sector(frame), SECTOR);
    journal.is_refused(frame);
}

#[test]
fn a_frame_in_the_middle_that_was_durable_and_is_gone_is_refused() {
    let journal = Journal::new(Durability::Disk, 65536);
    let frame = &journal.frames()[4];
    journal.clear(&frame.file, frame.offset, frame.header.frame_bytes());
    journal.is_refused(frame);
}

#[test]
fn the_last_frame_of_a_closed_segment_that_is_gone_is_refused() {
    let journal = Journal::new(Durability::Disk, 8192);
    let frames = journal.frames();
    let place = (1..frames.len()).find(|&place| frames[place].file != frames[place - 1].file).unwrap();
    let last = &frames[place - 1];
    journal.clear(&last.file, last.offset, last.header.frame_bytes());
    journal.is_refused(last);
}

#[test]
fn a_frame_in_the_middle_that_was_not_durable_takes_the_later_ones_with_it() {
    let journal = Journal::new(Durability::Os, 65536);
    let frames = journal.frames();
    journal.clear(&frames[4].file, second_sector(&frames[4]), SECTOR);
    let recovery = journal.is_cut(4, &frames[4]);
    let end = frames.last().map(|last| last.offset + last.header.frame_bytes()).unwrap();
    assert_eq!(recovery.bytes_cut, end - frames[4].offset);
}

#[test]
fn segments_behind_a_cut_are_removed() {
    let journal = Journal::new(Durability::Os, 8192);
    let frames = journal.frames();
    let first = &frames[1];
    journal.clear(&first.file, second_sector(first), SECTOR);
    assert!(journal.disk.list().unwrap().len() > 2);
    journal.is_cut(1, first);
    assert_eq!(journal.disk.list().unwrap(), std::slice::from_ref(&first.file));
}

#[test]
fn what_was_cut_off_stays_away() {
    let journal = Journal::new(Durability::Os, 65536);
    let frames = journal.frames();
    journal.clear(&frames[4].file, frames[4].offset, SECTOR);
    let (mut exchange, _) = journal.open().unwrap();
    // As long as the frame that was torn: behind it stood, whole, the frame with the next number.
    exchange.submit(&orders(20, 100), &mut Vec::new()).unwrap();
    journal.disk.shut_down();
    drop(exchange);
    journal.disk.restart(Restart::Process);
    let (exchange, recovery) = journal.open().unwrap();
    let mut batches = journal.batches[..4].to_vec();
    batches.push(orders(20, 100));
    assert_eq!(exchange.exchange().digest(), plain(&batches).0.digest());
    assert_eq!(recovery.bytes_cut, 0);
}

#[test]
fn frames_of_another_place_are_refused() {
    let journal = Journal::new(Durability::Disk, 65536);
    let frames = journal.frames();
    let length = frames[3].header.frame_bytes();
    let copy = journal.read(&frames[3].file, frames[3].offset, length);
    journal.write(&frames[5].file, frames[5].offset, &copy);
    journal.is_refused(&frames[5]);
}
