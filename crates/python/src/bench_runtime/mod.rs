//! What `aeromatch bench runtime` measures natively: rings, and live shards under load, without Python around them.

pub mod ring;
pub mod shards;

mod feeder;
mod flow;

use hdrhistogram::Histogram as Recorded;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::time::Instant;

/// Longer than anything here takes: what is above would be recorded as this.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// Times to three significant digits. Its memory is taken now: one that grows would do so where it is recorded, and one
/// without bounds records nothing above 2,047 if it is told to saturate.
fn histogram() -> PyResult<Recorded<u64>> {
    Recorded::new_with_bounds(1, LONGEST_NS, 3).map_err(|error| PyRuntimeError::new_err(error.to_string()))
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
