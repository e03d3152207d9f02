//! Fuzzes rows of a store that an earlier process left.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("state_rows", data));
