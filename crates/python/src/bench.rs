//! What `aeromatch bench` measures natively: the engine in a loop of its own, without Python around it.

use crate::batch::slots;
use crate::buffer::Pool;
use crate::counting::allocations;
use crate::errors::Failure;
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::record::{Command, Event, Extensions, RecordError, SLOT_BYTES, decode};
use aeromatch_engine::rules::Rules;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::time::Instant;

/// Commands between two visits of whoever takes the events: about what a shard hands on at once, and small enough to stay in
/// the cache.
const BATCH: usize = 4096;

/// What a run measured.
struct Measured {
    commands: usize,
    events: usize,
    elapsed_ns: u64,
    allocations: u64,
    /// Of single commands, sorted; empty unless they were timed.
    latencies_ns: Vec<u64>,
    resting_orders: usize,
    memory_bytes: usize,
}

/// Calls nothing and returns nothing: the yardstick for the cost of one call from Python.
#[pyfunction]
pub fn empty_call() {}

/// Runs a batch through a new book in a native loop.
///
/// Arguments:
///     batch: Commands for instrument 0, or their slots.
///     index: Price index: "ladder" or "btree".
///     mode: "throughput" times batches of 4,096 commands whose events go to one buffer, "latency" each command (which
///         costs about 20 ns more a command).
///     warmup: So many commands run before the measurement starts.
///
/// Returns:
///     A dict: commands, events and elapsed_ns of what was measured; allocations of its second half, the steady state;
///     resting_orders and memory_bytes of the book at the end; with "latency" also p50_ns, p99_ns, p999_ns and max_ns.
///
/// Raises:
///     TypeError: The batch is nothing of this kind.
///     ValueError: Index or mode is unknown, or nothing is left to measure.
///     RecordError: A slot is no command.
#[pyfunction]
#[pyo3(signature = (batch, *, index="ladder", mode="throughput", warmup=0))]
pub fn bench_native<'py>(
    py: Python<'py>,
    batch: &Bound<'py, PyAny>,
    index: &str,
    mode: &str,
    warmup: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let index = IndexKind::from_slug(index)
        .ok_or_else(|| PyValueError::new_err(format!("index must be one of 'ladder', 'btree'; got {index:?}")))?;
    let is_timed_singly = match mode {
        "throughput" => false,
        "latency" => true,
        _ => return Err(PyValueError::new_err(format!("mode must be one of 'throughput', 'latency'; got {mode:?}"))),
    };
    let bytes = slots(batch)?.stable(&Pool::default());
    let measured = py.detach(|| run(bytes.as_slice(), index, warmup, is_timed_singly));
    let measured = measured.map_err(|error| Failure::Record(error).into_py(py))?;
    if measured.commands == 0 {
        return Err(PyValueError::new_err("warmup leaves no command to measure"));
    }
    let result = PyDict::new(py);
    result.set_item("commands", measured.commands)?;
    result.set_item("events", measured.events)?;
    result.set_item("elapsed_ns", measured.elapsed_ns)?;
    result.set_item("allocations", measured.allocations)?;
    result.set_item("resting_orders", measured.resting_orders)?;
    result.set_item("memory_bytes", measured.memory_bytes)?;
    if is_timed_singly {
        let at = |permille: usize| {
            measured.latencies_ns[(measured.latencies_ns.len() * permille / 1000).min(measured.latencies_ns.len() - 1)]
        };
        result.set_item("p50_ns", at(500))?;
        result.set_item("p99_ns", at(990))?;
        result.set_item("p999_ns", at(999))?;
        result.set_item("max_ns", at(1000))?;
    }
    Ok(result)
}

fn run(bytes: &[u8], index: IndexKind, warmup: usize, is_timed_singly: bool) -> Result<Measured, RecordError> {
    let end = bytes.len().div_ceil(SLOT_BYTES);
    let mut starts = Vec::with_capacity(end + 1);
    let mut slot = 0;
    while slot < end {
        starts.push(slot);
        slot += decode(bytes, slot)?.0.slots();
    }
    let commands = starts.len();
    starts.push(end);
    let warmup = warmup.min(commands);
    let mut book = Book::new(Rules::default(), index);
    let mut events: Vec<Event> = Vec::new();
    book.process(&bytes[..starts[warmup] * SLOT_BYTES], &mut events)?;
    let mut latencies_ns = if is_timed_singly { Vec::with_capacity(commands - warmup) } else { Vec::new() };
    let mut event_count = 0;
    let middle = warmup + (commands - warmup) / 2;
    let mut allocated = 0;
    let started = Instant::now();
    for first in (warmup..commands).step_by(BATCH) {
        if first < middle + BATCH {
            allocated = allocations();
        }
        let next = commands.min(first + BATCH);
        events.clear();
        if is_timed_singly {
            for &slot in &starts[first..next] {
                let before = Instant::now();
                let (command, extensions): (Command, Extensions) = decode(bytes, slot)?;
                book.apply(&command, &extensions, &mut events);
                latencies_ns.push(nanoseconds(before));
            }
        } else {
            book.process(&bytes[starts[first] * SLOT_BYTES..starts[next] * SLOT_BYTES], &mut events)?;
        }
        event_count += events.len();
    }
    let (elapsed_ns, allocations) = (nanoseconds(started), allocations() - allocated);
    latencies_ns.sort_unstable();
    Ok(Measured {
        commands: commands - warmup,
        events: event_count,
        elapsed_ns,
        allocations,
        latencies_ns,
        resting_orders: book.order_count(),
        memory_bytes: book.memory_bytes(),
    })
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
