#![no_main]
//! See `sealog_fuzz::store_file`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::store_file(bytes));
