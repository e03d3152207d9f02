//! Fuzzes configuration: file, environment, flags and properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("config", data));
