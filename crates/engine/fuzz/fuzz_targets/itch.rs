//! Arbitrary bytes as a TotalView-ITCH file, in chunks of several sizes, replayed with every price index.
#![no_main]

use aeromatch_fuzz::itch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = itch::read(bytes);
});
