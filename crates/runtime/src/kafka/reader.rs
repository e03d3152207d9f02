//! Reads slices of partitions side by side, up to where each shall end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::rd_kafka_resp_err_t as Code;
use stage::{Offset, Record};

use super::native::{Client, Messages, Positions, Queue, Refused, Role};
use super::{Settings, classify};
use crate::error::{BrokerError, Remedy};
use crate::port::{Reader, Reading, Slice};

const BATCH: usize = 4096;

/// Reads slices of partitions on Kafka.
pub struct KafkaReader {
    // Dropped in this order: queues before the client they belong to.
    records: Queue,
    events: Queue,
    _client: Arc<Client>,
    progress: Progress,
}

struct Progress {
    slices: Vec<Slice>,
    /// The next offset of each slice.
    next: Vec<Offset>,
    /// The slice the last record was of: the next one mostly is, too.
    last: usize,
}

impl KafkaReader {
    pub(super) fn open(settings: &Settings, slices: Vec<Slice>) -> Result<Self, BrokerError> {
        let attempt = format!("opening a reader of {} partitions", slices.len());
        let mut properties = settings.reader();
        // What lies before the start was cleaned up: the first that is there is the next one.
        properties.insert("auto.offset.reset".into(), "earliest".into());
        let client = Client::new(Role::Consumer, &properties).map_err(|e| BrokerError::stop(&attempt, e))?;
        let records = client.new_queue();
        let wanted = || slices.iter().filter(|slice| slice.from < slice.until);
        for slice in wanted() {
            client
                .forward(&slice.topic, slice.partition, &records)
                .map_err(|e| BrokerError::stop(&attempt, e))?;
        }
        let list = Positions::across(wanted().map(|s| (s.topic.as_str(), s.partition, Some(s.from))));
        client.assign(&list).map_err(|e| classify::other(&attempt, &e))?;
        let next = slices.iter().map(|slice| slice.from).collect();
        Ok(Self {
            records,
            events: client.main_queue(),
            _client: client,
            progress: Progress { slices, next, last: 0 },
        })
    }
}

impl Progress {
    fn is_done(&self, place: usize) -> bool {
        self.next[place] >= self.slices[place].until
    }

    fn all_done(&self) -> bool {
        (0..self.slices.len()).all(|place| self.is_done(place))
    }

    fn place(&mut self, topic: &str, partition: stage::Partition) -> Option<usize> {
        let fits = |slice: &Slice| slice.partition == partition && slice.topic == topic;
        if !fits(&self.slices[self.last]) {
            self.last = self.slices.iter().position(fits)?;
        }
        Some(self.last)
    }

    fn take(&mut self, topic: &str, record: &Record<'_>, each: &mut dyn FnMut(usize, &Record<'_>)) {
        let Some(place) = self.place(topic, record.partition) else { return };
        if record.offset < self.slices[place].until {
            each(place, record);
        }
        self.next[place] = record.offset.next();
    }

    /// Takes what is no record: the end of a partition, told with its offset, or an error.
    fn told(&mut self, topic: &str, refused: &Refused) -> Result<(), BrokerError> {
        let Refused { partition, offset, error } = refused;
        if error.code == Code::RD_KAFKA_RESP_ERR__PARTITION_EOF {
            if let Some(place) = self.place(topic, *partition) {
                self.next[place] = self.next[place].max(*offset);
            }
            return Ok(());
        }
        let told = classify::other(&format!("reading {topic} partition {partition}"), error);
        match told.remedy {
            Remedy::Retry => {
                tracing::debug!(error = %told, "reading goes on by itself");
                Ok(())
            }
            _ => Err(told),
        }
    }

    fn take_all(
        &mut self,
        messages: &Messages,
        each: &mut dyn FnMut(usize, &Record<'_>),
    ) -> Result<(), BrokerError> {
        for index in 0..messages.len() {
            match messages.refused(index) {
                None => self.take(messages.topic(index), &messages.record(index), each),
                Some(refused) => self.told(messages.topic(index), &refused)?,
            }
        }
        Ok(())
    }
}

impl Reader for KafkaReader {
    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(usize, &Record<'_>),
    ) -> Result<Reading, BrokerError> {
        let deadline = Instant::now() + wait;
        while !self.progress.all_done() {
            // Serves errors of the client itself, which librdkafka mends by trying again.
            drop(self.events.poll(Duration::ZERO));
            let messages = self.records.messages(BATCH, deadline.saturating_duration_since(Instant::now()));
            if messages.len() == 0 {
                return Ok(Reading::Open);
            }
            self.progress.take_all(&messages, each)?;
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(if self.progress.all_done() { Reading::Done } else { Reading::Open })
    }

    fn remaining(&self) -> u64 {
        let left =
            |(slice, next): (&Slice, &Offset)| slice.until.number().saturating_sub(next.number()).max(0);
        self.progress.slices.iter().zip(&self.progress.next).map(left).map(i64::cast_unsigned).sum()
    }

    fn position(&self, slice: usize) -> Offset {
        self.progress.next[slice]
    }
}
