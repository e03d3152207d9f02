//! Fuzzes a row of an activity view as an Avro datum.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("activity", data));
