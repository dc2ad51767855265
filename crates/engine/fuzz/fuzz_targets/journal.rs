//! Arbitrary changes to the files of an exchange's directory: it opens as it once was, or is refused by name.
#![no_main]

use aeromatch_fuzz::journal;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| journal::open_changed(bytes));
