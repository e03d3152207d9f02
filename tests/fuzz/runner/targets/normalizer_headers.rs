//! Fuzzes key and headers of an action: sizes, re-routes, CloudEvents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("normalizer_headers", data));
