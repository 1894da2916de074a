#![no_main]
//! See `sealog_fuzz::journal`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::journal(bytes));
