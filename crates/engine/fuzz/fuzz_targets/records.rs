//! Arbitrary bytes as a batch of records.
#![no_main]

use aeromatch_fuzz::untrusted;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = untrusted::decode_batch(bytes);
});
