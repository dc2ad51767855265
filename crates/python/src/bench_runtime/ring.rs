//! Hand-off from thread to thread, without an exchange between them.

use crate::histogram::Histogram;
use aeromatch_runtime::intake::{Drain, Intake, intake};
use aeromatch_runtime::pin;
use aeromatch_runtime::ring::Full;
use aeromatch_runtime::ring::spsc::{Consumer, Producer, spsc};
use hdrhistogram::Histogram as Recorded;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::sync::Barrier;
use std::time::Instant;
use std::{hint, io, thread};

const CAPACITY: usize = 1024;
/// Looks without success before the processor is offered to others: there may be more threads than processors.
const LOOKS: u32 = 256;

#[derive(Default)]
struct Patience(u32);

impl Patience {
    fn wait(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(LOOKS) { thread::yield_now() } else { hint::spin_loop() }
    }
}

/// Hands numbers from producers to one consumer, each on a thread of its own.
///
/// Arguments:
///     structure: "spsc" (one producer) or "intake".
///     items: How many numbers, a multiple of the producers.
///     producers: Threads that push.
///     batch: Numbers a push of the ring (the intake takes one at a time), and at most in one take.
///     core: The processor that the producers are pinned to; the consumer is the calling thread. None: they are not.
///
/// Returns:
///     Nanoseconds from the first push to the last take.
///
/// Raises:
///     ValueError: An argument is out of range.
///     RuntimeError: What came out is not what went in.
///     OSError: There is no such processor.
#[pyfunction]
#[pyo3(signature = (structure, items, *, producers=1, batch=1, core=None))]
pub fn bench_handoff(
    py: Python<'_>,
    structure: &str,
    items: u64,
    producers: u64,
    batch: usize,
    core: Option<usize>,
) -> PyResult<u64> {
    if !(1..=64).contains(&producers) || items == 0 || !items.is_multiple_of(producers) {
        return Err(PyValueError::new_err("items must be a multiple of the producers, of which there are 1 to 64"));
    }
    if !(1..=CAPACITY).contains(&batch) {
        return Err(PyValueError::new_err(format!("batch must be from 1 to {CAPACITY}, not {batch}")));
    }
    let (elapsed_ns, sum) = match structure {
        "spsc" if producers == 1 => {
            let (producer, consumer) = spsc(CAPACITY);
            py.detach(|| through_ring(producer, consumer, items, batch, core))?
        }
        "intake" => {
            let (intake, drain) = intake(CAPACITY);
            py.detach(|| through_intake(&intake, drain, items, producers, batch, core))?
        }
        "spsc" => return Err(PyValueError::new_err("producers must be 1 for 'spsc'")),
        _ => {
            return Err(PyValueError::new_err(format!("structure must be one of 'spsc', 'intake'; got {structure:?}")));
        }
    };
    let share = items / producers;
    if u128::from(sum) != u128::from(share) * u128::from(share - 1) / 2 * u128::from(producers) {
        return Err(PyRuntimeError::new_err("what came out of the structure is not what went in"));
    }
    Ok(elapsed_ns)
}

fn through_ring(
    mut producer: Producer<u64>,
    mut consumer: Consumer<u64>,
    items: u64,
    batch: usize,
    core: Option<usize>,
) -> io::Result<(u64, u64)> {
    let begin = Barrier::new(2);
    thread::scope(|scope| {
        let pusher = scope.spawn(|| {
            let pinned = core.map_or(Ok(()), pin);
            begin.wait();
            let mut numbers = 0..items;
            let (mut next, mut patience) = (numbers.next(), Patience::default());
            while let Some(number) = next {
                if batch == 1 {
                    match producer.push(number) {
                        Ok(()) => next = numbers.next(),
                        Err(Full(_)) => patience.wait(),
                    }
                } else {
                    let end = items.min(number + batch as u64);
                    let pushed = producer.push_from(&mut (number..end)) as u64;
                    if pushed == 0 {
                        patience.wait();
                    }
                    next = Some(number + pushed).filter(|&number| number < items);
                }
            }
            pinned
        });
        begin.wait();
        let taken = take(items, |out| consumer.pop_batch(out, batch));
        ended(pusher).map(|()| taken)
    })
}

fn through_intake(
    intake: &Intake<u64>,
    mut drain: Drain<u64>,
    items: u64,
    producers: u64,
    batch: usize,
    core: Option<usize>,
) -> io::Result<(u64, u64)> {
    let begin = Barrier::new(producers as usize + 1);
    thread::scope(|scope| {
        let push = || {
            scope.spawn(|| {
                let pinned = core.map_or(Ok(()), pin);
                begin.wait();
                let mut patience = Patience::default();
                for number in 0..items / producers {
                    while intake.push(number).is_err() {
                        patience.wait();
                    }
                }
                pinned
            })
        };
        let pushers: Vec<_> = (0..producers).map(|_| push()).collect();
        begin.wait();
        let taken = take(items, |out| drain.drain(out, batch));
        pushers.into_iter().try_for_each(ended).map(|()| taken)
    })
}

/// Whether a thread that has ended was pinned where it should be.
fn ended(thread: thread::ScopedJoinHandle<'_, io::Result<()>>) -> io::Result<()> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the benchmark panicked")))
}

/// Takes until everything has come: the time, and the sum.
fn take(items: u64, mut some: impl FnMut(&mut Vec<u64>) -> usize) -> (u64, u64) {
    let (started, mut patience) = (Instant::now(), Patience::default());
    let (mut out, mut taken, mut sum) = (Vec::with_capacity(CAPACITY), 0, 0u64);
    while taken < items {
        let count = some(&mut out);
        if count == 0 {
            patience.wait();
        }
        taken += count as u64;
        sum += out.drain(..).sum::<u64>();
    }
    (super::nanoseconds(started), sum)
}

/// Sends a number to another thread and waits for it to come back, through two rings, one at a time.
///
/// Arguments:
///     trips: How often.
///     core: The processor that the other thread is pinned to; None: it is not.
///
/// Returns:
///     A histogram of nanoseconds there and back, a reading of the clock included.
///
/// Raises:
///     RuntimeError: What came back is not what was sent.
///     OSError: There is no such processor.
#[pyfunction]
#[pyo3(signature = (trips, *, core=None))]
pub fn bench_round_trip(py: Python<'_>, trips: u64, core: Option<usize>) -> PyResult<Histogram> {
    let mut times = super::histogram()?;
    py.detach(|| there_and_back(trips, core, &mut times))?.map_err(PyRuntimeError::new_err)?;
    Ok(Histogram::from(times))
}

/// The outer failure is the system's.
fn there_and_back(trips: u64, core: Option<usize>, times: &mut Recorded<u64>) -> io::Result<Result<(), String>> {
    let ((mut there, mut arrives), (mut back, mut returned)) = (spsc(CAPACITY), spsc(CAPACITY));
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            let pinned = core.map_or(Ok(()), pin);
            let mut patience = Patience::default();
            for _ in 0..trips {
                let number: u64 = pop(&mut arrives, &mut patience);
                // There is room: one number is under way.
                let _ = back.push(number);
            }
            pinned
        });
        let mut patience = Patience::default();
        // The other thread waits for every one of them: none may be left out.
        let mut result = Ok(());
        for number in 0..trips {
            let started = Instant::now();
            let _ = there.push(number);
            let came = pop(&mut returned, &mut patience);
            let recorded = super::record(times, super::nanoseconds(started));
            let is_same = if came == number { recorded } else { Err(format!("{came} came back for {number}")) };
            result = result.and(is_same);
        }
        ended(other).map(|()| result)
    })
}

fn pop(consumer: &mut Consumer<u64>, patience: &mut Patience) -> u64 {
    loop {
        match consumer.pop() {
            Some(number) => return number,
            None => patience.wait(),
        }
    }
}
