//! Fuzzes a line of an Open edX tracking log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("openedx", data));
