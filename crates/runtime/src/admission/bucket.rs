//! Token buckets of one word each: the generic cell rate algorithm (GCRA).
//!
//! A bucket of `burst` tokens that refills at `rate` a second is one number: the time at which it will be full again. A
//! token moves that time by 1 / rate; where it would lie further ahead than a whole bucket takes to fill, there is no
//! token. Nothing has to run for a bucket to refill, and nothing is remembered of one that is full.
//!
//! # Contract
//! - In any stretch of time t no more than `burst + rate * t` tokens are given, however many threads ask.
//! - [`Bucket::take`] takes all that it is asked for or nothing. It is lock-free: a try fails only if another thread's
//!   succeeded. More than `burst` can never be had at once: a request for more takes a whole bucket.
//! - A clock that goes back empties a bucket at most: it fills from there.
//!
//! Orderings: all relaxed. The word is all there is, and each exchange of it is one step in its own order.

use crate::sync::atomic::{AtomicU64, Ordering};

const SECOND_NS: u64 = 1_000_000_000;

/// How fast something may go on, and how much of it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Nanoseconds between two tokens; 0: there is no limit.
    interval_ns: u64,
    burst: u32,
}

/// What is left of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many tokens a full bucket has.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When it is full again, in nanoseconds from now.
    pub reset_ns: u64,
}

/// There is no token; it is worth asking again after so many nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty {
    /// What is left: too little.
    pub allowance: Allowance,
    /// Nanoseconds until there is as much as was asked for.
    pub retry_ns: u64,
}

impl Limit {
    /// No limit.
    pub const NONE: Limit = Limit { interval_ns: 0, burst: 0 };

    /// That many a second, and `burst` at once. A rate of 0 is no limit; a burst of 0 counts as 1.
    pub fn new(per_second: u32, burst: u32) -> Limit {
        match SECOND_NS.checked_div(u64::from(per_second)) {
            None => Limit::NONE,
            Some(interval_ns) => Limit { interval_ns: interval_ns.max(1), burst: burst.max(1) },
        }
    }

    /// Is there none?
    pub fn is_none(&self) -> bool {
        self.interval_ns == 0
    }

    /// How many tokens a full bucket has; None: as many as are asked for.
    pub fn most(&self) -> Option<u32> {
        (!self.is_none()).then_some(self.burst)
    }

    fn bucket_ns(&self) -> u64 {
        self.interval_ns * u64::from(self.burst)
    }

    fn allowance(&self, full_ns: u64, now_ns: u64) -> Allowance {
        let reset_ns = full_ns.saturating_sub(now_ns);
        let taken = reset_ns.div_ceil(self.interval_ns).min(u64::from(self.burst));
        Allowance { limit: self.burst, remaining: self.burst - taken as u32, reset_ns }
    }
}

/// A bucket; it is full at first.
#[derive(Debug)]
pub struct Bucket {
    full_ns: AtomicU64,
}

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket { full_ns: AtomicU64::new(0) }
    }
}

impl Bucket {
    /// Takes `tokens` from it, or nothing. None where there is no limit.
    ///
    /// # Errors
    /// [`Empty`] if there are fewer.
    #[inline]
    pub fn take(&self, limit: Limit, tokens: u32, now_ns: u64) -> Result<Option<Allowance>, Empty> {
        if limit.is_none() {
            return Ok(None);
        }
        let latest_ns = now_ns + limit.bucket_ns();
        let cost_ns = limit.interval_ns * u64::from(tokens.min(limit.burst));
        let mut seen_ns = self.full_ns.load(Ordering::Relaxed);
        loop {
            let begin_ns = seen_ns.clamp(now_ns, latest_ns);
            let full_ns = begin_ns + cost_ns;
            if full_ns > latest_ns {
                let allowance = limit.allowance(begin_ns, now_ns);
                return Err(Empty { allowance, retry_ns: full_ns - latest_ns });
            }
            match self.full_ns.compare_exchange_weak(seen_ns, full_ns, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(Some(limit.allowance(full_ns, now_ns))),
                Err(other_ns) => seen_ns = other_ns,
            }
        }
    }

    /// Whether `tokens` could be had now; takes none.
    ///
    /// # Errors
    /// [`Empty`] if there are fewer.
    #[inline]
    pub fn look(&self, limit: Limit, tokens: u32, now_ns: u64) -> Result<(), Empty> {
        if limit.is_none() {
            return Ok(());
        }
        let latest_ns = now_ns + limit.bucket_ns();
        let begin_ns = self.full_ns.load(Ordering::Relaxed).clamp(now_ns, latest_ns);
        let full_ns = begin_ns + limit.interval_ns * u64::from(tokens.min(limit.burst));
        if full_ns > latest_ns {
            return Err(Empty { allowance: limit.allowance(begin_ns, now_ns), retry_ns: full_ns - latest_ns });
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Allowance, Bucket, Limit, SECOND_NS};

    const NOW: u64 = 1_000 * SECOND_NS;

    #[test]
    fn a_burst_then_the_rate() {
        let (bucket, limit) = (Bucket::default(), Limit::new(10, 3));
        for remaining in [2, 1, 0] {
            let left = bucket.take(limit, 1, NOW).unwrap().unwrap();
            assert_eq!((left.limit, left.remaining), (3, remaining));
            assert_eq!(left.reset_ns, u64::from(3 - remaining) * SECOND_NS / 10);
        }
        let seen = bucket.look(limit, 1, NOW).unwrap_err();
        let empty = bucket.take(limit, 1, NOW).unwrap_err();
        assert_eq!(seen, empty);
        assert_eq!((empty.allowance.remaining, empty.retry_ns), (0, SECOND_NS / 10));
        assert!(bucket.take(limit, 1, NOW + empty.retry_ns - 1).is_err());
        assert!(bucket.look(limit, 1, NOW + empty.retry_ns).is_ok());
        assert!(bucket.take(limit, 1, NOW + empty.retry_ns).is_ok());
        assert!(bucket.take(limit, 1, NOW + empty.retry_ns).is_err());
    }

    #[test]
    fn all_or_nothing() {
        let (bucket, limit) = (Bucket::default(), Limit::new(1, 10));
        assert_eq!(bucket.take(limit, 8, NOW).unwrap().unwrap().remaining, 2);
        assert_eq!(bucket.take(limit, 3, NOW).unwrap_err().retry_ns, SECOND_NS);
        assert_eq!(bucket.take(limit, 2, NOW).unwrap().unwrap().remaining, 0);
        // More than a bucket holds takes all of one that is full.
        assert!(bucket.take(limit, 1_000, NOW + 9 * SECOND_NS).is_err());
        let left = bucket.take(limit, 1_000, NOW + 10 * SECOND_NS).unwrap().unwrap();
        assert_eq!(left, Allowance { limit: 10, remaining: 0, reset_ns: 10 * SECOND_NS });
    }

    #[test]
    fn a_clock_that_goes_back_empties_it_at_most() {
        let (bucket, limit) = (Bucket::default(), Limit::new(2, 2));
        bucket.take(limit, 2, NOW).unwrap();
        assert_eq!(bucket.take(limit, 2, 1).unwrap_err().retry_ns, SECOND_NS);
        assert!(bucket.take(limit, 2, 1 + SECOND_NS).is_err());
        let (bucket, earlier) = (Bucket::default(), NOW / 2);
        bucket.take(limit, 1, NOW).unwrap();
        assert!(bucket.take(limit, 2, earlier).is_err());
    }

    #[test]
    fn no_limit_gives_everything() {
        let bucket = Bucket::default();
        assert!(Limit::new(0, 7).is_none());
        for _ in 0..100 {
            assert_eq!(bucket.take(Limit::NONE, u32::MAX, NOW), Ok(None));
        }
        assert!(bucket.look(Limit::NONE, 1, NOW).is_ok());
    }

    #[test]
    fn threads_get_no_more_than_there_is() {
        let (bucket, limit) = (Bucket::default(), Limit::new(1, 1_000));
        let given: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..1_000).filter(|_| bucket.take(limit, 1, NOW).is_ok()).count()))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(given, 1_000);
    }
}
