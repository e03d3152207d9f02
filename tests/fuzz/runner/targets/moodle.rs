//! Fuzzes a row of Moodle's log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("moodle", data));
