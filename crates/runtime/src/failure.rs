//! What can go wrong with a journal, by name. Rejections of commands are not here: they are events.

use aeromatch_engine::record::RecordError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a journal cannot be opened, read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// Another process, or another exchange of this one, has the directory open.
    DirectoryInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The path leads to a file.
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The directory cannot be made, or nothing can be written there.
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file was made by another version of its format.
    UnknownVersion {
        /// Its name.
        file: String,
        /// The version found there.
        found: u32,
        /// The version that this program reads and writes.
        known: u32,
    },
    /// Bytes that were durable are not what was written.
    Damaged {
        /// Name of the file.
        file: String,
        /// Byte offset in it.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// Files that must be there are not.
    Incomplete {
        /// Name of the file that is missing.
        file: String,
        /// How that is known.
        problem: String,
    },
    /// The commands of the journal lead to other events, or another state, than they did when they were written.
    ReplayMismatch {
        /// Name of the file.
        file: String,
        /// Byte offset of the frame that says so.
        offset: u64,
        /// What differs.
        problem: String,
    },
    /// An earlier failure stopped the exchange for good: it can be read, and closed, and opened again.
    Stopped {
        /// The earlier failure.
        cause: String,
    },
    /// The system failed to do something.
    Io {
        /// Name of the file.
        file: String,
        /// What was to be done: "read", "write", "sync" ...
        operation: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The batch is no sequence of commands; nothing of it was journaled.
    Batch(RecordError),
    /// The directory has another number of shards than was asked for.
    Shards {
        /// What is there.
        found: u16,
        /// What was asked for.
        wanted: u16,
    },
    /// An option cannot be, or contradicts what the log says.
    Option {
        /// Its name.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Events were asked for that are no longer kept.
    Gone {
        /// The number asked for.
        sequence: u64,
        /// The lowest number from which everything is there.
        oldest: u64,
    },
}

impl Failure {
    /// The failure's public name.
    pub const fn slug(&self) -> &'static str {
        match self {
            Failure::DirectoryInUse { .. } => "directory_in_use",
            Failure::NotADirectory { .. } => "not_a_directory",
            Failure::NotWritable { .. } => "not_writable",
            Failure::UnknownVersion { .. } => "unknown_version",
            Failure::Damaged { .. } => "damaged",
            Failure::Incomplete { .. } => "incomplete",
            Failure::ReplayMismatch { .. } => "replay_mismatch",
            Failure::Stopped { .. } => "stopped",
            Failure::Io { .. } => "io",
            Failure::Batch(_) => "batch",
            Failure::Shards { .. } => "shards",
            Failure::Option { .. } => "option",
            Failure::Gone { .. } => "gone",
        }
    }

    /// The file that it is about.
    pub fn file(&self) -> Option<&str> {
        match self {
            Failure::DirectoryInUse { path } | Failure::NotADirectory { path } | Failure::NotWritable { path, .. } => {
                path.to_str()
            }
            Failure::UnknownVersion { file, .. }
            | Failure::Damaged { file, .. }
            | Failure::Incomplete { file, .. }
            | Failure::ReplayMismatch { file, .. }
            | Failure::Io { file, .. } => Some(file),
            Failure::Stopped { .. }
            | Failure::Batch(_)
            | Failure::Shards { .. }
            | Failure::Option { .. }
            | Failure::Gone { .. } => None,
        }
    }

    /// The byte offset that it is about.
    pub const fn offset(&self) -> Option<u64> {
        match self {
            Failure::Damaged { offset, .. } | Failure::ReplayMismatch { offset, .. } => Some(*offset),
            _ => None,
        }
    }

    pub(crate) fn damaged(file: &str, offset: u64, problem: impl Into<String>) -> Failure {
        Failure::Damaged { file: file.to_string(), offset, problem: problem.into() }
    }

    pub(crate) fn incomplete(file: String, problem: impl Into<String>) -> Failure {
        Failure::Incomplete { file, problem: problem.into() }
    }

    /// For `map_err`: names the file and what was to be done with it.
    pub(crate) fn io(file: &str, operation: &'static str) -> impl FnOnce(io::Error) -> Failure {
        move |error| Failure::Io { file: file.to_string(), operation, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::DirectoryInUse { path } => write!(f, "{}: the directory is in use", path.display()),
            Failure::NotADirectory { path } => write!(f, "{}: not a directory", path.display()),
            Failure::NotWritable { path, error } => write!(f, "{}: not writable: {error}", path.display()),
            Failure::UnknownVersion { file, found, known } => {
                write!(f, "{file}: version {found} is unknown, this program knows version {known}")
            }
            Failure::Damaged { file, offset, problem } => write!(f, "{file}: damaged at byte {offset}: {problem}"),
            Failure::Incomplete { file, problem } => write!(f, "{file} is missing: {problem}"),
            Failure::ReplayMismatch { file, offset, problem } => {
                write!(f, "{file}: replayed up to byte {offset}: {problem}")
            }
            Failure::Stopped { cause } => write!(f, "stopped by an earlier failure: {cause}"),
            Failure::Io { file, operation, error } => write!(f, "{file}: {operation}: {error}"),
            Failure::Batch(error) => error.fmt(f),
            Failure::Shards { found, wanted } => write!(f, "shards: there are {found}, not {wanted}"),
            Failure::Option { option, problem } => write!(f, "{option}: {problem}"),
            Failure::Gone { sequence, oldest } => {
                write!(f, "events from command {sequence} on are no longer kept: the oldest that is there is {oldest}")
            }
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Failure::NotWritable { error, .. } | Failure::Io { error, .. } => Some(error),
            Failure::Batch(error) => Some(error),
            _ => None,
        }
    }
}
