//! An exchange with a journal, as long as this process is the one that opened it: a forked one must not write there.

use super::watched::{self, Watched};
use crate::errors::{Failure, JournalFailure};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::EventSink;
use aeromatch_runtime::{
    Disk, Durability, DurableExchange, Failure as Cause, Options, Recovery, SnapshotInfo, Submitted,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The exchange, its journal, and what opening it found.
pub struct Journaled {
    durable: DurableExchange<Watched>,
    directory: PathBuf,
    owner: u32,
}

/// How the journal was opened, and what was found there.
pub struct Opened {
    /// The directory; wherever the process goes from here.
    pub path: PathBuf,
    pub durability: Durability,
    /// Of each shard; of the only journal where there are none.
    pub recoveries: Vec<Recovery>,
}

impl Opened {
    pub fn new(path: &Path, durability: Durability, recoveries: Vec<Recovery>) -> Opened {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        Opened { path, durability, recoveries }
    }
}

impl Journaled {
    /// Opens a directory and recovers what is there. To be called without holding the interpreter.
    pub fn open(path: &Path, options: Options) -> Result<(Journaled, Opened), Failure> {
        let fail = |cause: Cause| failure(&cause, path);
        let disk = Disk::open(path).map_err(fail)?;
        let opened = watched::open(|watch| DurableExchange::open(Watched { disk, watch: Arc::clone(watch) }, options));
        let (durable, recovery) = opened?.map_err(fail)?;
        let (_, shards) = durable.exchange().partition();
        if shards > 1 {
            // One shard's log alone: what is written there the others would not know.
            return Err(fail(Cause::Shards { found: shards, wanted: 1 }));
        }
        let journaled = Journaled { durable, directory: path.to_path_buf(), owner: std::process::id() };
        Ok((journaled, Opened::new(path, options.durability, vec![recovery])))
    }

    /// Is this the process that opened it?
    pub fn is_own(&self) -> bool {
        self.owner == std::process::id()
    }

    pub fn exchange(&self) -> &Exchange {
        self.durable.exchange()
    }

    pub fn durable_sequence(&self) -> u64 {
        self.durable.durable_sequence()
    }

    /// Journals and applies a batch.
    pub fn submit<S: EventSink>(&mut self, slots: &[u8], sink: &mut S) -> Result<Submitted, Failure> {
        self.durable.submit(slots, sink).map_err(|cause| failure(&cause, &self.directory))
    }

    /// Makes a snapshot of everything up to now.
    pub fn compact(&mut self) -> Result<Option<SnapshotInfo>, Failure> {
        self.durable.compact().map_err(|cause| failure(&cause, &self.directory))
    }

    /// Makes everything durable. Failing or not, it is closed then.
    pub fn close(self) -> Result<(), Failure> {
        if !self.is_own() {
            self.abandon();
            return Ok(());
        }
        self.durable.close().map_err(|cause| failure(&cause, &self.directory))
    }

    /// Forgets it without a trace, in a forked process: there is no compactor thread to wait for, and nothing to write.
    pub fn abandon(self) {
        std::mem::forget(self);
    }
}

/// The path of the file that a failure is about. Where that is the directory itself, it is the path as it was given.
fn path_of(cause: &Cause, directory: &Path) -> Option<PathBuf> {
    match cause {
        Cause::DirectoryInUse { path } | Cause::NotADirectory { path } | Cause::NotWritable { path, .. } => {
            Some(path.clone())
        }
        _ => cause.file().map(|file| if Path::new(file) == directory { file.into() } else { directory.join(file) }),
    }
}

/// What went wrong, with the path of the file.
pub fn failure(cause: &Cause, directory: &Path) -> Failure {
    match cause {
        Cause::Batch(error) => return Failure::Record(error.clone()),
        Cause::Option { option, problem } => return Failure::Option { option, problem: problem.clone() },
        _ => {}
    }
    Failure::Journal(JournalFailure {
        kind: cause.slug(),
        file: path_of(cause, directory),
        offset: cause.offset(),
        message: cause.to_string(),
    })
}
