//! The port between the worker loop and a broker: what Kafka and the in-process log both offer.
//!
//! A worker has one consumer and one transactional producer; a `Log` reads committed records of any
//! topic, for restores and for people. Everything written, the input offsets included, becomes
//! visible with the commit of the transaction, or not at all.

use std::time::Duration;

use stage::{Millis, Offset, Partition, Record, Sink, TopicIndex};

use crate::error::BrokerError;

/// Makes the connections of workers.
pub trait Broker: Clone + Send + Sync + 'static {
    /// A member of a group.
    type Consumer: Consumer;
    /// A transactional producer.
    type Producer: Producer<Membership = <Self::Consumer as Consumer>::Membership>;
    /// A reader of committed records.
    type Log: Log;

    /// Joins a group.
    ///
    /// # Errors
    /// [`BrokerError`] when the configuration is refused.
    fn consumer(&self, member: &MemberSpec) -> Result<Self::Consumer, BrokerError>;

    /// Makes a producer and fences every earlier one with this transactional id: its open
    /// transaction is aborted before this returns. `input` is the topic whose offsets it commits,
    /// `topics` are what [`stage::TopicIndex`] points into.
    ///
    /// # Errors
    /// [`BrokerError`] when the configuration is refused or the coordinator does not answer.
    fn producer(
        &self,
        transactional_id: &str,
        input: &str,
        topics: &[String],
    ) -> Result<Self::Producer, BrokerError>;

    /// A reader of committed records.
    ///
    /// # Errors
    /// [`BrokerError`] when the configuration is refused.
    fn log(&self) -> Result<Self::Log, BrokerError>;
}

/// How a worker joins its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSpec {
    /// The group's id.
    pub group: String,
    /// The topic it consumes.
    pub topic: String,
    /// The client's id, for the broker's logs.
    pub client_id: String,
    /// The id of a static member (KIP-345), unique among live members and kept across restarts;
    /// `None` for a member that leaves the group when it ends.
    pub instance_id: Option<String>,
}

/// What happened to this member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// These partitions are this member's now, beyond what it had; answered by [`Consumer::accept`].
    Assigned(Vec<Partition>),
    /// These are to be given up; answered by [`Consumer::release`] once their work is committed.
    Revoked(Vec<Partition>),
    /// These belong to somebody else already: nothing of them may be committed; answered by
    /// [`Consumer::release`].
    Lost(Vec<Partition>),
}

/// One member of a consumer group.
pub trait Consumer: Send {
    /// Proof of membership for a commit: group, member and generation (KIP-447).
    type Membership;
    /// Some records.
    type Batch: Batch;

    /// The next change of the assignment, if there is one. Never waits.
    ///
    /// # Errors
    /// [`BrokerError`] for what the client cannot mend itself.
    fn event(&mut self) -> Result<Option<GroupEvent>, BrokerError>;

    /// Takes partitions over, at rest: nothing of them is read before [`Consumer::start`].
    ///
    /// # Errors
    /// [`BrokerError`] when the client refuses.
    fn accept(&mut self, partitions: &[Partition]) -> Result<(), BrokerError>;

    /// Gives partitions up.
    ///
    /// # Errors
    /// [`BrokerError`] when the client refuses.
    fn release(&mut self, partitions: &[Partition]) -> Result<(), BrokerError>;

    /// Reads an accepted partition from this offset on; also used to go back after an abort. No
    /// record fetched before comes after this returns.
    ///
    /// # Errors
    /// [`BrokerError`] when the client refuses.
    fn start(&mut self, partition: Partition, at: Offset) -> Result<(), BrokerError>;

    /// Stops reading an accepted partition until the next [`Consumer::start`].
    ///
    /// # Errors
    /// [`BrokerError`] when the client refuses.
    fn pause(&mut self, partition: Partition) -> Result<(), BrokerError>;

    /// Up to `max` records of the started partitions; waits for the first one at most `wait`.
    ///
    /// # Errors
    /// [`BrokerError`] for what the client cannot mend itself.
    fn batch(&mut self, max: usize, wait: Duration) -> Result<Self::Batch, BrokerError>;

    /// The offsets that the group has committed, each the next to read; waits out a pending
    /// transaction that would change them.
    ///
    /// # Errors
    /// [`BrokerError`] when the coordinator does not answer.
    fn committed(
        &mut self,
        partitions: &[Partition],
    ) -> Result<Vec<(Partition, Option<Offset>)>, BrokerError>;

    /// Proof of membership as of now.
    ///
    /// # Errors
    /// [`BrokerError`] when the client has none.
    fn membership(&mut self) -> Result<Self::Membership, BrokerError>;

    /// How many offsets from `next` to the last stable offset of a partition that is being read
    /// were not handed over yet, as far as it is known; for lag. Control records at the end, which
    /// nobody will ever process, do not count.
    fn backlog(&self, partition: Partition, next: Offset) -> Option<u64>;
}

/// Records as they came, each partition's in log order.
pub trait Batch {
    /// How many records.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One record.
    fn record(&self, index: usize) -> Record<'_>;
}

/// A transactional producer.
pub trait Producer: Send {
    /// See [`Consumer::Membership`].
    type Membership;
    /// An open transaction.
    type Transaction<'a>: Transaction<Membership = Self::Membership>
    where
        Self: 'a;

    /// Opens a transaction.
    ///
    /// # Errors
    /// [`BrokerError`] when the producer was fenced or cannot go on.
    fn begin(&mut self) -> Result<Self::Transaction<'_>, BrokerError>;

    /// The offset after the last record that this producer has written to a partition, as far as it was
    /// told; `None` where it has written none. After a commit every record of it lies before that.
    fn written(&self, topic: TopicIndex, partition: Partition) -> Option<Offset>;

    /// Whether the outcome of the last transaction, though told as done, is to be looked up in the topics:
    /// its end was asked for more than once, and a late copy could decide otherwise, or end the next one. The next
    /// [`Producer::begin`] is refused then, with [`crate::Remedy::Rebuild`].
    fn is_doubtful(&self) -> bool;
}

/// An open transaction; dropping it without [`Transaction::commit`] aborts it.
#[must_use]
pub trait Transaction: Sink {
    /// See [`Consumer::Membership`].
    type Membership;

    /// Commits outputs and input offsets (each the next to read) together.
    ///
    /// # Errors
    /// [`BrokerError`]; after [`crate::Remedy::Abort`] the transaction is aborted already.
    fn commit(self, offsets: &[(Partition, Offset)], member: &Self::Membership) -> Result<(), BrokerError>;

    /// Commits outputs that come of no input of a group: what a command writes.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    fn commit_alone(self) -> Result<(), BrokerError>;

    /// Aborts: nothing of it becomes visible.
    ///
    /// # Errors
    /// [`BrokerError`] with [`crate::Remedy::Rebuild`] when even that failed.
    fn abort(self) -> Result<(), BrokerError>;
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first offset that is still there.
    pub start: Offset,
    /// The last stable offset: before it everything is decided (committed or aborted).
    pub stable: Offset,
    /// The high watermark: the offset the next record gets.
    pub end: Offset,
}

/// Part of a partition to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: Partition,
    /// The first offset wanted.
    pub from: Offset,
    /// The offset to end before; control records may lie there.
    pub until: Offset,
}

/// Reads committed records of any topic.
pub trait Log: Send {
    /// See [`Reader`].
    type Reader: Reader;

    /// The cluster's id.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers.
    fn cluster_id(&mut self) -> Result<String, BrokerError>;

    /// The topic's id (KIP-516): a topic made anew has another.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or there is no such topic.
    fn topic_id(&mut self, topic: &str) -> Result<String, BrokerError>;

    /// The ids of several topics, in their order; as [`Log::topic_id`].
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or one of them is missing.
    fn topic_ids(&mut self, topics: &[String]) -> Result<Vec<String>, BrokerError> {
        topics.iter().map(|topic| self.topic_id(topic)).collect()
    }

    /// How many partitions the topic has.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers or there is no such topic.
    fn partition_count(&mut self, topic: &str) -> Result<u32, BrokerError>;

    /// What a partition holds now.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers.
    fn extent(&mut self, topic: &str, partition: Partition) -> Result<Extent, BrokerError>;

    /// The first offset whose timestamp is not before `time`, or the end.
    ///
    /// # Errors
    /// [`BrokerError`] when no broker answers.
    fn offset_at(&mut self, topic: &str, partition: Partition, time: Millis) -> Result<Offset, BrokerError>;

    /// Opens these slices for reading.
    ///
    /// # Errors
    /// [`BrokerError`] when the client refuses.
    fn open(&mut self, slices: Vec<Slice>) -> Result<Self::Reader, BrokerError>;
}

/// Reads slices side by side, each in log order.
pub trait Reader: Send {
    /// Hands over what has come, waiting at most `wait` for the first record: the slice's place in
    /// the list and the record. Returns whether every slice was read to its end.
    ///
    /// # Errors
    /// [`BrokerError`] for what the client cannot mend itself.
    fn read(
        &mut self,
        wait: Duration,
        each: &mut dyn FnMut(usize, &Record<'_>),
    ) -> Result<Reading, BrokerError>;

    /// How many offsets are left to read, control records included.
    fn remaining(&self) -> u64;

    /// The offset that this slice goes on at: what lies before was handed over, or is nobody's to read.
    fn position(&self, slice: usize) -> Offset;
}

/// Whether a reader has come to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// More is to come.
    Open,
    /// Every slice was read.
    Done,
}
