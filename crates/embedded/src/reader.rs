//! Reading committed records of any topic, behind the runtime's `Log` and `Reader`.

use std::sync::Arc;
use std::time::Duration;

use runtime::{BrokerError, Extent, Log, Reader, Reading, Slice};
use stage::{Millis, Offset, Partition, Record};

use crate::cluster::{Cluster, out_of_range};
use crate::fault::Step;
use crate::log::EmbeddedLog;
use crate::record::LogRecord;

/// How many records of each slice one read hands over at most, so that a restore takes several.
const SHARE: usize = 256;

/// Reads slices side by side.
#[derive(Debug)]
pub struct EmbeddedReader {
    log: EmbeddedLog,
    slices: Vec<Slice>,
    /// The offset that each slice goes on at.
    positions: Vec<i64>,
}

type Found = (usize, Offset, Arc<LogRecord>);

impl Log for EmbeddedLog {
    type Reader = EmbeddedReader;

    fn cluster_id(&mut self) -> Result<String, BrokerError> {
        self.step(Step::Look, |_| Ok("embedded".to_owned()))
    }

    fn topic_id(&mut self, topic: &str) -> Result<String, BrokerError> {
        self.step(Step::Look, |cluster| Ok(cluster.topic(topic)?.id.clone()))
    }

    fn partition_count(&mut self, topic: &str) -> Result<u32, BrokerError> {
        self.step(Step::Look, |cluster| Ok(cluster.topic(topic)?.partitions.len() as u32))
    }

    fn extent(&mut self, topic: &str, partition: Partition) -> Result<Extent, BrokerError> {
        self.step(Step::Look, |cluster| Ok(cluster.partition(topic, partition)?.extent()))
    }

    fn offset_at(&mut self, topic: &str, partition: Partition, time: Millis) -> Result<Offset, BrokerError> {
        self.step(Step::Look, |cluster| Ok(cluster.partition(topic, partition)?.offset_at(time)))
    }

    fn open(&mut self, slices: Vec<Slice>) -> Result<EmbeddedReader, BrokerError> {
        self.step(Step::Open, |cluster| {
            slices.iter().try_for_each(|slice| cluster.partition(&slice.topic, slice.partition).map(drop))
        })?;
        let positions = slices.iter().map(|slice| slice.from.number()).collect();
        Ok(EmbeddedReader { log: self.clone(), slices, positions })
    }
}

impl Reader for EmbeddedReader {
    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(usize, &Record<'_>),
    ) -> Result<Reading, BrokerError> {
        self.log.step(Step::Read, |_| Ok(()))?;
        let (slices, positions) = (&self.slices, &mut self.positions);
        let found = self.log.wait_for(wait, |cluster| {
            let found = take(cluster, slices, positions)?;
            let done = slices.iter().zip(&*positions).all(|(slice, at)| *at >= slice.until.number());
            Ok((done || !found.is_empty()).then_some(found))
        })?;
        for (place, offset, record) in found.unwrap_or_default() {
            each(place, &record.view(self.slices[place].partition, offset));
        }
        Ok(if self.remaining() == 0 { Reading::Done } else { Reading::Open })
    }

    fn remaining(&self) -> u64 {
        let left = |(slice, at): (&Slice, &i64)| slice.until.number().saturating_sub(*at).max(0) as u64;
        self.slices.iter().zip(&self.positions).map(left).fold(0, u64::saturating_add)
    }

    fn position(&self, slice: usize) -> Offset {
        Offset::new(self.positions[slice])
    }
}

fn take(cluster: &Cluster, slices: &[Slice], positions: &mut [i64]) -> Result<Vec<Found>, BrokerError> {
    let mut found = Vec::new();
    for (place, (slice, position)) in slices.iter().zip(positions).enumerate() {
        if *position >= slice.until.number() {
            continue;
        }
        let log = cluster.partition(&slice.topic, slice.partition)?;
        let extent = log.extent();
        if !(extent.start.number()..=extent.end.number()).contains(position) {
            return Err(out_of_range(&slice.topic, slice.partition, *position, log));
        }
        let fetched = log.fetch(*position, slice.until.number(), SHARE);
        *position = fetched.next;
        found.extend(fetched.records.into_iter().map(|(offset, record)| (place, offset, record)));
    }
    Ok(found)
}
