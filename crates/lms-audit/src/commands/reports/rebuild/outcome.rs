//! What a rebuild did, or would do, report by report.

use std::collections::BTreeMap;

use catalog::Topic;
use serde_json::json;
use stage::{Offset, Partition};

use super::{Command, Report};
use crate::output::{Printer, Row, say};
use crate::shell::Shell;

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
}

impl Outcome {
    /// Nothing yet.
    pub(super) fn new(reports: &[Report], truncated: Vec<(Partition, Offset)>) -> Self {
        let counts = reports.iter().map(|report| (*report, Counts::default())).collect();
        Self { counts, truncated, folded: 0 }
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
        let all = |count: fn(&Counts) -> u64| self.counts.values().map(count).sum::<u64>();
        let (before, after) = (all(|counts| counts.before), all(|counts| counts.after));
        let (would, are) = if command.yes { ("", "are") } else { ("would be ", "would be") };
        say(&format!("{before} rows {would}removed, {} events {would}folded into {after} rows", self.folded));
        if let Some((partition, start)) = self.truncated.first() {
            say(&format!(
                "{} partition {partition} begins at offset {start}: {} rows have no event left and {are} lost, {} may miss some and say so (restarted)",
                Topic::Events.name(),
                all(|counts| counts.lost),
                all(|counts| counts.incomplete)
            ));
        }
        Ok(())
    }
}
