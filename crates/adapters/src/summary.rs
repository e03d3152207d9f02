//! What became of a file: every line in exactly one of blank, mapped, unmapped, unreadable and
//! incomplete.

use std::collections::BTreeSet;
use std::fmt;

use crate::line::{Event, Missing};
use crate::names::Names;

/// How many unreadable lines are kept with their place.
const KEPT_UNREADABLE: usize = 20;
/// How many lines are kept for each name that was incomplete.
const KEPT_INCOMPLETE: usize = 5;

/// What became of a file. `blank + mapped + unmapped + unreadable + incomplete = lines`; a line that
/// tells of several events counts as incomplete if any of them is, else as mapped if any is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The file, as the caller named it.
    pub file: String,
    /// Bytes read, line endings included.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Lines with nothing on them.
    pub blank: u64,
    /// Lines that made actions and lack nothing.
    pub mapped: u64,
    /// Lines whose events map to nothing.
    pub unmapped: u64,
    /// Lines that cannot be read.
    pub unreadable: u64,
    /// Lines that map but lack something an action must have.
    pub incomplete: u64,
    /// Actions handed to the publisher (those of incomplete lines, too, as far as they lack nothing).
    pub published: u64,
    /// Events whose own trigger is another than the one they came by.
    pub mismatched: u64,
    /// Events that map to nothing, by name.
    pub unmapped_names: Names,
    /// Events that lacked something, by name.
    pub incomplete_names: Names<Incomplete>,
    /// The first 20 lines that cannot be read.
    pub first_unreadable: Vec<Unreadable>,
    /// Where it was stopped; none if the file was read to its end.
    pub stopped: Option<Place>,
}

/// Events of one name that lacked something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// How many.
    pub count: u64,
    /// What they lacked.
    pub missing: BTreeSet<Missing>,
    /// The first 5 lines, from 1.
    pub first_lines: Vec<u64>,
    /// There were more lines.
    more: bool,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it, without its content.
    pub problem: String,
}

/// A place in a file: everything before it was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// How many lines were handled.
    pub line: u64,
    /// How many bytes were handled.
    pub byte: u64,
}

impl Summary {
    /// Whether every line was read, and no event lacked anything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unreadable == 0 && self.incomplete == 0 && self.stopped.is_none()
    }

    pub(crate) fn unreadable(&mut self, problem: String) {
        self.unreadable += 1;
        if self.first_unreadable.len() < KEPT_UNREADABLE {
            self.first_unreadable.push(Unreadable { line: self.lines, problem });
        }
    }

    /// Counts the events of the line that `lines` stands at, and the line itself.
    pub(crate) fn events(&mut self, events: &[Event]) {
        let mut makes_actions = false;
        let mut lacks = false;
        for event in events {
            match event {
                Event::Unmapped(name) => *self.unmapped_names.of(name) += 1,
                Event::Mapped { name, actions, missing } => {
                    makes_actions |= !actions.is_empty();
                    lacks |= !missing.is_empty();
                    if !missing.is_empty() {
                        self.incomplete_names.of(name).add(self.lines, missing);
                    }
                }
            }
        }
        match (lacks, makes_actions) {
            (true, _) => self.incomplete += 1,
            (false, true) => self.mapped += 1,
            (false, false) => self.unmapped += 1,
        }
    }
}

impl Incomplete {
    fn add(&mut self, line: u64, missing: &[Missing]) {
        self.count += 1;
        self.missing.extend(missing);
        if self.first_lines.last() == Some(&line) {
            return;
        }
        match self.first_lines.len() {
            KEPT_INCOMPLETE => self.more = true,
            _ => self.first_lines.push(line),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        writeln!(
            f,
            "{file}: {} lines, {} bytes, {} actions published",
            self.lines, self.bytes, self.published
        )?;
        for (name, count) in [
            ("mapped", self.mapped),
            ("unmapped", self.unmapped),
            ("incomplete", self.incomplete),
            ("unreadable", self.unreadable),
            ("blank", self.blank),
        ] {
            writeln!(f, "  {name:<10} {count:>9}")?;
        }
        if let Some(place) = self.stopped {
            writeln!(
                f,
                "stopped after line {}, byte {}: feeding the file again adds nothing twice",
                place.line, place.byte
            )?;
        }
        if self.mismatched > 0 {
            writeln!(f, "{} events name another trigger than the one they came by", self.mismatched)?;
        }
        self.write_names(f)?;
        for Unreadable { line, problem } in &self.first_unreadable {
            writeln!(f, "unreadable {file}:{line}: {problem}")?;
        }
        match self.unreadable - self.first_unreadable.len() as u64 {
            0 => Ok(()),
            more => writeln!(f, "unreadable: {more} more lines"),
        }
    }
}

impl Summary {
    fn write_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in self.unmapped_names.sorted() {
            writeln!(f, "unmapped {count:>9}  {name}")?;
        }
        for (name, incomplete) in self.incomplete_names.sorted() {
            let missing: Vec<_> = incomplete.missing.iter().map(|missing| missing.name()).collect();
            let lines: Vec<_> = incomplete.first_lines.iter().map(u64::to_string).collect();
            let more = if incomplete.more { ", …" } else { "" };
            let (missing, lines) = (missing.join(", "), lines.join(", "));
            writeln!(f, "incomplete {:>7}  {name}: no {missing} (line {lines}{more})", incomplete.count)?;
        }
        Ok(())
    }
}
