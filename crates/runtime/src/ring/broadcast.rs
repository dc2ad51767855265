//! A ring from one writer to any number of readers, who each see everything. The writer never waits: it overwrites the
//! oldest, and a reader who was too slow is told so.
//!
//! # Contract
//! - Slots are numbered from 0 in the order of [`Broadcaster::publish`]; the ring holds the last `capacity` of them.
//! - A reader gets slots in order, each one once, whole, and without gaps; or [`Lagged`] with the oldest number that is
//!   still there. It chooses where to go on ([`BroadcastReader::resume`]): with the oldest, or after reading what it
//!   missed elsewhere.
//! - The writer is wait-free and does not know its readers. A reader is never blocked: a call copies what is there.
//!
//! # How
//! A seqlock over the whole ring. The writer raises `claimed` by the length of a batch, writes the slots, then raises
//! `published`. A reader copies slots below `published`, and afterwards looks at `claimed`: slot `p` was overwritten or is
//! about to be once `claimed` is above `p + capacity`. If it is, the copy is thrown away, whatever is in it.
//!
//! # Orderings
//! The words of a slot are **relaxed** atomics: a reader may copy a word while it is overwritten, which is only allowed to
//! atomics, and torn copies are found out by the look at `claimed`.
//! - `published`: stored with **release** after the words, loaded with **acquire** before them: who sees the number sees
//!   the slots. Relaxed would deliver slots from a round before.
//! - Writer: store `claimed`, **release fence**, store words. Reader: load words, **acquire fence**, load `claimed`. If a
//!   reader's load took a word from the writer's store, the two fences synchronise, and the load of `claimed` sees the
//!   claim that stands before that word. A release *store* of `claimed` would not do: it keeps earlier writes above
//!   itself, but lets the words' stores move up before it. For the same reason an acquire *load* of `claimed`
//!   would not do: the words' loads may move down behind it.
//! - `claimed` is loaded **relaxed** for [`BroadcastRing::oldest`]: an answer that is old the moment it is given.
//! - `is_closed`: **release** and **acquire**: who sees the ring closed sees the last slot published.

use super::rounded_up;
use crate::padding::Padded;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::Arc;

/// How many slots a reader copies before it looks whether they were overwritten: what one look can throw away.
const COPY: usize = 64;

#[repr(align(64))]
struct Words<const WORDS: usize>([AtomicU64; WORDS]);

/// What readers share. A slot has 8 words: 64 bytes, a cache line.
pub struct BroadcastRing<const WORDS: usize = 8> {
    counts: Padded<Counts>,
    slots: Box<[Words<WORDS>]>,
}

/// Written by the writer alone, so they may share a line.
struct Counts {
    claimed: AtomicU64,
    published: AtomicU64,
    is_closed: AtomicBool,
}

/// The writer's handle: one. The ring is closed when it is dropped.
pub struct Broadcaster<const WORDS: usize = 8> {
    ring: Arc<BroadcastRing<WORDS>>,
    published: u64,
}

/// One reader, and where it is.
pub struct BroadcastReader<const WORDS: usize = 8> {
    ring: Arc<BroadcastRing<WORDS>>,
    position: u64,
}

/// The reader's next slot was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged {
    /// The oldest slot that the ring still holds.
    pub oldest: u64,
}

/// A ring of at least `capacity` slots: rounded up to a power of two, and at least one.
///
/// # Panics
/// If no power of two is that large.
pub fn broadcast(capacity: usize) -> (Broadcaster, Arc<BroadcastRing>) {
    broadcast_of(capacity)
}

/// The same with slots of another size: model checking tries every value of every word, and has more rounds to spare if
/// there are fewer words.
///
/// # Panics
/// If no power of two is that large.
pub fn broadcast_of<const WORDS: usize>(capacity: usize) -> (Broadcaster<WORDS>, Arc<BroadcastRing<WORDS>>) {
    let slot = |_| Words(core::array::from_fn(|_| AtomicU64::new(0)));
    let counts = Counts { claimed: AtomicU64::new(0), published: AtomicU64::new(0), is_closed: AtomicBool::new(false) };
    let ring =
        Arc::new(BroadcastRing { counts: Padded::new(counts), slots: (0..rounded_up(capacity)).map(slot).collect() });
    (Broadcaster { ring: ring.clone(), published: 0 }, ring)
}

impl<const WORDS: usize> Broadcaster<WORDS> {
    /// Shows slots to all readers, a whole batch at once if the ring holds as much.
    pub fn publish(&mut self, slots: &[[u64; WORDS]]) {
        for batch in slots.chunks(self.ring.slots.len()) {
            let end = self.published + batch.len() as u64;
            let counts = &self.ring.counts;
            counts.claimed.store(end, Ordering::Relaxed);
            fence(Ordering::Release);
            for (number, slot) in (self.published..end).zip(batch) {
                for (word, &value) in self.ring.slot(number).iter().zip(slot) {
                    word.store(value, Ordering::Relaxed);
                }
            }
            counts.published.store(end, Ordering::Release);
            self.published = end;
        }
    }
}

impl<const WORDS: usize> Drop for Broadcaster<WORDS> {
    fn drop(&mut self) {
        self.ring.counts.is_closed.store(true, Ordering::Release);
    }
}

impl<const WORDS: usize> BroadcastRing<WORDS> {
    #[inline]
    fn slot(&self, number: u64) -> &[AtomicU64; WORDS] {
        &self.slots[number as usize & (self.slots.len() - 1)].0
    }

    /// How many slots the ring holds.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many slots were ever published: the number of the next one.
    pub fn published(&self) -> u64 {
        self.counts.published.load(Ordering::Acquire)
    }

    /// The oldest slot that the ring still holds, if the writer does not overwrite it meanwhile.
    pub fn oldest(&self) -> u64 {
        self.counts.claimed.load(Ordering::Relaxed).saturating_sub(self.slots.len() as u64)
    }

    /// Whether the writer is gone: what is published now is all that will come.
    pub fn is_closed(&self) -> bool {
        self.counts.is_closed.load(Ordering::Acquire)
    }

    /// A reader whose first slot is `from`, which may be still to come.
    pub fn reader(self: &Arc<Self>, from: u64) -> BroadcastReader<WORDS> {
        BroadcastReader { ring: self.clone(), position: from }
    }
}

impl<const WORDS: usize> BroadcastReader<WORDS> {
    /// Appends up to `limit` slots to `out`, and returns how many: 0 if there is nothing new.
    ///
    /// # Errors
    /// [`Lagged`] if the next slot was overwritten. Nothing is appended, and the position stays: see
    /// [`BroadcastReader::resume`].
    pub fn read(&mut self, out: &mut Vec<[u64; WORDS]>, limit: usize) -> Result<usize, Lagged> {
        let count = self.available().min(limit as u64) as usize;
        if count == 0 {
            return Ok(0);
        }
        let mut done = 0;
        while done < count {
            match self.copy(out, (count - done).min(COPY)) {
                Ok(copied) => done += copied,
                // What was copied before is whole; the next call says that the rest is gone.
                Err(lagged) if done == 0 => return Err(lagged),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// Copies published slots, and takes them only if none was overwritten meanwhile.
    fn copy(&mut self, out: &mut Vec<[u64; WORDS]>, count: usize) -> Result<usize, Lagged> {
        let start = out.len();
        let end = self.position + count as u64;
        out.extend((self.position..end).map(|number| {
            let words = self.ring.slot(number);
            core::array::from_fn(|word| words[word].load(Ordering::Relaxed))
        }));
        fence(Ordering::Acquire);
        let oldest = self.ring.oldest();
        if self.position < oldest {
            out.truncate(start);
            return Err(Lagged { oldest });
        }
        self.position = end;
        Ok(count)
    }

    /// Goes on at another slot: after a lag, or back to one that the ring may still hold.
    pub fn resume(&mut self, from: u64) {
        self.position = from;
    }

    /// The number of the next slot.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many slots are published from the position on, overwritten ones included.
    pub fn available(&self) -> u64 {
        self.ring.published().saturating_sub(self.position)
    }

    /// The ring that this reads.
    pub fn ring(&self) -> &Arc<BroadcastRing<WORDS>> {
        &self.ring
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Lagged, broadcast};

    fn slots(numbers: std::ops::Range<u64>) -> Vec<[u64; 8]> {
        numbers.map(|number| std::array::from_fn(|word| number * 8 + word as u64)).collect()
    }

    #[test]
    fn every_reader_sees_everything_in_order() {
        let (mut writer, ring) = broadcast(8);
        let (mut first, mut second) = (ring.reader(0), ring.reader(2));
        let mut out = vec![];
        assert_eq!((first.read(&mut out, 9), second.available()), (Ok(0), 0));
        writer.publish(&slots(0..5));
        assert_eq!((first.read(&mut out, 2), first.read(&mut out, 9), first.position()), (Ok(2), Ok(3), 5));
        assert_eq!(out, slots(0..5));
        out.clear();
        assert_eq!((second.available(), second.read(&mut out, 9)), (3, Ok(3)));
        assert_eq!((out, ring.published(), ring.oldest(), ring.is_closed()), (slots(2..5), 5, 0, false));
        drop(writer);
        assert!(ring.is_closed());
    }

    #[test]
    fn who_lags_is_told_and_resumes_without_a_gap_he_does_not_know_of() {
        let (mut writer, ring) = broadcast(4);
        let mut reader = ring.reader(0);
        writer.publish(&slots(0..5));
        let mut out = vec![];
        assert_eq!((reader.read(&mut out, 9), reader.position()), (Err(Lagged { oldest: 1 }), 0));
        assert!(out.is_empty());
        reader.resume(1);
        assert_eq!((reader.read(&mut out, 9), out), (Ok(4), slots(1..5)));
    }

    #[test]
    fn a_batch_longer_than_the_ring_leaves_its_end() {
        let (mut writer, ring) = broadcast(4);
        writer.publish(&slots(0..11));
        let mut out = vec![];
        assert_eq!((ring.published(), ring.oldest(), ring.reader(7).read(&mut out, 99)), (11, 7, Ok(4)));
        assert_eq!(out, slots(7..11));
    }

    #[test]
    fn more_than_one_look_is_needed_for_a_long_read() {
        let (mut writer, ring) = broadcast(1024);
        writer.publish(&slots(0..1000));
        let mut out = vec![];
        assert_eq!((ring.reader(0).read(&mut out, 999), out), (Ok(999), slots(0..999)));
    }
}
