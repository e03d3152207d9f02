//! What a rebuild did, or would do, report by report.

use std::collections::BTreeMap;

use catalog::Topic;
use serde_json::json;
use stage::{Offset, Partition};

use super::{Command, Report};
use crate::output::{Printer, Row, say};
use crate::shell::Shell;

/// What is said where an aggregator runs beside a dry run.
const MEANWHILE: &str = "the aggregator runs: rows that it wrote meanwhile are counted as changed or lost, too, so the numbers are not exact; end it and ask again";

/// What became of the rows of one report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows before.
    pub(super) before: u64,
    /// Rows after.
    pub(super) after: u64,
    /// Of these, rows that say something else than before.
    pub(super) changed: u64,
    /// Of these, rows that were not there before.
    pub(super) added: u64,
    /// Rows that were there before and are no more.
    pub(super) lost: u64,
    /// Rows that say `restarted`, as events of their window may be gone.
    pub(super) incomplete: u64,
}

/// What a rebuild did, or would do.
pub(super) struct Outcome {
    counts: BTreeMap<Report, Counts>,
    truncated: Vec<(Partition, Offset)>,
    /// Audit events that were folded.
    pub(super) folded: u64,
    /// Whether an aggregator may have written rows while they were looked at.
    pub(super) meanwhile: bool,
}

impl Outcome {
    /// Nothing yet.
    pub(super) fn new(reports: &[Report], truncated: Vec<(Partition, Offset)>) -> Self {
        let counts = reports.iter().map(|report| (*report, Counts::default())).collect();
        Self { counts, truncated, folded: 0, meanwhile: false }
    }

    /// The counts of one report.
    pub(super) fn of(&mut self, report: Report) -> &mut Counts {
        self.counts.entry(report).or_default()
    }

    /// Prints a row per report, and what is lost.
    ///
    /// # Errors
    /// When nobody takes the output.
    pub(super) fn print(&self, command: &Command, shell: &mut Shell<'_>) -> anyhow::Result<()> {
        let columns = ["report", "rows before", "rows after", "changed", "added", "lost", "incomplete"];
        let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
        for ((category, view), counts) in &self.counts {
            let Counts { before, after, changed, added, lost, incomplete } = *counts;
            let name = Topic::Report(*category, *view).name();
            let numbers = [before, after, changed, added, lost, incomplete].map(|count| count.to_string());
            printer.row(&Row {
                cells: [name.clone()].into_iter().chain(numbers).collect(),
                json: json!({
                    "report": name, "rows_before": before, "rows_after": after, "changed": changed,
                    "added": added, "lost": lost, "incomplete": incomplete,
                }),
            })?;
        }
        printer.finish()?;
        self.notes(command.yes).iter().for_each(|note| say(note));
        Ok(())
    }

    /// What a person should know beside the counts.
    fn notes(&self, done: bool) -> Vec<String> {
        let all = |count: fn(&Counts) -> u64| self.counts.values().map(count).sum::<u64>();
        let (before, after) = (all(|counts| counts.before), all(|counts| counts.after));
        let (would, are) = if done { ("", "are") } else { ("would be ", "would be") };
        let events = self.folded;
        let mut notes =
            vec![format!("{before} rows {would}removed, {events} events {would}folded into {after} rows")];
        if self.meanwhile {
            notes.push(MEANWHILE.into());
        }
        if let Some((partition, start)) = self.truncated.first() {
            notes.push(format!(
                "{} partition {partition} begins at offset {start}: {} rows have no event left and {are} lost, {} may miss some and say so (restarted)",
                Topic::Events.name(),
                all(|counts| counts.lost),
                all(|counts| counts.incomplete)
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::{Category, View};

    #[test]
    fn beside_a_running_aggregator_it_is_said_that_the_numbers_are_not_exact() {
        let register = (Category::Skill, View::Register);
        let mut outcome = Outcome::new(&[register], Vec::new());
        *outcome.of(register) = Counts { before: 3, after: 2, lost: 1, ..Counts::default() };
        let counts = "3 rows would be removed, 0 events would be folded into 2 rows";
        assert_eq!(outcome.notes(false), [counts]);
        outcome.meanwhile = true;
        assert_eq!(outcome.notes(false), [counts, MEANWHILE]);
    }
}
