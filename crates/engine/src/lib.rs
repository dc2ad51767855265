//! The deterministic matching core of AeroMatch.
