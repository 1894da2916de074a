#![no_main]
//! See `sealog_fuzz::syslog`.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealog_fuzz::syslog(bytes));
