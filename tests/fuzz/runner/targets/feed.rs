//! Fuzzes a file of any format, cut into chunks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("feed", data));
