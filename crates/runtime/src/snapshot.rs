//! Snapshot files: the state after one command, behind a header that says which and proves it.

use crate::failure::Failure;
use crate::frame::{u32_at, u64_at};
use crate::segment::sequence_of;
use crate::storage::{Storage, StorageFile, is_full};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::RECORD_VERSION;
use aeromatch_engine::snapshot::SnapshotError;
use crc32c::crc32c;

/// Bytes before the state.
pub const SNAPSHOT_HEADER_BYTES: usize = 128;
/// The version of the file's layout; the state has its own.
pub const SNAPSHOT_FILE_VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"AMSNAPFL";
const CHECKSUM_AT: usize = SNAPSHOT_HEADER_BYTES - 4;

/// A snapshot on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Name of the file.
    pub file: String,
    /// Number of the last command in it.
    pub sequence: u64,
    /// Digest of the state.
    pub digest: [u8; 32],
    /// Bytes of the file.
    pub bytes: u64,
}

/// A snapshot that was read and proven.
pub(crate) struct Loaded {
    pub exchange: Exchange,
    pub event_hash: u32,
    pub info: SnapshotInfo,
}

/// The name of the snapshot after that command.
pub fn snapshot_name(sequence: u64) -> String {
    format!("snapshot-{sequence:016x}.snap")
}

/// The number in a snapshot's name.
pub fn sequence_of_snapshot(name: &str) -> Option<u64> {
    sequence_of(name, "snapshot-", ".snap")
}

/// A snapshot file, header and state.
pub(crate) fn encode(exchange: &Exchange, event_hash: u32) -> Vec<u8> {
    let state = exchange.snapshot();
    let mut bytes = Vec::with_capacity(SNAPSHOT_HEADER_BYTES + state.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&SNAPSHOT_FILE_VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::from(RECORD_VERSION).to_le_bytes());
    bytes.extend_from_slice(&exchange.sequence().to_le_bytes());
    bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&exchange.digest());
    bytes.extend_from_slice(&event_hash.to_le_bytes());
    bytes.extend_from_slice(&crc32c(&state).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.resize(CHECKSUM_AT, 0);
    bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
    bytes.extend_from_slice(&state);
    bytes
}

/// The state of a snapshot file's bytes.
///
/// # Errors
/// [`Failure::Damaged`], [`Failure::UnknownVersion`].
pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Loaded, Failure> {
    if bytes.len() < SNAPSHOT_HEADER_BYTES {
        return Err(Failure::damaged(name, bytes.len() as u64, "shorter than a snapshot header"));
    }
    if bytes[..8] != MAGIC {
        return Err(Failure::damaged(name, 0, "a snapshot does not start like this"));
    }
    // Before the version: a snapshot that is just damaged has an older one that stands in for it.
    if u32_at(bytes, CHECKSUM_AT) != crc32c(&bytes[..CHECKSUM_AT]) {
        return Err(Failure::damaged(name, 0, "the snapshot header's checksum does not match"));
    }
    let versions = [(u32_at(bytes, 8), SNAPSHOT_FILE_VERSION), (u32_at(bytes, 12), u32::from(RECORD_VERSION))];
    for (found, known) in versions {
        if found != known {
            return Err(Failure::UnknownVersion { file: name.to_string(), found, known });
        }
    }
    let (sequence, length) = (u64_at(bytes, 16), u64_at(bytes, 24));
    if snapshot_name(sequence) != name {
        return Err(Failure::damaged(name, 16, format!("the snapshot was made as {}", snapshot_name(sequence))));
    }
    let state = &bytes[SNAPSHOT_HEADER_BYTES..];
    if length != state.len() as u64 {
        let problem = format!("made with {length} bytes of state, {} are there", state.len());
        return Err(Failure::damaged(name, 24, problem));
    }
    if u32_at(bytes, 68) != crc32c(state) {
        let at = SNAPSHOT_HEADER_BYTES as u64;
        return Err(Failure::damaged(name, at, "the checksum of the state does not match"));
    }
    let exchange = Exchange::restore(state).map_err(|error| match error {
        SnapshotError::UnknownVersion { found, known } => {
            Failure::UnknownVersion { file: name.to_string(), found, known }
        }
        error => Failure::damaged(name, SNAPSHOT_HEADER_BYTES as u64, error.to_string()),
    })?;
    let digest: [u8; 32] = bytes[32..64].try_into().expect("32 bytes");
    if exchange.digest() != digest || exchange.sequence() != sequence {
        return Err(Failure::damaged(name, 32, "the state has another digest than its header"));
    }
    let info = SnapshotInfo { file: name.to_string(), sequence, digest, bytes: bytes.len() as u64 };
    Ok(Loaded { exchange, event_hash: u32_at(bytes, 64), info })
}

/// Reads and proves a snapshot.
pub(crate) fn load<St: Storage>(storage: &St, name: &str) -> Result<Loaded, Failure> {
    let file = storage.open(name).map_err(Failure::io(name, "open"))?;
    let length = file.length().map_err(Failure::io(name, "read the length"))?;
    let mut bytes = Vec::new();
    // A file can claim any length.
    let has_room = usize::try_from(length).is_ok_and(|length| bytes.try_reserve_exact(length).is_ok());
    if !has_room {
        return Err(Failure::damaged(name, 0, format!("{length} bytes are more than there is memory")));
    }
    bytes.resize(length as usize, 0);
    file.read_at(&mut bytes, 0).map_err(Failure::io(name, "read"))?;
    decode(name, &bytes)
}

/// Writes a snapshot, durably: whoever finds the name finds the file whole. False where there is no room; then nothing of it
/// is left.
pub(crate) fn store<St: Storage>(storage: &St, name: &str, bytes: &[u8]) -> Result<bool, Failure> {
    let unfinished = format!("{name}.tmp");
    let mut file = match storage.create(&unfinished) {
        Ok(file) => file,
        Err(error) if is_full(&error) => return Ok(false),
        Err(error) => return Err(Failure::io(&unfinished, "create")(error)),
    };
    let written = file.preallocate(bytes.len() as u64).and_then(|()| file.write_at(bytes, 0));
    match written {
        Ok(()) => {}
        Err(error) if is_full(&error) => {
            drop(file);
            storage.remove(&unfinished).map_err(Failure::io(&unfinished, "remove"))?;
            return Ok(false);
        }
        Err(error) => return Err(Failure::io(&unfinished, "write")(error)),
    }
    file.sync().map_err(Failure::io(&unfinished, "sync"))?;
    storage.rename(&unfinished, name).map_err(Failure::io(&unfinished, "rename"))?;
    storage.sync_directory().map_err(Failure::io(name, "sync directory"))?;
    Ok(true)
}
