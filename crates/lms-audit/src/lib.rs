//! The command: configuration, wiring and one module per command.
//!
//! A library beside the binary so that tests and benches can run the same generator and commands.

pub mod cli;
pub mod commands;
pub mod config;
pub mod generate;
pub mod output;
mod reading;
mod shell;
pub mod stages;
#[cfg(test)]
mod testing;
pub mod topics;
pub mod verdict;
pub mod when;
pub mod wiring;

pub use shell::Shell;
