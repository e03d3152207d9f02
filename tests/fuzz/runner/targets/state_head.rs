//! Fuzzes what a store on disk says of itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("state_head", data));
