//! The ledger, recounted: outputs are counted per account and hour, and each hour's rows are compared
//! once both have passed it, so that no more than a few hours are ever held.

use std::collections::BTreeMap;

use catalog::{LedgerRow, Micros, SequenceRow, Topic, ledger_key};
use codec::{DecodeError, Decoder, LedgerRecord, parse_rfc3339};
use stage::Record;

use super::feed::Peeked;
use super::findings::{Finding, Findings, What};
use super::outputs::{Became, Output};
use crate::reading::CLOCK_STEP;

const HOUR: i64 = 3_600_000_000;
/// A broker's clock may step back by this much, in microseconds.
const STEP: i64 = CLOCK_STEP * 1000;
/// How many sources with gaps are kept to be named.
const SOURCES: usize = 10_000;

/// Which hours, from these on, a topic holds as a whole; `None` where nothing of it was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) events: Option<Micros>,
    pub(super) receipts: Option<Micros>,
    pub(super) dead_letters: Option<Micros>,
    /// Of the actions themselves, which say whether they are replayed.
    pub(super) actions: Option<Micros>,
}

/// A record of the ledger, as far as it matters here.
pub(super) enum Entry {
    Row(String, LedgerRow),
    Sequence(String, SequenceRow),
    Removed(String),
}

impl Entry {
    /// # Errors
    /// When the record cannot be read.
    pub(super) fn of(record: &Record<'_>, decoder: &Decoder) -> Result<Option<Self>, DecodeError> {
        let Some(key) = record.key.map(|key| String::from_utf8_lossy(key).into_owned()) else {
            return Ok(None);
        };
        let Some(value) = record.value else { return Ok(Some(Self::Removed(key))) };
        Ok(match decoder.ledger(value)? {
            LedgerRecord::Account(row) => Some(Self::Row(key, row)),
            LedgerRecord::Sequence(row) => Some(Self::Sequence(key, row)),
            LedgerRecord::Coverage { .. } => None,
        })
    }
}

/// Counts of one account and hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    recorded: i64,
    duplicate: i64,
    suppressed: i64,
    dead_lettered: i64,
    replayed: i64,
}

/// Rows by hour and key.
type Hours<T> = BTreeMap<(Micros, String), T>;

/// Compares the ledger of one partition with what its outputs say.
pub(super) struct Recount<'l> {
    partition: u32,
    ledger: Peeked<'l, (Micros, Entry)>,
    /// The hours to be compared, whole ones.
    hours: std::ops::Range<Micros>,
    reach: Reach,
    counted: Hours<Counts>,
    rows: Hours<LedgerRow>,
    /// Rows of sequences with gaps, by key; the last of each counts.
    gaps: BTreeMap<String, SequenceRow>,
    /// All hours before this one are compared.
    closed: Micros,
}

impl<'l> Recount<'l> {
    /// `ledger` gives the time of each record with it.
    pub(super) fn new(
        partition: u32,
        ledger: Peeked<'l, (Micros, Entry)>,
        hours: std::ops::Range<Micros>,
        reach: Reach,
    ) -> Self {
        let closed = Micros::new(i64::MIN);
        let (counted, rows, gaps) = (Hours::new(), Hours::new(), BTreeMap::new());
        Self { partition, ledger, hours, reach, counted, rows, gaps, closed }
    }

    /// Counts an output, and compares what lies so far back that nothing more can come of it.
    pub(super) fn count(
        &mut self,
        output: &Output,
        replayed: bool,
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        let Some(account) = &output.account else { return Ok(()) };
        let hour = output.received_at.hour();
        if hour < self.closed || !self.hours.contains(&hour) {
            return Ok(());
        }
        let counts = self.counted.entry((hour, ledger_key(account, hour))).or_default();
        match output.became {
            Became::Event { .. } => counts.recorded += 1,
            Became::Duplicate => counts.duplicate += 1,
            Became::Suppressed => counts.suppressed += 1,
            Became::DeadLetter(_) => counts.dead_lettered += 1,
            Became::Rerouted { .. } | Became::Expired { .. } => {}
        }
        counts.replayed += i64::from(replayed);
        let passed = Micros::new(hour.get().saturating_sub(STEP));
        if passed.hour() > self.closed { self.close(passed.hour(), findings) } else { Ok(()) }
    }

    /// Compares all that is left; gives the rows of sequences with gaps.
    pub(super) fn finish(mut self, findings: &mut Findings) -> anyhow::Result<Vec<SequenceRow>> {
        self.close(self.hours.end, findings)?;
        Ok(self.gaps.into_values().collect())
    }

    /// Compares the hours before this one.
    fn close(&mut self, before: Micros, findings: &mut Findings) -> anyhow::Result<()> {
        let enough = before.get().saturating_add(STEP);
        while let Some((at, _)) = self.ledger.peek()?
            && at.get() < enough
        {
            let (_, entry) = self.ledger.pop()?.expect("it was looked at");
            self.take(entry);
        }
        let rows = before_hour(&mut self.rows, before);
        let mut counted = before_hour(&mut self.counted, before);
        for ((hour, key), row) in rows {
            let counts = counted.remove(&(hour, key.clone())).unwrap_or_default();
            self.compare(&key, &row, counts, findings);
        }
        for ((_, key), counts) in counted {
            let all = counts.recorded + counts.duplicate + counts.suppressed + counts.dead_lettered;
            self.differs(key, format!("there is no row, but {all} records are of it"), findings);
        }
        self.closed = before;
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Row(key, row) => {
                if self.hours.contains(&row.hour) && row.hour >= self.closed {
                    self.rows.insert((row.hour, key), row);
                }
            }
            Entry::Removed(key) => {
                self.gaps.remove(&key);
                let hour =
                    key.rsplit_once('/').and_then(|(_, hour)| parse_rfc3339(&format!("{hour}:00:00Z")));
                if let Some(hour) = hour {
                    self.rows.remove(&(hour, key));
                }
            }
            Entry::Sequence(key, row) => {
                if row.missing.is_empty() && row.more == 0 {
                    self.gaps.remove(&key);
                } else if self.gaps.len() < SOURCES || self.gaps.contains_key(&key) {
                    self.gaps.insert(key, row);
                }
            }
        }
    }

    fn compare(&self, key: &str, row: &LedgerRow, counts: Counts, findings: &mut Findings) {
        let sum = row.recorded + row.duplicate + row.suppressed + row.dead_lettered;
        let mut said = Vec::new();
        if row.received != sum {
            said.push(format!("received {} is not the sum {sum}", row.received));
        }
        let Reach { events, receipts, dead_letters, actions } = self.reach;
        for (name, reach, ledger, found) in [
            ("recorded", events, row.recorded, counts.recorded),
            ("duplicate", receipts, row.duplicate, counts.duplicate),
            ("suppressed", receipts, row.suppressed, counts.suppressed),
            ("dead_lettered", dead_letters, row.dead_lettered, counts.dead_lettered),
            ("replayed", actions, row.replayed, counts.replayed),
        ] {
            if reach.is_none_or(|reach| row.hour >= reach) && ledger != found {
                said.push(format!("{name} {ledger}, but {found} records"));
            }
        }
        if !said.is_empty() {
            self.differs(key.to_owned(), said.join("; "), findings);
        }
    }

    fn differs(&self, key: String, detail: String, findings: &mut Findings) {
        findings.add(Finding::new(What::LedgerDiffers, Topic::Ledger, key, detail).of(self.partition));
    }
}

/// Takes out the rows of the hours before this one.
fn before_hour<T>(hours: &mut Hours<T>, before: Micros) -> Hours<T> {
    let later = hours.split_off(&(before, String::new()));
    std::mem::replace(hours, later)
}

/// The first hour that a topic holds whole, if its first record is of this time and earlier ones were
/// deleted.
pub(super) fn whole_from(first: Micros) -> Micros {
    Micros::new(first.hour().get().saturating_add(HOUR + STEP))
}

/// The first whole hour from this time on.
pub(super) fn next_hour(at: Micros) -> Micros {
    if at.hour() == at { at } else { Micros::new(at.hour().get().saturating_add(HOUR)) }
}
