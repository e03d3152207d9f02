//! Fuzzes an action as a CloudEvent in binary mode: headers, an empty line, the value.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("action_binary", data));
