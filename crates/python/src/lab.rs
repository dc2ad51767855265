//! What `aeromatch lab` runs natively: the interpreter is released, and a signal ends a run within milliseconds.

use aeromatch_lab::false_sharing::{Increment, count};
use aeromatch_lab::free_list::Stamps;
use aeromatch_lab::lending::{Load, Source};
use aeromatch_lab::queues::Queue;
use aeromatch_lab::single_writer::{self, Writing};
use aeromatch_lab::stage::{Percentiles, Stage, cpus};
use aeromatch_lab::store_buffer::{self, Strength};
use aeromatch_lab::{aba, idling, lending, queues, ring, seqlock, weakened};
use aeromatch_runtime::Idle;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, PoisonError};

/// Longest run: two hours of nothing else.
const LONGEST_SECONDS: f64 = 7200.0;

/// Runs without the interpreter; what a signal handler raised ends the run and is raised here.
fn play<R: Send>(py: Python<'_>, seconds: f64, run: impl FnOnce(&Stage) -> R + Send) -> PyResult<R> {
    if !(seconds > 0.0 && seconds <= LONGEST_SECONDS) {
        return Err(PyValueError::new_err(format!(
            "seconds must be above 0 and at most {LONGEST_SECONDS}; got {seconds}"
        )));
    }
    let raised: Mutex<Option<PyErr>> = Mutex::default();
    let go_on = || match Python::attach(|py| py.check_signals()) {
        Ok(()) => true,
        Err(error) => {
            *raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        }
    };
    let result = py.detach(|| run(&Stage::new(seconds, &go_on)));
    match raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

fn choose<T: Copy>(argument: &str, word: &str, choices: &[(&str, T)]) -> PyResult<T> {
    choices.iter().find(|(name, _)| *name == word).map(|&(_, choice)| choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        PyValueError::new_err(format!("{argument} must be one of {}; got {word:?}", names.join(", ")))
    })
}

fn counts<'py>(py: Python<'py>, entries: &[(&str, u64)]) -> PyResult<Bound<'py, PyDict>> {
    let result = PyDict::new(py);
    for (name, value) in entries {
        result.set_item(name, value)?;
    }
    Ok(result)
}

/// Says how many processors this process may use.
#[pyfunction]
pub fn lab_cpus() -> usize {
    cpus().len()
}

/// Lets threads increment counters of their own at a distance from each other.
///
/// Arguments:
///     threads: 1 or 2.
///     distance_bytes: Between the counters: 8, 16, 32, 64, 128 or 256.
///     increment: "plain" (a load and a store) or "locked" (one locked instruction).
///     seconds: How long.
///
/// Returns:
///     A dict: increments, what the threads made; counted, what the counters say; elapsed_ns.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, threads, distance_bytes, increment, seconds))]
pub fn lab_false_sharing<'py>(
    py: Python<'py>,
    threads: usize,
    distance_bytes: usize,
    increment: &str,
    seconds: f64,
) -> PyResult<Bound<'py, PyDict>> {
    if !(1..=2).contains(&threads) {
        return Err(PyValueError::new_err(format!("threads must be 1 or 2; got {threads}")));
    }
    if !(8..=256).contains(&distance_bytes) || !distance_bytes.is_power_of_two() {
        return Err(PyValueError::new_err(format!(
            "distance_bytes must be one of 8, 16, 32, 64, 128, 256; got {distance_bytes}"
        )));
    }
    let increment = choose("increment", increment, &[("plain", Increment::Plain), ("locked", Increment::Locked)])?;
    let counted = play(py, seconds, |stage| count(stage, threads, distance_bytes, increment))?;
    counts(py, &[("increments", counted.increments), ("counted", counted.counted), ("elapsed_ns", counted.elapsed_ns)])
}

/// Plays rounds in which two threads each store and then look for the other's store.
///
/// Arguments:
///     ordering: "relaxed", "acquire-release", "sequentially consistent" or "fence" (relaxed, with a sequentially
///         consistent fence in between).
///     seconds: How long.
///
/// Returns:
///     A dict of counts: rounds, and of these both_missed, first_saw (only the first saw the second), second_saw and
///     both_saw.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, ordering, seconds))]
pub fn lab_store_buffer<'py>(py: Python<'py>, ordering: &str, seconds: f64) -> PyResult<Bound<'py, PyDict>> {
    let strength = choose(
        "ordering",
        ordering,
        &[
            ("relaxed", Strength::Relaxed),
            ("acquire-release", Strength::AcquireRelease),
            ("sequentially consistent", Strength::SequentiallyConsistent),
            ("fence", Strength::Fence),
        ],
    )?;
    let outcomes = play(py, seconds, |stage| store_buffer::race(stage, strength))?;
    counts(
        py,
        &[
            ("rounds", outcomes.rounds),
            ("both_missed", outcomes.both_missed),
            ("first_saw", outcomes.first_saw),
            ("second_saw", outcomes.second_saw),
            ("both_saw", outcomes.both_saw),
        ],
    )
}

/// One step: thread, action, stamp of the head, free slots, used slots with their users.
type Step = (&'static str, String, u32, Vec<u32>, Vec<(u32, &'static str)>);

/// Plays the interleaving that breaks a free list without stamps, step by step, on the free list itself.
///
/// Arguments:
///     stamped: Whether the head has a stamp.
///
/// Returns:
///     One tuple a step: thread, action, stamp of the head afterwards, free slots in order, and used slots, each with
///     its user; a slot that stands there twice has two.
#[pyfunction]
#[pyo3(signature = (*, stamped))]
pub fn lab_aba_script(stamped: bool) -> Vec<Step> {
    let steps = aba::script(stamps(stamped)).into_iter();
    steps.map(|step| (step.thread, step.action, step.stamp, step.free, step.used)).collect()
}

/// Lets two threads take slots of a free list and give them back, in rounds.
///
/// Arguments:
///     stamped: Whether the head has a stamp.
///     seconds: How long.
///
/// Returns:
///     A dict: rounds; broken_rounds, those in which a slot had two users or the list was not whole at the end; takes,
///     slots taken.
///
/// Raises:
///     ValueError: The time is none.
#[pyfunction]
#[pyo3(signature = (*, stamped, seconds))]
pub fn lab_aba_race(py: Python<'_>, stamped: bool, seconds: f64) -> PyResult<Bound<'_, PyDict>> {
    let race = play(py, seconds, |stage| aba::race(stage, stamps(stamped)))?;
    counts(py, &[("rounds", race.rounds), ("broken_rounds", race.broken_rounds), ("takes", race.takes)])
}

fn stamps(stamped: bool) -> Stamps {
    if stamped { Stamps::Counted } else { Stamps::Missing }
}

fn seen(py: Python<'_>, seen: weakened::Seen) -> PyResult<Bound<'_, PyDict>> {
    counts(py, &[("values", seen.values), ("wrong", seen.wrong), ("nothing", seen.nothing)])
}

/// Lets one thread write pairs of equal words through a seqlock and one read them.
///
/// Arguments:
///     flaw: What the seqlock lacks: "none", "writer fence", "publish release", "reader acquire", "reader fence" or
///         "second look".
///     seconds: How long.
///
/// Returns:
///     A dict: values, pairs read; wrong, those of unequal words; nothing, reads to be tried again.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, flaw, seconds))]
pub fn lab_seqlock<'py>(py: Python<'py>, flaw: &str, seconds: f64) -> PyResult<Bound<'py, PyDict>> {
    let flaw = choose(
        "flaw",
        flaw,
        &[
            ("none", seqlock::Flaw::None),
            ("writer fence", seqlock::Flaw::WriterFence),
            ("publish release", seqlock::Flaw::PublishRelease),
            ("reader acquire", seqlock::Flaw::ReaderAcquire),
            ("reader fence", seqlock::Flaw::ReaderFence),
            ("second look", seqlock::Flaw::SecondLook),
        ],
    )?;
    seen(py, play(py, seconds, |stage| weakened::race_seqlock(stage, flaw))?)
}

/// Lets one thread push 1, 2, 3, ... into a ring and one pop them.
///
/// Arguments:
///     flaw: What the ring lacks: "none", "push release", "pop acquire" or "count first" (the producer counts before it
///         writes).
///     seconds: How long.
///
/// Returns:
///     A dict: values, those popped; wrong, those that were not the next number; nothing, looks into an empty ring.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, flaw, seconds))]
pub fn lab_ring<'py>(py: Python<'py>, flaw: &str, seconds: f64) -> PyResult<Bound<'py, PyDict>> {
    let flaw = choose(
        "flaw",
        flaw,
        &[
            ("none", ring::Flaw::None),
            ("push release", ring::Flaw::PushRelease),
            ("pop acquire", ring::Flaw::PopAcquire),
            ("count first", ring::Flaw::CountFirst),
        ],
    )?;
    seen(py, play(py, seconds, |stage| weakened::race_ring(stage, flaw))?)
}

fn percentiles(py: Python<'_>, percentiles: Percentiles) -> PyResult<Bound<'_, PyDict>> {
    counts(
        py,
        &[
            ("count", percentiles.count),
            ("p50_ns", percentiles.p50_ns),
            ("p99_ns", percentiles.p99_ns),
            ("p999_ns", percentiles.p999_ns),
            ("max_ns", percentiles.max_ns),
        ],
    )
}

fn check_range(argument: &str, value: usize, most: usize) -> PyResult<()> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{argument} must be 1 to {most}; got {value}")))
}

/// Moves items of 64 bytes from producers to one consumer.
///
/// Arguments:
///     queue: Who keeps them apart: "mutex", "spin", "claimed" (crossbeam's ArrayQueue), "intake" or "rings" (one
///         for each producer).
///     producers: 1 to 64.
///     batch: How many items each side moves at a time at most: 1 to 1024.
///     seconds: How long.
///
/// Returns:
///     A dict: items, those that came; misplaced, those that were not the next of their producer; lost, those that
///     were pushed and never came; elapsed_ns.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, queue, producers, batch, seconds))]
pub fn lab_queue<'py>(
    py: Python<'py>,
    queue: &str,
    producers: usize,
    batch: usize,
    seconds: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let queue = choose(
        "queue",
        queue,
        &[
            ("mutex", Queue::Mutex),
            ("spin", Queue::Spin),
            ("claimed", Queue::Claimed),
            ("intake", Queue::Intake),
            ("rings", Queue::Rings),
        ],
    )?;
    check_range("producers", producers, 64)?;
    check_range("batch", batch, 1024)?;
    let carried = play(py, seconds, |stage| queues::carry(stage, queue, producers, batch))?;
    counts(
        py,
        &[
            ("items", carried.items),
            ("misplaced", carried.misplaced),
            ("lost", carried.lost),
            ("elapsed_ns", carried.elapsed_ns),
        ],
    )
}

/// Lets clients send orders to one book.
///
/// Arguments:
///     writing: Who writes it: "lock" (every client, under a mutex), "shared" (every client at once, by
///         compare-exchange) or "single" (one thread, to which clients send).
///     clients: 1 to 64.
///     window: Orders that a client may have unanswered, 1 to 1024; only "single" heeds it.
///     seconds: How long.
///
/// Returns:
///     A dict: orders; traded_lots; overtaken, how often a step began again because another one came first;
///     is_balanced, 1 if what was bought was sold and the rest rests; latency, a dict of count, p50_ns, p99_ns,
///     p999_ns and max_ns from order to answer; elapsed_ns.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, writing, clients, window, seconds))]
pub fn lab_single_writer<'py>(
    py: Python<'py>,
    writing: &str,
    clients: usize,
    window: usize,
    seconds: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let ways = [("lock", Writing::Lock), ("shared", Writing::Shared), ("single", Writing::Single { window })];
    let writing = choose("writing", writing, &ways)?;
    check_range("clients", clients, 64)?;
    check_range("window", window, 1024)?;
    let done = play(py, seconds, |stage| single_writer::trade(stage, writing, clients))?;
    let result = counts(
        py,
        &[
            ("orders", done.orders),
            ("traded_lots", done.traded_lots),
            ("overtaken", done.overtaken),
            ("is_balanced", done.is_balanced.into()),
            ("elapsed_ns", done.elapsed_ns),
        ],
    )?;
    result.set_item("latency", percentiles(py, done.latency)?)?;
    Ok(result)
}

/// Lets threads write a book at once, and replays their steps in the order of the tickets on a book of one thread.
///
/// Arguments:
///     threads: 1 to 64.
///     orders: How many each thread sends at most.
///     seconds: How long at most.
///
/// Returns:
///     A dict: steps; trades; overtaken, as in lab_single_writer; wrong_tickets, missing ones or double ones;
///     different, steps that the replay carries out otherwise; is_same_book, 1 if the same rests at the end.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, threads, orders, seconds))]
pub fn lab_replay(py: Python<'_>, threads: usize, orders: u64, seconds: f64) -> PyResult<Bound<'_, PyDict>> {
    check_range("threads", threads, 64)?;
    let replay = play(py, seconds, |stage| single_writer::replay(stage, threads, orders))?;
    counts(
        py,
        &[
            ("steps", replay.steps),
            ("trades", replay.trades),
            ("overtaken", replay.overtaken),
            ("wrong_tickets", replay.wrong_tickets),
            ("different", replay.different),
            ("is_same_book", replay.is_same_book.into()),
        ],
    )
}

/// Takes memory for values of 64 bytes and gives it back.
///
/// Arguments:
///     source: "allocator" (the system's) or "pool".
///     load: "one" (one thread), "two" (two threads, each gives back what it took) or "hand-over" (one takes, the
///         other one gives back).
///     seconds: How long.
///
/// Returns:
///     A dict: values, those taken; wrong, those that had two users; turn, a dict of count, p50_ns, p99_ns, p999_ns
///     and max_ns of some turns (giving one value and taking another; where another thread gives: taking); elapsed_ns.
///
/// Raises:
///     ValueError: An argument is none of these.
#[pyfunction]
#[pyo3(signature = (*, source, load, seconds))]
pub fn lab_pool<'py>(py: Python<'py>, source: &str, load: &str, seconds: f64) -> PyResult<Bound<'py, PyDict>> {
    let source = choose("source", source, &[("allocator", Source::Allocator), ("pool", Source::Pool)])?;
    let load = choose("load", load, &[("one", Load::One), ("two", Load::Two), ("hand-over", Load::HandOver)])?;
    let lent = play(py, seconds, |stage| lending::lend(stage, source, load))?;
    let result = counts(py, &[("values", lent.values), ("wrong", lent.wrong), ("elapsed_ns", lent.elapsed_ns)])?;
    result.set_item("turn", percentiles(py, lent.turn)?)?;
    Ok(result)
}

/// Sends messages at a steady rate to a thread that waits for them.
///
/// Arguments:
///     idle: How it waits: "spin", "yield" or "park".
///     messages_per_second: 1 to 10 million.
///     seconds: How long.
///
/// Returns:
///     A dict: messages; latency, from just before each was sent until it was seen, and sending, what it took the
///     sender, dicts of count, p50_ns, p99_ns, p999_ns and max_ns; cpu_ns, processor time of the receiver; elapsed_ns.
///
/// Raises:
///     ValueError: An argument is none of these.
///     OSError: No descriptor is left.
#[pyfunction]
#[pyo3(signature = (*, idle, messages_per_second, seconds))]
pub fn lab_idle<'py>(
    py: Python<'py>,
    idle: &str,
    messages_per_second: usize,
    seconds: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let ways: Vec<_> = Idle::ALL.iter().map(|&idle| (idle.slug(), idle)).collect();
    let idle = choose("idle", idle, &ways)?;
    check_range("messages_per_second", messages_per_second, 10_000_000)?;
    let idled = play(py, seconds, |stage| idling::wait_for_work(stage, idle, messages_per_second as u64))??;
    let entries = [("messages", idled.messages), ("cpu_ns", idled.cpu_ns), ("elapsed_ns", idled.elapsed_ns)];
    let result = counts(py, &entries)?;
    result.set_item("latency", percentiles(py, idled.latency)?)?;
    result.set_item("sending", percentiles(py, idled.sending)?)?;
    Ok(result)
}

/// Adds the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(lab_cpus, module)?)?;
    module.add_function(wrap_pyfunction!(lab_false_sharing, module)?)?;
    module.add_function(wrap_pyfunction!(lab_store_buffer, module)?)?;
    module.add_function(wrap_pyfunction!(lab_aba_script, module)?)?;
    module.add_function(wrap_pyfunction!(lab_aba_race, module)?)?;
    module.add_function(wrap_pyfunction!(lab_seqlock, module)?)?;
    module.add_function(wrap_pyfunction!(lab_ring, module)?)?;
    module.add_function(wrap_pyfunction!(lab_queue, module)?)?;
    module.add_function(wrap_pyfunction!(lab_single_writer, module)?)?;
    module.add_function(wrap_pyfunction!(lab_replay, module)?)?;
    module.add_function(wrap_pyfunction!(lab_pool, module)?)?;
    module.add_function(wrap_pyfunction!(lab_idle, module)?)
}
