//! A Kafka cluster to test against: usually one of ours, whose brokers can be killed, frozen and started again; or an existing
//! one, of which only its addresses are known. How to connect, topics; the rest stands beside: nodes, leadership, read, write.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::broker::{Founding, Security, Site};
use crate::nodes::Seat;
use crate::proxy::Network;
use crate::wait::wait_until;

pub(crate) const ANSWER: Duration = Duration::from_secs(30);
const BOOTSTRAP: &str = "bootstrap.servers";
/// What a request says that leaves the number to the broker (KIP-464).
const DEFAULT_REPLICAS: i32 = -1;

/// A cluster and how to connect to it. One of ours ends with this value, or with the test process.
pub struct TestKafka {
    properties: Vec<(String, String)>,
    direct: String,
    // Before the network in this struct: brokers that end are no news for those who go through it.
    seats: Vec<Seat>,
    network: Option<Network>,
}

impl TestKafka {
    pub(crate) fn existing(servers: &str) -> Self {
        let properties = vec![(BOOTSTRAP.to_owned(), servers.to_owned())];
        Self { properties, direct: servers.to_owned(), seats: Vec::new(), network: None }
    }

    pub(crate) fn start(founding: Founding) -> Self {
        let (brokers, network) = founding.found();
        let seats: Vec<Seat> = brokers.into_iter().map(|(site, broker)| Seat::taken(site, broker)).collect();
        let sites = || seats.iter().map(Seat::site);
        let direct = joined(sites().map(Site::address));
        let offered = match &network {
            Some(network) => joined(sites().map(|site| network.proxy(site.id()).address().to_string())),
            None => direct.clone(),
        };
        let properties = match founding.security {
            Security::Plaintext => vec![(BOOTSTRAP.to_owned(), offered)],
            Security::SaslSsl => read_properties(seats[0].site()),
        };
        let kafka = Self { properties, direct, seats, network };
        kafka.await_listed(&kafka.seats.iter().map(|seat| seat.site().id()).collect::<Vec<_>>());
        kafka
    }

    /// Where the product connects, through the network where there is one: `host:port`, comma-separated.
    pub fn bootstrap(&self) -> &str {
        self.property(BOOTSTRAP).expect("a cluster has an address")
    }

    /// Where the brokers themselves listen, past any network; [`Self::bootstrap`] where there is none.
    pub fn direct(&self) -> &str {
        &self.direct
    }

    /// Everything the product needs to connect, as librdkafka's properties.
    pub fn properties(&self) -> &[(String, String)] {
        &self.properties
    }

    /// One of [`Self::properties`].
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// How the product is told to connect, as environment variables. Secrets go by their file.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variable = |(key, value): &(String, String)| match key.as_str() {
            "sasl.password" => {
                let file = self.ours()[0].site().folder().join("tls/password");
                ("LMSAUDIT_KAFKA_SASL_PASSWORD_FILE".to_owned(), file.display().to_string())
            }
            _ => (format!("LMSAUDIT_KAFKA_{}", key.to_ascii_uppercase().replace('.', "_")), value.clone()),
        };
        self.properties.iter().map(variable).collect()
    }

    /// Whether the cluster is ours, so that its brokers may be killed.
    pub fn is_ours(&self) -> bool {
        !self.seats.is_empty()
    }

    /// How many replicas a topic of this cluster can have, three at most; one where the cluster is not ours.
    pub fn replicas(&self) -> usize {
        if self.seats.len() < 3 { 1 } else { 3 }
    }

    /// The `min.insync.replicas` that goes with [`Self::replicas`]: one broker may be missing, where there are several.
    pub fn min_in_sync(&self) -> usize {
        if self.replicas() < 3 { 1 } else { 2 }
    }

    /// A test's own way to the brokers, past any network: a configuration that connects, to be added to.
    pub fn client(&self) -> ClientConfig {
        let mut config = self.product_client();
        config.set(BOOTSTRAP, &self.direct);
        config
    }

    /// The same as the product connects, through the network where there is one.
    pub fn product_client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config
    }

    /// The network before the brokers.
    ///
    /// # Panics
    /// When the cluster was not started with [`crate::Cluster::proxied`].
    pub fn network(&self) -> &Network {
        self.network.as_ref().expect("only a cluster made by Cluster::proxied has a network to disturb")
    }

    /// Makes one topic with as many replicas as the cluster gives by default (one of ours: [`Self::replicas`]) and waits until every partition has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("an admin client can be made");
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(DEFAULT_REPLICAS));
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(ANSWER)).request_timeout(Some(ANSWER));
        let made = block_on(admin.create_topics([&topic], &options)).expect("the broker answers");
        for result in made {
            result.unwrap_or_else(|(topic, code)| panic!("topic {topic} could not be made: {code}"));
        }
        let wanted = usize::try_from(partitions).expect("a count of partitions is positive");
        wait_until(ANSWER, &format!("the leaders of {name}"), || self.leaders(name) == wanted);
    }

    /// Makes a topic of which nobody else has the name, for tests that share a broker, and returns that name.
    pub fn fresh_topic(&self, prefix: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
        let name = format!("{prefix}-{:016x}", RandomState::new().hash_one(prefix));
        self.create_topic(&name, partitions, settings);
        name
    }

    pub(crate) fn consumer(&self, settings: &[(&str, &str)]) -> BaseConsumer {
        let mut config = self.client();
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().expect("a consumer can be made")
    }

    /// Waits until the cluster lists these nodes among its brokers.
    pub(crate) fn await_listed(&self, ids: &[i32]) {
        let consumer = self.consumer(&[]);
        wait_until(ANSWER, &format!("nodes {ids:?} in the brokers' metadata"), || {
            let metadata = consumer.fetch_metadata(None, Duration::from_secs(5));
            metadata.is_ok_and(|metadata| {
                ids.iter().all(|id| metadata.brokers().iter().any(|broker| broker.id() == *id))
            })
        });
    }

    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(crate) fn ours(&self) -> &[Seat] {
        assert!(self.is_ours(), "only a broker of ours can be steered; use fresh_kafka_or_skip");
        &self.seats
    }

    pub(crate) fn has_network(&self) -> bool {
        self.network.is_some()
    }

    fn leaders(&self, topic: &str) -> usize {
        let Ok(metadata) = self.consumer(&[]).fetch_metadata(Some(topic), ANSWER) else { return 0 };
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions.filter(|partition| partition.leader() >= 0).count()
    }
}

fn joined(addresses: impl Iterator<Item = String>) -> String {
    addresses.collect::<Vec<_>>().join(",")
}

fn read_properties(site: &Site) -> Vec<(String, String)> {
    let text =
        std::fs::read_to_string(site.folder().join("client.properties")).expect("the script has written it");
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Polls one future on this thread; librdkafka's own threads wake it.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::park();
    }
}
