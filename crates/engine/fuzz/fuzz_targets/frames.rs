//! Arbitrary bytes as what a client of the binary protocol sends.
#![no_main]

use aeromatch_fuzz::frames;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    frames::read(bytes);
});
