//! Fuzzes a settings row as an Avro datum.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("setting", data));
