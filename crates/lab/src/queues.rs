//! The same hand-over five ways: what does it cost to move an item of 64 bytes from producers to one consumer?
//!
//! Every queue is bounded, and every item is checked: those of one producer come in its order, none is lost.

use crate::cell::SpinLock;
use crate::stage::{Part, Placement, Signal, Stage, Wait};
use aeromatch_runtime::intake::{Drain, Intake, intake};
use aeromatch_runtime::ring::{Consumer, Producer, spsc};
use crossbeam_queue::ArrayQueue;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// As large as a command.
type Item = [u64; 8];
type Deque = VecDeque<Item>;

/// Items that a queue holds; each ring, where there are several.
const CAPACITY: usize = 1024;

/// Who keeps producers and consumer apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The system's mutex around a deque.
    Mutex,
    /// A spin lock around the same deque.
    Spin,
    /// A ring of places that producers claim by compare-exchange and then fill: crossbeam's `ArrayQueue`.
    Claimed,
    /// The runtime's intake: filled first, then published by one compare-exchange.
    Intake,
    /// The runtime's ring of one producer and one consumer: one for each producer.
    Rings,
}

/// What came through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Items that the consumer got.
    pub items: u64,
    /// Of these, those that were not the next one of their producer.
    pub misplaced: u64,
    /// Items that were pushed and never came.
    pub lost: u64,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Lets producers push, and one consumer pop, up to `batch` items at a time.
pub fn carry(stage: &Stage, queue: Queue, producers: usize, batch: usize) -> Carried {
    match queue {
        Queue::Mutex => {
            let queue = Arc::new(Mutex::new(Deque::with_capacity(CAPACITY)));
            run(stage, vec![queue.clone(); producers], queue, batch)
        }
        Queue::Spin => {
            let queue = Arc::new(SpinLock::new(Deque::with_capacity(CAPACITY)));
            run(stage, vec![queue.clone(); producers], queue, batch)
        }
        Queue::Claimed => {
            let queue = Arc::new(ArrayQueue::new(CAPACITY));
            run(stage, vec![queue.clone(); producers], queue, batch)
        }
        Queue::Intake => {
            let (intake, drain) = intake(CAPACITY);
            run(stage, vec![intake; producers], drain, batch)
        }
        Queue::Rings => {
            let (producers, consumers): (Vec<_>, Vec<_>) = (0..producers).map(|_| spsc(CAPACITY)).unzip();
            run(stage, producers, consumers, batch)
        }
    }
}

trait Push: Send {
    /// Appends as many as there is room for, from the first on; says how many.
    fn push(&mut self, items: &[Item], wait: &mut Wait) -> usize;
}

trait Pop: Send {
    /// Takes up to `limit`.
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, wait: &mut Wait);
}

fn append(deque: &mut Deque, items: &[Item]) -> usize {
    let count = items.len().min(CAPACITY - deque.len());
    deque.extend(&items[..count]);
    count
}

fn remove(deque: &mut Deque, out: &mut Vec<Item>, limit: usize) {
    let count = limit.min(deque.len());
    out.extend(deque.drain(..count));
}

impl Push for Arc<Mutex<Deque>> {
    fn push(&mut self, items: &[Item], _: &mut Wait) -> usize {
        append(&mut self.lock().unwrap_or_else(PoisonError::into_inner), items)
    }
}

impl Pop for Arc<Mutex<Deque>> {
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, _: &mut Wait) {
        remove(&mut self.lock().unwrap_or_else(PoisonError::into_inner), out, limit);
    }
}

impl Push for Arc<SpinLock<Deque>> {
    fn push(&mut self, items: &[Item], wait: &mut Wait) -> usize {
        self.with(|| wait.pause(), |deque| append(deque, items))
    }
}

impl Pop for Arc<SpinLock<Deque>> {
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, wait: &mut Wait) {
        self.with(|| wait.pause(), |deque| remove(deque, out, limit));
    }
}

impl Push for Arc<ArrayQueue<Item>> {
    fn push(&mut self, items: &[Item], _: &mut Wait) -> usize {
        items.iter().take_while(|&&item| ArrayQueue::push(self, item).is_ok()).count()
    }
}

impl Pop for Arc<ArrayQueue<Item>> {
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, _: &mut Wait) {
        out.extend(std::iter::from_fn(|| ArrayQueue::pop(self)).take(limit));
    }
}

impl Push for Intake<Item> {
    fn push(&mut self, items: &[Item], _: &mut Wait) -> usize {
        items.iter().take_while(|&&item| Intake::push(self, item).is_ok()).count()
    }
}

impl Pop for Drain<Item> {
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, _: &mut Wait) {
        self.drain(out, limit);
    }
}

impl Push for Producer<Item> {
    fn push(&mut self, items: &[Item], _: &mut Wait) -> usize {
        match items {
            &[item] => usize::from(Producer::push(self, item).is_ok()),
            _ => self.push_batch(items),
        }
    }
}

impl Pop for Vec<Consumer<Item>> {
    fn pop(&mut self, out: &mut Vec<Item>, limit: usize, _: &mut Wait) {
        for ring in self {
            if limit == 1 {
                out.extend(ring.pop());
            } else {
                ring.pop_batch(out, limit);
            }
        }
    }
}

/// Counts a producer out, also if it panics: the consumer waits for all of them.
struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// What one thread counted: items pushed or popped, and of those popped the misplaced ones.
type Count = (u64, u64);

fn run<P: Push, C: Pop>(stage: &Stage, producers: Vec<P>, mut consumer: C, batch: usize) -> Carried {
    let producing = &AtomicUsize::new(producers.len());
    let count = producers.len();
    let mut parts: Vec<Part<Count>> =
        vec![Box::new(move |signal| consume(&mut consumer, count, batch, producing, signal))];
    for (number, mut producer) in producers.into_iter().enumerate() {
        parts.push(Box::new(move |signal| {
            let _leaving = Leaving(producing);
            (produce(&mut producer, number as u64, batch, signal), 0)
        }));
    }
    let played = stage.play(Placement::FirstAlone, parts);
    let (items, misplaced) = played.results[0];
    let pushed: u64 = played.results[1..].iter().map(|result| result.0).sum();
    Carried { items, misplaced, lost: pushed - items, elapsed_ns: played.elapsed.as_nanos() as u64 }
}

fn produce(queue: &mut impl Push, number: u64, batch: usize, signal: &Signal) -> u64 {
    let (mut pushed, mut wait) = (0, signal.wait());
    let mut items = vec![[number; 8]; batch];
    while !signal.is_over() {
        for (place, item) in (pushed..).zip(&mut items) {
            item[1] = place;
        }
        let count = queue.push(&items, &mut wait);
        pushed += count as u64;
        if count == 0 {
            wait.pause();
        }
    }
    pushed
}

fn consume(queue: &mut impl Pop, producers: usize, batch: usize, producing: &AtomicUsize, signal: &Signal) -> Count {
    let mut next = vec![0; producers];
    let (mut misplaced, mut wait, mut out) = (0, signal.wait(), Vec::with_capacity(batch * producers));
    loop {
        // Asked before the look, so that a look that finds nothing after it is the last one.
        let is_last = producing.load(Ordering::Acquire) == 0;
        queue.pop(&mut out, batch, &mut wait);
        if out.is_empty() {
            if is_last {
                break;
            }
            wait.pause();
        }
        for item in out.drain(..) {
            let next = &mut next[item[0] as usize];
            misplaced += u64::from(item[1] != *next);
            *next = item[1] + 1;
        }
    }
    (next.iter().sum(), misplaced)
}
