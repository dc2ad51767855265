//! Dekker's question: two threads each say "I am here" and then look whether the other has said so. Can both find nobody?
//!
//! With anything less than sequential consistency, yes: a store may wait in its processor's store buffer while the load
//! behind it already runs. Every sleeping consumer rests on the answer (a doorbell is this question: "I sleep" against
//! "there is something to do"), which is why the runtime's has a full fence on both sides.

use aeromatch_runtime::sync::atomic::{AtomicU64, Ordering, fence};

/// How the two accesses of each side are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Nothing but atomic.
    Relaxed,
    /// The store releases, the load acquires: orders what stands before a store and after a load, not a store before a
    /// load.
    AcquireRelease,
    /// Both sequentially consistent.
    SequentiallyConsistent,
    /// Relaxed accesses with a sequentially consistent fence between them.
    Fence,
}

/// Says "I am here", then looks for the other; gives what it found.
#[inline]
pub fn enter(own: &AtomicU64, other: &AtomicU64, here: u64, strength: Strength) -> u64 {
    match strength {
        Strength::Relaxed => {
            own.store(here, Ordering::Relaxed);
            other.load(Ordering::Relaxed)
        }
        Strength::AcquireRelease => {
            own.store(here, Ordering::Release);
            other.load(Ordering::Acquire)
        }
        Strength::SequentiallyConsistent => {
            own.store(here, Ordering::SeqCst);
            other.load(Ordering::SeqCst)
        }
        Strength::Fence => {
            own.store(here, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            other.load(Ordering::Relaxed)
        }
    }
}

#[cfg(not(loom))]
pub use race::{Outcomes, race};

#[cfg(not(loom))]
mod race {
    use super::{Strength, enter};
    use crate::stage::{Part, Placement, Random, Signal, Stage};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Rounds between two agreements on whether it is over.
    const CHUNK: u64 = 1_000;
    /// A side waits for up to so many spins before its round, so that the two meet at every offset.
    const JITTER: u64 = 12;
    /// A race ends here at the latest: each side remembers every round.
    const MOST_ROUNDS: u64 = 20_000_000;

    /// How often each pair of answers came.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Outcomes {
        /// Rounds in all.
        pub rounds: u64,
        /// Neither saw the other.
        pub both_missed: u64,
        /// Only the first saw the second.
        pub first_saw: u64,
        /// Only the second saw the first.
        pub second_saw: u64,
        /// Both saw each other.
        pub both_saw: u64,
    }

    /// A word with a cache line, and its neighbour, to itself.
    #[repr(align(128))]
    struct Alone(AtomicU64);

    struct Arena {
        flags: [Alone; 2],
        /// How many rounds each side has reached: a round starts when both have.
        reached: [Alone; 2],
        /// No round from this one on is played.
        last: Alone,
    }

    /// Plays rounds until it is over, or 20 million of them. The flags are never reset: each round has a number of its own, and a side that
    /// finds a lower one has missed the other.
    pub fn race(stage: &Stage, strength: Strength) -> Outcomes {
        let alone = |value| Alone(AtomicU64::new(value));
        let arena = Arena { flags: [alone(0), alone(0)], reached: [alone(0), alone(0)], last: alone(u64::MAX) };
        let part = |side: usize| -> Part<Vec<bool>> {
            let arena = &arena;
            Box::new(move |signal| play(arena, side, strength, signal))
        };
        let [first, second] = <[_; 2]>::try_from(stage.play(Placement::Even, vec![part(0), part(1)]).results)
            .expect("a race has two sides");
        let mut outcomes = Outcomes { rounds: first.len() as u64, ..Outcomes::default() };
        for pair in first.iter().zip(&second) {
            *match pair {
                (false, false) => &mut outcomes.both_missed,
                (true, false) => &mut outcomes.first_saw,
                (false, true) => &mut outcomes.second_saw,
                (true, true) => &mut outcomes.both_saw,
            } += 1;
        }
        outcomes
    }

    fn play(arena: &Arena, side: usize, strength: Strength, signal: &Signal) -> Vec<bool> {
        let (own, other) = (&arena.flags[side].0, &arena.flags[1 - side].0);
        let mut random = Random::new(side as u64 + 1);
        let mut saw = Vec::new();
        for round in 1.. {
            // One side decides, before it says that it has reached this round; the other passes this round only after that.
            if side == 0 && round % CHUNK == 0 && (signal.is_over() || round == MOST_ROUNDS) {
                arena.last.0.store(round + 1, Ordering::Release);
            }
            if round == arena.last.0.load(Ordering::Acquire) {
                break;
            }
            meet(arena, side, round, signal);
            for _ in 0..random.below(JITTER) {
                std::hint::spin_loop();
            }
            saw.push(enter(own, other, round, strength) >= round);
        }
        saw
    }

    fn meet(arena: &Arena, side: usize, round: u64, signal: &Signal) {
        arena.reached[side].0.store(round, Ordering::Release);
        let mut wait = signal.wait();
        while arena.reached[1 - side].0.load(Ordering::Acquire) < round {
            wait.pause();
        }
    }
}
