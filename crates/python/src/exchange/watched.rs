//! The directory of an exchange while it is being opened: between two reads it looks at whether somebody has given that up, with
//! Ctrl-C, so that a long recovery ends at once. Afterwards it is the directory and nothing else.

use crate::errors::Failure;
use aeromatch_runtime::{Disk, Storage, StorageFile};
use pyo3::prelude::*;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How often it is asked whether the interpreter has something to say.
const LOOK: Duration = Duration::from_millis(20);

/// Whether the opening was given up.
#[derive(Default)]
pub struct Watch {
    is_given_up: AtomicBool,
}

impl Watch {
    fn look(&self) -> io::Result<()> {
        // Relaxed: it says nothing about other memory, and one read more does no harm.
        if self.is_given_up.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "a signal's handler raised"));
        }
        Ok(())
    }
}

/// Opens something on a thread of its own, while this one, which signals' handlers run on, looks for what they raise. To be
/// called without holding the interpreter.
///
/// # Errors
/// [`Failure::Interrupted`] with what a handler raised; what was opened all the same is dropped.
pub fn open<R: Send>(opener: impl FnOnce(&Arc<Watch>) -> R + Send) -> Result<R, Failure> {
    let watch = Arc::new(Watch::default());
    thread::scope(|scope| {
        let (sender, opened) = sync_channel(1);
        let (watched, mut interruption) = (&watch, None);
        let opening = thread::Builder::new().spawn_scoped(scope, move || sender.send(opener(watched)).is_ok());
        opening.map_err(|error| Failure::Interrupted(error.into()))?;
        loop {
            match opened.recv_timeout(LOOK) {
                Ok(opened) => return interruption.map_or(Ok(opened), |error| Err(Failure::Interrupted(error))),
                // It has panicked, and this thread will when it leaves the scope.
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::Unusable("Exchange")),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Err(error) = Python::attach(|py| py.check_signals()) {
                watch.is_given_up.store(true, Ordering::Relaxed);
                interruption = Some(error);
            }
        }
    })
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

    fn reader(&self) -> io::Result<Watched> {
        Ok(Watched { disk: self.disk.reader()?, watch: Arc::clone(&self.watch) })
    }

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
