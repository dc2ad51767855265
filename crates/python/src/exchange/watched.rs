//! The directory of an exchange while it is being opened: between two reads it looks at whether the interpreter has something
//! to say, such as Ctrl-C, so that a long recovery ends at once. Afterwards it is the directory and nothing else.

use aeromatch_runtime::{Disk, Storage, StorageFile};
use pyo3::prelude::*;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was found on the way.
#[derive(Default)]
pub struct Watch {
    is_opening: AtomicBool,
    interruption: Mutex<Option<PyErr>>,
}

impl Watch {
    pub fn begin() -> Arc<Watch> {
        Arc::new(Watch { is_opening: AtomicBool::new(true), interruption: Mutex::default() })
    }

    /// From here on nobody is asked; returns what a signal's handler raised until now.
    pub fn end(&self) -> Option<PyErr> {
        // Relaxed: whoever reads on another thread was started after this, or by this thread before and asks in vain once.
        self.is_opening.store(false, Ordering::Relaxed);
        self.interruption.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn look(&self) -> io::Result<()> {
        if !self.is_opening.load(Ordering::Relaxed) {
            return Ok(());
        }
        Python::attach(|py| py.check_signals()).map_err(|error| {
            *self.interruption.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::new(io::ErrorKind::Interrupted, "a signal's handler raised")
        })
    }
}

/// A directory that is watched while it is opened.
#[derive(Clone)]
pub struct Watched {
    pub disk: Disk,
    pub watch: Arc<Watch>,
}

/// A file of it.
pub struct WatchedFile {
    file: <Disk as Storage>::File,
    watch: Arc<Watch>,
}

impl Watched {
    fn file(&self, file: <Disk as Storage>::File) -> WatchedFile {
        WatchedFile { file, watch: Arc::clone(&self.watch) }
    }
}

impl Storage for Watched {
    type File = WatchedFile;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<WatchedFile> {
        self.disk.open(name).map(|file| self.file(file))
    }

    fn create(&self, name: &str) -> io::Result<WatchedFile> {
        self.disk.create(name).map(|file| self.file(file))
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

impl StorageFile for WatchedFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.watch.look()?;
        self.file.read_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        self.file.preallocate(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}
