//! Fuzzes an action as plain JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("action_json", data));
