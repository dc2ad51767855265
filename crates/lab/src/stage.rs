//! What every measurement shares: threads that are pinned, start together and stop when told; clocks; percentiles.

use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the conductor sleeps between two looks at whether it is to go on: what Ctrl-C waits for at most.
const TICK: Duration = Duration::from_millis(5);
/// Spins before a thread that waits gives its processor to another, where there are more threads than processors.
const SPINS_CROWDED: u32 = 100;
/// And where there are not: another program may run where the thread should that is waited for.
const SPINS: u32 = 2_000;

/// What one thread does until the signal says that it is over.
pub type Part<'a, R> = Box<dyn FnOnce(&Signal) -> R + Send + 'a>;

/// Where threads run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// One after the other over all processors.
    Even,
    /// The first has a processor of its own, the others share the rest.
    FirstAlone,
}

/// Runs threads for a time.
pub struct Stage<'a> {
    cpus: Vec<usize>,
    duration: Duration,
    go_on: &'a (dyn Fn() -> bool + Sync),
}

/// What the threads of a run know of each other.
pub struct Signal {
    waiting: AtomicUsize,
    is_over: AtomicBool,
    began: Instant,
    is_crowded: bool,
}

/// What came out of a run.
pub struct Played<R> {
    /// What each part returned, in their order.
    pub results: Vec<R>,
    /// From the start of all to the signal that it is over.
    pub elapsed: Duration,
}

impl<'a> Stage<'a> {
    /// A stage of so many seconds for each run. `go_on` is asked every few milliseconds; once it says no, runs end at once.
    pub fn new(seconds: f64, go_on: &'a (dyn Fn() -> bool + Sync)) -> Stage<'a> {
        Stage { cpus: cpus(), duration: Duration::from_secs_f64(seconds), go_on }
    }

    /// Has every thread of a run a processor of its own?
    pub fn has_room(&self, threads: usize) -> bool {
        threads <= self.cpus.len()
    }

    /// Starts all parts together, waits, tells them that it is over and collects what they return. A part that panics
    /// makes this panic.
    pub fn play<R: Send>(&self, placement: Placement, parts: Vec<Part<'_, R>>) -> Played<R> {
        let signal = Signal {
            waiting: AtomicUsize::new(parts.len()),
            is_over: AtomicBool::new(false),
            began: Instant::now(),
            is_crowded: !self.has_room(parts.len()),
        };
        thread::scope(|scope| {
            let threads: Vec<_> = parts
                .into_iter()
                .enumerate()
                .map(|(number, part)| {
                    let (signal, cpu) = (&signal, self.cpu_of(number, placement));
                    scope.spawn(move || {
                        pin(cpu);
                        signal.start_together();
                        part(signal)
                    })
                })
                .collect();
            while signal.waiting.load(Ordering::Acquire) > 0 {
                thread::yield_now();
            }
            let began = Instant::now();
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) && began.elapsed() < self.duration {
                thread::sleep(TICK.min(self.duration.saturating_sub(began.elapsed())));
                if !(self.go_on)() {
                    break;
                }
            }
            signal.is_over.store(true, Ordering::Release);
            let elapsed = began.elapsed();
            let results = threads.into_iter().map(|thread| thread.join().expect("a part of an experiment failed"));
            Played { results: results.collect(), elapsed }
        })
    }

    /// None where there is only one to choose from.
    fn cpu_of(&self, number: usize, placement: Placement) -> Option<usize> {
        let count = self.cpus.len();
        match placement {
            _ if count < 2 => None,
            Placement::FirstAlone if number > 0 => Some(self.cpus[1 + (number - 1) % (count - 1)]),
            _ => Some(self.cpus[number % count]),
        }
    }
}

impl Signal {
    /// The last to arrive lets all go.
    fn start_together(&self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        let mut wait = self.wait();
        while self.waiting.load(Ordering::Acquire) > 0 {
            wait.pause();
        }
    }

    /// Is it time to stop?
    #[inline]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Nanoseconds on a clock that all threads of the run share.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// How a thread of this run waits.
    pub fn wait(&self) -> Wait {
        Wait { spins: 0, limit: if self.is_crowded { SPINS_CROWDED } else { SPINS } }
    }
}

/// Waits by spinning, and gives the processor away after a while: sooner where there are more threads than processors.
pub struct Wait {
    spins: u32,
    limit: u32,
}

impl Wait {
    /// One turn of waiting.
    #[inline]
    pub fn pause(&mut self) {
        if self.spins < self.limit {
            self.spins += 1;
            std::hint::spin_loop();
        } else {
            self.spins = 0;
            thread::yield_now();
        }
    }
}

/// The processors that this process may use.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn cpus() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None)
        .map(|set| (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect::<Vec<_>>());
    allowed.ok().filter(|cpus| !cpus.is_empty()).unwrap_or_else(|| vec![0])
}

/// As many as there are said to be.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn cpus() -> Vec<usize> {
    (0..thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Where it cannot be had the experiment runs unpinned: slower and noisier, not wrong.
fn pin(cpu: Option<usize>) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(cpu) = cpu {
        let mut set = rustix::thread::CpuSet::new();
        set.set(cpu);
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = cpu;
}

/// Processor time that the calling thread has used so far.
#[cfg(unix)]
pub fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Not known here.
#[cfg(not(unix))]
pub fn thread_cpu_ns() -> u64 {
    0
}

/// Latencies of one run, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles {
    /// How many there were.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ns: u64,
    /// 99 in a hundred took no longer.
    pub p99_ns: u64,
    /// 999 in a thousand took no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// Counts latencies of up to a minute, to two digits.
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies(Histogram::new_with_bounds(1, 60_000_000_000, 2).expect("the bounds are in order"))
    }
}

impl Latencies {
    /// Counts one.
    #[inline]
    pub fn record(&mut self, latency_ns: u64) {
        self.0.saturating_record(latency_ns);
    }

    /// Counts those of another thread too.
    pub fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// What was counted.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            count: self.0.len(),
            p50_ns: self.0.value_at_quantile(0.5),
            p99_ns: self.0.value_at_quantile(0.99),
            p999_ns: self.0.value_at_quantile(0.999),
            max_ns: self.0.max(),
        }
    }
}

/// Random enough for loads, and the same for the same seed.
pub struct Random(u64);

impl Random {
    /// Streams of different seeds differ.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number (xorshift64).
    #[inline]
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`, which is at most 2^32.
    #[inline]
    pub fn below(&mut self, limit: u64) -> u64 {
        ((self.draw() >> 32) * limit) >> 32
    }
}
