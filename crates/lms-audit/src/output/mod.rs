//! How commands speak: tables for people, JSON, JSON lines and CSV for programs.
//!
//! Every command prints through a [`Printer`], so that escaping and formats are decided once.

mod escape;
mod printer;

use std::io::{IsTerminal as _, Write as _};

pub use escape::{csv_cell, escape, escape_json, escape_lines};
pub use printer::{Printer, Row};

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: columns or lines.
    #[default]
    Table,
    /// One JSON value.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header line.
    Csv,
}

/// Says how far a long task has come: on stderr, only where that is a terminal, only now and then.
pub struct Progress {
    shown: bool,
    last: std::time::Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Self { shown: std::io::stderr().is_terminal(), last: std::time::Instant::now() }
    }
}

impl Progress {
    /// Says `what` if there is somebody to say it to and it was not said just now.
    pub fn tick(&mut self, what: impl FnOnce() -> String) {
        const EVERY: std::time::Duration = std::time::Duration::from_millis(200);
        if self.shown && self.last.elapsed() >= EVERY {
            self.last = std::time::Instant::now();
            say_raw(&format!("\r\x1b[K{}", escape(&what())));
        }
    }

    /// Clears the line.
    pub fn done(&self) {
        if self.shown {
            say_raw("\r\x1b[K");
        }
    }
}

/// Says one line on stderr: what a person should know beside the output itself.
pub fn say(line: &str) {
    say_raw(&format!("{}\n", escape(line)));
}

fn say_raw(text: &str) {
    // A note that nobody can receive must not fail the command that makes it.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
