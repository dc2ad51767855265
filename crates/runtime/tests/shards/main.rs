//! Real shard threads: what they answer, what they keep, what they show.

mod market;
mod ports;
