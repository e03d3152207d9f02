//! Fuzzes report rows to restore, and audit events to fold into them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("aggregator", data));
