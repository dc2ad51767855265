//! The deterministic matching core of AeroMatch.
//!
//! `apply(command) -> events`, pure: no clock, no I/O, no threads, no floats, no randomness, nothing that depends on the order
//! of a hash table (R3). Time comes in with the command. Start at [`book`] for the
//! state, at `apply` for the way in, at [`engine::Book`] to use it.

pub mod auction;
pub mod book;
pub mod codes;
pub mod collector;
pub mod engine;
pub mod exchange;
pub mod index;
pub mod ledger;
pub mod offset;
pub mod platform;
pub mod record;
pub mod rules;
pub mod snapshot;
pub mod statistics;
pub mod views;

mod apply;
mod arrive;
mod aside;
mod bands;
mod change;
mod check;
mod client_ids;
mod clock;
mod digest;
mod dry_run;
mod enter;
mod expiry;
mod extras;
mod half;
mod ids;
mod level;
mod matching;
mod phases;
mod pool;
mod prefetch;
mod share;
mod triggers;
mod walk;
