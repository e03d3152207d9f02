//! Fuzzes what a normalizer restores its state from.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("normalizer_restore", data));
