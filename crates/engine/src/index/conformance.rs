//! One test for all price indexes: against a sorted map, over prices that stay near, run away, jump and hit the limits of 64 bits.

use super::{BTree, Ladder, PriceIndex};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Toggle(i64),
    Ask(i64),
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
    prop::collection::vec(prop_oneof![3 => keys().prop_map(Step::Toggle), 1 => keys().prop_map(Step::Ask)], 1..400)
}

fn conforms<I: PriceIndex>(steps: &[Step], drift: i64) {
    let mut index = I::default();
    let mut model = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let moved = drift.wrapping_mul(number as i64);
        match *step {
            Step::Toggle(key) => {
                let key = key.saturating_add(moved);
                if model.remove(&key).is_some() {
                    index.remove(key);
                } else {
                    let level = number as u32 + 1;
                    model.insert(key, level);
                    index.insert(key, level, *model.last_key_value().unwrap().0);
                }
            }
            Step::Ask(key) => {
                let key = key.saturating_add(moved);
                assert_eq!(index.get(key), model.get(&key).copied().unwrap_or(0), "get {key}");
                let below = model.range(..key).next_back().map(|(&key, &level)| (key, level));
                assert_eq!(index.below(key), below, "below {key}");
            }
        }
    }
    let mut walked = Vec::new();
    // The highest of all keys cannot be asked for through `below`.
    if model.contains_key(&i64::MAX) {
        walked.push((i64::MAX, index.get(i64::MAX)));
    }
    let mut next = index.below(i64::MAX);
    while let Some((key, level)) = next {
        walked.push((key, level));
        next = index.below(key);
    }
    assert_eq!(walked, model.into_iter().rev().collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn every_index_is_a_sorted_map(steps in steps(), drift in prop_oneof![Just(0_i64), -50..50_i64]) {
        conforms::<BTree>(&steps, drift);
        conforms::<Ladder>(&steps, drift);
    }
}
