//! A log that cannot be written, as on a full disk, ends nothing.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::process::Command;

use ops::{LogFormat, init_logging};

const CHILD: &str = "LMSAUDIT_TEST_LOGS_TO_A_FULL_DISK";

#[test]
fn a_line_that_cannot_be_written_ends_nothing() {
    if std::env::var_os(CHILD).is_some() {
        init_logging(LogFormat::Json, "info").expect("it is the first");
        tracing::info!("a line that is lost");
        return;
    }
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let test = std::env::current_exe().expect("it runs");
    let name = "a_line_that_cannot_be_written_ends_nothing";
    let status =
        Command::new(test).args(["--exact", name, "--nocapture"]).env(CHILD, "1").stderr(full).status();
    assert!(status.expect("it can be started").success());
}
