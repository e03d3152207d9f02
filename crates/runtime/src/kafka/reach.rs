//! Whether the cluster can be reached, and if not, why: a refused password is not a broker that is
//! away, though every call that needs a broker ends in the same time-out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka_sys::rd_kafka_resp_err_t as Code;

use super::native::{Client, Queue, Told};
use crate::error::{BrokerError, Cause, Remedy};

const SLICE: Duration = Duration::from_secs(1);

/// A client that asks whether the cluster can be reached.
pub(super) struct Probe {
    // Dropped in this order: the queue before the client it belongs to.
    events: Queue,
    client: Arc<Client>,
    cluster_id: Option<String>,
}

impl Probe {
    pub(super) fn new(client: &Arc<Client>) -> Self {
        Self { events: client.main_queue(), client: Arc::clone(client), cluster_id: None }
    }

    /// The cluster's id, once a broker has answered.
    ///
    /// # Errors
    /// [`BrokerError`] with [`Remedy::Stop`] as soon as a broker refuses who asks, else after
    /// `patience`.
    pub(super) fn reach(&mut self, patience: Duration) -> Result<String, BrokerError> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(id) = &self.cluster_id {
                return Ok(id.clone());
            }
            self.cluster_id = self.client.cluster_id(SLICE);
            if self.cluster_id.is_none() {
                self.refused()?;
                if Instant::now() >= deadline {
                    return Err(away("no broker answered in time"));
                }
            }
        }
    }

    fn refused(&self) -> Result<(), BrokerError> {
        while let Some(event) = self.events.poll(Duration::ZERO) {
            if let Told::Error(error) = event.read()
                && matches!(
                    error.code,
                    Code::RD_KAFKA_RESP_ERR__AUTHENTICATION | Code::RD_KAFKA_RESP_ERR__SSL
                )
            {
                return Err(BrokerError::stop("signing in to the cluster", error.text));
            }
        }
        Ok(())
    }
}

fn away(detail: &str) -> BrokerError {
    BrokerError {
        remedy: Remedy::Retry,
        cause: Cause::Transport,
        attempt: "reaching the cluster".into(),
        detail: detail.to_owned(),
    }
}
