#![no_main]
//! See `sealog_fuzz::column`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::column(bytes));
