//! One producer of a live shard: commands made beforehand, sent one by one, at a rate, or as fast as they are taken.

use super::flow::Flow;
use super::{nanoseconds, record};
use aeromatch_engine::codes::EventKind;
use aeromatch_engine::record::SLOT_BYTES;
use aeromatch_runtime::{Completion, Port, SubmitError};
use hdrhistogram::Histogram as Recorded;
use std::collections::VecDeque;
use std::hint;
use std::thread;
use std::time::{Duration, Instant};

/// See the module.
pub struct Feeder {
    port: Port,
    flow: Flow,
    /// Prepared, and not yet sent.
    slots: Vec<u8>,
    completions: Vec<Completion>,
    /// Events that came back.
    pub events: u64,
}

impl Feeder {
    /// The standing orders are in the books afterwards.
    pub fn new(port: Port, flow: Flow) -> Result<Feeder, String> {
        let slots = flow.standing();
        let mut feeder = Feeder { port, flow, slots, completions: Vec::new(), events: 0 };
        feeder.pour(1)?;
        feeder.events = 0;
        Ok(feeder)
    }

    /// Makes the commands that are sent next. What was made before must have been: later commands name its orders.
    pub fn prepare(&mut self, commands: usize) -> Result<(), String> {
        if !self.slots.is_empty() {
            return Err("what was prepared before has not been sent".to_string());
        }
        self.flow.extend(&mut self.slots, commands);
        Ok(())
    }

    /// Sends one command, looks for its answer until it is there, then sends the next. Records each one's nanoseconds.
    pub fn one_by_one(&mut self, times: &mut Recorded<u64>) -> Result<(), String> {
        let slots = std::mem::take(&mut self.slots);
        for slot in slots.chunks_exact(SLOT_BYTES) {
            let started = Instant::now();
            self.port.submit(slot, false).map_err(|error| error.to_string())?;
            while self.port.poll(&mut self.completions) == 0 {
                hint::spin_loop();
            }
            record(times, nanoseconds(started))?;
            self.settle()?;
        }
        Ok(())
    }

    /// Sends each command at its time, or as soon after it as this thread and the window allow, and records how long after
    /// that time it was answered: what had to wait behind something slow counts from when it should have been sent. Returns by
    /// how much the latest was sent after its time.
    pub fn at_rate(&mut self, commands_a_second: f64, times: &mut Recorded<u64>) -> Result<u64, String> {
        let slots = std::mem::take(&mut self.slots);
        let mut commands = slots.chunks_exact(SLOT_BYTES).enumerate().peekable();
        let intended_ns = |place: usize| (place as f64 * 1e9 / commands_a_second) as u64;
        let (mut unanswered, mut latest_ns) = (VecDeque::new(), 0);
        let started = Instant::now();
        loop {
            let now_ns = nanoseconds(started);
            if let Some(&(place, slot)) = commands.peek()
                && intended_ns(place) <= now_ns
            {
                match self.port.submit(slot, false) {
                    Ok(_) => {
                        unanswered.push_back(intended_ns(place));
                        latest_ns = latest_ns.max(now_ns - intended_ns(place));
                        commands.next();
                    }
                    Err(SubmitError::Full) => {}
                    Err(error) => return Err(error.to_string()),
                }
            } else if unanswered.is_empty() && commands.peek().is_none() {
                return Ok(latest_ns);
            }
            if self.port.poll(&mut self.completions) == 0 {
                hint::spin_loop();
                continue;
            }
            let now_ns = nanoseconds(started);
            for intended_ns in unanswered.drain(..self.completions.len()) {
                record(times, now_ns - intended_ns)?;
            }
            self.settle()?;
        }
    }

    /// Keeps the window full with submissions of so many commands until all are answered.
    pub fn pour(&mut self, batch: usize) -> Result<(), String> {
        let slots = std::mem::take(&mut self.slots);
        for submission in slots.chunks(batch * SLOT_BYTES) {
            loop {
                match self.port.submit(submission, false) {
                    Ok(_) => break,
                    Err(SubmitError::Full) => self.receive()?,
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        while self.port.unanswered() > 0 {
            self.receive()?;
        }
        // Kept for the next ones: a steady flow needs no new memory.
        self.slots = slots;
        self.slots.clear();
        Ok(())
    }

    fn receive(&mut self) -> Result<(), String> {
        if !self.port.wait(Some(Duration::from_secs(1))) {
            thread::yield_now();
        }
        self.port.poll(&mut self.completions);
        self.settle()
    }

    /// Counts what came back. Nothing of this flow is refused: a refusal means that something else was measured.
    fn settle(&mut self) -> Result<(), String> {
        for completion in self.completions.drain(..) {
            let done = completion.result.map_err(|failure| failure.to_string())?;
            if let Some(event) = done.events.iter().find(|event| event.kind == EventKind::Rejected.code()) {
                return Err(format!("a command of the measured flow was refused: {event:?}"));
            }
            self.events += done.events.len() as u64;
        }
        Ok(())
    }
}
