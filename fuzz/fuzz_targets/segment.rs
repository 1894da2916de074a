#![no_main]
//! See `sealog_fuzz::segment`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::segment(bytes));
