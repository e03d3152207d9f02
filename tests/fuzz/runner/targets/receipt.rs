//! Fuzzes a receipt as an Avro datum.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("receipt", data));
