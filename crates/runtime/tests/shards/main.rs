//! Real shard threads: what they answer, what they keep, what they show.

mod crashes;
mod ends;
mod events;
mod halves;
mod making;
mod market;
mod opening;
mod ports;
mod samples;
mod streams;
