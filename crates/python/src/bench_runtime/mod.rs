//! What `aeromatch bench runtime` measures natively: rings, and live shards under load, without Python around them.

pub mod ring;
pub mod shards;

mod feeder;
mod flow;

use hdrhistogram::Histogram as Recorded;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::time::Instant;

/// What took longer than this is no figure but a fault.
const LONGEST_NS: u64 = 60_000_000_000;

/// Times to three significant digits, with bounds: one without grows where it is recorded, or, told to saturate, takes 2,047
/// for everything above.
fn histogram() -> PyResult<Recorded<u64>> {
    Recorded::new_with_bounds(1, LONGEST_NS, 3).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

/// Counts a time. Nothing is clipped: a longer one than there is room for ends the measurement.
fn record(times: &mut Recorded<u64>, ns: u64) -> Result<(), String> {
    times.record(ns).map_err(|_| format!("{ns} ns is longer than is measured here, {LONGEST_NS} ns"))
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
