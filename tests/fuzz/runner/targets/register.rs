//! Fuzzes a row of a register view as an Avro datum.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("register", data));
