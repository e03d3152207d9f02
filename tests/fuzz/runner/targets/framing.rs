//! Fuzzes a value in any framing, with or without the header that names its schema.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("framing", data));
