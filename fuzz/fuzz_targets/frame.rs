#![no_main]
//! See `sealog_fuzz::frame`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::frame(bytes));
