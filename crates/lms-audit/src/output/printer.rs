//! Prints rows in the form that was asked for, as they come where the form allows.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::Value;

use super::{Format, csv_cell, escape, escape_json};

/// One row: cells for people and CSV, an object for programs.
#[derive(Clone, Debug)]
pub struct Row {
    /// One cell per column.
    pub cells: Vec<String>,
    /// All there is to know.
    pub json: Value,
}

/// Prints rows to `out`.
pub struct Printer<W> {
    out: W,
    format: Format,
    table: Table,
    rows: usize,
}

impl<W: Write> Printer<W> {
    /// A printer with these columns; CSV's header line is written at once.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn new(mut out: W, format: Format, columns: &[&str]) -> io::Result<Self> {
        let mut table = Table::new();
        // Columns apart by two blanks, no lines: like kubectl, and easy to cut.
        table.load_style(TableStyle::new());
        table.set_content_arrangement(ContentArrangement::Disabled);
        match format {
            Format::Csv => {
                out.write_all(&csv_line(columns.iter().map(|c| c.to_lowercase().replace(' ', "_")))?)?
            }
            Format::Table => {
                table.set_header(columns.iter().map(|column| column.to_uppercase()));
            }
            Format::Json | Format::Jsonl => {}
        }
        Ok(Self { out, format, table, rows: 0 })
    }

    /// Prints one row, or keeps it until [`Printer::finish`] where the form needs all of them.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        match self.format {
            Format::Table => {
                self.table.add_row(row.cells.iter().map(|cell| escape(cell).into_owned()));
            }
            Format::Csv => {
                let line = csv_line(row.cells.iter().map(|cell| csv_cell(cell).into_owned()))?;
                self.out.write_all(&line)?;
            }
            Format::Jsonl => writeln!(self.out, "{}", escape_json(&row.json.to_string()))?,
            Format::Json => {
                let lead = if self.rows == 0 { "[" } else { "," };
                write!(self.out, "{lead}\n{}", escape_json(&row.json.to_string()))?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Hands over what was printed so far to whoever reads it.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Prints what is left and gives the number of rows.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn finish(mut self) -> io::Result<usize> {
        match self.format {
            Format::Table if self.rows > 0 => {
                for column in self.table.column_iter_mut() {
                    column.set_padding((0, 2));
                }
                for line in self.table.lines() {
                    writeln!(self.out, "{}", line.trim_end())?;
                }
            }
            Format::Json if self.rows == 0 => writeln!(self.out, "[]")?,
            Format::Json => writeln!(self.out, "\n]")?,
            _ => {}
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}

fn csv_line(cells: impl Iterator<Item = String>) -> io::Result<Vec<u8>> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(cells).map_err(io::Error::other)?;
    line.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(format: Format, rows: &[Row]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, format, &["name", "last at"]).expect("written");
        for row in rows {
            printer.row(row).expect("written");
        }
        assert_eq!(printer.finish().expect("written"), rows.len());
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn the_same_rows_in_every_form() {
        let row =
            |name: &str, at: &str| Row { cells: vec![name.into(), at.into()], json: json!({"name": name}) };
        let rows = [row("Łukasz", "2026-11-02 09:14:03Z"), row("=a,\u{1b}b", "x")];
        for (format, expected) in [
            (Format::Table, "NAME        LAST AT\nŁukasz      2026-11-02 09:14:03Z\n=a,\\u{1b}b  x\n"),
            (Format::Csv, "name,last_at\nŁukasz,2026-11-02 09:14:03Z\n\"'=a,\\u{1b}b\",x\n"),
            (Format::Jsonl, "{\"name\":\"Łukasz\"}\n{\"name\":\"=a,\\u001bb\"}\n"),
            (Format::Json, "[\n{\"name\":\"Łukasz\"},\n{\"name\":\"=a,\\u001bb\"}\n]\n"),
        ] {
            assert_eq!(printed(format, &rows), expected, "{format:?}");
        }
    }

    #[test]
    fn no_rows_are_still_valid_output() {
        for (format, expected) in [
            (Format::Table, ""),
            (Format::Csv, "name,last_at\n"),
            (Format::Jsonl, ""),
            (Format::Json, "[]\n"),
        ] {
            assert_eq!(printed(format, &[]), expected, "{format:?}");
        }
    }
}
