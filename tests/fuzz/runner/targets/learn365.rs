//! Fuzzes a webhook body of Learn365.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("learn365", data));
