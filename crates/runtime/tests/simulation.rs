//! Some seeds of the simulation (`make simulate` runs more), and proof that it would notice: on disks that do not do what they
//! say, it must.

use aeromatch_runtime::simulation::{Outcome, SimulatedDisk, run};
use aeromatch_runtime::{Storage, StorageFile};
use std::io;

#[test]
fn nothing_acknowledged_is_lost() {
    let mut total = Outcome::default();
    for seed in 0..60 {
        let outcome = run(seed, |disk| disk).unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
        total.add(&outcome);
    }
    // Every fault was met, and every way out was taken.
    let disk = &total.disk;
    let counts = [
        disk.crashes,
        disk.power_losses,
        disk.sectors_lost,
        disk.names_lost,
        disk.write_errors,
        disk.sync_errors,
        disk.other_errors,
        disk.bits_flipped,
        total.refused_full,
        total.snapshots,
        total.recoveries_interrupted,
        total.cuts,
        total.snapshots_refused,
        total.refusals,
    ];
    assert!(counts.iter().all(|&count| count > 0), "{total:?}");
}

#[test]
fn a_seed_repeats() {
    assert_eq!(run(7, |disk| disk), run(7, |disk| disk));
}

/// What a disk only pretends to do.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Syncs of files.
    Sync,
    /// Syncs of segments only, as if they were acknowledged before.
    SyncOfSegments,
    /// Syncs of the directory.
    SyncOfNames,
    /// That a segment is replaced by another, as if the cut end stayed.
    Replacement,
    /// The last of several sectors of a write.
    LastSector,
    /// That there is no room.
    Room,
}

#[derive(Clone)]
struct Lying(SimulatedDisk, Lie);

struct LyingFile<F> {
    file: F,
    lie: Lie,
    is_segment: bool,
}

impl Lying {
    fn file<F>(&self, file: F, name: &str) -> LyingFile<F> {
        LyingFile { file, lie: self.1, is_segment: name.starts_with("journal-") }
    }
}

impl Storage for Lying {
    type File = LyingFile<<SimulatedDisk as Storage>::File>;

    fn reader(&self) -> io::Result<Lying> {
        Ok(self.clone())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        Ok(self.file(self.0.open(name)?, name))
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        Ok(self.file(self.0.create(name)?, name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self.1 {
            Lie::Replacement if self.0.open(to).is_ok() => self.0.remove(from),
            _ => self.0.rename(from, to),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        if matches!(self.1, Lie::SyncOfNames) { Ok(()) } else { self.0.sync_directory() }
    }
}

impl<F: StorageFile> StorageFile for LyingFile<F> {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.lie {
            Lie::LastSector if bytes.len() > 1024 && offset > 0 => {
                self.file.write_at(&bytes[..bytes.len() - 512], offset)
            }
            _ => self.file.write_at(bytes, offset),
        }
    }

    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        match (self.lie, self.file.preallocate(bytes)) {
            (Lie::Room, Err(error)) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
            (_, result) => result,
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.lie {
            Lie::Sync => Ok(()),
            Lie::SyncOfSegments if self.is_segment => Ok(()),
            _ => self.file.sync(),
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    for lie in [Lie::Sync, Lie::SyncOfSegments, Lie::SyncOfNames, Lie::Replacement, Lie::LastSector, Lie::Room] {
        let found = (0..300).find_map(|seed| run(seed, |disk| Lying(disk, lie)).err());
        assert!(found.is_some(), "{lie:?} went unnoticed");
    }
}
