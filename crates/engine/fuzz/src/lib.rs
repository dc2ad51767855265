//! The checks that the fuzz targets run, shared with the tests of the crates they are about.

#[path = "../../../runtime/tests/untrusted/frames.rs"]
pub mod frames;
#[path = "../../../itch/tests/untrusted/mod.rs"]
pub mod itch;
#[path = "../../../runtime/tests/untrusted/mod.rs"]
pub mod journal;
#[path = "../../tests/untrusted/mod.rs"]
pub mod untrusted;
