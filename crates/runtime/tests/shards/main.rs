//! Real shard threads: what they answer, what they keep, what they show.

mod events;
mod market;
mod ports;
