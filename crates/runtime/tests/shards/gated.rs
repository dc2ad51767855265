//! A disk whose writes or syncs wait, whose writes break, or whose files are gone for a moment, when they are told to.

use aeromatch_runtime::simulation::disk::{SimulatedDisk, SimulatedFile};
use aeromatch_runtime::{Storage, StorageFile};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

#[derive(Clone)]
pub struct Gated {
    disk: SimulatedDisk,
    gate: Gate,
}

pub struct GatedFile {
    file: SimulatedFile,
    gate: Gate,
}

/// What the disk is told. Open at first, and nothing is broken.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    is_closed: bool,
    /// For writes too.
    holds_writes: bool,
    /// Somebody waits.
    is_met: bool,
    /// Writes fail.
    is_broken: bool,
    /// The next write panics.
    panics: bool,
    /// Who does not find the next file that is opened.
    misses: Option<ThreadId>,
}

pub fn gated(disk: SimulatedDisk) -> (Gated, Gate) {
    let gate = Gate::default();
    (Gated { disk, gate: gate.clone() }, gate)
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    /// Syncs wait from now on.
    pub fn close(&self) {
        self.state().is_closed = true;
    }

    /// Writes too.
    pub fn close_to_writes(&self) {
        let mut state = self.state();
        (state.is_closed, state.holds_writes) = (true, true);
    }

    pub fn open(&self) {
        self.state().is_closed = false;
        self.0.1.notify_all();
    }

    pub fn is_met(&self) -> bool {
        self.state().is_met
    }

    pub fn break_with_error(&self) {
        self.state().is_broken = true;
    }

    /// The next file that this thread opens is not there.
    pub fn miss(&self) {
        self.state().misses = Some(thread::current().id());
    }

    pub fn has_missed(&self) -> bool {
        self.state().misses.is_none()
    }

    /// The next write panics, those behind it fail.
    pub fn break_with_panic(&self) {
        self.state().panics = true;
    }

    fn pass<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.is_met |= state.is_closed;
        while state.is_closed {
            state = self.0.1.wait(state).unwrap();
        }
        state
    }

    fn write(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.holds_writes {
            state = self.pass(state);
        }
        if std::mem::replace(&mut state.panics, false) {
            state.is_broken = true;
            drop(state);
            panic!("on purpose");
        }
        if state.is_broken { Err(io::Error::other("on purpose")) } else { Ok(()) }
    }
}

impl Storage for Gated {
    type File = GatedFile;
    fn reader(&self) -> io::Result<Gated> {
        Ok(self.clone())
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn open(&self, name: &str) -> io::Result<GatedFile> {
        if self.gate.state().misses.take_if(|misses| *misses == thread::current().id()).is_some() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(GatedFile { file: self.disk.open(name)?, gate: self.gate.clone() })
    }
    fn create(&self, name: &str) -> io::Result<GatedFile> {
        Ok(GatedFile { file: self.disk.create(name)?, gate: self.gate.clone() })
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_directory()
    }
}

impl StorageFile for GatedFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.gate.write()?;
        self.file.write_at(bytes, offset)
    }
    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        self.file.preallocate(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        drop(self.gate.pass(self.gate.state()));
        self.file.sync()
    }
}
