//! What a thread does while there is nothing to do: how soon it sees what comes, and what its waiting costs.
//!
//! The waiting is the runtime's own: [`Waiter`] decides between looking again and sleeping, a [`Doorbell`] wakes. One thread
//! sends moments at a steady rate through a ring, one waits for them.

use crate::stage::{Latencies, Part, Percentiles, Placement, Signal, Stage, thread_cpu_ns};
use aeromatch_runtime::Idle;
use aeromatch_runtime::doorbell::Doorbell;
use aeromatch_runtime::idle::Waiter;
use aeromatch_runtime::ring::{Consumer, Full, Producer, spsc};
use std::io;
use std::time::Duration;

/// More than is sent while a receiver has lost its processor.
const CAPACITY: usize = 16_384;
/// A sleeper looks again after so long at the latest, should its sender have failed.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);

/// How waiting went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idled {
    /// Messages that were sent, and all received.
    pub messages: u64,
    /// From just before each was sent until it was seen.
    pub latency: Percentiles,
    /// What sending took the sender: waking a sleeper is its work.
    pub sending: Percentiles,
    /// Processor time that the receiver used.
    pub cpu_ns: u64,
    /// How long the receiver ran.
    pub elapsed_ns: u64,
}

/// Sends at a rate to one who waits.
///
/// # Errors
/// If the system has no descriptor left for the doorbell.
pub fn wait_for_work(stage: &Stage, idle: Idle, messages_per_second: u64) -> io::Result<Idled> {
    let bell = &Doorbell::new()?;
    let (sender, receiver) = spsc(CAPACITY);
    let period_ns = 1_000_000_000 / messages_per_second;
    let parts: Vec<Part<Idled>> = vec![
        Box::new(move |signal| receive(receiver, bell, Waiter::new(idle), signal)),
        Box::new(move |signal| send(sender, bell, period_ns, signal)),
    ];
    let played = stage.play(Placement::Even, parts);
    Ok(Idled { sending: played.results[1].sending, ..played.results[0] })
}

fn receive(mut ring: Consumer<u64>, bell: &Doorbell, mut waiter: Waiter, signal: &Signal) -> Idled {
    let (began_ns, cpu_ns) = (signal.now_ns(), thread_cpu_ns());
    let mut latencies = Latencies::default();
    loop {
        // Asked before the look, so that a look that finds nothing after it is the last one.
        let is_last = ring.is_abandoned();
        if let Some(sent_ns) = ring.pop() {
            latencies.record(signal.now_ns() - sent_ns);
            waiter.worked();
        } else if is_last {
            break;
        } else if waiter.pause() {
            bell.wait(|| !ring.is_empty() || ring.is_abandoned(), Some(LONGEST_SLEEP));
        }
    }
    let latency = latencies.percentiles();
    Idled {
        messages: latency.count,
        latency,
        cpu_ns: thread_cpu_ns() - cpu_ns,
        elapsed_ns: signal.now_ns() - began_ns,
        ..Idled::default()
    }
}

/// The moments of sending are set in advance: a sender that comes late sends what it owes at once. A message is as old as
/// its first try to send it.
fn send(mut ring: Producer<u64>, bell: &Doorbell, period_ns: u64, signal: &Signal) -> Idled {
    let mut sending = Latencies::default();
    let mut wait = signal.wait();
    let mut due_ns = signal.now_ns();
    while !signal.is_over() {
        let now_ns = signal.now_ns();
        if now_ns < due_ns {
            wait.pause();
            continue;
        }
        while let Err(Full(_)) = ring.push(now_ns) {
            wait.pause();
        }
        bell.ring();
        sending.record(signal.now_ns() - now_ns);
        due_ns += period_ns;
    }
    drop(ring);
    bell.ring();
    Idled { sending: sending.percentiles(), ..Idled::default() }
}
