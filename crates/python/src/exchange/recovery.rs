//! What opening a journal found, and what a snapshot is, as Python sees them.

use aeromatch_runtime::Recovery as Found;
use aeromatch_runtime::SnapshotInfo as Info;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// What opening a journal found. Immutable.
#[pyclass(frozen, module = "aeromatch")]
pub struct Recovery {
    snapshot_sequence: Option<u64>,
    commands_replayed: u64,
    bytes_cut: u64,
    cut_file: Option<String>,
    cut_offset: Option<u64>,
    snapshots_refused: Vec<String>,
    clean: bool,
}

impl Recovery {
    pub fn new(found: &Found) -> Recovery {
        Recovery {
            snapshot_sequence: found.snapshot_sequence,
            commands_replayed: found.commands_replayed,
            bytes_cut: found.bytes_cut,
            cut_file: found.cut_file.clone(),
            cut_offset: found.cut_file.is_some().then_some(found.cut_offset),
            snapshots_refused: found.snapshots_refused.iter().map(ToString::to_string).collect(),
            clean: found.clean,
        }
    }
}

#[pymethods]
impl Recovery {
    /// Number of the last command in the snapshot that was used; None: the journal was replayed from its start.
    #[getter]
    fn snapshot_sequence(&self) -> Option<u64> {
        self.snapshot_sequence
    }

    /// Commands that were replayed behind it.
    #[getter]
    fn commands_replayed(&self) -> u64 {
        self.commands_replayed
    }

    /// Bytes of an unfinished end, which held nothing that was durable, that were cut off.
    #[getter]
    fn bytes_cut(&self) -> u64 {
        self.bytes_cut
    }

    /// Name of the file in which the cut was made; None if none was.
    #[getter]
    fn cut_file(&self) -> Option<&str> {
        self.cut_file.as_deref()
    }

    /// Byte offset of the cut in that file; None if none was made.
    #[getter]
    fn cut_offset(&self) -> Option<u64> {
        self.cut_offset
    }

    /// What was wrong with snapshots that were damaged, newest first; older ones stood in for them.
    #[getter]
    fn snapshots_refused<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.snapshots_refused)
    }

    /// Whether the journal ended with a close, and the state has the digest that it had then.
    #[getter]
    fn clean(&self) -> bool {
        self.clean
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = format!("Recovery(commands_replayed={}", self.commands_replayed);
        if let Some(sequence) = self.snapshot_sequence {
            text += &format!(", snapshot_sequence={sequence}");
        }
        if let (Some(file), Some(offset)) = (&self.cut_file, self.cut_offset) {
            let file = PyString::new(py, file).repr()?;
            text += &format!(", bytes_cut={}, cut_file={file}, cut_offset={offset}", self.bytes_cut);
        }
        if !self.snapshots_refused.is_empty() {
            text += &format!(", snapshots_refused={}", self.snapshots_refused(py)?.repr()?);
        }
        Ok(text + if self.clean { ", clean=True)" } else { ", clean=False)" })
    }
}

/// A snapshot on disk. Immutable.
#[pyclass(frozen, eq, hash, module = "aeromatch")]
#[derive(PartialEq, Eq, Hash)]
pub struct SnapshotInfo {
    file: String,
    sequence: u64,
    digest: [u8; 32],
    bytes: u64,
}

impl SnapshotInfo {
    pub fn new(info: Info) -> SnapshotInfo {
        let Info { file, sequence, digest, bytes } = info;
        SnapshotInfo { file, sequence, digest, bytes }
    }
}

#[pymethods]
impl SnapshotInfo {
    /// Name of the file, in the exchange's directory.
    #[getter]
    fn file(&self) -> &str {
        &self.file
    }

    /// Number of the last command in it.
    #[getter]
    fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Digest of the state, 64 hexadecimal digits: what `Exchange.digest` was after that command.
    #[getter]
    fn digest(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Bytes of the file.
    #[getter]
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let file = PyString::new(py, &self.file).repr()?;
        Ok(format!("SnapshotInfo(file={file}, sequence={}, bytes={})", self.sequence, self.bytes))
    }
}
