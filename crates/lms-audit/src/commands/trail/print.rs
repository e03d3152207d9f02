//! Prints audit events: a line each for people, rows for programs.

use std::io::Write;

use catalog::AuditEvent;

use super::line::{self, line, row};
use crate::output::{Format, Printer, escape};

/// Prints events: a line each for people, rows for programs.
pub(super) enum Lines<W> {
    Readable(W),
    Rows(Box<Printer<W>>),
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W, format: Format) -> std::io::Result<Self> {
        Ok(match format {
            Format::Table => Self::Readable(out),
            _ => Self::Rows(Box::new(Printer::new(out, format, &line::COLUMNS)?)),
        })
    }

    pub(super) fn event(&mut self, event: &AuditEvent<'_>) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => writeln!(out, "{}", escape(&line(event))),
            Self::Rows(printer) => printer.row(&row(event)),
        }
    }

    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Readable(out) => out.flush(),
            Self::Rows(printer) => printer.flush(),
        }
    }

    pub(super) fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Readable(mut out) => out.flush(),
            Self::Rows(printer) => printer.finish().map(drop),
        }
    }
}
