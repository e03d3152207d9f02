//! A transactional producer and its open transaction.

use runtime::{BrokerError, Producer, Remedy, Transaction};
use stage::{Offset, Output, Partition, Sink, TopicIndex};

use crate::consumer::EmbeddedMembership;
use crate::fault::Step;
use crate::log::EmbeddedLog;
use crate::record::LogRecord;
use crate::transaction::{Claim, Progress};

/// A transactional producer.
#[derive(Debug)]
pub struct EmbeddedProducer {
    log: EmbeddedLog,
    claim: Claim,
    input: String,
    topics: Vec<String>,
    /// Why it must be replaced, once it must.
    broken: Option<BrokerError>,
}

/// An open transaction; dropped, it is aborted.
#[derive(Debug)]
#[must_use]
pub struct EmbeddedTransaction<'a> {
    producer: &'a mut EmbeddedProducer,
    /// Why the commit is going to fail.
    failure: Option<BrokerError>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    Ended,
}

impl EmbeddedProducer {
    pub(crate) fn claim(
        log: EmbeddedLog,
        transactional_id: &str,
        input: &str,
        topics: &[String],
    ) -> Result<Self, BrokerError> {
        let now = log.now();
        let claim = log.step(Step::Producer, |cluster| {
            for topic in topics {
                cluster.topic(topic)?;
            }
            Ok(cluster.claim(transactional_id, now))
        })?;
        log.notify();
        Ok(Self { log, claim, input: input.to_owned(), topics: topics.to_vec(), broken: None })
    }

    /// Notes a failure after which this producer is of no more use.
    fn note(&mut self, error: &BrokerError) {
        if matches!(error.remedy, Remedy::Rebuild | Remedy::Stop) {
            self.broken = Some(error.clone());
        }
    }
}

impl Producer for EmbeddedProducer {
    type Membership = EmbeddedMembership;
    type Transaction<'a> = EmbeddedTransaction<'a>;

    fn begin(&mut self) -> Result<EmbeddedTransaction<'_>, BrokerError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        match self.log.step(Step::Begin, |cluster| cluster.begin(&self.claim)) {
            Ok(()) => Ok(EmbeddedTransaction { producer: self, failure: None, state: State::Open }),
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    fn written(&self, topic: TopicIndex, partition: Partition) -> Option<Offset> {
        let cluster = self.log.cluster();
        let log = cluster.partition(self.topics.get(topic.index())?, partition).ok()?;
        Some(log.extent().end)
    }

    fn is_doubtful(&self) -> bool {
        false
    }
}

impl EmbeddedTransaction<'_> {
    /// Ends after a failure: where it can be aborted it is, else its outcome is left to the next
    /// producer with this transactional id.
    fn fail(&mut self, error: BrokerError) -> BrokerError {
        self.producer.note(&error);
        let EmbeddedProducer { log, claim, broken, .. } = &*self.producer;
        if broken.is_none() && log.is_alive() {
            let now = log.now();
            let aborted = log.cluster().abort(claim, now);
            if let Err(worse) = aborted {
                self.producer.note(&worse);
                return worse;
            }
        }
        error
    }

    fn end(&mut self) -> Result<(), BrokerError> {
        self.state = State::Ended;
        if let Some(failure) = self.failure.take_if(|failure| failure.remedy != Remedy::Abort) {
            return Err(self.fail(failure));
        }
        let (log, claim, now) = (&self.producer.log, &self.producer.claim, self.producer.log.now());
        let aborted = log.step(Step::Abort, |cluster| cluster.abort(claim, now));
        log.notify();
        aborted.inspect_err(|error| self.producer.note(error))
    }
}

impl Sink for EmbeddedTransaction<'_> {
    fn send(&mut self, output: &Output<'_>) {
        if self.failure.is_some() {
            return;
        }
        let EmbeddedProducer { log, claim, topics, .. } = &*self.producer;
        let now = log.now();
        let sent = log.step(Step::Send, |cluster| {
            let topic = topics.get(output.topic.index()).ok_or_else(|| {
                BrokerError::stop("embedded log: send", format!("no topic {}", output.topic.index()))
            })?;
            cluster.send(claim, topic, output.partition, LogRecord::from(output), now)
        });
        self.failure = sent.err();
    }
}

impl Transaction for EmbeddedTransaction<'_> {
    type Membership = EmbeddedMembership;

    fn commit(
        mut self,
        offsets: &[(Partition, Offset)],
        member: &EmbeddedMembership,
    ) -> Result<(), BrokerError> {
        self.state = State::Ended;
        let EmbeddedProducer { log, claim, input, .. } = &*self.producer;
        let committed = match self.failure.take() {
            Some(failure) => Err(failure),
            None => {
                let now = log.now();
                let EmbeddedMembership { group, member, session } = member;
                let progress = Progress { group, topic: input, member: *member, session: *session, offsets };
                log.step(Step::Commit, |cluster| cluster.commit(claim, progress, now))
            }
        };
        let result = committed.map_err(|error| self.fail(error));
        self.producer.log.notify();
        result
    }

    fn commit_alone(mut self) -> Result<(), BrokerError> {
        self.state = State::Ended;
        let EmbeddedProducer { log, claim, .. } = &*self.producer;
        let committed = match self.failure.take() {
            Some(failure) => Err(failure),
            None => {
                let now = log.now();
                log.step(Step::Commit, |cluster| cluster.commit_alone(claim, now))
            }
        };
        let result = committed.map_err(|error| self.fail(error));
        self.producer.log.notify();
        result
    }

    fn abort(mut self) -> Result<(), BrokerError> {
        self.end()
    }
}

impl Drop for EmbeddedTransaction<'_> {
    fn drop(&mut self) {
        // A failure is not lost: the producer keeps it and its next `begin` returns it.
        if self.state == State::Open
            && let Err(error) = self.end()
        {
            self.producer.note(&error);
        }
    }
}
