//! One member of a consumer group, read in batches.
//!
//! Each partition's queue is forwarded to one queue of ours, so that records come from there and the
//! consumer's own queue tells only of rebalances, errors and statistics: they are read when the loop
//! asks for them, between transactions, never in a callback.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::rd_kafka_resp_err_t as Code;
use stage::{Offset, Partition, Record};

use super::native::{Client, Membership, Messages, Positions, Queue, Role, Told};
use super::statistics::Statistics;
use super::{Settings, classify};
use crate::error::{BrokerError, Cause, Remedy};
use crate::port::{Batch, Consumer, GroupEvent, MemberSpec};

/// How long a question to the broker may take before it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// A member of a group on Kafka.
pub struct KafkaConsumer {
    // Dropped in this order: queues before the client they belong to.
    records: Queue,
    events: Queue,
    client: Arc<Client>,
    topic: String,
    waiting: VecDeque<GroupEvent>,
    errors: VecDeque<BrokerError>,
    statistics: Statistics,
}

impl KafkaConsumer {
    pub(super) fn join(settings: &Settings, member: &MemberSpec) -> Result<Self, BrokerError> {
        let attempt = format!("joining group {}", member.group);
        let mut properties = settings.member();
        properties.insert("group.id".into(), member.group.clone());
        properties.insert("client.id".into(), member.client_id.clone());
        if let Some(id) = &member.instance_id {
            properties.insert("group.instance.id".into(), id.clone());
        }
        let client = Client::new(Role::Consumer, &properties).map_err(|e| BrokerError::stop(&attempt, e))?;
        client.subscribe(&member.topic).map_err(|e| classify::other(&attempt, &e))?;
        Ok(Self {
            records: client.new_queue(),
            events: client.main_queue(),
            client,
            topic: member.topic.clone(),
            waiting: VecDeque::new(),
            errors: VecDeque::new(),
            statistics: Statistics::default(),
        })
    }

    fn listen(&mut self) {
        while let Some(event) = self.events.poll(Duration::ZERO) {
            match event.read() {
                Told::Assigned(partitions) => self.waiting.push_back(GroupEvent::Assigned(partitions)),
                Told::Revoked(partitions) if self.client.assignment_lost() => {
                    self.waiting.push_back(GroupEvent::Lost(partitions));
                }
                Told::Revoked(partitions) => self.waiting.push_back(GroupEvent::Revoked(partitions)),
                Told::Error(error) => {
                    let told = classify::other("consuming", &error);
                    if told.cause == Cause::Transport && !error.fatal {
                        tracing::debug!(error = %told, "the consumer waits for a broker");
                    } else {
                        self.errors.push_back(told);
                    }
                }
                Told::Statistics(json) => match Statistics::parse(&json, &self.topic) {
                    Ok(statistics) => self.statistics = statistics,
                    Err(error) => {
                        tracing::warn!(%error, "librdkafka's statistics cannot be read: lag is stale")
                    }
                },
                Told::Undelivered(..) | Told::Other => {}
            }
        }
    }

    fn positions(&self, partitions: &[Partition]) -> Positions {
        let all: Vec<_> = partitions.iter().map(|partition| (*partition, None)).collect();
        Positions::of(&self.topic, &all)
    }

    fn refused(&self, what: &str, partition: Partition) -> String {
        format!("{what} {} partition {partition}", self.topic)
    }
}

impl Consumer for KafkaConsumer {
    type Membership = Membership;
    type Batch = KafkaBatch;

    fn event(&mut self) -> Result<Option<GroupEvent>, BrokerError> {
        self.listen();
        match self.errors.pop_front() {
            Some(error) => Err(error),
            None => Ok(self.waiting.pop_front()),
        }
    }

    fn accept(&mut self, partitions: &[Partition]) -> Result<(), BrokerError> {
        for partition in partitions {
            self.client
                .forward(&self.topic, *partition, &self.records)
                .map_err(|e| BrokerError::stop(self.refused("taking over", *partition), e))?;
        }
        // At rest: assigned before the first record, paused before anything of it is looked at.
        let list = Positions::at_beginning(&self.topic, partitions);
        let attempt = format!("taking over {} partitions of {}", partitions.len(), self.topic);
        self.client.assign_more(&list).map_err(|e| classify::other(&attempt, &e))?;
        self.client.pause(&self.positions(partitions)).map_err(|e| classify::other(&attempt, &e))
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), BrokerError> {
        let attempt = format!("giving up {} partitions of {}", partitions.len(), self.topic);
        self.client.unassign(&self.positions(partitions)).map_err(|e| classify::other(&attempt, &e))
    }

    fn start(&mut self, partition: Partition, at: Offset) -> Result<(), BrokerError> {
        let attempt = format!("{} from offset {at}", self.refused("reading", partition));
        let list = Positions::of(&self.topic, &[(partition, Some(at))]);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.client.seek(&list, Duration::from_millis(500)) {
                Ok(()) => break,
                // The fetcher of a partition that was assigned a moment ago starts on another
                // thread; until then a seek is refused with this code.
                Err(e) if e.code == Code::RD_KAFKA_RESP_ERR__STATE && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(e) => return Err(classify::other(&attempt, &e)),
            }
        }
        self.client.resume(&self.positions(&[partition])).map_err(|e| classify::other(&attempt, &e))
    }

    fn pause(&mut self, partition: Partition) -> Result<(), BrokerError> {
        let attempt = self.refused("pausing", partition);
        self.client.pause(&self.positions(&[partition])).map_err(|e| classify::other(&attempt, &e))
    }

    fn batch(&mut self, max: usize, wait: Duration) -> Result<KafkaBatch, BrokerError> {
        let messages = self.records.messages(max, wait);
        let mut records = Vec::with_capacity(messages.len());
        for index in 0..messages.len() {
            match messages.refused(index) {
                None => records.push(index),
                Some(refused) => {
                    let told = classify::other(&self.refused("reading", refused.partition), &refused.error);
                    match told.remedy {
                        Remedy::Retry => tracing::debug!(error = %told, "reading goes on by itself"),
                        _ => self.errors.push_back(told),
                    }
                }
            }
        }
        match self.errors.pop_front() {
            Some(error) => Err(error),
            None => Ok(KafkaBatch { messages, records }),
        }
    }

    fn committed(
        &mut self,
        partitions: &[Partition],
    ) -> Result<Vec<(Partition, Option<Offset>)>, BrokerError> {
        let list = self.positions(partitions);
        let attempt = format!("asking for the committed offsets of {}", self.topic);
        self.client.committed(&list, PATIENCE).map_err(|e| classify::other(&attempt, &e))?;
        Ok(list.all())
    }

    fn membership(&mut self) -> Result<Membership, BrokerError> {
        self.client.membership().ok_or_else(|| {
            BrokerError::stop("asking for the group's membership", "this client is no member of a group")
        })
    }

    fn backlog(&self, partition: Partition, next: Offset) -> Option<u64> {
        self.statistics.backlog(partition, next)
    }
}

/// Records of a [`KafkaConsumer`].
pub struct KafkaBatch {
    messages: Messages,
    records: Vec<usize>,
}

impl Batch for KafkaBatch {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn record(&self, index: usize) -> Record<'_> {
        self.messages.record(self.records[index])
    }
}
