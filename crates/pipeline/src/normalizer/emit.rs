//! The records that verdicts and changed rows become.

use catalog::{AuditEvent, Micros, Reason, Receipt, ReceivedAction, TenantId, Topic, coverage_key};
use codec::{Encoder, EventHeaders};
use normalizer::{Rerouted, Verdict};
use stage::{
    Coverage, Header, Millis, Offset, Outcome, Output, Partition, PartitionCount, Record, Sink, StageError,
};

use super::{DUPLICATE, NORMALIZER, NormalizerConfig, SUPPRESSED};
use crate::dead_letter::Failure;
use crate::errors::encoding;
use crate::oversized::Kept;
use crate::reroute::{self, REROUTE_HEADER};
use crate::topics::topic_index;

/// Key of receipts for what expired unread: they belong to no tenant.
const EXPIRED_KEY: &[u8] = b"~expired";

/// Writes outputs, into buffers it keeps.
pub(crate) struct Emitter {
    partition: Partition,
    count: PartitionCount,
    max_value_bytes: usize,
    actions: String,
    encoder: Encoder,
    headers: EventHeaders,
    value: Vec<u8>,
}

impl Emitter {
    pub(crate) fn new(partition: Partition, config: &NormalizerConfig) -> Self {
        Self {
            partition,
            count: config.partitions,
            max_value_bytes: config.max_value_bytes,
            actions: Topic::Actions.name(),
            encoder: config.codec.encoder(),
            headers: EventHeaders::new(),
            value: Vec::new(),
        }
    }

    /// Sends what a verdict on a record yields.
    pub(crate) fn verdict(
        &mut self,
        verdict: Verdict<'_>,
        record: &Record<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, StageError> {
        match verdict {
            Verdict::Recorded(event) => self.event(&event, record, sink),
            Verdict::Duplicate(action) => self.skip(DUPLICATE, *action, record, sink),
            Verdict::Suppressed(action) => self.skip(SUPPRESSED, *action, record, sink),
            Verdict::DeadLetter { reason, message, .. } => {
                self.dead_letter(reason, &message, record, sink);
                Ok(Outcome::Reject(reason.name()))
            }
            Verdict::Reroute { tenant, to } => self.reroute(tenant, to, record, sink),
        }
    }

    /// Sends a ledger row.
    pub(crate) fn ledger(
        &mut self,
        key: &str,
        row: &catalog::LedgerRow,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let written = self.encoder.ledger(row, &mut self.value);
        written.map_err(|error| encoding(error, || format!("ledger row {key}")))?;
        self.send(Topic::Ledger, millis(row.received_at), key.as_bytes(), &[], sink);
        Ok(())
    }

    /// Sends a source's sequence.
    pub(crate) fn sequence(
        &mut self,
        key: &str,
        row: &catalog::SequenceRow,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let written = self.encoder.sequence(row, &mut self.value);
        written.map_err(|error| encoding(error, || format!("sequence row {key}")))?;
        self.send(Topic::Ledger, millis(row.received_at), key.as_bytes(), &[], sink);
        Ok(())
    }

    /// Sends a settings row that is encoded already.
    pub(crate) fn setting(&self, key: &str, value: &[u8], received_at: Micros, sink: &mut dyn Sink) {
        sink.send(&Output {
            topic: topic_index(Topic::Settings),
            partition: self.partition,
            timestamp: millis(received_at),
            key: Some(key.as_bytes()),
            value: Some(value),
            headers: &[],
        });
    }

    /// Sends coverage.
    pub(crate) fn coverage(
        &mut self,
        coverage: &Coverage,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let partition = self.partition.number();
        let key = coverage_key(NORMALIZER, partition);
        let at = micros(now, || key.clone())?;
        let written = self.encoder.coverage(NORMALIZER, partition, coverage, at, &mut self.value);
        written.map_err(|error| encoding(error, || key.clone()))?;
        self.send(Topic::Ledger, now, key.as_bytes(), &[], sink);
        Ok(())
    }

    /// Sends the receipt of offsets that expired unread.
    pub(crate) fn expired(
        &mut self,
        from: Offset,
        until: Offset,
        now: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let receipt = Receipt::Expired {
            topic: self.actions.clone(),
            stage: NORMALIZER.into(),
            partition: self.partition.number(),
            from: from.number(),
            until: until.number(),
            found_at: micros(now, || "the receipt of an expired range".into())?,
        };
        self.receipt(&receipt, EXPIRED_KEY, now, sink)
    }

    fn event(
        &mut self,
        event: &AuditEvent<'_>,
        record: &Record<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, StageError> {
        let written = self.encoder.event(event, &mut self.value);
        written.map_err(|error| encoding(error, || place(record)))?;
        let headers = self.headers.of(event, record.header("traceparent"));
        sink.send(&Output {
            topic: topic_index(Topic::Events),
            partition: self.partition,
            timestamp: record.timestamp,
            key: Some(event.action.tenant.as_str().as_bytes()),
            value: Some(&self.value),
            headers: headers.as_ref(),
        });
        let class = event.action.entry.category.name();
        Ok(Outcome::Emit { class, occurred_at: millis(event.action.occurred_at) })
    }

    fn skip(
        &mut self,
        why: &'static str,
        action: ReceivedAction,
        record: &Record<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, StageError> {
        let tenant = action.tenant.clone();
        let receipt = if why == DUPLICATE { Receipt::Duplicate(action) } else { Receipt::Suppressed(action) };
        self.receipt(&receipt, tenant.as_str().as_bytes(), record.timestamp, sink)?;
        Ok(Outcome::Skip(why))
    }

    fn receipt(
        &mut self,
        receipt: &Receipt,
        key: &[u8],
        timestamp: Millis,
        sink: &mut dyn Sink,
    ) -> Result<(), StageError> {
        let written = self.encoder.receipt(receipt, &mut self.value);
        written.map_err(|error| encoding(error, || format!("receipt in partition {}", self.partition)))?;
        self.send(Topic::Receipts, timestamp, key, &[], sink);
        Ok(())
    }

    fn dead_letter(&self, reason: Reason, message: &str, record: &Record<'_>, sink: &mut dyn Sink) {
        let kept = match reason {
            Reason::Oversized => Kept::of(record, self.max_value_bytes),
            _ => Kept::whole(record),
        };
        let failure = Failure::of(&self.actions, record, reason, message, NORMALIZER);
        failure.with_headers(&kept.headers, &kept.facts, |headers| {
            sink.send(&Output {
                topic: topic_index(Topic::DeadLetters),
                partition: self.partition,
                timestamp: record.timestamp,
                key: kept.key,
                value: kept.value,
                headers,
            });
        });
    }

    /// Writes the action to where it belongs, and the receipt of that where it lay.
    fn reroute(
        &mut self,
        tenant: TenantId,
        to: Partition,
        record: &Record<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Outcome, StageError> {
        let from = Rerouted { partition: record.partition, offset: record.offset, count: self.count };
        let added = reroute::write(&from);
        let added = Header::new(REROUTE_HEADER, Some(added.as_bytes()));
        let headers: Vec<_> = record.headers.iter().copied().chain([added]).collect();
        sink.send(&Output {
            topic: topic_index(Topic::Actions),
            partition: to,
            timestamp: record.timestamp,
            key: Some(tenant.as_str().as_bytes()),
            value: record.value,
            headers: &headers,
        });
        let key = tenant.clone();
        let receipt = Receipt::Rerouted {
            tenant,
            partition: record.partition.number(),
            offset: record.offset.number(),
            received_at: micros(record.timestamp, || place(record))?,
            to_partition: to.number(),
        };
        self.receipt(&receipt, key.as_str().as_bytes(), record.timestamp, sink)?;
        Ok(Outcome::Reroute(to))
    }

    /// Sends what was last encoded, in the partition of the input.
    fn send(&self, topic: Topic, timestamp: Millis, key: &[u8], headers: &[Header<'_>], sink: &mut dyn Sink) {
        let (key, value) = (Some(key), Some(&self.value[..]));
        sink.send(&Output {
            topic: topic_index(topic),
            partition: self.partition,
            timestamp,
            key,
            value,
            headers,
        });
    }
}

/// Where an action lies, for messages.
pub(crate) fn place(record: &Record<'_>) -> String {
    format!("{} partition {} offset {}", Topic::Actions.name(), record.partition, record.offset)
}

/// A record's time in the trail's resolution. A broker's clock never leaves that range.
pub(crate) fn micros(at: Millis, what: impl FnOnce() -> String) -> Result<Micros, StageError> {
    Micros::from_millis(at.get())
        .ok_or_else(|| StageError::Stop(format!("{}: the time {} ms is out of range", what(), at.get())))
}

fn millis(at: Micros) -> Millis {
    Millis::new(at.millis())
}
