//! Snapshots of real books, damaged under a correct checksum, and arbitrary bytes as snapshots.
#![no_main]

use aeromatch_fuzz::untrusted;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    untrusted::restore(bytes);
    untrusted::restore_damaged(bytes);
});
