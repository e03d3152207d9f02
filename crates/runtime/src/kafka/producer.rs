//! A transactional producer: begin, send, commit with offsets, abort, each at its real cost.
//!
//! rust-rdkafka's own commit flushes to a deadline (100 ms at least); here a thread of our own serves
//! delivery reports, of which only failures are asked for, and the commit flushes for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stage::{Offset, Output, Partition, Sink, TopicIndex};

use super::native::{Client, Membership, NativeError, Positions, Queue, Role, Told, TopicHandle};
use super::{Settings, classify};
use crate::error::{BrokerError, Cause, Remedy};
use crate::port::{Producer, Transaction};

/// How long one call may take before it is made again. Calls that timed out are retriable.
const CALL: Duration = Duration::from_secs(10);
/// How long a transactional call is made again and again before its outcome counts as unknown; well
/// over the broker's own fail-over.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is said that no broker answers.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// A transactional producer on Kafka.
pub struct KafkaProducer {
    topics: Vec<TopicHandle>,
    poller: Option<Poller>,
    client: Arc<Client>,
    input: String,
    /// Requests that were sent to end the last transaction.
    end_txns: u32,
}

struct Poller {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Poller {
    fn start(queue: Queue) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut said: Option<Instant> = None;
            while !stopped.load(Ordering::Relaxed) {
                let Some(event) = queue.poll(Duration::from_millis(100)) else { continue };
                match event.read() {
                    Told::Undelivered(count, error) => {
                        tracing::debug!(count, error = %error.text, "records of the transaction were not delivered");
                    }
                    // The next call of a transaction fails by it.
                    Told::Error(error) if error.fatal => {
                        tracing::debug!(error = %error.text, "the producer can go no further");
                    }
                    Told::Error(error) if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) => {
                        tracing::warn!(error = %error.text, "the producer waits for a broker: this ends by itself");
                        said = Some(Instant::now());
                    }
                    Told::Error(error) => {
                        tracing::debug!(error = %error.text, "the producer waits for a broker")
                    }
                    Told::Assigned(_) | Told::Revoked(_) | Told::Statistics(_) | Told::Other => {}
                }
            }
        });
        Self { stop, thread }
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        if let Some(poller) = self.poller.take() {
            poller.stop.store(true, Ordering::Relaxed);
            if poller.thread.join().is_err() {
                tracing::error!("the producer's poller panicked: report this as a defect");
            }
        }
    }
}

impl KafkaProducer {
    pub(super) fn open(
        settings: &Settings,
        id: &str,
        input: &str,
        topics: &[String],
    ) -> Result<Self, BrokerError> {
        let attempt = format!("opening transactional producer {id}");
        let refused = |e| BrokerError::stop(&attempt, e);
        let client = Client::new(Role::Producer, &settings.transactional(id)).map_err(refused)?;
        let poller = Poller::start(client.main_queue());
        let topics = topics.iter().map(|topic| client.topic(topic)).collect::<Result<_, _>>();
        let topics = topics.map_err(|e| BrokerError::stop(&attempt, e))?;
        let producer = Self { topics, poller: Some(poller), client, input: input.to_owned(), end_txns: 0 };
        producer.again(&attempt, |client| client.init_transactions(CALL))?;
        Ok(producer)
    }

    /// A call that ends the transaction, and how many requests to end it the client has sent by then, be they to commit or to
    /// abort. Of more than one a late copy can end the next transaction: a commit's commits what that has written so far, an
    /// abort's voids it (librdkafka#5423). Counting is enough: where one was sent and answered, no copy is left; where it was
    /// not answered, by a timeout or a coordinator gone, the client sends another, or the call fails and the producer is
    /// replaced, whose first request fences what is late.
    fn ending(
        &mut self,
        attempt: &str,
        call: impl Fn(&Client) -> Result<(), NativeError>,
    ) -> Result<(), BrokerError> {
        let outcome = self.again(attempt, call);
        self.end_txns += self.client.take_end_txn_requests();
        outcome
    }

    /// Makes a call until it succeeds, fails for good, or patience ends.
    fn again(
        &self,
        attempt: &str,
        call: impl Fn(&Client) -> Result<(), NativeError>,
    ) -> Result<(), BrokerError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let error = match call(&self.client) {
                Ok(()) => return Ok(()),
                Err(error) => classify::transactional(attempt, &error),
            };
            match error.remedy {
                Remedy::Retry if Instant::now() < deadline => {
                    tracing::debug!(%error, "trying again");
                    std::thread::sleep(Duration::from_millis(20));
                }
                Remedy::Retry => return Err(BrokerError { remedy: Remedy::Rebuild, ..error }),
                _ => return Err(error),
            }
        }
    }
}

impl Producer for KafkaProducer {
    type Membership = Membership;
    type Transaction<'a> = KafkaTransaction<'a>;

    fn begin(&mut self) -> Result<KafkaTransaction<'_>, BrokerError> {
        if self.is_doubtful() {
            return Err(BrokerError {
                remedy: Remedy::Rebuild,
                cause: Cause::Transport,
                attempt: "beginning a transaction".into(),
                detail: "the last EndTxn was sent more than once: a late copy could end the next transaction"
                    .into(),
            });
        }
        self.end_txns = 0;
        self.again("beginning a transaction", Client::begin_transaction)?;
        Ok(KafkaTransaction { producer: self, refused: None, open: true })
    }

    fn written(&self, topic: TopicIndex, partition: Partition) -> Option<Offset> {
        self.topics.get(topic.index())?.written(partition)
    }

    fn is_doubtful(&self) -> bool {
        self.end_txns > 1
    }
}

/// An open transaction on Kafka.
#[must_use]
pub struct KafkaTransaction<'a> {
    producer: &'a mut KafkaProducer,
    refused: Option<NativeError>,
    open: bool,
}

impl Sink for KafkaTransaction<'_> {
    fn send(&mut self, output: &Output<'_>) {
        if self.refused.is_some() {
            return;
        }
        let topic = &self.producer.topics[output.topic.index()];
        let Output { partition, timestamp, key, value, headers, .. } = *output;
        self.refused = self.producer.client.produce(topic, partition, timestamp, key, value, headers).err();
    }
}

impl KafkaTransaction<'_> {
    /// Commits, with the offsets of an input where there is one.
    fn finish(&mut self, input: Option<(&[(Partition, Offset)], &Membership)>) -> Result<(), BrokerError> {
        if let Some(error) = self.refused.take() {
            return Err(classify::transactional("sending a record of the transaction", &error));
        }
        if let Some((offsets, member)) = input {
            let next: Vec<_> =
                offsets.iter().map(|(partition, offset)| (*partition, Some(*offset))).collect();
            let list = Positions::of(&self.producer.input, &next);
            self.producer
                .again("sending offsets to the transaction", |c| c.send_offsets(&list, member, CALL))?;
        }
        let producer = &mut *self.producer;
        producer.ending("committing the transaction", |c| c.commit_transaction(CALL))
    }

    /// Ends by committing; where that asks for an abort, aborts.
    fn end(mut self, input: Option<(&[(Partition, Offset)], &Membership)>) -> Result<(), BrokerError> {
        let outcome = self.finish(input);
        self.open = false;
        match outcome {
            Err(error) if error.remedy == Remedy::Abort => {
                self.undo()?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    fn undo(&mut self) -> Result<(), BrokerError> {
        self.open = false;
        let outcome = self.producer.ending("aborting the transaction", |c| c.abort_transaction(CALL));
        outcome.map_err(|error| match error.remedy {
            Remedy::Stop => error,
            _ => BrokerError { remedy: Remedy::Rebuild, ..error },
        })
    }
}

impl Transaction for KafkaTransaction<'_> {
    type Membership = Membership;

    fn commit(self, offsets: &[(Partition, Offset)], member: &Membership) -> Result<(), BrokerError> {
        self.end(Some((offsets, member)))
    }

    fn commit_alone(self) -> Result<(), BrokerError> {
        self.end(None)
    }

    fn abort(mut self) -> Result<(), BrokerError> {
        self.undo()
    }
}

impl Drop for KafkaTransaction<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.undo()
        {
            tracing::debug!(%error, "the transaction is left to the coordinator to abort");
        }
    }
}
