//! What differs between operating systems: the lock, preallocation, syncs, the priority of a thread.
//!
//! Linux is what is tested; elsewhere the same functions do less and mean the same.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Takes the lock of an open file for as long as the file is open; false if another handle has it, in this process or
/// another.
#[cfg(unix)]
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The file was opened for this handle alone: see [`lock_options`].
#[cfg(not(unix))]
pub(crate) fn lock(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// Gives up the lock of an open file, also for other handles that were inherited from this one.
pub(crate) fn unlock(file: &File) {
    #[cfg(unix)]
    let _ = rustix::fs::flock(file, rustix::fs::FlockOperation::Unlock);
    #[cfg(not(unix))]
    let _ = file;
}

/// Opens a directory, and says under which path its files are found from now on: on Linux by way of the open directory, which
/// stays the same one whatever it is called; elsewhere by its absolute path.
pub(crate) fn hold_directory(path: &Path) -> io::Result<(Option<File>, PathBuf)> {
    let absolute = std::path::absolute(path)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::os::fd::AsRawFd;
        let handle = File::open(path)?;
        let held = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
        let base = if held.is_dir() { held } else { absolute };
        Ok((Some(handle), base))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    Ok((None, absolute))
}

/// Fails where no file can be made in a directory.
pub(crate) fn check_writable(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    #[cfg(not(unix))]
    let _ = directory;
    Ok(())
}

/// How to open the file that is going to be locked.
pub(crate) fn lock_options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    options
}

/// Does opening such a file fail because another handle has it?
pub(crate) fn is_locked(error: &io::Error) -> bool {
    const ERROR_SHARING_VIOLATION: i32 = 32;
    cfg!(windows) && error.raw_os_error() == Some(ERROR_SHARING_VIOLATION)
}

/// Claims the space for a file of that length.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        other => return Ok(other?),
    }
    fill(file, bytes)
}

/// Where the file system cannot claim space otherwise: writes the zeroes.
fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let zeroes = vec![0; 1 << 20];
    let mut offset = file.metadata()?.len();
    while offset < bytes {
        let length = (bytes - offset).min(zeroes.len() as u64) as usize;
        write_at(file, &zeroes[..length], offset)?;
        offset += length as u64;
    }
    Ok(())
}

#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
pub(crate) fn read_at(mut file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek};
    file.seek(io::SeekFrom::Start(offset))?;
    file.read_exact(buffer)
}

#[cfg(not(unix))]
pub(crate) fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    use std::io::{Seek, Write};
    file.seek(io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Names in a directory are made durable through a handle of the directory; other systems have no such thing.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The system may read ahead further: the file is read from start to end.
pub(crate) fn expect_sequential_reads(file: &File) {
    // A hint: that it is not taken costs time only.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::Sequential);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = file;
}

/// The calling thread runs when nothing else wants the processor.
pub(crate) fn lower_priority() {
    // That it cannot be lowered costs time only.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
}

/// The calling thread runs on that processor only. Memory that it touches first is then that processor's node's.
///
/// # Errors
/// Of the system: there is no such processor, or not for this process.
pub fn pin(core: usize) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};
        if core >= CpuSet::MAX_CPU {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut cores = CpuSet::new();
        cores.set(core);
        Ok(sched_setaffinity(None, &cores)?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = core;
        Ok(())
    }
}
