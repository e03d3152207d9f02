//! The rows of some reports, folded anew from the events of one partition: for a rebuild after a rule
//! was mended. It folds as the stage does, and keeps the rows until they are asked for.

use std::collections::BTreeSet;

use aggregator::{FoldError, Overlay, Row, concerns, is_cleared};
use catalog::{Category, Micros, Topic, View};
use codec::{Codec, Decoder, Encoder};
use stage::store::{Change, Store, scan_prefix};
use stage::{Millis, Partition, Record, StageError};

use super::committed::{Committed, table};
use super::partition::{place, stop};
use crate::errors::{decoding, encoding, storing};

/// So many events are folded before their rows go to the store.
const AT_ONCE: u64 = 10_000;
/// Nothing is recorded that happened over 24 h after it was received, and brokers' clocks may step back
/// by an hour, in microseconds.
const AHEAD: i64 = 25 * 3_600_000_000;

/// Folds the events of one partition into the rows of some reports.
pub struct Refold {
    partition: Partition,
    reports: BTreeSet<(Category, View)>,
    categories: BTreeSet<Category>,
    decoder: Decoder,
    encoder: Encoder,
    store: Box<dyn Store>,
    overlay: Overlay,
    pending: u64,
    folded: u64,
    /// The `received_at` of the first event, where earlier ones are no longer there.
    begins: Option<Micros>,
    truncated: bool,
}

/// One row as it is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refolded<'a> {
    /// The report.
    pub report: (Category, View),
    /// The row's key.
    pub key: &'a [u8],
    /// The row.
    pub value: &'a [u8],
    /// The record's timestamp: the greatest `received_at` folded in.
    pub timestamp: Millis,
    /// Whether events of its window may be missing, as they are no longer in the topic; the row says
    /// `restarted` then.
    pub incomplete: bool,
}

impl Refold {
    /// Folds into the rows of these reports, kept in an empty `store`. `truncated` says that the events
    /// topic no longer begins with the first event ever recorded in this partition.
    #[must_use]
    pub fn new(
        partition: Partition,
        reports: impl IntoIterator<Item = (Category, View)>,
        truncated: bool,
        codec: &Codec,
        store: Box<dyn Store>,
    ) -> Self {
        let reports: BTreeSet<_> = reports.into_iter().collect();
        Self {
            partition,
            categories: reports.iter().map(|(category, _)| *category).collect(),
            reports,
            decoder: codec.decoder(),
            encoder: codec.encoder(),
            store,
            overlay: Overlay::default(),
            pending: 0,
            folded: 0,
            begins: None,
            truncated,
        }
    }

    /// Folds one record of the events topic; they must come in log order, each once.
    ///
    /// # Errors
    /// [`StageError`] when the event cannot be read or folded.
    pub fn fold(&mut self, record: &Record<'_>) -> Result<(), StageError> {
        let value = record.value.ok_or_else(|| stop(Topic::Events, record, "an audit event has no value"))?;
        let event =
            self.decoder.event(value).map_err(|error| decoding(error, || place(Topic::Events, record)))?;
        self.begins.get_or_insert(event.received_at);
        if !self.categories.iter().any(|category| concerns(&event, *category)) {
            self.overlay.passed(event.received_at);
            return Ok(());
        }
        let rows = Committed { partition: self.partition, store: &*self.store, decoder: &self.decoder };
        self.overlay.fold(&event, &rows).map_err(|error| match error {
            FoldError::Rows(error) => error,
            error => stop(Topic::Events, record, &error.to_string()),
        })?;
        self.folded += 1;
        self.pending += 1;
        if self.pending >= AT_ONCE { self.settle() } else { Ok(()) }
    }

    /// How many events were folded; those that concern none of the reports are not counted.
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Hands over every row of the reports, report by report, each in the order of keys.
    ///
    /// # Errors
    /// [`StageError`] when a row cannot be read back or written.
    pub fn rows(&mut self, each: &mut dyn FnMut(&Refolded<'_>)) -> Result<(), StageError> {
        self.settle()?;
        let missing =
            self.begins.filter(|_| self.truncated).map(|at| Micros::new(at.get().saturating_add(AHEAD)));
        let latest = self.overlay.latest();
        for (category, view) in &self.reports {
            let mut failed = Ok(());
            let mut each = |row: &Refolded<'_>, received_at: Micros| {
                // A windowed row that is cleared is no more, whether or not its events are still there.
                let windowed = *view != View::Register;
                if !(windowed && latest.is_some_and(|latest| is_cleared(received_at, latest))) {
                    each(row);
                }
            };
            let (decoder, encoder) = (&self.decoder, &mut self.encoder);
            scan_prefix(&*self.store, table(*category, *view), b"", &mut |key, value| {
                if failed.is_ok() {
                    let report = (*category, *view);
                    failed =
                        ready(report, key, value, missing, decoder, encoder, &mut each).map_err(|problem| {
                            let topic = Topic::Report(*category, *view).name();
                            StageError::Stop(format!(
                                "a row that was folded for {topic} cannot be used: {problem}"
                            ))
                        });
                }
            })
            .map_err(storing)?;
            failed?;
        }
        Ok(())
    }

    /// Puts the changed rows into the store.
    fn settle(&mut self) -> Result<(), StageError> {
        let mut changes = Vec::new();
        for change in self.overlay.changes() {
            let (category, mut value) = (change.category, Vec::new());
            match change.row {
                Some(Row::Activity(row)) => self.encoder.activity(category, row, &mut value),
                Some(Row::Actors(row)) => self.encoder.actors(category, row, &mut value),
                Some(Row::Register(row)) => self.encoder.register(category, row, &mut value),
                None => Ok(()),
            }
            .map_err(|error| encoding(error, || Topic::Report(category, change.view).name()))?;
            changes.push(Change {
                table: table(category, change.view),
                key: change.key.as_bytes().into(),
                value: change.row.is_some().then(|| value.into()),
            });
        }
        self.store.apply(changes).map_err(storing)?;
        self.overlay.commit();
        self.pending = 0;
        Ok(())
    }
}

/// Reads a row back for its time, and marks it where its window may miss events.
fn ready(
    report: (Category, View),
    key: &[u8],
    value: &[u8],
    missing: Option<Micros>,
    decoder: &Decoder,
    encoder: &mut Encoder,
    each: &mut dyn FnMut(&Refolded<'_>, Micros),
) -> Result<(), String> {
    let mut marked = Vec::new();
    let began_before = |start: Micros| missing.is_some_and(|missing| start < missing);
    let (received_at, incomplete) = match report.1 {
        View::Activity => {
            let mut row = decoder.activity(value).map_err(|error| error.to_string())?;
            let incomplete = began_before(row.start);
            if incomplete {
                row.restarted = true;
                encoder.activity(report.0, &row, &mut marked).map_err(|error| error.to_string())?;
            }
            (row.received_at, incomplete)
        }
        View::Actors => {
            let mut row = decoder.actors(value).map_err(|error| error.to_string())?;
            let incomplete = began_before(row.day);
            if incomplete {
                row.restarted = true;
                encoder.actors(report.0, &row, &mut marked).map_err(|error| error.to_string())?;
            }
            (row.received_at, incomplete)
        }
        View::Register => (decoder.register(value).map_err(|error| error.to_string())?.received_at, false),
    };
    let value = if incomplete { &marked[..] } else { value };
    let timestamp = Millis::new(received_at.millis());
    each(&Refolded { report, key, value, timestamp, incomplete }, received_at);
    Ok(())
}
