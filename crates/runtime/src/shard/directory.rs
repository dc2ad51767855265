//! Where the shards of one directory keep their journals: one shard in the directory itself, several in directories in it.

use crate::catalog::Catalog;
use crate::disk::Disk;
use crate::failure::Failure;
use crate::shard::options::MAX_SHARDS;
use std::io;
use std::path::{Path, PathBuf};

/// The directory of a shard among several.
pub fn shard_path(directory: &Path, shard: u16) -> PathBuf {
    directory.join(format!("shard-{shard:03}"))
}

/// How many shards a directory has journals of; `None` if it has none, or is not there.
///
/// # Errors
/// [`Failure::Io`].
pub fn count(directory: &Path) -> Result<Option<u16>, Failure> {
    let names = match std::fs::read_dir(directory) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(Failure::NotADirectory { path: directory.to_path_buf() });
        }
        Err(error) => return Err(Failure::io(".", "list")(error)),
    };
    // They are made from the last one down, so the highest number says how many there are, whenever a crash came between.
    let mut highest = None;
    for entry in names {
        let name = entry.map_err(Failure::io(".", "list"))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("shard-")).filter(|digits| digits.len() >= 3);
        let number = number.and_then(|digits| digits.parse::<u16>().ok()).filter(|&number| number < MAX_SHARDS);
        highest = highest.max(number);
    }
    if let Some(highest) = highest {
        return Ok(Some(highest + 1));
    }
    let catalog = Catalog::read(&Disk::look(directory)?)?;
    Ok((!catalog.segments.is_empty() || !catalog.snapshots.is_empty()).then_some(1))
}

/// Opens the journals of a directory for that many shards, or for as many as it has, and makes what is not there.
///
/// # Errors
/// The number of the shard with [`Failure::Shards`] where there is another number of them, and those of [`Disk::open`].
pub fn open(directory: &Path, shards: Option<u16>) -> Result<Vec<Disk>, (u16, Failure)> {
    let found = count(directory).map_err(|failure| (0, failure))?;
    let wanted = shards.or(found).unwrap_or(1);
    if let Some(found) = found.filter(|&found| found != wanted) {
        return Err((0, Failure::Shards { found, wanted }));
    }
    if wanted == 1 && (found != Some(1) || !shard_path(directory, 0).exists()) {
        return Disk::open(directory).map(|disk| vec![disk]).map_err(|failure| (0, failure));
    }
    let disks =
        (0..wanted).rev().map(|shard| Disk::open(shard_path(directory, shard)).map_err(|failure| (shard, failure)));
    let mut disks = disks.collect::<Result<Vec<Disk>, _>>()?;
    disks.reverse();
    Ok(disks)
}
