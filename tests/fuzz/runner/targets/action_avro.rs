//! Fuzzes an action as an Avro datum of our schema.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("action_avro", data));
