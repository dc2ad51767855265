//! One test for all price indexes: against a sorted map, over prices that stay near, run away, jump and hit the limits of 64 bits,
//! levels that flicker, sides that are swept empty and fill again. Then what no sorted map shows: memory and depth.

use super::{BTree, Heap, Ladder, PriceIndex, SkipList};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Model = BTreeMap<i64, u32>;

#[derive(Clone, Debug)]
enum Step {
    /// A level comes, or goes if it was there.
    Toggle(i64),
    /// What stands at a key, and below it.
    Ask(i64),
    /// A level comes and goes, or goes and comes, some times.
    Flicker(i64, u8),
    /// So many levels are walked from a key down.
    Walk(i64, u8),
    /// So many of the best levels go, as an order takes them: the next one is looked for each time.
    Sweep(u8),
    /// All levels go, from the worst up.
    Drain,
}

fn keys() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..40_i64,
        2 => 900..1_200_i64,
        2 => (0..2_000_i64).prop_map(|step| step * 37),
        1 => (0..50_i64).prop_map(|step| i64::MIN + step),
        1 => (0..50_i64).prop_map(|step| i64::MAX - step),
        1 => any::<i64>(),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => keys().prop_map(Step::Toggle),
        8 => keys().prop_map(Step::Ask),
        3 => (keys(), 1..6_u8).prop_map(|(key, times)| Step::Flicker(key, times)),
        3 => (keys(), 1..20_u8).prop_map(|(key, levels)| Step::Walk(key, levels)),
        2 => (1..30_u8).prop_map(Step::Sweep),
        1 => Just(Step::Drain),
    ];
    prop::collection::vec(step, 1..600)
}

/// An index and the map that it must be.
#[derive(Default)]
struct Pair<I> {
    index: I,
    model: Model,
    levels: u32,
}

fn below(model: &Model, key: i64) -> Option<(i64, u32)> {
    model.range(..key).next_back().map(|(&key, &level)| (key, level))
}

impl<I: PriceIndex> Pair<I> {
    fn toggle(&mut self, key: i64) {
        if self.model.remove(&key).is_some() {
            self.index.remove(key);
        } else {
            self.levels += 1;
            self.model.insert(key, self.levels);
            self.index.insert(key, self.levels, *self.model.last_key_value().unwrap().0);
        }
    }

    fn ask(&self, key: i64) -> Option<(i64, u32)> {
        assert_eq!(self.index.get(key), self.model.get(&key).copied().unwrap_or(0), "get {key}");
        let found = self.index.below(key);
        assert_eq!(found, below(&self.model, key), "below {key}");
        found
    }

    fn step(&mut self, step: &Step, moved: i64) {
        match *step {
            Step::Toggle(key) => self.toggle(key.saturating_add(moved)),
            Step::Ask(key) => _ = self.ask(key.saturating_add(moved)),
            Step::Flicker(key, times) => {
                for _ in 0..2 * times {
                    self.toggle(key.saturating_add(moved));
                    self.ask(i64::MAX);
                }
            }
            Step::Walk(key, levels) => {
                let mut next = key.saturating_add(moved);
                for _ in 0..levels {
                    let Some((key, _)) = self.ask(next) else { break };
                    next = key;
                }
            }
            Step::Sweep(levels) => {
                for _ in 0..levels {
                    let Some((&best, _)) = self.model.last_key_value() else { break };
                    self.toggle(best);
                    self.ask(best);
                }
            }
            Step::Drain => self.model.clone().into_keys().for_each(|key| self.toggle(key)),
        }
    }

    /// What holds at any time.
    fn check(&self) {
        assert_eq!((self.index.len(), self.index.is_empty()), (self.model.len(), self.model.is_empty()));
        assert_eq!(self.index.below(i64::MIN), None, "nothing is below the lowest key");
        self.ask(i64::MIN);
        self.ask(i64::MAX);
    }

    /// Every level, from the best down.
    fn walk(&self) {
        let mut walked = Vec::new();
        // The highest of all keys cannot be asked for through `below`.
        if self.model.contains_key(&i64::MAX) {
            walked.push((i64::MAX, self.index.get(i64::MAX)));
        }
        walked.extend(std::iter::successors(self.index.below(i64::MAX), |&(key, _)| self.index.below(key)));
        assert!(walked.into_iter().eq(self.model.iter().rev().map(|(&key, &level)| (key, level))));
    }
}

fn conforms<I: PriceIndex>(steps: &[Step], drift: i64) {
    let mut pair = Pair::<I>::default();
    for (number, step) in steps.iter().enumerate() {
        pair.step(step, drift.wrapping_mul(number as i64));
        pair.check();
    }
    pair.walk();
}

proptest! {
    #[test]
    fn every_index_is_a_sorted_map(steps in steps(), drift in prop_oneof![Just(0_i64), -50..50_i64]) {
        conforms::<BTree>(&steps, drift);
        conforms::<Ladder>(&steps, drift);
        conforms::<SkipList>(&steps, drift);
        conforms::<Heap>(&steps, drift);
    }
}

/// Both limits of 64 bits at once, alone and with a crowd between them.
fn holds_the_limits<I: PriceIndex>() {
    let mut pair = Pair::<I>::default();
    for crowd in [0, 1, 100] {
        for key in [i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1].into_iter().chain((0..crowd).map(|key| key * 3)) {
            pair.toggle(key);
            pair.check();
            pair.walk();
        }
        assert_eq!(pair.ask(i64::MAX).unwrap().0, i64::MAX - 1);
        assert_eq!(pair.ask(i64::MIN + 1).unwrap().0, i64::MIN);
        pair.step(&Step::Drain, 0);
        pair.check();
    }
}

#[test]
fn every_index_holds_the_limits() {
    holds_the_limits::<BTree>();
    holds_the_limits::<Ladder>();
    holds_the_limits::<SkipList>();
    holds_the_limits::<Heap>();
}

/// Prices that are used once and left: 64 levels live at any time, near one another and far apart, over many drains.
fn stays_small<I: PriceIndex>(bytes: usize) {
    for apart in [1, 1_000_003, 1 << 40] {
        let mut pair = Pair::<I>::default();
        for number in 0..100_000_i64 {
            pair.toggle(number % (1 << 20) * apart);
            if number >= 64 {
                pair.toggle((number - 64) % (1 << 20) * apart);
            }
            if number % 25_000 == 0 {
                pair.walk();
            }
            assert!(pair.index.bytes() <= bytes, "{} bytes after {number}, {apart} apart", pair.index.bytes());
        }
        pair.step(&Step::Drain, 0);
        pair.toggle(7);
        pair.check();
        assert!(pair.index.bytes() <= bytes);
    }
}

#[test]
fn every_index_keeps_memory_in_proportion_to_its_live_levels() {
    stays_small::<BTree>(4 << 10);
    stays_small::<SkipList>(16 << 10);
    stays_small::<Heap>(16 << 10);
    // Its window at most, all pages of it visited; and the overflow.
    stays_small::<Ladder>((1 << 16) * 5 + (4 << 10));
}

/// No time is asserted: were a step O(n), this would not end. Half of the levels go during the walk; then new ones
/// come, with a short walk after each.
fn walks_deep<I: PriceIndex>() {
    let mut pair = Pair::<I>::default();
    let count = 1 << 16;
    (0..count).for_each(|key| pair.toggle(key * 5 % count * 1_009));
    pair.walk();
    let mut key = i64::MAX;
    for step in 0..count {
        let Some((next, _)) = pair.ask(key) else { break };
        if step % 2 == 0 {
            pair.toggle(next);
        }
        key = next;
    }
    pair.check();
    pair.walk();
    for step in 0..100 {
        pair.toggle(step * 1_009 + 1);
        pair.step(&Step::Walk(i64::MAX, 50), 0);
    }
}

#[test]
fn no_index_walks_a_deep_side_in_quadratic_time() {
    walks_deep::<BTree>();
    walks_deep::<Ladder>();
    walks_deep::<SkipList>();
    walks_deep::<Heap>();
}
