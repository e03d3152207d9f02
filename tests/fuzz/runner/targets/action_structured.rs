//! Fuzzes an action as a CloudEvent in structured mode.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("action_structured", data));
