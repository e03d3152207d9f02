//! Fuzzes a record of the ledger as an Avro datum.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::run("ledger", data));
