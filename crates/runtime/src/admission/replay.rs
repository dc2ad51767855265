//! Nonces that were used, in memory that does not grow: what was let in once is not let in again.
//!
//! # Contract
//! - [`Nonces::use_up`] says [`Use::Fresh`] to at most one of those who bring the same nonce within its lifetime, from
//!   whatever threads. It says so to exactly one, but for two cases, both on the safe side: two who bring the same one
//!   at the very moment where an entry of its bucket expires may both be refused, and of a hundred billion fresh
//!   nonces one looks used (a mark has 40 bits, a bucket 16 entries).
//! - A bucket whose entries are all alive refuses ([`Use::Full`]): nothing that is remembered is forgotten sooner.
//!   Which bucket a nonce falls into nobody can foresee: the hash is keyed at random.
//! - Lock-free: a try fails only where another thread's succeeded.
//!
//! # How
//! An entry is one word: when it expires, in seconds (24 bits), and the mark (40 bits). A nonce's hash gives its bucket
//! and its mark. Who brings one looks through the bucket, takes the first entry that is free by a compare and exchange,
//! and looks through the others once more.
//!
//! # Orderings
//! Two threads with the same nonce usually want the same entry, and only one exchange succeeds. They want different
//! ones only where their clocks disagree on whether an entry has expired. Each then writes its own entry and reads the
//! other's: the pattern where a processor lets both read before both writes are seen. A **sequentially consistent**
//! fence between write and second look forbids that: at least one of the two sees the other, and is refused.

use crate::sync::atomic::{AtomicU64, Ordering, fence};

/// Entries of a bucket: two cache lines.
const WAYS: usize = 16;
const MARK_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << (64 - MARK_BITS)) - 1;
const SECOND_NS: u64 = 1_000_000_000;

/// What became of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// It was not used before, and now is.
    Fresh,
    /// It was used before.
    Used,
    /// There is no room to remember it.
    Full,
}

/// The table.
#[derive(Debug)]
pub struct Nonces {
    entries: Box<[AtomicU64]>,
    lifetime_s: u64,
}

impl Nonces {
    /// Room for at least `capacity` nonces, each remembered for `lifetime_ns` or up to two seconds longer.
    ///
    /// # Panics
    /// If a lifetime is longer than a month.
    pub fn new(capacity: usize, lifetime_ns: u64) -> Nonces {
        let lifetime_s = lifetime_ns.div_ceil(SECOND_NS) + 1;
        assert!(lifetime_s < 31 * 86_400, "lifetime_ns: {lifetime_ns} is longer than a month");
        let entries = capacity.next_power_of_two().max(WAYS);
        Nonces { entries: (0..entries).map(|_| AtomicU64::new(0)).collect(), lifetime_s }
    }

    /// Notes the nonce with this hash.
    pub fn use_up(&self, hash: u64, now_ns: u64) -> Use {
        let now_s = now_ns / SECOND_NS;
        let buckets = self.entries.len() / WAYS;
        // The mark is of the hash's upper bits, the bucket of its lower ones: neither says anything of the other.
        let first = (hash as usize & (buckets - 1)) * WAYS;
        let bucket = &self.entries[first..first + WAYS];
        let mark = hash >> (64 - MARK_BITS);
        let expires_s = (now_s + self.lifetime_s) & TIME_MASK;
        loop {
            match self.look(bucket, mark, now_s) {
                Look::Used => return Use::Used,
                Look::Full => return Use::Full,
                Look::Free(place, seen) => {
                    let entry = (expires_s << MARK_BITS) | mark;
                    if bucket[place].compare_exchange(seen, entry, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                        return self.look_again(bucket, place, mark, now_s);
                    }
                }
            }
        }
    }

    fn look(&self, bucket: &[AtomicU64], mark: u64, now_s: u64) -> Look {
        let mut free = Look::Full;
        for (place, entry) in bucket.iter().enumerate() {
            let entry = entry.load(Ordering::Acquire);
            if !self.is_alive(entry, now_s) {
                if matches!(free, Look::Full) {
                    free = Look::Free(place, entry);
                }
            } else if mark_of(entry) == mark {
                return Look::Used;
            }
        }
        free
    }

    fn look_again(&self, bucket: &[AtomicU64], own: usize, mark: u64, now_s: u64) -> Use {
        fence(Ordering::SeqCst);
        for (place, entry) in bucket.iter().enumerate() {
            let entry = entry.load(Ordering::Relaxed);
            if place != own && self.is_alive(entry, now_s) && mark_of(entry) == mark {
                return Use::Used;
            }
        }
        Use::Fresh
    }

    /// 24 bits of seconds come round after half a year: what lies further ahead than anything can is of the past.
    fn is_alive(&self, entry: u64, now_s: u64) -> bool {
        let ahead_s = (entry >> MARK_BITS).wrapping_sub(now_s) & TIME_MASK;
        entry != 0 && ahead_s > 0 && ahead_s <= self.lifetime_s + 1
    }
}

enum Look {
    Used,
    Full,
    Free(usize, u64),
}

fn mark_of(entry: u64) -> u64 {
    entry & ((1 << MARK_BITS) - 1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Nonces, SECOND_NS, Use, WAYS};

    const NOW: u64 = 1_800_000_000 * SECOND_NS;

    fn hash(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 31)
    }

    #[test]
    fn a_nonce_is_good_once_while_it_is_remembered() {
        let nonces = Nonces::new(64, 5 * SECOND_NS);
        assert_eq!(nonces.use_up(hash(1), NOW), Use::Fresh);
        assert_eq!(nonces.use_up(hash(1), NOW), Use::Used);
        assert_eq!(nonces.use_up(hash(2), NOW), Use::Fresh);
        assert_eq!(nonces.use_up(hash(1), NOW + 5 * SECOND_NS), Use::Used);
        assert_eq!(nonces.use_up(hash(1), NOW + 7 * SECOND_NS), Use::Fresh);
    }

    #[test]
    fn what_is_remembered_is_not_forgotten_for_want_of_room() {
        let nonces = Nonces::new(WAYS, SECOND_NS);
        for number in 0..WAYS as u64 {
            assert_eq!(nonces.use_up(hash(number), NOW), Use::Fresh);
        }
        assert_eq!(nonces.use_up(hash(99), NOW), Use::Full);
        assert_eq!(nonces.use_up(hash(3), NOW), Use::Used);
        assert_eq!(nonces.use_up(hash(99), NOW + 3 * SECOND_NS), Use::Fresh);
    }

    #[test]
    fn a_table_at_a_quarter_of_its_capacity_has_room() {
        let nonces = Nonces::new(1 << 16, SECOND_NS);
        let full = (0..1 << 14).filter(|&number| nonces.use_up(hash(number), NOW) == Use::Full).count();
        assert_eq!(full, 0);
        let again = (0..1 << 14).filter(|&number| nonces.use_up(hash(number), NOW) == Use::Used).count();
        assert_eq!(again, 1 << 14);
    }

    #[test]
    fn seconds_that_come_round_are_not_taken_for_the_future() {
        let nonces = Nonces::new(WAYS, 5 * SECOND_NS);
        assert_eq!(nonces.use_up(hash(1), NOW), Use::Fresh);
        let half_a_year_s = 1 << 24;
        assert_eq!(nonces.use_up(hash(1), NOW + (half_a_year_s - 20) * SECOND_NS), Use::Fresh);
    }

    #[test]
    fn of_threads_with_the_same_nonces_each_is_let_in_once() {
        let nonces = Nonces::new(1 << 14, SECOND_NS);
        let fresh: usize = std::thread::scope(|scope| {
            let users: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| (0..2_000).filter(|&n| nonces.use_up(hash(n), NOW) == Use::Fresh).count()))
                .collect();
            users.into_iter().map(|user| user.join().unwrap()).sum()
        });
        assert_eq!(fresh, 2_000);
    }
}
