//! Directories, batches and events for the tests.
#![allow(dead_code, reason = "every test file uses its own part")]

use aeromatch_engine::codes::{AdminKind, Side};
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::record::{Command, Event, as_bytes};
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::{Durability, Options};
use std::path::{Path, PathBuf};

/// A directory that does not exist yet, and is removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Directory(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of its files, sorted.
    pub fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// Names and contents.
    pub fn contents(&self) -> Vec<(String, Vec<u8>)> {
        self.names().into_iter().map(|name| (name.clone(), std::fs::read(self.file(&name)).unwrap())).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The batch that makes one instrument, number 1.
pub fn instrument() -> Vec<u8> {
    let mut admin = Admin::named(AdminKind::CreateInstrument, ["A", "1", "1"]);
    admin.rules = Some((Rules::default(), IndexKind::BTree));
    admin.to_bytes()
}

/// A batch of resting orders at prices that depend on a number.
pub fn orders(count: usize, number: i64) -> Vec<u8> {
    let order = |place: usize| Command {
        instrument: 1,
        timestamp_ns: number as u64,
        ..Command::limit(Side::Buy, number * 1000 + place as i64, 1 + place as u64)
    };
    as_bytes(&(0..count).map(order).collect::<Vec<Command>>()).to_vec()
}

/// A cancel of an order that does not exist.
pub fn cancel() -> Vec<u8> {
    as_bytes(&[Command { instrument: 1, ..Command::cancel(1) }]).to_vec()
}

/// What a plain exchange makes of the batches.
pub fn plain(batches: &[Vec<u8>]) -> (Exchange, Vec<Event>) {
    let (mut exchange, mut events) = (Exchange::new(), Vec::new());
    for batch in batches {
        exchange.process(batch, &mut events).unwrap();
    }
    (exchange, events)
}

pub fn small(durability: Durability) -> Options {
    Options { durability, segment_bytes: 8192, snapshot_bytes: 1 << 20, snapshot_interval_s: 0, ..Options::default() }
}
