#![no_main]
//! See `sealog_fuzz::bulk`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::bulk(bytes));
