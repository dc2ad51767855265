//! Real shard threads: what they answer, what they keep, what they show.

#[path = "../common/mod.rs"]
mod common;
mod crashes;
mod ends;
mod events;
mod gated;
mod halves;
mod making;
mod market;
mod opening;
mod ports;
mod samples;
mod streams;
