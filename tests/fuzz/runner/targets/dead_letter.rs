//! Fuzzes the headers of a dead letter.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("dead_letter", data));
