//! One partition's judge: the join's cases become sums and findings, and feed the recount.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use catalog::{Account, Category, Micros, SequenceRow, Topic};

use super::findings::{Finding, What};
use super::ids::EventIds;
use super::join::Case;
use super::outputs::{Became, Output, Seen};
use super::part::Across;
use super::recount::Recount;
use super::totals::{Heard, Sums};
use crate::when;

/// How many lost actions are kept, in case what became of them only lies late.
const LOST: usize = 100_000;

/// What is known of a partition before it is judged.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) partition: u32,
    /// The actions that are joined.
    pub(super) actions: Range<i64>,
    /// Whether these are all that there are.
    pub(super) is_whole: bool,
    /// The first action that is not covered.
    pub(super) covered: i64,
    /// What became of actions received before may lie in a topic that does not go back so far.
    pub(super) reach: Option<Micros>,
    /// Events that the aggregator had folded, at least and at most.
    pub(super) folded: Option<RangeInclusive<i64>>,
    /// Two events of one id less than this apart are one too many, in microseconds.
    pub(super) window: u64,
}

/// Judges one partition.
pub(super) struct Judge<'j, 'l> {
    known: Known,
    across: &'j mut Across,
    recount: Recount<'l>,
    judged: Judged,
    lost: BTreeMap<i64, Seen>,
    expired: Vec<Range<i64>>,
    ids: EventIds,
}

/// What one partition came to.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) sums: Sums,
    pub(super) heard: Heard,
    /// Offsets that expired unread, by receipts.
    pub(super) expired: u64,
    /// Events folded by category, at least and at most.
    pub(super) folded: BTreeMap<Category, [u64; 2]>,
    /// The rows of sequences with gaps.
    pub(super) gaps: Vec<SequenceRow>,
}

impl<'j, 'l> Judge<'j, 'l> {
    pub(super) fn new(known: Known, recount: Recount<'l>, across: &'j mut Across) -> Self {
        let (ids, judged) = (EventIds::new(known.window), Judged::default());
        Self { known, across, recount, judged, lost: BTreeMap::new(), expired: Vec::new(), ids }
    }

    /// How many actions were judged so far.
    pub(super) fn actions(&self) -> u64 {
        self.judged.sums.actions
    }

    /// Takes what the join found.
    pub(super) fn take(&mut self, case: Case<'_>) -> anyhow::Result<()> {
        match case {
            Case::One(action, output) => {
                self.action(action, &output.became);
                if output.is_behind {
                    self.say(
                        What::OutOfOrder,
                        output,
                        &action.key,
                        "it lies behind one of a later action".into(),
                    );
                }
                self.output(output, action.is_replayed)
            }
            Case::Several(action, outputs) => {
                self.action(action, &outputs[0].became);
                let detail = format!("the action at offset {} became {}", action.offset, names(outputs));
                self.say(What::Doubled, &outputs[1], &action.key, detail);
                self.output(&outputs[0], action.is_replayed)?;
                outputs[1..].iter().try_for_each(|output| self.record(output, false))
            }
            Case::Lost(action) => {
                self.judged.sums.actions += 1;
                self.across.arrived(action, self.known.partition);
                self.lost(action);
                Ok(())
            }
            Case::Late(output) => self.late(output),
            Case::Unexplained(output) => {
                let detail = format!("it names offset {}, where no committed action lies", output.names);
                self.say(What::Unexplained, output, "", detail);
                self.record(output, false)
            }
            // Written since the command began.
            Case::Outside(output) if output.names >= self.known.covered => Ok(()),
            Case::Outside(output) if self.known.is_whole => self.output(output, false),
            Case::Outside(output) => self.record(output, false),
            Case::Expired(range) => {
                self.expire(range);
                Ok(())
            }
        }
    }

    /// Names what stayed lost, and compares the rest of the ledger.
    pub(super) fn finish(mut self) -> anyhow::Result<Judged> {
        for action in std::mem::take(&mut self.lost).into_values() {
            let at = when::readable(action.received_at);
            let detail = format!("neither event, dead letter nor receipt names it; received {at}");
            self.say_of_actions(What::Lost, action.offset, action.key, detail);
        }
        for range in std::mem::take(&mut self.expired) {
            let detail = format!("offsets {}..{} expired before they were read", range.start, range.end);
            self.say_of_actions(What::Expired, range.start, String::new(), detail);
        }
        self.judged.gaps = self.recount.finish(&mut self.across.findings)?;
        Ok(self.judged)
    }

    fn action(&mut self, action: &Seen, became: &Became) {
        self.judged.sums.actions += 1;
        self.judged.sums.count(became);
        self.across.arrived(action, self.known.partition);
    }

    /// What became of an action, for the first time.
    fn output(&mut self, output: &Output, replayed: bool) -> anyhow::Result<()> {
        if let Some(Account::Source(tenant, source)) = &output.account {
            self.judged.heard.hear(tenant.as_str(), source, output.received_at);
        }
        if let Became::Rerouted { to } = output.became {
            self.across.moves.left(self.known.partition, to, output.names);
        }
        if let Became::Event { id, .. } = output.became
            && let Some(other) = self.ids.remember(id, output)
        {
            let detail = format!(
                "the action at offset {} was recorded under an id by which the one at offset {other} was",
                output.names
            );
            self.say(What::Doubled, output, "", detail);
        }
        self.record(output, replayed)
    }

    /// Counts a record, whatever it says.
    fn record(&mut self, output: &Output, replayed: bool) -> anyhow::Result<()> {
        self.across.records.count(&output.became);
        if let (Became::Event { category, .. }, Some(folded)) = (output.became, &self.known.folded) {
            let counts = self.judged.folded.entry(category).or_default();
            counts[0] += u64::from(output.at < *folded.start());
            counts[1] += u64::from(output.at < *folded.end());
        }
        self.recount.count(output, replayed, &mut self.across.findings)
    }

    fn expire(&mut self, range: Range<i64>) {
        let Range { start, end } = self.known.actions;
        let is_of_these = self.known.is_whole || (range.start < end && start < range.end);
        if is_of_these && range.start < self.known.covered {
            self.judged.expired += range.end.abs_diff(range.start);
            self.expired.push(range);
        }
    }

    fn lost(&mut self, action: &Seen) {
        if self.expired.iter().any(|range| range.contains(&action.offset)) {
            return;
        }
        if self.known.reach.is_some_and(|reach| action.received_at < reach) {
            self.judged.sums.unjudged += 1;
            return;
        }
        self.judged.sums.lost += 1;
        if self.lost.len() < LOST {
            self.lost.insert(action.offset, action.clone());
        } else {
            self.across.findings.count(What::Lost, 1);
        }
    }

    fn late(&mut self, output: &Output) -> anyhow::Result<()> {
        let Some(action) = self.lost.remove(&output.names) else {
            let detail = format!("what became of the action at offset {} is known already", output.names);
            self.say(What::Doubled, output, "", detail);
            return self.record(output, false);
        };
        self.judged.sums.lost -= 1;
        self.judged.sums.count(&output.became);
        self.say(What::OutOfOrder, output, &action.key, "it lies far behind those of later actions".into());
        self.output(output, action.is_replayed)
    }

    /// A finding about an output; without a key, that of its tenant.
    fn say(&mut self, what: What, output: &Output, key: &str, detail: String) {
        let key = match (&output.account, key) {
            (Some(Account::Source(tenant, _) | Account::Tenant(tenant)), "") => tenant.to_string(),
            _ => key.to_owned(),
        };
        let finding = Finding::new(what, topic(output), key, detail);
        self.across.findings.add(finding.of(self.known.partition).at(output.at));
    }

    fn say_of_actions(&mut self, what: What, offset: i64, key: String, detail: String) {
        let finding = Finding::new(what, Topic::Actions, key, detail);
        self.across.findings.add(finding.of(self.known.partition).at(offset));
    }
}

fn topic(output: &Output) -> Topic {
    match output.became {
        Became::Event { .. } => Topic::Events,
        Became::DeadLetter(_) => Topic::DeadLetters,
        _ => Topic::Receipts,
    }
}

/// Where several outputs lie, in words.
fn names(outputs: &[Output]) -> String {
    let name = |output: &Output| {
        let what = match output.became {
            Became::Event { .. } => "an event",
            Became::Duplicate => "a duplicate",
            Became::Suppressed => "a suppressed receipt",
            Became::Rerouted { .. } => "a re-routed receipt",
            Became::DeadLetter(_) => "a dead letter",
            Became::Expired { .. } => "an expired range",
        };
        format!("{what} ({} offset {})", topic(output).name(), output.at)
    };
    outputs.iter().map(name).collect::<Vec<_>>().join(" and ")
}
