//! Setting up the log of a process: once, and with a filter that can be read.

use ops::{LogFormat, LoggingError, init_logging};

#[test]
fn a_process_has_one_log() {
    assert!(matches!(init_logging(LogFormat::Json, "not=a=filter"), Err(LoggingError::Filter { .. })));
    assert!(init_logging(LogFormat::Json, "off").is_ok());
    let error = init_logging(LogFormat::Text, "off").expect_err("it is there already");
    assert_eq!(error.to_string(), "the log is already set up");
}
