//! What the trail came to, printed: a row per partition, a row per finding, and a sentence.

use std::collections::BTreeMap;

use anyhow::bail;
use catalog::Topic;
use serde_json::json;
use stage::Partition;

use super::findings::{Finding, Findings};
use super::totals::Sums;
use crate::output::{Printer, Row, say};
use crate::shell::Shell;
use crate::verdict::Verdict;

/// What the partitions came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    partitions: BTreeMap<Partition, Sums>,
}

impl Outcome {
    pub(super) fn add(&mut self, partition: Partition, sums: Sums) {
        self.partitions.insert(partition, sums);
    }

    /// Prints everything.
    ///
    /// # Errors
    /// When nobody takes the output.
    pub(super) fn print(&self, shell: &mut Shell<'_>, findings: &Findings) -> anyhow::Result<Verdict> {
        let columns = ["what", "topic", "partition", "offset", "key", "detail"];
        let mut printer = Printer::new(&mut shell.out, shell.format, &columns)?;
        for (partition, sums) in &self.partitions {
            printer.row(&account(*partition, sums))?;
        }
        for finding in findings.all().flat_map(|(_, _, named)| named) {
            printer.row(&row(finding))?;
        }
        printer.finish()?;
        for (what, count, named) in findings.all().filter(|(_, count, named)| *count > named.len() as u64) {
            let more = count - named.len() as u64;
            say(&format!("{more} more {} are not named: see --limit", what.name()));
        }
        self.conclude(findings)
    }

    fn conclude(&self, findings: &Findings) -> anyhow::Result<Verdict> {
        let actions: u64 = self.partitions.values().map(|sums| sums.actions).sum();
        let unjudged: u64 = self.partitions.values().map(|sums| sums.unjudged).sum();
        if unjudged > 0 {
            say(&format!(
                "{unjudged} actions are older than what is kept of the outputs, and were not judged"
            ));
        }
        let differs = findings.differences() > 0;
        match self.waiting() {
            Some(waiting) if actions == 0 && !differs => {
                bail!("nothing was judged: {waiting}; is it running? run this again once it has read them")
            }
            waiting => waiting.iter().for_each(|note| say(&format!("{note}: they were not judged"))),
        }
        let kinds: Vec<_> =
            findings.all().map(|(what, count, _)| format!("{count} {}", what.name())).collect();
        let found = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        let verdict = match differs {
            true => "the trail differs",
            false if actions == unjudged => "nothing was judged",
            false => "the trail agrees",
        };
        say(&format!("{actions} actions; {verdict}{found}"));
        Ok(if differs { Verdict::Differs } else { Verdict::Fine })
    }
}

impl Outcome {
    /// How many actions wait for the normalizer, told with where; `None` where none does.
    fn waiting(&self) -> Option<String> {
        let behind: Vec<_> = self.partitions.iter().filter(|(_, sums)| sums.waiting > 0).collect();
        let (partition, first) = behind.first()?;
        let all: u64 = behind.iter().map(|(_, sums)| sums.waiting).sum();
        let more = match behind.len() - 1 {
            0 => String::new(),
            more => format!(" and in {more} more partitions"),
        };
        Some(format!(
            "{all} actions wait for the normalizer, from offset {} of partition {partition} on{more}",
            first.next
        ))
    }
}

/// What the actions of a partition became.
fn account(partition: Partition, sums: &Sums) -> Row {
    let Sums { actions, recorded, duplicate, suppressed, dead_lettered, rerouted, lost, unjudged, .. } =
        *sums;
    let mut detail = format!(
        "{actions} actions = {recorded} recorded + {duplicate} duplicate + {suppressed} suppressed + {dead_lettered} dead-lettered + {rerouted} re-routed"
    );
    for (count, name) in [(lost, "lost"), (unjudged, "not judged")] {
        if count > 0 {
            detail += &format!(" + {count} {name}");
        }
    }
    if sums.waiting > 0 {
        detail += &format!("; {} wait from offset {} on", sums.waiting, sums.next);
    }
    let (topic, number) = (Topic::Actions.name(), partition.number());
    let empty = String::new;
    Row {
        cells: vec!["account".into(), topic.clone(), number.to_string(), empty(), empty(), detail],
        json: json!({
            "what": "account", "topic": topic, "partition": number, "actions": actions,
            "recorded": recorded, "duplicate": duplicate, "suppressed": suppressed,
            "dead_lettered": dead_lettered, "rerouted": rerouted, "lost": lost, "unjudged": unjudged,
            "waiting": sums.waiting, "covered_until": sums.next,
        }),
    }
}

fn row(finding: &Finding) -> Row {
    let Finding { what, topic, partition, offset, key, detail, ranges: _ } = finding;
    let cell = |number: Option<String>| number.unwrap_or_default();
    Row {
        cells: vec![
            what.name().into(),
            topic.clone(),
            cell(partition.map(|number| number.to_string())),
            cell(offset.map(|number| number.to_string())),
            key.clone(),
            detail.clone(),
        ],
        json: finding.json(),
    }
}
