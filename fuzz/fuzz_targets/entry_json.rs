#![no_main]
//! See `sealog_fuzz::entry_json`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::entry_json(bytes));
