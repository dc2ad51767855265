//! Memory for one value, taken and given back: the runtime's pool against the system's allocator.

use crate::stage::{Latencies, Part, Percentiles, Placement, Random, Signal, Stage};
use aeromatch_runtime::pool::{Pool, Slot};
use aeromatch_runtime::ring::{Consumer, Full, Producer, spsc};
use std::hint::black_box;
use std::ops::DerefMut;

/// As large as a command, or an order in a book.
type Value = [u64; 8];

/// Values that a thread holds while it takes and gives.
const HELD: u64 = 64;
/// Values on their way from the taker to the giver.
const ON_THE_WAY: usize = 1024;
/// Every so many turns one is timed: a look at the clock costs more than a turn.
const SAMPLED: u64 = 64;

/// Where memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The system's allocator: a box.
    Allocator,
    /// The runtime's pool.
    Pool,
}

/// Who gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// One thread takes and gives.
    One,
    /// Two threads, each gives what it took.
    Two,
    /// One thread takes, another one gives: through a ring.
    HandOver,
}

/// What was lent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lent {
    /// Values that were taken.
    pub values: u64,
    /// Of these, those that did not hold at the end what their user had written: they had two users.
    pub wrong: u64,
    /// Some of the turns, timed: giving one value and taking another; where another thread gives, taking alone.
    pub turn: Percentiles,
    /// How long it took.
    pub elapsed_ns: u64,
}

trait Lender: Sync {
    type Lent<'a>: DerefMut<Target = Value> + Send
    where
        Self: 'a;

    /// Memory that holds `value`; it goes back when it is dropped.
    fn take(&self, value: Value) -> Self::Lent<'_>;
}

struct Allocator;

impl Lender for Allocator {
    type Lent<'a> = Box<Value>;

    #[inline]
    fn take(&self, value: Value) -> Box<Value> {
        // Hidden from the compiler, which may otherwise see that a box is dropped soon and make none at all.
        black_box(Box::new(value))
    }
}

impl Lender for Pool<Value> {
    type Lent<'a> = Slot<'a, Value>;

    #[inline]
    fn take(&self, value: Value) -> Slot<'_, Value> {
        let mut slot = Pool::take(self).expect("the pool is larger than what is held and on the way");
        *slot = value;
        slot
    }
}

/// Takes and gives for the stage's time.
pub fn lend(stage: &Stage, source: Source, load: Load) -> Lent {
    match source {
        Source::Allocator => run(stage, &Allocator, load),
        Source::Pool => run(stage, &Pool::with_capacity(2 * ON_THE_WAY), load),
    }
}

/// What one thread saw.
#[derive(Default)]
struct Tally {
    values: u64,
    wrong: u64,
    turns: Latencies,
}

impl Tally {
    /// Counts a turn; one in so many is timed.
    #[inline]
    fn turn<R>(&mut self, signal: &Signal, turn: impl FnOnce() -> R) -> R {
        self.values += 1;
        if !self.values.is_multiple_of(SAMPLED) {
            return turn();
        }
        let began_ns = signal.now_ns();
        let result = turn();
        self.turns.record(signal.now_ns() - began_ns);
        result
    }
}

fn run<L: Lender>(stage: &Stage, lender: &L, load: Load) -> Lent {
    let alone = |number: u64| -> Part<Tally> { Box::new(move |signal| turn_over(lender, number, signal)) };
    let parts: Vec<Part<Tally>> = match load {
        Load::One => vec![alone(0)],
        Load::Two => vec![alone(0), alone(1)],
        Load::HandOver => {
            let (sender, receiver) = spsc(ON_THE_WAY);
            vec![Box::new(|signal| take_all(lender, sender, signal)), Box::new(|signal| give_all(receiver, signal))]
        }
    };
    let played = stage.play(Placement::Even, parts);
    let mut turns = Latencies::default();
    played.results.iter().for_each(|tally| turns.add(&tally.turns));
    Lent {
        values: played.results.iter().map(|tally| tally.values).sum(),
        wrong: played.results.iter().map(|tally| tally.wrong).sum(),
        turn: turns.percentiles(),
        elapsed_ns: played.elapsed.as_nanos() as u64,
    }
}

/// Holds some values; again and again gives one of them, at random, and takes another.
fn turn_over<L: Lender>(lender: &L, number: u64, signal: &Signal) -> Tally {
    let (mut tally, mut random) = (Tally::default(), Random::new(number + 1));
    let mut held: Vec<_> = (0..HELD).map(|_| (0, Some(lender.take([0; 8])))).collect();
    while !signal.is_over() {
        let (mark, value) = &mut held[random.below(HELD) as usize];
        tally.wrong += u64::from(value.as_deref() != Some(&[*mark; 8]));
        *mark = tally.values << 1 | number;
        tally.turn(signal, || {
            drop(value.take());
            *value = Some(lender.take([*mark; 8]));
        });
    }
    tally
}

fn take_all<'a, L: Lender>(lender: &'a L, mut ring: Producer<L::Lent<'a>>, signal: &Signal) -> Tally {
    let (mut tally, mut wait) = (Tally::default(), signal.wait());
    while !signal.is_over() {
        let mark = tally.values;
        let mut value = tally.turn(signal, || lender.take([mark; 8]));
        while let Err(Full(back)) = ring.push(value) {
            if signal.is_over() {
                return tally;
            }
            value = back;
            wait.pause();
        }
    }
    tally
}

fn give_all<T: DerefMut<Target = Value> + Send>(mut ring: Consumer<T>, signal: &Signal) -> Tally {
    let (mut tally, mut wait, mut next) = (Tally::default(), signal.wait(), 0);
    loop {
        // Asked before the look, so that a look that finds nothing after it is the last one.
        let is_last = ring.is_abandoned();
        match ring.pop() {
            Some(value) => {
                tally.wrong += u64::from(*value != [next; 8]);
                next += 1;
            }
            None if is_last => return tally,
            None => wait.pause(),
        }
    }
}
