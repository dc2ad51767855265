//! The proof that a journal survives (docs/reliability.md): an exchange on a simulated disk is crashed, cut off, starved and lied
//! to, as a seed says, and after each time what is recovered is compared with an exchange that only ever was in memory.

pub mod disk;
pub mod random;
mod workload;

pub use disk::{Counts, Fault, Restart, SimulatedDisk};
pub use random::Random;
pub use workload::Workload;

use crate::durable::{DurableExchange, Submitted};
use crate::failure::Failure;
use crate::inspect::verify;
use crate::options::{Durability, Options};
use crate::recovery::Recovery;
use crate::storage::{Storage, is_full};
use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::record::Event;

/// What a seed came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the disk did.
    pub disk: Counts,
    /// Batches that were acknowledged.
    pub batches: u64,
    /// Recoveries that succeeded, and were right.
    pub recoveries: u64,
    /// Recoveries in which the machine crashed, or an operation failed.
    pub recoveries_interrupted: u64,
    /// Refusals by name, after bits had been flipped.
    pub refusals: u64,
    /// Snapshots that were made and proven.
    pub snapshots: u64,
    /// Ends of a journal that were cut off.
    pub cuts: u64,
    /// Damaged snapshots for which an older one stood in.
    pub snapshots_refused: u64,
    /// Batches that were refused for want of room.
    pub refused_full: u64,
}

impl Outcome {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Outcome) {
        let sums = [
            (&mut self.batches, other.batches),
            (&mut self.recoveries, other.recoveries),
            (&mut self.recoveries_interrupted, other.recoveries_interrupted),
            (&mut self.refusals, other.refusals),
            (&mut self.snapshots, other.snapshots),
            (&mut self.cuts, other.cuts),
            (&mut self.snapshots_refused, other.snapshots_refused),
            (&mut self.refused_full, other.refused_full),
            (&mut self.disk.operations, other.disk.operations),
            (&mut self.disk.crashes, other.disk.crashes),
            (&mut self.disk.write_errors, other.disk.write_errors),
            (&mut self.disk.sync_errors, other.disk.sync_errors),
            (&mut self.disk.other_errors, other.disk.other_errors),
            (&mut self.disk.full, other.disk.full),
            (&mut self.disk.power_losses, other.disk.power_losses),
            (&mut self.disk.sectors_lost, other.disk.sectors_lost),
            (&mut self.disk.names_lost, other.disk.names_lost),
            (&mut self.disk.bits_flipped, other.disk.bits_flipped),
        ];
        sums.into_iter().for_each(|(sum, count)| *sum += count);
    }
}

/// Runs a seed on a simulated disk, which the journal sees through `wrap`.
///
/// # Errors
/// What was lost, or wrong.
pub fn run<St: Storage>(seed: u64, wrap: impl Fn(SimulatedDisk) -> St) -> Result<Outcome, String> {
    let disk = SimulatedDisk::new(seed ^ 0xd15c);
    let storage = wrap(disk.clone());
    let mut random = Random::new(seed);
    let options = Options {
        durability: random.pick(&[Durability::Disk, Durability::Disk, Durability::Os, Durability::Memory]),
        segment_bytes: random.pick(&[8192, 12288, 32768]),
        snapshot_bytes: random.pick(&[8192, 20000, 60000]),
        snapshot_interval_s: 0,
        keep_snapshots: random.pick(&[1, 2, 3]),
        retain_bytes: random.pick(&[None, Some(0), Some(30000)]),
    };
    let flips = random.one_in(4);
    let mut machine = Machine {
        disk,
        storage,
        options,
        random,
        workload: Workload::new(seed ^ 0x10ad),
        oracle: Oracle::new(),
        has_flipped: false,
        outcome: Outcome::default(),
    };
    let lives = 3 + machine.random.below(6);
    for _ in 0..lives {
        if !machine.live()? {
            return Ok(machine.into_outcome());
        }
        machine.fall(flips);
    }
    machine.conclude()?;
    Ok(machine.into_outcome())
}

/// A machine with a disk, the journal on it, and what is known of it.
struct Machine<St: Storage> {
    disk: SimulatedDisk,
    storage: St,
    options: Options,
    random: Random,
    workload: Workload,
    oracle: Oracle,
    has_flipped: bool,
    outcome: Outcome,
}

/// What must come back.
struct Oracle {
    exchange: Exchange,
    batches: Vec<Vec<u8>>,
    /// Number of the last command, and digest, before the first batch and after each.
    states: Vec<(u64, [u8; 32])>,
    /// Everything up to this number must come back if the power is lost, and if only the process ends.
    durable_sequence: u64,
    written_sequence: u64,
    was_closed: bool,
}

type Opened<St> = (DurableExchange<St>, Recovery);

impl<St: Storage> Machine<St> {
    /// From opening until something happens. False: refused by name, for good.
    fn live(&mut self) -> Result<bool, String> {
        let Some((mut exchange, recovery)) = self.open()? else { return Ok(false) };
        self.oracle.recovered(&exchange, &recovery, self.has_flipped)?;
        self.outcome.recoveries += 1;
        self.outcome.cuts += u64::from(recovery.cut_file.is_some());
        self.outcome.snapshots_refused += recovery.snapshots_refused.len() as u64;
        self.arm(200);
        let steps = self.random.below(150);
        for _ in 0..steps {
            if let Err(failure) = self.act(&mut exchange)? {
                self.outcome.refusals += u64::from(!self.is_expected(&failure));
                if !self.is_expected(&failure) && !self.has_flipped {
                    return Err(format!("failed without cause: {failure}"));
                }
                self.check_stopped(&mut exchange)?;
                break;
            }
        }
        self.oracle.durable_sequence = self.oracle.durable_sequence.max(exchange.durable_sequence());
        match self.random.below(4) {
            0 => self.close(exchange)?,
            1 => drop(exchange),
            _ => {
                self.disk.shut_down();
                drop(exchange);
            }
        }
        Ok(true)
    }

    /// A fault, or none, at some time soon.
    fn arm(&mut self, soon: u64) {
        let fault = self.random.pick(&[Some(Fault::Crash), Some(Fault::Crash), Some(Fault::Error), None]);
        if let Some(fault) = fault {
            self.disk.arm(1 + self.random.below(soon), fault);
        }
    }

    /// Is that what a fault of the disk leads to? Everything else must have been caused by flipped bits.
    fn is_expected(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Io { .. } => self.disk.has_failed(),
            Failure::Stopped { .. } => true,
            _ => false,
        }
    }

    /// Opens, and starts the machine again where it crashes meanwhile. `None`: refused by name.
    fn open(&mut self) -> Result<Option<Opened<St>>, String> {
        loop {
            if self.random.one_in(2) {
                self.arm(20);
            }
            match DurableExchange::open_without_thread(self.storage.clone(), self.options) {
                Ok(opened) => {
                    self.disk.disarm();
                    return Ok(Some(opened));
                }
                // A new directory needs room for its first segment.
                Err(failure) if self.is_expected(&failure) || self.disk.is_full() => {
                    self.outcome.recoveries_interrupted += 1;
                    self.disk.set_full(false);
                    self.fall(false);
                }
                Err(_) if self.has_flipped => {
                    self.outcome.refusals += 1;
                    return Ok(None);
                }
                Err(failure) => return Err(format!("refused: {failure}")),
            }
        }
    }

    /// Does one thing; what went wrong is inside, what is wrong outside.
    fn act(&mut self, exchange: &mut DurableExchange<St>) -> Result<Result<(), Failure>, String> {
        let done = match self.random.below(100) {
            0..=1 => {
                let is_full = self.random.one_in(5);
                self.disk.set_full(is_full);
                Ok(())
            }
            2..=3 => match exchange.compact() {
                Err(Failure::Io { error, .. }) if is_full(&error) && self.disk.is_full() => Ok(()),
                other => other.map(|_| ()),
            },
            4..=29 => {
                let before = exchange.newest_snapshot();
                let step = exchange.compaction_step().map(|_| ());
                self.outcome.snapshots += u64::from(exchange.newest_snapshot() != before);
                step
            }
            _ => return self.submit(exchange),
        };
        Ok(done)
    }

    fn submit(&mut self, exchange: &mut DurableExchange<St>) -> Result<Result<(), Failure>, String> {
        let is_relief = self.random.one_in(8);
        let batch = if is_relief { self.workload.relief() } else { self.workload.batch() };
        let before = exchange.exchange().sequence();
        let mut events: Vec<Event> = Vec::new();
        match exchange.submit(&batch, &mut events) {
            Ok(Submitted::Applied { .. }) => {
                let expected = self.oracle.submitted(batch);
                if events != expected {
                    return Err("other events than those of an exchange in memory".to_string());
                }
                self.outcome.batches += 1;
                self.oracle.acknowledged(self.options.durability, exchange.durable_sequence());
            }
            Ok(Submitted::Capacity) => {
                self.outcome.refused_full += 1;
                if !self.disk.is_full() || exchange.exchange().sequence() != before || !events.is_empty() {
                    return Err("a batch was refused with room for it, or not wholly".to_string());
                }
            }
            Err(failure) => {
                // It may have reached the disk all the same.
                self.oracle.submitted(batch);
                return Ok(Err(failure));
            }
        }
        Ok(Ok(()))
    }

    /// After a failure nothing is taken, and what can be read is what was acknowledged.
    fn check_stopped(&mut self, exchange: &mut DurableExchange<St>) -> Result<(), String> {
        let before = exchange.exchange().sequence();
        let refused = exchange.submit(&self.workload.relief(), &mut Vec::<Event>::new());
        if !matches!(refused, Err(Failure::Stopped { .. })) || !exchange.is_stopped() {
            return Err(format!("a command was taken after a failure: {refused:?}"));
        }
        if exchange.exchange().sequence() != before {
            return Err("a command was applied after a failure".to_string());
        }
        Ok(())
    }

    fn close(&mut self, exchange: DurableExchange<St>) -> Result<(), String> {
        let is_stopped = exchange.is_stopped();
        match exchange.close() {
            Ok(()) if is_stopped => Err("a stopped exchange was closed as if nothing had been".to_string()),
            Ok(()) => {
                self.oracle.closed();
                Ok(())
            }
            Err(failure) if self.is_expected(&failure) => Ok(()),
            Err(failure) => Err(format!("closing: {failure}")),
        }
    }

    /// The process ends or the power is lost, and the machine is started again.
    fn fall(&mut self, flips: bool) {
        let restart = if self.random.one_in(3) { Restart::Process } else { Restart::Power };
        self.disk.restart(restart);
        if restart == Restart::Power && flips && self.random.one_in(3) {
            self.has_flipped |= self.disk.flip_bits();
        }
        self.oracle.lost(restart);
    }

    /// Opens once more, in peace, and proves all of it.
    fn conclude(&mut self) -> Result<(), String> {
        self.disk.set_full(false);
        let opened = DurableExchange::open_without_thread(self.storage.clone(), self.options);
        let (mut exchange, recovery) = match opened {
            Ok(opened) => opened,
            Err(_) if self.has_flipped => {
                self.outcome.refusals += 1;
                return Ok(());
            }
            Err(failure) => return Err(format!("refused: {failure}")),
        };
        self.oracle.recovered(&exchange, &recovery, self.has_flipped)?;
        self.outcome.recoveries += 1;
        if let Err(failure) = self.submit(&mut exchange)? {
            return Err(format!("failed in peace: {failure}"));
        }
        exchange.close().map_err(|failure| format!("closing in peace: {failure}"))?;
        match verify(&self.storage) {
            Ok(verified) if verified.digest == self.oracle.exchange.digest() && verified.clean => Ok(()),
            Err(_) if self.has_flipped => Ok(()),
            other => Err(format!("the journal as a whole: {other:?}")),
        }
    }

    fn into_outcome(self) -> Outcome {
        Outcome { disk: self.disk.counts(), ..self.outcome }
    }
}

impl Oracle {
    fn new() -> Oracle {
        let exchange = Exchange::new();
        let states = vec![(0, exchange.digest())];
        Oracle { exchange, batches: Vec::new(), states, durable_sequence: 0, written_sequence: 0, was_closed: false }
    }

    /// What an exchange in memory makes of it.
    fn submitted(&mut self, batch: Vec<u8>) -> Vec<Event> {
        let mut events = Vec::new();
        self.exchange.process(&batch, &mut events).expect("the workload makes commands");
        self.batches.push(batch);
        self.states.push((self.exchange.sequence(), self.exchange.digest()));
        self.was_closed = false;
        events
    }

    fn acknowledged(&mut self, durability: Durability, durable_sequence: u64) {
        let sequence = self.exchange.sequence();
        self.durable_sequence = self.durable_sequence.max(durable_sequence);
        match durability {
            Durability::Disk => (self.durable_sequence, self.written_sequence) = (sequence, sequence),
            Durability::Os => self.written_sequence = sequence,
            Durability::Memory => {}
        }
    }

    fn closed(&mut self) {
        let sequence = self.exchange.sequence();
        (self.durable_sequence, self.written_sequence, self.was_closed) = (sequence, sequence, true);
    }

    fn lost(&mut self, restart: Restart) {
        if restart == Restart::Power {
            self.written_sequence = self.durable_sequence;
        }
    }

    /// Is what came back the state after some batch, with everything that had to come back? Goes on from there.
    fn recovered<St: Storage>(
        &mut self,
        exchange: &DurableExchange<St>,
        recovery: &Recovery,
        has_flipped: bool,
    ) -> Result<(), String> {
        let found = (exchange.exchange().sequence(), exchange.exchange().digest());
        let least = self.written_sequence.max(self.durable_sequence);
        if found.0 < least {
            return Err(format!("lost: commands up to {least} were acknowledged, {} came back", found.0));
        }
        let Some(place) = self.states.iter().position(|state| *state == found) else {
            return Err(format!("what came back, up to command {}, never was", found.0));
        };
        if self.was_closed && !recovery.clean && !has_flipped {
            return Err("it was closed, and came back as if it had not been".to_string());
        }
        self.batches.truncate(place);
        self.states.truncate(place + 1);
        self.exchange = Exchange::new();
        for batch in &self.batches {
            self.exchange.process(batch, &mut Vec::<Event>::new()).expect("the workload makes commands");
        }
        (self.durable_sequence, self.written_sequence) = (found.0, found.0);
        self.was_closed = false;
        Ok(())
    }
}
