//! One partition's normalizer: bytes to action to verdict to bytes.

use ::stage::store::Store;
use ::stage::{
    Changelog, Coverage, Label, Mark, Millis, Offset, Outcome, Partition, PartitionCount, Record,
    RestorePoint, Sink, Stage, StageError, TopicIndex,
};
use catalog::RawAction;
use codec::{DecodeError, Decoder};
use normalizer::{Delivery, Place, Rules, Unreadable, normalize};

use super::NormalizerConfig;
use super::emit::{Emitter, micros, place};
use super::flood::Flood;
use super::restore::{Restorer, changelogs};
use super::state::State;
use crate::errors::decoding;
use crate::oversized::oversized;
use crate::replay::REPLAY_HEADER;
use crate::reroute;

/// One partition's normalizer.
pub(crate) struct NormalizerStage {
    count: PartitionCount,
    max_value_bytes: usize,
    rules: Rules,
    decoder: Decoder,
    emitter: Emitter,
    flood: Flood,
    state: State,
    restorer: Restorer,
}

impl NormalizerStage {
    pub(crate) fn open(
        partition: Partition,
        config: &NormalizerConfig,
        store: Box<dyn Store>,
    ) -> Result<Self, StageError> {
        let coverage = store.mark().and_then(|mark| mark.coverage.clone());
        Ok(Self {
            count: config.partitions,
            max_value_bytes: config.max_value_bytes,
            rules: Rules { dedup_window: config.dedup_window },
            decoder: config.codec.decoder(),
            emitter: Emitter::new(partition, config),
            flood: Flood::new(config.flood_limit.clone()),
            state: State::open(config, store)?,
            restorer: Restorer::new(partition, config.codec.decoder(), coverage),
        })
    }

    /// Reads the action of a record, unless it is too large to look into.
    fn read<'a>(
        &self,
        record: &Record<'a>,
        rerouted: bool,
    ) -> Result<Result<RawAction<'a>, Unreadable>, StageError> {
        if let Some(message) = oversized(record, self.max_value_bytes, rerouted) {
            return Ok(Err(Unreadable::Oversized(message)));
        }
        match self.decoder.action(record.value, &record.headers) {
            Ok(raw) => Ok(Ok(raw)),
            Err(DecodeError::Malformed(message)) => Ok(Err(Unreadable::Malformed(message))),
            Err(DecodeError::UnknownSchema(message)) => Ok(Err(Unreadable::UnknownSchema(message))),
            Err(error @ DecodeError::Unavailable(_)) => Err(decoding(error, || place(record))),
        }
    }
}

impl Stage for NormalizerStage {
    fn process(&mut self, record: &Record<'_>, sink: &mut dyn Sink) -> Result<Outcome, StageError> {
        let received_at = micros(record.timestamp, || place(record))?;
        let rerouted = reroute::read(record);
        let raw = self.read(record, rerouted.is_some())?;
        let (partition, offset) = (record.partition, record.offset);
        // The producer's own word, by the header's presence alone: it is counted and decides nothing.
        let delivery = match record.headers.iter().any(|header| header.name == REPLAY_HEADER.as_bytes()) {
            true => Delivery::Replayed,
            false => Delivery::Published,
        };
        let place = Place { partition, offset, received_at, count: self.count, rerouted, delivery };
        self.state.dedup.observe(received_at);
        let verdict = normalize(raw, &place, &self.rules, &mut self.state)?;
        let outcome = self.emitter.verdict(verdict, record, sink)?;
        self.flood.observe(record, outcome).map_err(StageError::Stop)?;
        Ok(outcome)
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), StageError> {
        for pending in self.state.ledger.dirty() {
            self.emitter.ledger(&pending.key, &pending.row, sink)?;
            pending.dirty = false;
        }
        for pending in self.state.ledger.sequences.dirty() {
            self.emitter.sequence(&pending.key, &pending.row, sink)?;
            pending.dirty = false;
        }
        for (key, pending) in self.state.settings.dirty() {
            self.emitter.setting(key, &pending.value, pending.received_at, sink);
            pending.dirty = false;
        }
        Ok(())
    }

    fn cover(&mut self, coverage: &Coverage, now: Millis, sink: &mut dyn Sink) -> Result<(), StageError> {
        self.emitter.coverage(coverage, now, sink)
    }

    fn expire(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        self.emitter.expired(from, until, now, sink)
    }

    fn commit(&mut self, mark: &Mark) -> Result<(), StageError> {
        self.flood.commit();
        self.state.commit(mark)
    }

    fn rollback(&mut self) {
        self.flood.rollback();
        self.state.rollback();
    }

    fn restore(&mut self, topic: TopicIndex, record: &Record<'_>) -> Result<(), StageError> {
        self.restorer.take(topic, record, &mut self.state)
    }

    fn restored(&mut self, mark: &Mark) -> Result<(), StageError> {
        self.state.restored(mark)
    }

    fn mark(&self) -> Option<&Mark> {
        self.state.store.mark()
    }

    fn reset(&mut self, why: &str) -> Result<(), StageError> {
        self.restorer.reset();
        self.state.reset(why)
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.restorer.coverage()
    }

    fn changelogs(&self, point: RestorePoint) -> Vec<Changelog> {
        changelogs(point, self.rules.dedup_window)
    }

    fn rows(&self) -> Vec<(Label, u64)> {
        self.state.rows()
    }
}
