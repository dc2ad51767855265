//! The seam between the journal and a disk: one directory of files, and nothing that a simulation could not break.

use std::io;

/// One directory. Handles are clones: the journal writes through one, the compactor through another.
pub trait Storage: Clone + Send + Sync + 'static {
    /// An open file of it.
    type File: StorageFile;

    /// A handle to read through, which is no reason for the directory to be in use.
    ///
    /// # Errors
    /// Those of the system.
    fn reader(&self) -> io::Result<Self>;

    /// The names of the files, in any order.
    ///
    /// # Errors
    /// Those of the system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, and those of the system.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Makes an empty file, in place of one of that name. Its name is durable after [`Storage::sync_directory`] only.
    ///
    /// # Errors
    /// Those of the system.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, in place of a file that had it: all or nothing, durable after [`Storage::sync_directory`].
    ///
    /// # Errors
    /// Those of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, durably after [`Storage::sync_directory`].
    ///
    /// # Errors
    /// Those of the system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns when every change of a name up to now survives a loss of power.
    ///
    /// # Errors
    /// Those of the system; after one, nothing is known.
    fn sync_directory(&self) -> io::Result<()>;
}

/// One file. What is written is durable after [`StorageFile::sync`] only; until then a loss of power keeps or loses each
/// 512-byte sector on its own.
pub trait StorageFile: Send + 'static {
    /// Bytes.
    ///
    /// # Errors
    /// Those of the system.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file is shorter, and those of the system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// Those of the system; after one, any part may have been written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file that long, with zeroes where there was nothing, and claims the space: writes below that length need
    /// no more.
    ///
    /// # Errors
    /// `StorageFull` where there is no room, and those of the system.
    fn preallocate(&mut self, bytes: u64) -> io::Result<()>;

    /// Returns when everything written to the file, through any handle, survives a loss of power.
    ///
    /// # Errors
    /// Those of the system; after one, what was written since the last sync may be lost although it can still be read.
    fn sync(&mut self) -> io::Result<()>;
}

/// Does the error say that the disk is full (or the user's share of it)?
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
