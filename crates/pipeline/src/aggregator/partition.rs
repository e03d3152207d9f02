//! One partition's aggregator: decode, fold, and at the end of a transaction encode what changed.

use aggregator::{FoldError, Overlay, Row};
use catalog::{Category, Micros, Receipt, Topic, View, coverage_key};
use codec::{Codec, Decoder, Encoder, LedgerRecord};
use stage::store::{Change, Store, StoreError, Table};
use stage::{
    Changelog, Coverage, Label, Mark, Millis, Offset, Outcome, Output, Partition, ReadFrom, Record,
    RestorePoint, Sink, Stage, StageError, TopicIndex,
};

use super::committed::{Committed, table};
use super::purged::Purged;
use super::sweep::Sweep;
use super::unfinished::Unfinished;
use super::{AGGREGATOR, reports};
use crate::errors::{decoding, encoding, storing};
use crate::topics::topic_index;

/// The key of receipts for offsets that expired unread.
const EXPIRED: &[u8] = b"~expired";
/// The table of the partition's clock: beyond those of the topics.
pub(super) const CLOCK: Table = Table::new(1000);
/// The latest `received_at` seen, and that at which the state was last looked through.
const LATEST: &[u8] = b"latest";
const SWEPT: &[u8] = b"swept";

/// One partition's aggregator.
pub(super) struct AggregatorStage {
    partition: Partition,
    decoder: Decoder,
    encoder: Encoder,
    store: Box<dyn Store>,
    overlay: Overlay,
    /// What the transaction changes in the store once it is committed.
    pending: Vec<Change>,
    sweep: Sweep,
    coverage: Option<Coverage>,
    coverage_key: String,
    unfinished: Unfinished,
    purged: Purged,
    value: Vec<u8>,
}

impl AggregatorStage {
    pub(super) fn open(
        partition: Partition,
        codec: &Codec,
        store: Box<dyn Store>,
    ) -> Result<Self, StageError> {
        let (mut overlay, mut sweep) = (Overlay::default(), Sweep::default());
        if let Some(latest) = time(&*store, LATEST).map_err(storing)? {
            overlay.restored(latest);
        }
        if let Some(swept) = time(&*store, SWEPT).map_err(storing)? {
            sweep.opened(swept);
        }
        Ok(Self {
            partition,
            unfinished: Unfinished::open(partition, &*store).map_err(storing)?,
            purged: Purged::open(&*store),
            decoder: codec.decoder(),
            encoder: codec.encoder(),
            coverage: store.mark().and_then(|mark| mark.coverage.clone()),
            store,
            overlay,
            pending: Vec::new(),
            sweep,
            coverage_key: coverage_key(AGGREGATOR, partition.number()),
            value: Vec::new(),
        })
    }

    /// The clock as rows.
    fn clock(&self) -> impl Iterator<Item = Change> + use<> {
        let times = [(LATEST, self.overlay.latest()), (SWEPT, self.sweep.last())];
        times.into_iter().filter_map(|(key, at)| {
            let value = Some(at?.get().to_be_bytes().into());
            Some(Change { table: CLOCK, key: key.into(), value })
        })
    }

    /// Sends what `self.value` holds.
    fn send(&self, topic: Topic, key: &[u8], at: Millis, sink: &mut dyn Sink) {
        sink.send(&Output {
            topic: topic_index(topic),
            partition: self.partition,
            timestamp: at,
            key: Some(key),
            value: Some(&self.value),
            headers: &[],
        });
    }

    fn restore_coverage(&mut self, record: &Record<'_>) -> Result<(), StageError> {
        if let Some(change) = self.unfinished.restore(record) {
            return self.store.apply(vec![change]).map_err(storing);
        }
        if record.key != Some(self.coverage_key.as_bytes()) {
            return Ok(());
        }
        let Some(value) = record.value else {
            self.coverage = None;
            return Ok(());
        };
        match self.decoder.ledger(value).map_err(|error| decoding(error, || place(Topic::Ledger, record)))? {
            LedgerRecord::Coverage { coverage, .. } => self.coverage = Some(coverage),
            LedgerRecord::Account(_) | LedgerRecord::Sequence(_) => {
                return Err(stop(Topic::Ledger, record, "the key is of a coverage, the value is not"));
            }
        }
        Ok(())
    }
}

impl Stage for AggregatorStage {
    fn process(&mut self, record: &Record<'_>, _sink: &mut dyn Sink) -> Result<Outcome, StageError> {
        let value = record.value.ok_or_else(|| stop(Topic::Events, record, "an audit event has no value"))?;
        let event =
            self.decoder.event(value).map_err(|error| decoding(error, || place(Topic::Events, record)))?;
        let rows = Committed { partition: self.partition, store: &*self.store, decoder: &self.decoder };
        self.overlay.fold(&event, &rows).map_err(|error| match error {
            FoldError::Rows(error) => error,
            error => stop(Topic::Events, record, &error.to_string()),
        })?;
        Ok(Outcome::Emit {
            class: event.action.entry.category.name(),
            occurred_at: Millis::new(event.action.occurred_at.millis()),
        })
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), StageError> {
        self.unfinished.check()?;
        let rows = Committed { partition: self.partition, store: &*self.store, decoder: &self.decoder };
        // Removals come first: a row that an event made anew is put after that.
        self.pending = self.sweep.removals(self.overlay.latest(), &rows)?;
        for change in self.overlay.changes() {
            let (category, value) = (change.category, &mut self.value);
            match change.row {
                Some(Row::Activity(row)) => self.encoder.activity(category, row, value),
                Some(Row::Actors(row)) => self.encoder.actors(category, row, value),
                Some(Row::Register(row)) => self.encoder.register(category, row, value),
                None => Ok(()),
            }
            .map_err(|error| encoding(error, || Topic::Report(category, change.view).name()))?;
            let value = change.row.is_some().then_some(self.value.as_slice());
            sink.send(&Output {
                topic: topic_index(Topic::Report(category, change.view)),
                partition: self.partition,
                timestamp: Millis::new(change.received_at.millis()),
                key: Some(change.key.as_bytes()),
                value,
                headers: &[],
            });
            self.pending.push(Change {
                table: table(category, change.view),
                key: change.key.as_bytes().into(),
                value: value.map(Into::into),
            });
        }
        Ok(())
    }

    fn cover(&mut self, coverage: &Coverage, now: Millis, sink: &mut dyn Sink) -> Result<(), StageError> {
        let number = self.partition.number();
        self.encoder
            .coverage(AGGREGATOR, number, coverage, micros(now)?, &mut self.value)
            .map_err(|error| encoding(error, || Topic::Ledger.name()))?;
        self.send(Topic::Ledger, self.coverage_key.as_bytes(), now, sink);
        Ok(())
    }

    fn expire(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let receipt = Receipt::Expired {
            topic: Topic::Events.name(),
            stage: AGGREGATOR.into(),
            partition: self.partition.number(),
            from: from.number(),
            until: until.number(),
            found_at: micros(now)?,
        };
        self.encoder
            .receipt(&receipt, &mut self.value)
            .map_err(|error| encoding(error, || Topic::Receipts.name()))?;
        self.send(Topic::Receipts, EXPIRED, now, sink);
        Ok(())
    }

    fn commit(&mut self, mark: &Mark) -> Result<(), StageError> {
        let mut changes = std::mem::take(&mut self.pending);
        changes.extend(self.clock());
        self.store.commit(changes, mark).map_err(storing)?;
        self.overlay.commit();
        self.sweep.commit();
        Ok(())
    }

    fn rollback(&mut self) {
        self.pending.clear();
        self.overlay.rollback();
        self.sweep.rollback();
    }

    fn restore(&mut self, topic: TopicIndex, record: &Record<'_>) -> Result<(), StageError> {
        let topic = Topic::all().nth(topic.index()).expect("the topics are those of the spec");
        let (category, view) = match topic {
            Topic::Ledger => return self.restore_coverage(record),
            Topic::Report(category, view) => (category, view),
            other => return Err(stop(other, record, "the topic is no changelog of the aggregator")),
        };
        let key = record.key.and_then(|key| str::from_utf8(key).ok());
        let key = key.ok_or_else(|| stop(topic, record, "the record's key is no row key"))?;
        self.purged.see(category, view, key);
        let (table, value) = (table(category, view), record.value.map(Into::into));
        self.store.apply(vec![Change { table, key: key.as_bytes().into(), value }]).map_err(storing)?;
        self.overlay.restored(micros(record.timestamp)?);
        Ok(())
    }

    fn restored(&mut self, mark: &Mark) -> Result<(), StageError> {
        let rows = Committed { partition: self.partition, store: &*self.store, decoder: &self.decoder };
        let mut changes = self.purged.removals(&rows)?;
        changes.extend(self.clock());
        self.store.commit(changes, mark).map_err(storing)
    }

    fn mark(&self) -> Option<&Mark> {
        self.store.mark()
    }

    fn reset(&mut self, why: &str) -> Result<(), StageError> {
        self.coverage = None;
        self.unfinished.clear();
        self.purged = Purged::default();
        self.pending.clear();
        (self.overlay, self.sweep) = (Overlay::default(), Sweep::default());
        self.store.reset(why).map_err(storing)
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    fn changelogs(&self, _point: RestorePoint) -> Vec<Changelog> {
        let reports = reports().map(|(category, view)| Topic::Report(category, view));
        reports.map(|topic| Changelog { topic: topic_index(topic), from: ReadFrom::Start }).collect()
    }

    fn rows(&self) -> Vec<(Label, u64)> {
        let held = |view: View| Category::ALL.map(|category| self.store.len(table(category, view)));
        View::ALL.map(|view| (view.name(), held(view).iter().sum())).to_vec()
    }
}

/// A time of the clock.
fn time(store: &dyn Store, key: &[u8]) -> Result<Option<Micros>, StoreError> {
    let Some(value) = store.get(CLOCK, key)? else { return Ok(None) };
    let value = <[u8; 8]>::try_from(&value[..])
        .map_err(|_| StoreError::Damaged(format!("a time of the clock has {} bytes, not 8", value.len())))?;
    Ok(Some(Micros::new(i64::from_be_bytes(value))))
}

/// A broker's time in microseconds.
fn micros(at: Millis) -> Result<Micros, StageError> {
    Micros::from_millis(at.get())
        .ok_or_else(|| StageError::Stop(format!("the timestamp {} ms is out of range", at.get())))
}

pub(super) fn stop(topic: Topic, record: &Record<'_>, problem: &str) -> StageError {
    StageError::Stop(format!("{}: {problem}", place(topic, record)))
}

pub(super) fn place(topic: Topic, record: &Record<'_>) -> String {
    format!("{}, partition {}, offset {}", topic.name(), record.partition, record.offset)
}
