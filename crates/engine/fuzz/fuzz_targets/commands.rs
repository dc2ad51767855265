//! Arbitrary bytes as batches for books of every price index.
#![no_main]

use aeromatch_fuzz::untrusted;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| untrusted::process(bytes));
