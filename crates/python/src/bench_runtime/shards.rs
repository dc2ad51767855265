//! Live shards with their producers, one a shard, for the drivers in Python.

use super::feeder::Feeder;
use super::flow::Flow;
use crate::histogram::Histogram;
use aeromatch_engine::codes::AdminKind;
use aeromatch_engine::engine::IndexKind;
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::rules::Rules;
use aeromatch_runtime::shard::directory;
use aeromatch_runtime::{Disk, Durability, Idle, Options, Port, ShardOptions, Shards};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

/// Live shards with books, and one producer each, to be measured and not to trade with.
///
/// Each has the same number of instruments, with standing orders. One thread uses it at a time.
///
/// Arguments:
///     shards: How many.
///     directory: Where the journals are made; None: there is none.
///     durability: "memory", "os" or "disk".
///     idle: "spin", "yield" or "park", of the shards and of `pour`.
///     cores: The processors that the shards' threads are pinned to, one each; empty: none is.
///     window: Submissions that a producer may have unanswered.
///     instruments: On each shard.
///
/// Raises:
///     ValueError: An argument is unknown or out of range.
///     RuntimeError: The shards cannot be opened.
#[pyclass(module = "aeromatch._core")]
pub struct ShardBench {
    feeders: Vec<Feeder>,
    shards: Option<Shards<Disk>>,
}

fn failed(problem: impl std::fmt::Display) -> PyErr {
    PyRuntimeError::new_err(problem.to_string())
}

#[pymethods]
impl ShardBench {
    #[new]
    #[pyo3(signature = (*, shards=1, directory=None, durability="os", idle="spin", cores=Vec::new(), window=4096, instruments=2))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        shards: u16,
        directory: Option<PathBuf>,
        durability: &str,
        idle: &str,
        cores: Vec<usize>,
        window: usize,
        instruments: u32,
    ) -> PyResult<ShardBench> {
        let unknown = |name, word| PyValueError::new_err(format!("{name} is not known: {word:?}"));
        let durability = Durability::from_slug(durability).ok_or_else(|| unknown("durability", durability))?;
        let idle = Idle::from_slug(idle).ok_or_else(|| unknown("idle", idle))?;
        if instruments == 0 {
            return Err(PyValueError::new_err("instruments must be at least 1"));
        }
        let options = ShardOptions { shards, cores, idle, window, ..ShardOptions::default() };
        options.check().map_err(|failure| PyValueError::new_err(failure.to_string()))?;
        py.detach(|| {
            let shards = open(directory, durability, options)
                .map_err(|(shard, failure)| failed(format!("shard {shard}: {failure}")))?;
            let feeders = feeders(&shards, instruments).map_err(failed)?;
            Ok(ShardBench { feeders, shards: Some(shards) })
        })
    }

    /// Makes the commands that every producer sends next, so that making them is not measured.
    ///
    /// Arguments:
    ///     commands: Of each producer.
    ///
    /// Raises:
    ///     RuntimeError: What was prepared before has not been sent.
    fn prepare(&mut self, py: Python<'_>, commands: usize) -> PyResult<()> {
        py.detach(|| self.feeders.iter_mut().try_for_each(|feeder| feeder.prepare(commands))).map_err(failed)
    }

    /// Sends what was prepared for the first shard, each command when the one before was answered.
    ///
    /// A closed loop, from this thread.
    ///
    /// Returns:
    ///     Nanoseconds in all, and a histogram of those of each command.
    ///
    /// Raises:
    ///     RuntimeError: A command was refused, or the shards have stopped; also below.
    fn one_by_one(&mut self, py: Python<'_>) -> PyResult<(u64, Histogram)> {
        let mut times = super::histogram()?;
        let elapsed_ns = py.detach(|| {
            let started = Instant::now();
            self.feeders[0].one_by_one(&mut times).map_err(failed)?;
            Ok::<_, PyErr>(super::nanoseconds(started))
        })?;
        Ok((elapsed_ns, Histogram::from(times)))
    }

    /// Sends what was prepared for the first shard at fixed times, whatever the answers do.
    ///
    /// An open loop, from this thread.
    ///
    /// Arguments:
    ///     commands_a_second: The rate.
    ///
    /// Returns:
    ///     Nanoseconds in all; a histogram of those from when each command should have been sent to its answer; by how
    ///     many nanoseconds the latest command was sent after its time.
    #[pyo3(signature = (commands_a_second, /))]
    fn at_rate(&mut self, py: Python<'_>, commands_a_second: f64) -> PyResult<(u64, Histogram, u64)> {
        if !(1.0..=1e9).contains(&commands_a_second) {
            return Err(PyValueError::new_err(format!(
                "commands_a_second must be in 1 .. 1e9, not {commands_a_second}"
            )));
        }
        let mut times = super::histogram()?;
        let (elapsed_ns, latest_ns) = py.detach(|| {
            let started = Instant::now();
            let latest_ns = self.feeders[0].at_rate(commands_a_second, &mut times).map_err(failed)?;
            Ok::<_, PyErr>((super::nanoseconds(started), latest_ns))
        })?;
        Ok((elapsed_ns, Histogram::from(times), latest_ns))
    }

    /// Sends what was prepared for every shard, each from a thread of its own, as fast as it is taken.
    ///
    /// Arguments:
    ///     batch: Commands a submission.
    ///
    /// Returns:
    ///     Nanoseconds until the last answer.
    #[pyo3(signature = (*, batch=1))]
    fn pour(&mut self, py: Python<'_>, batch: usize) -> PyResult<u64> {
        if batch == 0 {
            return Err(PyValueError::new_err("batch must be at least 1"));
        }
        py.detach(|| {
            let started = Instant::now();
            let results: Vec<Result<(), String>> = thread::scope(|scope| {
                let pour = |feeder: &'_ mut Feeder| feeder.pour(batch);
                let threads: Vec<_> = self.feeders.iter_mut().map(|feeder| scope.spawn(move || pour(feeder))).collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                    thread.join().unwrap_or_else(|_| Err("a producer panicked".to_string()))
                };
                threads.into_iter().map(join).collect()
            });
            let elapsed_ns = super::nanoseconds(started);
            results.into_iter().collect::<Result<(), String>>().map_err(failed)?;
            Ok(elapsed_ns)
        })
    }

    /// Events that came back so far, without those of the standing orders.
    #[getter]
    fn events(&self) -> u64 {
        self.feeders.iter().map(|feeder| feeder.events).sum()
    }

    /// Commands and rounds of all shards so far, the making of the market included.
    #[getter]
    fn commands_and_batches(&self) -> (u64, u64) {
        let Some(shards) = &self.shards else { return (0, 0) };
        let counters = (0..shards.shards()).map(|shard| shards.counters(shard));
        counters.fold((0, 0), |(commands, batches), found| (commands + found.commands, batches + found.batches))
    }

    /// Ends the threads and closes the journals. Nothing can be measured afterwards.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            self.feeders.clear();
            self.shards.take().map_or(Ok(()), |shards| shards.close().map_err(failed))
        })
    }
}

fn open(
    directory: Option<PathBuf>,
    durability: Durability,
    shard_options: ShardOptions,
) -> Result<Shards<Disk>, (u16, aeromatch_runtime::Failure)> {
    let Some(directory) = directory else { return Shards::in_memory(shard_options) };
    // No snapshots: their threads would take part.
    let options = Options { durability, snapshot_bytes: 1 << 50, snapshot_interval_s: 0, ..Options::default() };
    let storages = directory::open(&directory, Some(shard_options.shards))?;
    Shards::open(storages, options, shard_options).map(|(shards, _)| shards)
}

/// Makes the instruments, and gives each shard's to a producer of its own.
fn feeders(shards: &Shards<Disk>, instruments: u32) -> Result<Vec<Feeder>, String> {
    let count = u32::from(shards.shards()) * instruments;
    let mut port = shards.port().map_err(|failure| failure.to_string())?;
    make_instruments(&mut port, count)?;
    let homes = |shard| (1..=count).filter(|&number| shards.home_of_instrument(number) == shard).collect::<Vec<_>>();
    (0..shards.shards())
        .map(|shard| {
            let own = homes(shard);
            if own.len() != instruments as usize {
                return Err(format!("shard {shard} has {} instruments, not {instruments}", own.len()));
            }
            Feeder::new(shards.port().map_err(|failure| failure.to_string())?, Flow::new(own))
        })
        .collect()
}

fn make_instruments(port: &mut Port, count: u32) -> Result<(), String> {
    for number in 1..=count {
        let mut admin = Admin::named(AdminKind::CreateInstrument, [&*format!("BENCH-{number}"), "1", "1"]);
        admin.rules = Some((Rules::default(), IndexKind::Ladder));
        let mut events = Vec::new();
        port.process(&admin.to_bytes(), &mut events).map_err(|failure| failure.to_string())?;
        if events.len() != 2 {
            return Err(format!("an instrument was refused: {events:?}"));
        }
    }
    Ok(())
}
