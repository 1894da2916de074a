#![no_main]
//! See `sealog_fuzz::otlp`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::otlp(bytes));
