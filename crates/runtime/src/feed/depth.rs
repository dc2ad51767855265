//! The depth of a book for those who follow it from afar: a copy of its levels, of one moment, and what changed from one
//! copy to another.
//!
//! Comparing copies needs no knowledge of why a level changed, so it is exact for all that a book can do: slices of icebergs
//! that are renewed, hidden orders, uncrosses, all-or-none orders that come to stand. And what changed twice between two
//! copies is told once.

use aeromatch_engine::codes::Side;
use aeromatch_engine::engine::Book;
use std::cmp::Ordering;

/// What is displayed at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLevel {
    /// The price.
    pub price_ticks: i64,
    /// Displayed lots; in a change 0 means that the level is gone.
    pub quantity_lots: u128,
}

/// The levels of a book between two commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthCopy {
    /// Number of the last command that its shard had applied.
    pub sequence: u64,
    /// Time of the book's last command.
    pub timestamp_ns: u64,
    /// Bids from the best on.
    pub bids: Vec<DepthLevel>,
    /// Asks from the best on.
    pub asks: Vec<DepthLevel>,
}

/// What has changed since the last change: levels with the quantity that they have now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthChange {
    /// One above the number that the last change ended with.
    pub first_id: u64,
    /// The sequence number of the copy that this leads to.
    pub last_id: u64,
    /// That copy's time.
    pub timestamp_ns: u64,
    /// Bids from the best on.
    pub bids: Vec<DepthLevel>,
    /// Asks from the best on.
    pub asks: Vec<DepthLevel>,
}

impl DepthCopy {
    /// Copies a book's best levels, in the memory that is there. `sequence` is the number of the last command that it has seen.
    pub fn read(&mut self, book: &Book, sequence: u64, limit: usize) {
        (self.sequence, self.timestamp_ns) = (sequence, book.now_ns());
        for (side, levels) in [(Side::Buy, &mut self.bids), (Side::Sell, &mut self.asks)] {
            levels.clear();
            book.best_levels(side, limit, |price_ticks, quantity_lots, _| {
                levels.push(DepthLevel { price_ticks, quantity_lots });
            });
        }
    }

    /// The same in the terms of an event's other outcome (R32): sides swapped, prices one unit less these.
    pub fn mirror(&mut self, unit_ticks: i64) {
        std::mem::swap(&mut self.bids, &mut self.asks);
        for level in self.bids.iter_mut().chain(&mut self.asks) {
            level.price_ticks = unit_ticks - level.price_ticks;
        }
    }
}

/// Follows a book through its copies: each change that it gives leads on from where the last one ended.
#[derive(Clone, Debug)]
pub struct DepthDiffer {
    /// As the last change left it: whoever applied all of them has this.
    last: DepthCopy,
    /// Levels of each side that are followed.
    limit: usize,
}

impl DepthDiffer {
    /// Begins with a copy, of which the best levels count.
    pub fn new(copy: &DepthCopy, limit: usize) -> DepthDiffer {
        let best = |levels: &[DepthLevel]| head(levels, limit).to_vec();
        let last = DepthCopy { bids: best(&copy.bids), asks: best(&copy.asks), ..*copy };
        DepthDiffer { last, limit }
    }

    /// What those have who have applied all changes.
    pub fn snapshot(&self) -> &DepthCopy {
        &self.last
    }

    /// What is different in a later copy; `None` if nothing is: then the next change begins where this one would have.
    pub fn take(&mut self, copy: &DepthCopy) -> Option<DepthChange> {
        let (bids, asks) = (head(&copy.bids, self.limit), head(&copy.asks, self.limit));
        let change = DepthChange {
            first_id: self.last.sequence + 1,
            last_id: copy.sequence,
            timestamp_ns: copy.timestamp_ns,
            bids: changed(Side::Buy, &self.last.bids, bids),
            asks: changed(Side::Sell, &self.last.asks, asks),
        };
        if change.bids.is_empty() && change.asks.is_empty() {
            return None;
        }
        (self.last.sequence, self.last.timestamp_ns) = (copy.sequence, copy.timestamp_ns);
        for (mine, theirs) in [(&mut self.last.bids, bids), (&mut self.last.asks, asks)] {
            mine.clear();
            mine.extend_from_slice(theirs);
        }
        Some(change)
    }
}

/// At most so many levels.
fn head(levels: &[DepthLevel], limit: usize) -> &[DepthLevel] {
    &levels[..limit.min(levels.len())]
}

/// Which of two prices of a side stands before the other.
fn order(side: Side, one: i64, other: i64) -> Ordering {
    match side {
        Side::Buy => other.cmp(&one),
        Side::Sell => one.cmp(&other),
    }
}

/// The levels that differ: both lists stand in order, so one walk along both finds them.
fn changed(side: Side, before: &[DepthLevel], after: &[DepthLevel]) -> Vec<DepthLevel> {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    let mut out = Vec::new();
    loop {
        let found = match (old.peek(), new.peek()) {
            (None, None) => return out,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => order(side, old.price_ticks, new.price_ticks),
        };
        match found {
            Ordering::Less => out.extend(old.next().map(|gone| DepthLevel { quantity_lots: 0, ..*gone })),
            Ordering::Greater => out.extend(new.next()),
            Ordering::Equal => {
                let (old, new) = (old.next(), new.next());
                out.extend(new.filter(|new| Some(*new) != old));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aeromatch_engine::engine::IndexKind;
    use aeromatch_engine::record::{Command, Extensions};
    use aeromatch_engine::rules::Rules;
    use std::collections::BTreeMap;

    fn copy(sequence: u64, bids: &[(i64, u128)], asks: &[(i64, u128)]) -> DepthCopy {
        let levels = |side: &[(i64, u128)]| {
            side.iter().map(|&(price_ticks, quantity_lots)| DepthLevel { price_ticks, quantity_lots }).collect()
        };
        DepthCopy { sequence, timestamp_ns: 10 * sequence, bids: levels(bids), asks: levels(asks) }
    }

    fn pairs(levels: &[DepthLevel]) -> Vec<(i64, u128)> {
        levels.iter().map(|level| (level.price_ticks, level.quantity_lots)).collect()
    }

    #[test]
    fn changes_have_absolute_quantities_and_chain() {
        let mut differ = DepthDiffer::new(&copy(7, &[(100, 5), (99, 1)], &[(101, 2)]), usize::MAX);
        let change = differ.take(&copy(9, &[(100, 3), (98, 4)], &[(101, 2), (105, 1)])).unwrap();
        assert_eq!((change.first_id, change.last_id, change.timestamp_ns), (8, 9, 90));
        assert_eq!(pairs(&change.bids), [(100, 3), (99, 0), (98, 4)]);
        assert_eq!(pairs(&change.asks), [(105, 1)]);
        // Something happened elsewhere: there is nothing to tell, and the chain goes on from what was told.
        assert_eq!(differ.take(&copy(20, &[(100, 3), (98, 4)], &[(101, 2), (105, 1)])), None);
        assert_eq!(differ.snapshot().sequence, 9);
        let change = differ.take(&copy(21, &[], &[(100, 1), (101, 2), (105, 1)])).unwrap();
        assert_eq!((change.first_id, change.last_id), (10, 21));
        assert_eq!((pairs(&change.bids), pairs(&change.asks)), (vec![(100, 0), (98, 0)], vec![(100, 1)]));
    }

    #[test]
    fn a_limit_follows_the_best_levels_only() {
        let mut differ = DepthDiffer::new(&copy(1, &[(10, 1), (9, 1), (8, 1)], &[]), 2);
        assert_eq!(pairs(&differ.snapshot().bids), [(10, 1), (9, 1)]);
        assert_eq!(differ.take(&copy(2, &[(10, 1), (9, 1), (8, 7)], &[])), None);
        // The best one goes: the third comes into sight.
        let change = differ.take(&copy(3, &[(9, 1), (8, 7)], &[])).unwrap();
        assert_eq!(pairs(&change.bids), [(10, 0), (8, 7)]);
        assert_eq!((change.first_id, change.last_id), (2, 3));
    }

    #[test]
    fn the_mirror_swaps_sides_and_complements_prices() {
        let mut seen = copy(1, &[(60, 1), (55, 2)], &[(70, 3)]);
        seen.mirror(100);
        assert_eq!((pairs(&seen.bids), pairs(&seen.asks)), (vec![(30, 3)], vec![(40, 1), (45, 2)]));
    }

    /// A generator that every machine has alike.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    #[test]
    fn a_book_made_of_changes_is_the_book() {
        for (seed, limit) in [(1, usize::MAX), (2, 5), (3, 1)] {
            let mut state = seed;
            let mut book = Book::new(Rules::default(), IndexKind::Ladder);
            let (mut now, mut events) = (DepthCopy::default(), Vec::new());
            let mut differ = DepthDiffer::new(&now, limit);
            let mut local = [BTreeMap::new(), BTreeMap::new()];
            let mut last_id = 0;
            for _ in 0..300 {
                for _ in 0..random(&mut state, 6) {
                    let command = some_command(&mut state);
                    book.apply(&command, &Extensions::default(), &mut events);
                    events.clear();
                }
                now.read(&book, book.sequence(), usize::MAX);
                if let Some(change) = differ.take(&now) {
                    assert_eq!(change.first_id, last_id + 1);
                    last_id = change.last_id;
                    for (mine, levels) in local.iter_mut().zip([&change.bids, &change.asks]) {
                        for level in levels {
                            match level.quantity_lots {
                                0 => mine.remove(&level.price_ticks).map(drop).unwrap(),
                                lots => drop(mine.insert(level.price_ticks, lots)),
                            }
                        }
                    }
                }
                let [bids, asks] = &local;
                let bids: Vec<_> = bids.iter().rev().map(|(price, lots)| (*price, *lots)).collect();
                let asks: Vec<_> = asks.iter().map(|(price, lots)| (*price, *lots)).collect();
                assert_eq!(bids, pairs(head(&now.bids, limit)));
                assert_eq!(asks, pairs(head(&now.asks, limit)));
            }
            assert!(last_id > 100);
        }
    }

    /// A limit order near the middle, or the end of one.
    fn some_command(state: &mut u64) -> Command {
        match random(state, 3) {
            0 => Command::cancel(1 + random(state, 900)),
            _ => {
                let side = if random(state, 2) == 0 { Side::Buy } else { Side::Sell };
                Command::limit(side, 90 + random(state, 20) as i64, 1 + random(state, 9))
            }
        }
    }
}
