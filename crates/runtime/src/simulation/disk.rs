//! A disk in memory that does everything a real one is allowed to do, and some things it is not, as a seed says.
//!
//! Until a sync, each 512-byte sector of a file is, after a loss of power, what it was at the sync before or after any write
//! since; each name likewise, on its own. A sync that fails leaves some sectors durable and makes the others look as if they
//! were. A crash is an operation that half happens, and that everything fails after.

use super::random::Random;
use crate::storage::{Storage, StorageFile};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR_BYTES: usize = 512;

type Sector = [u8; SECTOR_BYTES];

/// A simulated directory. Clones are handles of the same one.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<Medium>>);

/// What a fault does to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation happens or not, and everything after it fails until the machine is started again.
    Crash,
    /// The operation fails, after a part of it happened.
    Error,
}

/// How a simulated machine is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Only the process ended: what it had written is there.
    Process,
    /// The power was lost: what was not synced is there or not.
    Power,
}

/// What has happened to a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that change something.
    pub operations: u64,
    /// Crashes in an operation.
    pub crashes: u64,
    /// Writes that failed.
    pub write_errors: u64,
    /// Syncs that failed.
    pub sync_errors: u64,
    /// Other operations that failed.
    pub other_errors: u64,
    /// Times that there was no room.
    pub full: u64,
    /// Losses of power.
    pub power_losses: u64,
    /// Sectors that were lost, or kept in an older version, at a loss of power.
    pub sectors_lost: u64,
    /// Names that were, at a loss of power, what they had been before.
    pub names_lost: u64,
    /// Bits flipped in what was durable.
    pub bits_flipped: u64,
}

struct Medium {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// What each name was after each change since the last sync of the directory.
    name_versions: BTreeMap<String, Vec<Option<usize>>>,
    random: Random,
    fault: Option<(u64, Fault)>,
    /// Since the machine was started.
    has_failed: bool,
    is_down: bool,
    is_full: bool,
    counts: Counts,
}

#[derive(Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// What each sector was after each write since the last sync.
    versions: BTreeMap<usize, Vec<Sector>>,
    /// Lengths since the last sync.
    lengths: Vec<usize>,
}

/// What an operation is to do.
enum Verdict {
    Go,
    /// It fails, and may have happened.
    Fail(io::Error, Fault),
}

impl SimulatedDisk {
    /// An empty one.
    pub fn new(seed: u64) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(Medium {
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_versions: BTreeMap::new(),
            random: Random::new(seed),
            fault: None,
            has_failed: false,
            is_down: false,
            is_full: false,
            counts: Counts::default(),
        })))
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operation after that many more meets a fault.
    pub fn arm(&self, operations: u64, fault: Fault) {
        let mut medium = self.medium();
        medium.fault = Some((medium.counts.operations + operations, fault));
    }

    /// No fault is waiting any more.
    pub fn disarm(&self) {
        self.medium().fault = None;
    }

    /// From now on there is room for new files, or there is none.
    pub fn set_full(&self, is_full: bool) {
        self.medium().is_full = is_full;
    }

    /// Is there no room?
    pub fn is_full(&self) -> bool {
        self.medium().is_full
    }

    /// Everything fails until the machine is started again.
    pub fn shut_down(&self) {
        self.medium().is_down = true;
    }

    /// Has an operation met a fault since the machine was started?
    pub fn has_failed(&self) -> bool {
        self.medium().has_failed
    }

    /// What has happened to it.
    pub fn counts(&self) -> Counts {
        self.medium().counts
    }

    /// Starts the machine again. No handle of before may be used any more.
    pub fn restart(&self, restart: Restart) {
        let mut medium = self.medium();
        (medium.is_down, medium.has_failed, medium.fault) = (false, false, None);
        if restart == Restart::Power {
            medium.lose_power();
        }
    }

    /// Flips a bit, or a few, in one sector of what is durable. Only sensible right after a loss of power. False: there is
    /// nothing.
    pub fn flip_bits(&self) -> bool {
        let medium = &mut *self.medium();
        let inodes: Vec<usize> = medium.names.values().copied().collect();
        if inodes.is_empty() {
            return false;
        }
        let inode = &mut medium.inodes[medium.random.pick(&inodes)];
        if inode.durable.is_empty() {
            return false;
        }
        let sector = medium.random.index(inode.durable.len()) / SECTOR_BYTES * SECTOR_BYTES;
        for _ in 0..=medium.random.below(3) {
            let length = SECTOR_BYTES.min(inode.durable.len() - sector);
            let (at, bit) = (sector + medium.random.index(length), medium.random.below(8));
            inode.durable[at] ^= 1 << bit;
            inode.bytes[at] = inode.durable[at];
            medium.counts.bits_flipped += 1;
        }
        true
    }
}

impl Medium {
    /// Counts an operation that changes something, and says whether it meets a fault.
    fn begin(&mut self) -> Verdict {
        if self.is_down {
            return Verdict::Fail(io::Error::other("the machine is down"), Fault::Crash);
        }
        self.counts.operations += 1;
        match self.fault {
            Some((at, fault)) if at <= self.counts.operations => {
                (self.fault, self.has_failed) = (None, true);
                if fault == Fault::Crash {
                    self.is_down = true;
                    self.counts.crashes += 1;
                }
                Verdict::Fail(io::Error::other(format!("simulated {fault:?}")), fault)
            }
            _ => Verdict::Go,
        }
    }

    /// An operation that is all or nothing.
    fn operate(&mut self, happen: impl FnOnce(&mut Medium)) -> io::Result<()> {
        match self.begin() {
            Verdict::Go => happen(self),
            Verdict::Fail(error, fault) => {
                self.counts.other_errors += u64::from(fault == Fault::Error);
                if fault == Fault::Error || self.random.one_in(2) {
                    return Err(error);
                }
                happen(self);
                return Err(error);
            }
        }
        Ok(())
    }

    fn set_name(&mut self, name: &str, inode: Option<usize>) {
        match inode {
            Some(inode) => self.names.insert(name.to_string(), inode),
            None => self.names.remove(name),
        };
        self.name_versions.entry(name.to_string()).or_default().push(inode);
    }

    fn lose_power(&mut self) {
        self.counts.power_losses += 1;
        for (name, versions) in std::mem::take(&mut self.name_versions) {
            let kept = self.random.index(versions.len() + 1);
            self.counts.names_lost += u64::from(kept < versions.len());
            if kept > 0 {
                match versions[kept - 1] {
                    Some(inode) => self.durable_names.insert(name, inode),
                    None => self.durable_names.remove(&name),
                };
            }
        }
        self.names = self.durable_names.clone();
        for inode in &mut self.inodes {
            self.counts.sectors_lost += inode.lose_power(&mut self.random);
        }
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize, mut reaches: impl FnMut() -> bool) {
        let end = offset + bytes.len();
        if end > self.bytes.len() {
            self.set_length(end);
        }
        let mut at = offset;
        while at < end {
            let sector = at / SECTOR_BYTES;
            let stop = end.min((sector + 1) * SECTOR_BYTES);
            if reaches() {
                self.bytes[at..stop].copy_from_slice(&bytes[at - offset..stop - offset]);
                let version = sector_of(&self.bytes, sector);
                self.versions.entry(sector).or_default().push(version);
            }
            at = stop;
        }
    }

    fn set_length(&mut self, length: usize) {
        self.bytes.resize(length, 0);
        self.lengths.push(length);
    }

    /// Of each sector written since the last sync one version stays, of the lengths one. Returns how many are not the last.
    fn lose_power(&mut self, random: &mut Random) -> u64 {
        let mut lost = 0;
        let kept = random.index(self.lengths.len() + 1);
        if kept > 0 {
            self.durable.resize(self.lengths[kept - 1], 0);
        }
        self.lengths.clear();
        for (sector, versions) in std::mem::take(&mut self.versions) {
            let kept = random.index(versions.len() + 1);
            lost += u64::from(kept < versions.len());
            if kept > 0 {
                set_sector(&mut self.durable, sector, &versions[kept - 1]);
            }
        }
        self.bytes.clone_from(&self.durable);
        lost
    }

    /// What was written since the last sync becomes durable; what a sync that failed has lost does not.
    fn sync(&mut self) {
        self.sync_length();
        for (sector, versions) in std::mem::take(&mut self.versions) {
            if let Some(last) = versions.last() {
                set_sector(&mut self.durable, sector, last);
            }
        }
    }

    fn sync_length(&mut self) {
        self.durable.resize(self.bytes.len(), 0);
        self.lengths.clear();
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> Sector {
    let mut version = [0; SECTOR_BYTES];
    let start = sector * SECTOR_BYTES;
    let end = bytes.len().min(start + SECTOR_BYTES);
    version[..end - start].copy_from_slice(&bytes[start..end]);
    version
}

fn set_sector(bytes: &mut [u8], sector: usize, version: &Sector) {
    let start = sector * SECTOR_BYTES;
    let end = bytes.len().min(start + SECTOR_BYTES);
    if start < end {
        bytes[start..end].copy_from_slice(&version[..end - start]);
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Storage for SimulatedDisk {
    type File = SimulatedFile;

    fn reader(&self) -> io::Result<SimulatedDisk> {
        Ok(self.clone())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let medium = self.medium();
        if medium.is_down {
            return Err(io::Error::other("the machine is down"));
        }
        Ok(medium.names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<SimulatedFile> {
        let medium = self.medium();
        if medium.is_down {
            return Err(io::Error::other("the machine is down"));
        }
        let inode = medium.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(SimulatedFile { disk: self.clone(), inode })
    }

    fn create(&self, name: &str) -> io::Result<SimulatedFile> {
        let mut medium = self.medium();
        let inode = medium.inodes.len();
        medium.operate(|medium| {
            medium.inodes.push(Inode::default());
            medium.set_name(name, Some(inode));
        })?;
        Ok(SimulatedFile { disk: self.clone(), inode })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut medium = self.medium();
        let inode = medium.names.get(from).copied().ok_or(io::ErrorKind::NotFound)?;
        medium.operate(|medium| {
            medium.set_name(to, Some(inode));
            medium.set_name(from, None);
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut medium = self.medium();
        if !medium.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        medium.operate(|medium| medium.set_name(name, None))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.medium().operate(|medium| {
            medium.name_versions.clear();
            medium.durable_names = medium.names.clone();
        })
    }
}

/// A file of a [`SimulatedDisk`].
pub struct SimulatedFile {
    disk: SimulatedDisk,
    inode: usize,
}

impl StorageFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.medium().inodes[self.inode].bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let medium = self.disk.medium();
        if medium.is_down {
            return Err(io::Error::other("the machine is down"));
        }
        let bytes = medium.inodes[self.inode].bytes.get(offset as usize..offset as usize + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let medium = &mut *self.disk.medium();
        let verdict = medium.begin();
        let inode = &mut medium.inodes[self.inode];
        if medium.is_full && offset as usize + bytes.len() > inode.bytes.len() && matches!(verdict, Verdict::Go) {
            medium.counts.full += 1;
            return Err(full());
        }
        match verdict {
            Verdict::Go => inode.write(bytes, offset as usize, || true),
            Verdict::Fail(error, fault) => {
                medium.counts.write_errors += u64::from(fault == Fault::Error);
                let random = &mut medium.random;
                inode.write(bytes, offset as usize, || random.one_in(2));
                return Err(error);
            }
        }
        Ok(())
    }

    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        let medium = &mut *self.disk.medium();
        if medium.is_full && bytes as usize > medium.inodes[self.inode].bytes.len() && !medium.is_down {
            medium.counts.full += 1;
            return Err(full());
        }
        let inode = self.inode;
        medium.operate(|medium| {
            let inode = &mut medium.inodes[inode];
            inode.set_length(inode.bytes.len().max(bytes as usize));
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let medium = &mut *self.disk.medium();
        let verdict = medium.begin();
        let inode = &mut medium.inodes[self.inode];
        match verdict {
            Verdict::Go => inode.sync(),
            Verdict::Fail(error, Fault::Crash) => {
                if medium.random.one_in(2) {
                    inode.sync();
                }
                return Err(error);
            }
            Verdict::Fail(error, Fault::Error) => {
                medium.counts.sync_errors += 1;
                // What can be read stays; what is durable is anybody's guess, and will not be tried again.
                let readable = inode.bytes.clone();
                inode.sync_length();
                inode.lose_power(&mut medium.random);
                inode.bytes = readable;
                return Err(error);
            }
        }
        Ok(())
    }
}
