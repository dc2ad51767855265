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
    /// Held open for the lock on it, which goes with the last handle, however the process ends.
    lock: Option<File>,
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
        if !path.exists() {
            fs::create_dir_all(&path).map_err(unwritable)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                platform::sync_directory(parent).map_err(Failure::io(&path.to_string_lossy(), "sync directory"))?;
            }
        }
        platform::check_writable(&path).map_err(unwritable)?;
        let lock = match platform::lock_options().open(path.join(LOCK_NAME)) {
            Err(error) if platform::is_locked(&error) => return Err(Failure::DirectoryInUse { path }),
            other => other.map_err(unwritable)?,
        };
        if !platform::lock(&lock).map_err(Failure::io(LOCK_NAME, "lock"))? {
            return Err(Failure::DirectoryInUse { path });
        }
        Ok(Disk { directory: Arc::new(Directory { path, lock: Some(lock) }) })
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
        Ok(Disk { directory: Arc::new(Directory { path, lock: None }) })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path.join(name)
    }
}

impl Storage for Disk {
    type File = DiskFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.directory.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn open(&self, name: &str) -> io::Result<DiskFile> {
        let may_write = self.directory.lock.is_some();
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
        platform::sync_directory(&self.directory.path)
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
