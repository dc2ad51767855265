//! The checks that the fuzz targets run, shared with the engine's tests.

#[path = "../../tests/untrusted/mod.rs"]
pub mod untrusted;
