//! Nonces and buckets in every interleaving, with every value that a relaxed load may return.
#![cfg(loom)]

#[path = "loom/mod.rs"]
mod model;

use aeromatch_runtime::admission::bucket::{Bucket, Limit};
use aeromatch_runtime::admission::replay::{Nonces, Use};
use loom::sync::Arc;
use loom::thread;
use model::check;
use std::collections::BTreeSet;

const SECOND_NS: u64 = 1_000_000_000;

/// Both bring the same nonce: one of them is let in.
#[test]
fn the_same_nonce_is_fresh_once() {
    let outcomes = check(3, || {
        let nonces = Arc::new(Nonces::new(16, SECOND_NS));
        let other = thread::spawn({
            let nonces = nonces.clone();
            move || nonces.use_up(7, 0)
        });
        (nonces.use_up(7, 0), other.join().unwrap())
    });
    assert_eq!(outcomes, BTreeSet::from([(Use::Fresh, Use::Used), (Use::Used, Use::Fresh)]));
}

/// The first entry expires between the clocks of the two: they want different ones, and never are both let in.
#[test]
fn the_same_nonce_where_clocks_disagree() {
    let outcomes = check(2, || {
        let nonces = Arc::new(Nonces::new(16, SECOND_NS));
        assert_eq!(nonces.use_up(1 << 30, 0), Use::Fresh);
        let other = thread::spawn({
            let nonces = nonces.clone();
            move || nonces.use_up(7 << 30, 2 * SECOND_NS)
        });
        (nonces.use_up(7 << 30, 2 * SECOND_NS - 1), other.join().unwrap())
    });
    assert!(!outcomes.contains(&(Use::Fresh, Use::Fresh)));
    assert!(outcomes.contains(&(Use::Fresh, Use::Used)) && outcomes.contains(&(Use::Used, Use::Fresh)));
    // Both met on the way: refused for safety.
    assert!(outcomes.contains(&(Use::Used, Use::Used)));
}

/// Different nonces of one bucket do not hinder one another.
#[test]
fn different_nonces_are_fresh() {
    let outcomes = check(3, || {
        let nonces = Arc::new(Nonces::new(16, SECOND_NS));
        let other = thread::spawn({
            let nonces = nonces.clone();
            move || nonces.use_up(7 << 30, 0)
        });
        (nonces.use_up(8 << 30, 0), other.join().unwrap())
    });
    assert_eq!(outcomes, BTreeSet::from([(Use::Fresh, Use::Fresh)]));
}

/// One token, two who want it.
#[test]
fn the_last_token_is_given_once() {
    let outcomes = check(3, || {
        let (bucket, limit) = (Arc::new(Bucket::default()), Limit::new(1, 1));
        let other = thread::spawn({
            let bucket = bucket.clone();
            move || bucket.take(limit, 1, SECOND_NS).is_ok()
        });
        (bucket.take(limit, 1, SECOND_NS).is_ok(), other.join().unwrap())
    });
    assert_eq!(outcomes, BTreeSet::from([(true, false), (false, true)]));
}
