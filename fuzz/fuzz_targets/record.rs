#![no_main]
//! See `sealog_fuzz::record`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::record(bytes));
