//! What a cluster of ours is to look like: how many nodes, and whether a network that can be disturbed lies before them.

use crate::broker::{Founding, Security};
use crate::kafka::TestKafka;
use crate::skip;

/// So much heap carries a node of several: three of them take about 600 MB of memory.
const HEAP_OF_SEVERAL: &str = "320m";

/// A cluster still to be started: combined KRaft nodes on loopback, each with the id 1, 2, 3… With three or more, topics have
/// three replicas and `min.insync.replicas=2`; with fewer, one replica.
///
/// ```no_run
/// # use testkit::Cluster;
/// let Some(kafka) = Cluster::of(3).proxied().fresh_or_skip() else { return };
/// kafka.network().cut();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it starts with fresh_or_skip"]
pub struct Cluster {
    nodes: usize,
    proxied: bool,
    heap: Option<String>,
}

impl Cluster {
    /// So many nodes.
    ///
    /// # Panics
    /// When there are none, or two: two nodes lose their controllers' quorum with either of them.
    pub fn of(nodes: usize) -> Self {
        assert!(nodes == 1 || nodes >= 3, "a cluster has one node, or three and more; not {nodes}");
        let heap = (nodes > 1).then(|| HEAP_OF_SEVERAL.to_owned());
        Self { nodes, proxied: false, heap }
    }

    /// Puts a [`crate::Network`] before the brokers. The addresses given to the product ([`TestKafka::bootstrap`],
    /// [`TestKafka::environment`]) and those that brokers advertise there lead through it; the tests' own clients
    /// ([`TestKafka::client`], reading, writing, steering) and the brokers among themselves go past it.
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// The most heap of each node, as Java reads it (`512m`).
    pub fn heap(mut self, heap: &str) -> Self {
        self.heap = Some(heap.to_owned());
        self
    }

    /// Starts it; None where there can be no Kafka, which has then been said aloud.
    ///
    /// # Panics
    /// As [`crate::fresh_kafka_or_skip`].
    pub fn fresh_or_skip(self) -> Option<TestKafka> {
        skip::may_start().then(|| TestKafka::start(self.founding()))
    }

    fn founding(self) -> Founding {
        Founding { nodes: self.nodes, proxied: self.proxied, heap: self.heap, security: Security::Plaintext }
    }
}
