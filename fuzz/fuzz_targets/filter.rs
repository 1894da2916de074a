#![no_main]
//! See `sealog_fuzz::filter`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::filter(bytes));
