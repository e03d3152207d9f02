//! lms-audit: an exactly-once audit trail for learning platforms on Apache Kafka.
//!
//! A table of contents: arguments, configuration and commands are in the library beside it.

use std::process::ExitCode;

use clap::Parser as _;
use lms_audit::cli::Cli;
use lms_audit::{commands, verdict};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = commands::run(Cli::parse());
    verdict::exit(&result, &mut std::io::stderr())
}
