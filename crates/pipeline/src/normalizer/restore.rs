//! How the normalizer's state comes back from what it wrote: ledger, settings, events, receipts; and the
//! clock of what became dead letters.

use std::time::Duration;

use catalog::{Digest, Identity, LedgerRow, Micros, Receipt, SequenceRow, Topic, coverage_key};
use codec::{Decoder, LedgerRecord};
use normalizer::Seen;
use stage::{Changelog, Coverage, Millis, Partition, ReadFrom, Record, RestorePoint, StageError, TopicIndex};

use super::NORMALIZER;
use super::dedup::CLOCK_SLACK;
use super::emit::micros;
use super::sequence::{is_sequence, restored};
use super::state::State;
use crate::dead_letter::Failure;
use crate::errors::{decoding, storing};
use crate::topics::topic_index;

/// What to read beyond the ledger. Settings never age; of events and receipts only those matter
/// that an action yet to be read can be a duplicate of; of dead letters those alone that lie beyond the
/// time the log has come to, after which its clock stepped back.
pub(crate) fn changelogs(point: RestorePoint, window: Duration) -> Vec<Changelog> {
    let back = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).saturating_add(CLOCK_SLACK / 1000);
    let from = |back: i64| match point.time {
        Some(time) => ReadFrom::Time(Millis::new(time.get().saturating_sub(back))),
        None => ReadFrom::Start,
    };
    let changelogs = [
        (Topic::Settings, ReadFrom::Start),
        (Topic::Events, from(back)),
        (Topic::Receipts, from(back)),
        (Topic::DeadLetters, from(0)),
    ];
    changelogs.map(|(topic, from)| Changelog { topic: topic_index(topic), from }).into()
}

/// Takes committed records back into the state.
pub(crate) struct Restorer {
    partition: Partition,
    decoder: Decoder,
    coverage: Option<Coverage>,
}

impl Restorer {
    /// A restorer that goes on from this coverage, of a store that was there.
    pub(crate) fn new(partition: Partition, decoder: Decoder, coverage: Option<Coverage>) -> Self {
        Self { partition, decoder, coverage }
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        self.coverage = None;
    }

    pub(crate) fn coverage(&self) -> Option<&Coverage> {
        self.coverage.as_ref()
    }

    pub(crate) fn take(
        &mut self,
        topic: TopicIndex,
        record: &Record<'_>,
        state: &mut State,
    ) -> Result<(), StageError> {
        let topic = Topic::all().nth(topic.index());
        let key = || record.key.ok_or_else(|| stop(topic, record, "a row without a key"));
        match (topic, record.value) {
            (Some(Topic::Ledger), value) => self.ledger(key()?, value, record, state),
            (Some(Topic::Settings), value) => self.setting(key()?, value, record, state),
            (Some(Topic::Events), Some(value)) => self.event(value, record, state),
            (Some(Topic::Receipts), Some(value)) => self.receipt(value, record, state),
            (Some(Topic::DeadLetters), _) => dead_letter(record, state),
            (Some(Topic::Events | Topic::Receipts), None) => Err(stop(topic, record, "no value")),
            _ => Err(stop(topic, record, "the normalizer restores nothing from this topic")),
        }
    }

    fn ledger(
        &mut self,
        key: &[u8],
        value: Option<&[u8]>,
        record: &Record<'_>,
        state: &mut State,
    ) -> Result<(), StageError> {
        let Some(value) = value else { return self.removed(key, record, state) };
        match self.decoder.ledger(value) {
            Ok(LedgerRecord::Account(row)) => store_row(&row.key(), row.hour, Some(&row), state),
            Ok(LedgerRecord::Sequence(row)) => store_sequence(&row.key(), Some(&row), state),
            Ok(LedgerRecord::Coverage { stage, partition, coverage, .. }) => {
                if stage == NORMALIZER && partition == self.partition.number() {
                    if let Some(last) = coverage.last_read {
                        state.dedup.restore_time(micros(last, || name(Some(Topic::Ledger), record))?);
                    }
                    self.coverage = Some(coverage);
                }
                Ok(())
            }
            Err(error) => Err(decoding(error, || name(Some(Topic::Ledger), record))),
        }
    }

    /// A ledger row was removed by hand: whoever does that wants it gone.
    fn removed(&mut self, key: &[u8], record: &Record<'_>, state: &mut State) -> Result<(), StageError> {
        let key = str::from_utf8(key)
            .map_err(|_| stop(Some(Topic::Ledger), record, "the key of a tombstone is no UTF-8"))?;
        if key == coverage_key(NORMALIZER, self.partition.number()) {
            self.coverage = None;
            return Ok(());
        }
        if is_sequence(key) {
            return store_sequence(key, None, state);
        }
        match hour_of(key) {
            Some(hour) => store_row(key, hour, None, state),
            None => Ok(()),
        }
    }

    fn setting(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
        record: &Record<'_>,
        state: &mut State,
    ) -> Result<(), StageError> {
        if let Some(value) = value {
            let read = self.decoder.setting(value);
            read.map_err(|error| decoding(error, || name(Some(Topic::Settings), record)))?;
        }
        state.settings.restore(state.store.as_mut(), key, value)
    }

    fn event(&self, value: &[u8], record: &Record<'_>, state: &mut State) -> Result<(), StageError> {
        let event = self.decoder.event(value);
        let event = event.map_err(|error| decoding(error, || name(Some(Topic::Events), record)))?;
        let action = &event.action;
        let identity = Identity::of(&action.tenant, &action.source, &action.id);
        remember(&identity, event.received_at, event.provenance.digest, state)
    }

    fn receipt(&self, value: &[u8], record: &Record<'_>, state: &mut State) -> Result<(), StageError> {
        let receipt = self.decoder.receipt(value);
        match receipt.map_err(|error| decoding(error, || name(Some(Topic::Receipts), record)))? {
            Receipt::Suppressed(action) => {
                let identity = Identity::of(&action.tenant, &action.source, &action.id);
                remember(&identity, action.received_at, action.digest, state)
            }
            // They are not in the dedup state, but the log came to their time.
            Receipt::Duplicate(action) => {
                state.dedup.restore_time(action.received_at);
                Ok(())
            }
            Receipt::Rerouted { received_at, .. } => {
                state.dedup.restore_time(received_at);
                Ok(())
            }
            Receipt::Expired { .. } => Ok(()),
        }
    }
}

fn remember(
    identity: &Identity,
    received_at: Micros,
    digest: Digest,
    state: &mut State,
) -> Result<(), StageError> {
    let seen = Seen { received_at, digest };
    state.dedup.restore(state.store.as_mut(), identity.key(), seen).map_err(storing)
}

fn store_row(key: &str, hour: Micros, row: Option<&LedgerRow>, state: &mut State) -> Result<(), StageError> {
    state.ledger.restore(state.store.as_mut(), key, hour, row).map_err(storing)
}

fn store_sequence(key: &str, row: Option<&SequenceRow>, state: &mut State) -> Result<(), StageError> {
    state.store.apply(vec![restored(key, row)]).map_err(storing)
}

/// It is not in the dedup state, but the log came to its time. Markers of a replay say nothing of the log.
fn dead_letter(record: &Record<'_>, state: &mut State) -> Result<(), StageError> {
    if Failure::read(record).is_some() {
        let at = micros(record.timestamp, || name(Some(Topic::DeadLetters), record))?;
        state.dedup.restore_time(at);
    }
    Ok(())
}

/// The hour at the end of a ledger row's key; coverage has none.
fn hour_of(key: &str) -> Option<Micros> {
    let (_, hour) = key.rsplit_once('/')?;
    codec::parse_rfc3339(&format!("{hour}:00:00Z"))
}

fn name(topic: Option<Topic>, record: &Record<'_>) -> String {
    let topic = topic.map_or_else(|| "an unknown topic".into(), Topic::name);
    format!("restore from {topic} partition {} offset {}", record.partition, record.offset)
}

fn stop(topic: Option<Topic>, record: &Record<'_>, problem: &str) -> StageError {
    StageError::Stop(format!("{}: {problem}", name(topic, record)))
}
