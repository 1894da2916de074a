#![no_main]
//! See `sealog_fuzz::cbor`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::cbor(bytes));
