//! Fuzzes a schema registry's answer, and an Avro datum to read by it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("registry", data));
