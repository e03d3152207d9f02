//! Fuzzes a log of actions, read by the normalizer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("normalizer", data));
