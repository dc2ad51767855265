//! How far the models are run: loom tries every interleaving, and every value that a load may return, with at most so
//! many switches away from a thread that could go on. Most bugs need one or two (`make loom` allows more).

use loom::model::Builder;

/// Runs `model` in every way there is, with `preemptions` forced switches or what LOOM_MAX_PREEMPTIONS says.
pub fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}
