//! A real directory.

use crate::failure::Failure;
use crate::platform;
use crate::storage::{Storage, StorageFile};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file whose lock says that the directory is in use.
pub const LOCK_NAME: &str = "lock";

/// A directory of the file system: locked by [`Disk::open`], or just looked at.
#[derive(Clone, Debug)]
pub struct Disk {
    directory: Arc<Directory>,
}

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    /// Where its files are looked for: not by its name where that can be helped, so that a process that changes its own
    /// directory, or someone who renames this one, does not turn the journal elsewhere.
    base: PathBuf,
    /// The open directory.
    _handle: Option<File>,
    /// Held open for the locks on them, which go with the last handle, however the process ends.
    locks: Vec<File>,
    /// The process that took the locks. A fork of it must not give them up.
    owner: u32,
}

impl Drop for Directory {
    /// A fork that has inherited the handles would keep the locks beyond the owner's close.
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            self.locks.iter().for_each(platform::unlock);
        }
    }
}

impl Disk {
    /// Takes a directory for reading and writing, and makes it if need be.
    ///
    /// # Errors
    /// [`Failure::NotADirectory`], [`Failure::NotWritable`], [`Failure::DirectoryInUse`]; nothing has changed.
    pub fn open(path: impl AsRef<Path>) -> Result<Disk, Failure> {
        let path = path.as_ref().to_path_buf();
        if path.exists() && !path.is_dir() {
            return Err(Failure::NotADirectory { path });
        }
        let unwritable = |error| Failure::NotWritable { path: path.clone(), error };
        make_durably(&std::path::absolute(&path).map_err(unwritable)?).map_err(unwritable)?;
        platform::check_writable(&path).map_err(unwritable)?;
        let (handle, base) = platform::hold_directory(&path).map_err(unwritable)?;
        let mut locks = Vec::new();
        // The directory's own lock is the one that nobody can delete; the file is what other systems have.
        if let Some(handle) = &handle {
            locks.push(handle.try_clone().map_err(unwritable)?);
        }
        if !locks.iter().all(|lock| platform::lock(lock).unwrap_or(true)) {
            return Err(Failure::DirectoryInUse { path });
        }
        let file = match platform::lock_options().open(base.join(LOCK_NAME)) {
            Err(error) if platform::is_locked(&error) => return Err(Failure::DirectoryInUse { path }),
            other => other.map_err(unwritable)?,
        };
        if !platform::lock(&file).map_err(Failure::io(LOCK_NAME, "lock"))? {
            return Err(Failure::DirectoryInUse { path });
        }
        locks.push(file);
        let owner = std::process::id();
        Ok(Disk { directory: Arc::new(Directory { path, base, _handle: handle, locks, owner }) })
    }

    /// A directory to be looked at only, also while an exchange has it open.
    ///
    /// # Errors
    /// [`Failure::NotADirectory`]; [`Failure::Io`] where nothing is there.
    pub fn look(path: impl AsRef<Path>) -> Result<Disk, Failure> {
        let path = path.as_ref().to_path_buf();
        let metadata = fs::metadata(&path).map_err(Failure::io(&path.to_string_lossy(), "open"))?;
        if !metadata.is_dir() {
            return Err(Failure::NotADirectory { path });
        }
        let (handle, base) = platform::hold_directory(&path).map_err(Failure::io(&path.to_string_lossy(), "open"))?;
        let owner = std::process::id();
        Ok(Disk { directory: Arc::new(Directory { path, base, _handle: handle, locks: Vec::new(), owner }) })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.base.join(name)
    }
}

/// Makes a directory with those above it, and makes their names durable. The name of one that was there may be as young: an
/// opening that made it may have died before it came so far.
fn make_durably(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    fs::create_dir_all(path)?;
    for made in &missing {
        if let Some(parent) = made.parent() {
            platform::sync_directory(parent)?;
        }
    }
    if missing.is_empty()
        && let Some(parent) = path.parent()
    {
        // One may be allowed to write here and not there.
        let _ = platform::sync_directory(parent);
    }
    Ok(())
}

impl Storage for Disk {
    type File = DiskFile;

    fn reader(&self) -> io::Result<Disk> {
        let path = self.directory.path.clone();
        // The directory that is open now, whatever it is called; an opening of its own, for locks belong to openings.
        let (handle, base) = platform::hold_directory(&self.directory.base)?;
        let owner = std::process::id();
        Ok(Disk { directory: Arc::new(Directory { path, base, _handle: handle, locks: Vec::new(), owner }) })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.directory.base)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn open(&self, name: &str) -> io::Result<DiskFile> {
        let may_write = !self.directory.locks.is_empty();
        let file = File::options().read(true).write(may_write).open(self.file(name))?;
        platform::expect_sequential_reads(&file);
        Ok(DiskFile(file))
    }

    fn create(&self, name: &str) -> io::Result<DiskFile> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        options.open(self.file(name)).map(DiskFile)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.file(from), self.file(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.file(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        platform::sync_directory(&self.directory.base)
    }
}

/// A file of a [`Disk`].
#[derive(Debug)]
pub struct DiskFile(File);

impl StorageFile for DiskFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        platform::read_at(&self.0, buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        platform::write_at(&self.0, bytes, offset)
    }

    fn preallocate(&mut self, bytes: u64) -> io::Result<()> {
        platform::allocate(&self.0, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
