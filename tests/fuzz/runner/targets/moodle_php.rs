//! Fuzzes what PHP serialized into a row of Moodle's log.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("moodle_php", data));
