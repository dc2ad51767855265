//! The weakened copies on this very processor: how often does it show?

use crate::stage::{Part, Placement, Stage};
use crate::{ring, seqlock};

/// What real threads saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Values that were read whole, or popped.
    pub values: u64,
    /// Of these, wrong ones.
    pub wrong: u64,
    /// Reads to be tried again, or empty rings.
    pub nothing: u64,
}

/// Values between two looks at whether it is over.
const BURST: u32 = 256;
/// Small, so that both ends are always close to each other.
const CAPACITY: usize = 4;

/// One thread writes pairs of equal words, one reads them: a pair of different words is wrong.
pub fn race_seqlock(stage: &Stage, flaw: seqlock::Flaw) -> Seen {
    let pair = &seqlock::Pair::new(flaw);
    let reader: Part<Seen> = Box::new(|signal| {
        let mut seen = Seen::default();
        while !signal.is_over() {
            for _ in 0..BURST {
                match pair.read() {
                    Some([first, second]) => {
                        seen.values += 1;
                        seen.wrong += u64::from(first != second);
                    }
                    None => seen.nothing += 1,
                }
            }
        }
        seen
    });
    let writer: Part<Seen> = Box::new(|signal| {
        let mut version = 0;
        let mut wait = signal.wait();
        while !signal.is_over() {
            version = pair.write(version, [version; 2]);
            wait.pause();
        }
        Seen::default()
    });
    finish(stage, reader, writer)
}

/// One thread pushes 1, 2, 3, ..., one pops: any other number is wrong.
pub fn race_ring(stage: &Stage, flaw: ring::Flaw) -> Seen {
    let ring = &ring::Ring::new(CAPACITY, flaw);
    let consumer: Part<Seen> = Box::new(|signal| {
        let mut seen = Seen::default();
        let mut wait = signal.wait();
        while !signal.is_over() {
            for _ in 0..BURST {
                if let Some(value) = ring.pop() {
                    seen.values += 1;
                    seen.wrong += u64::from(value != seen.values);
                } else {
                    seen.nothing += 1;
                    wait.pause();
                }
            }
        }
        seen
    });
    let producer: Part<Seen> = Box::new(|signal| {
        let mut wait = signal.wait();
        let mut next = 1;
        while !signal.is_over() {
            if ring.push(next) {
                next += 1;
            } else {
                wait.pause();
            }
        }
        Seen::default()
    });
    finish(stage, consumer, producer)
}

fn finish(stage: &Stage, reader: Part<Seen>, writer: Part<Seen>) -> Seen {
    stage.play(Placement::Even, vec![reader, writer]).results[0]
}
