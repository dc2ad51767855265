//! How far the models are run: loom tries the interleavings, and the values that a load may return, with at most so many
//! switches away from a thread that could go on. Most bugs need one or two (`make loom` allows more).
//!
//! Loom leaves out interleavings that it takes for equivalent, and it remembers one access to a word for that, the last. A
//! thread that loads a word and then exchanges it hides thereby that another one loaded it before: a model in which
//! the consumer comes first, and looks into an empty intake, is run once and proves nothing. So in these models those who
//! publish come first, and every model says what came out of its runs: the test asks for the outcomes that it must
//! have met.

use loom::model::Builder;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Runs `model` with `preemptions` forced switches or what LOOM_MAX_PREEMPTIONS says; returns all that it returned.
pub fn check<T: Ord + Send + 'static>(
    preemptions: usize,
    model: impl Fn() -> T + Send + Sync + 'static,
) -> BTreeSet<T> {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 20_000;
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    builder.check({
        let outcomes = outcomes.clone();
        move || {
            let outcome = model();
            outcomes.lock().unwrap().insert(outcome);
        }
    });
    std::mem::take(&mut outcomes.lock().unwrap())
}
