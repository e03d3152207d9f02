//! One member of a group, behind the runtime's `Consumer`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::{Batch, BrokerError, Consumer, GroupEvent, MemberSpec};
use stage::{Offset, Partition, Record};

use crate::cluster::{Cluster, out_of_range};
use crate::fault::Step;
use crate::group::MemberId;
use crate::log::EmbeddedLog;
use crate::record::LogRecord;

type Place = (Partition, Offset, Arc<LogRecord>);

/// A member of a group. Dropping it leaves the group.
#[derive(Debug)]
pub struct EmbeddedConsumer {
    log: EmbeddedLog,
    group: String,
    topic: String,
    id: MemberId,
    /// The session that this client knows of; the group may be ahead of it.
    session: u64,
    /// The accepted partitions and, where started, the offset to read next.
    positions: BTreeMap<Partition, Option<i64>>,
    /// How many batches were asked for, so that each begins at another partition.
    turns: usize,
}

/// Proof of membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedMembership {
    pub(crate) group: String,
    pub(crate) member: MemberId,
    pub(crate) session: u64,
}

/// Records as they lay in the log.
#[derive(Debug)]
pub struct EmbeddedBatch(Vec<Place>);

impl EmbeddedConsumer {
    pub(crate) fn join(log: EmbeddedLog, spec: &MemberSpec) -> Result<Self, BrokerError> {
        let id = log.step(Step::Join, |cluster| {
            let id = cluster.next_member();
            cluster.group(&spec.group, &spec.topic).join(id, spec.instance_id.clone());
            Ok(id)
        })?;
        Ok(Self {
            log,
            group: spec.group.clone(),
            topic: spec.topic.clone(),
            id,
            session: 0,
            positions: BTreeMap::new(),
            turns: 0,
        })
    }

    fn position_mut(&mut self, partition: Partition) -> Result<&mut Option<i64>, BrokerError> {
        self.positions.get_mut(&partition).ok_or_else(|| {
            let attempt = format!("embedded log: {}/{partition}", self.topic);
            BrokerError::stop(attempt, "the partition was not accepted")
        })
    }
}

impl Consumer for EmbeddedConsumer {
    type Membership = EmbeddedMembership;
    type Batch = EmbeddedBatch;

    fn event(&mut self) -> Result<Option<GroupEvent>, BrokerError> {
        let (event, session) = self.log.step(Step::Event, |cluster| {
            let count = cluster.topic(&self.topic)?.partitions.len() as u32;
            let group = cluster.group(&self.group, &self.topic);
            Ok((group.event(self.id, count)?, group.session(self.id)?))
        })?;
        self.session = session;
        Ok(event)
    }

    fn accept(&mut self, partitions: &[Partition]) -> Result<(), BrokerError> {
        self.log.step(Step::Accept, |_| Ok(()))?;
        self.positions.extend(partitions.iter().map(|partition| (*partition, None)));
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) -> Result<(), BrokerError> {
        self.log.step(Step::Release, |cluster| {
            cluster.group(&self.group, &self.topic).release(self.id, partitions)
        })?;
        self.positions.retain(|partition, _| !partitions.contains(partition));
        Ok(())
    }

    fn start(&mut self, partition: Partition, at: Offset) -> Result<(), BrokerError> {
        self.log.step(Step::Start, |_| Ok(()))?;
        *self.position_mut(partition)? = Some(at.number());
        Ok(())
    }

    fn pause(&mut self, partition: Partition) -> Result<(), BrokerError> {
        self.log.step(Step::Pause, |_| Ok(()))?;
        *self.position_mut(partition)? = None;
        Ok(())
    }

    fn batch(&mut self, max: usize, wait: Duration) -> Result<EmbeddedBatch, BrokerError> {
        self.log.step(Step::Poll, |_| Ok(()))?;
        let mut started: Vec<_> =
            self.positions.iter_mut().filter_map(|(p, at)| Some((*p, at.as_mut()?))).collect();
        if !started.is_empty() {
            let first = self.turns % started.len();
            started.rotate_left(first);
        }
        self.turns += 1;
        let topic = &self.topic;
        let found = self.log.wait_for(wait, |cluster| {
            let records = take(cluster, topic, &mut started, max)?;
            Ok((!records.is_empty()).then_some(records))
        })?;
        Ok(EmbeddedBatch(found.unwrap_or_default()))
    }

    fn committed(
        &mut self,
        partitions: &[Partition],
    ) -> Result<Vec<(Partition, Option<Offset>)>, BrokerError> {
        self.log.step(Step::Committed, |cluster| {
            let group = cluster.group(&self.group, &self.topic);
            Ok(partitions.iter().map(|partition| (*partition, group.committed(*partition))).collect())
        })
    }

    fn membership(&mut self) -> Result<EmbeddedMembership, BrokerError> {
        self.log.step(Step::Membership, |_| Ok(()))?;
        Ok(EmbeddedMembership { group: self.group.clone(), member: self.id, session: self.session })
    }

    fn backlog(&self, partition: Partition, next: Offset) -> Option<u64> {
        let read = Offset::new((*self.positions.get(&partition)?)?);
        let cluster = self.log.cluster();
        let stable = cluster.partition(&self.topic, partition).ok()?.extent().stable;
        Some(u64::try_from(stable.number() - read.max(next).number()).unwrap_or(0))
    }
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        self.log.cluster().group(&self.group, &self.topic).leave(self.id);
    }
}

impl Batch for EmbeddedBatch {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn record(&self, index: usize) -> Record<'_> {
        let (partition, offset, record) = &self.0[index];
        record.view(*partition, *offset)
    }
}

/// Takes an equal share from each partition, so that none starves another.
fn take(
    cluster: &Cluster,
    topic: &str,
    started: &mut [(Partition, &mut i64)],
    max: usize,
) -> Result<Vec<Place>, BrokerError> {
    let share = max.div_ceil(started.len().max(1));
    let mut places = Vec::new();
    for (partition, position) in started {
        let log = cluster.partition(topic, *partition)?;
        let extent = log.extent();
        if !(extent.start.number()..=extent.end.number()).contains(*position) {
            return Err(out_of_range(topic, *partition, **position, log));
        }
        let fetched = log.fetch(**position, i64::MAX, share.min(max - places.len()));
        **position = fetched.next;
        places.extend(fetched.records.into_iter().map(|(offset, record)| (*partition, offset, record)));
    }
    Ok(places)
}
