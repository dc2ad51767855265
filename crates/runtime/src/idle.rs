//! What a thread does while there is nothing to do: latency against the processor that it burns (docs/shards.md).

use std::hint;
use std::thread;

/// How a thread waits for work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idle {
    /// Looks again at once, for ever: the lowest latency, for a processor of its own.
    Spin,
    /// Looks again whenever the system lets it: for fewer processors than threads.
    Yield,
    /// Looks a few times more, then sleeps until it is woken: costs nothing while nothing happens.
    #[default]
    Park,
}

/// Rounds that a thread looks again before it sleeps: a few microseconds, about what sleeping and waking cost.
const SPINS_BEFORE_SLEEP: u32 = 128;
/// And these after them, each of which lets another thread run: with fewer processors than threads the work comes from there.
const YIELDS_BEFORE_SLEEP: u32 = 4;

impl Idle {
    /// Every strategy.
    pub const ALL: &[Idle] = &[Idle::Spin, Idle::Yield, Idle::Park];

    /// Its public name.
    pub const fn slug(self) -> &'static str {
        match self {
            Idle::Spin => "spin",
            Idle::Yield => "yield",
            Idle::Park => "park",
        }
    }

    /// The strategy of a public name.
    pub fn from_slug(slug: &str) -> Option<Idle> {
        Idle::ALL.iter().copied().find(|idle| idle.slug() == slug)
    }
}

/// The rounds of one thread without work.
pub struct Waiter {
    idle: Idle,
    rounds: u32,
}

impl Waiter {
    /// Of a thread that has work.
    pub fn new(idle: Idle) -> Waiter {
        Waiter { idle, rounds: 0 }
    }

    /// There was work.
    #[inline]
    pub fn worked(&mut self) {
        self.rounds = 0;
    }

    /// Spends one round. True: it is time to sleep, which the caller does, and then looks again.
    #[inline]
    pub fn pause(&mut self) -> bool {
        match self.idle {
            Idle::Spin => hint::spin_loop(),
            Idle::Yield => thread::yield_now(),
            Idle::Park if self.rounds < SPINS_BEFORE_SLEEP => hint::spin_loop(),
            Idle::Park if self.rounds < SPINS_BEFORE_SLEEP + YIELDS_BEFORE_SLEEP => thread::yield_now(),
            Idle::Park => {
                self.rounds = 0;
                return true;
            }
        }
        self.rounds = self.rounds.saturating_add(1);
        false
    }
}
