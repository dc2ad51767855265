//! What ThreadSanitizer must say of a hand-over that is ordered, and of one that is not (tools/tsan).
#![cfg(not(loom))]

#[path = "cell/race.rs"]
mod race;

use std::sync::atomic::Ordering;

#[test]
fn ordered_hand_over() {
    assert_eq!(race::hand_over(Ordering::Release, Ordering::Acquire), 7);
}

#[test]
#[ignore = "a data race on purpose: `make tsan` runs it and expects a report"]
fn racy_hand_over() {
    race::hand_over(Ordering::Relaxed, Ordering::Relaxed);
}
