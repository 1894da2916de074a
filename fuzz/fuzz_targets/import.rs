#![no_main]
//! See `sealog_fuzz::import`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::import(bytes));
