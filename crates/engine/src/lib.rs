//! The deterministic matching core of AeroMatch.

pub mod codes;
pub mod record;
