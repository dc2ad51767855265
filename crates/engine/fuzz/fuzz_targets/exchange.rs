//! Arbitrary bytes as commands to an exchange: nothing is made or lost, and a snapshot goes on as the exchange would have.
#![no_main]

use aeromatch_fuzz::untrusted::venue;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    venue::trade(bytes);
    venue::restore_damaged(bytes);
});
