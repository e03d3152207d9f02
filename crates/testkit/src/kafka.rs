//! A Kafka cluster to test against: usually one broker of ours, which can be killed, frozen and started again; or an existing
//! cluster, of which only its addresses are known.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::broker::{Broker, Security, Site};
use crate::process::Signal;
use crate::wait::wait_until;

pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// A cluster and how to connect to it. One of ours ends with this value, or with the test process.
pub struct TestKafka {
    properties: Vec<(String, String)>,
    // Before the site in this struct: the broker must be gone before its folder goes.
    broker: Mutex<Option<Broker>>,
    site: Option<Site>,
}

impl TestKafka {
    pub(crate) fn existing(servers: &str) -> Self {
        let properties = vec![("bootstrap.servers".to_owned(), servers.to_owned())];
        Self { properties, broker: Mutex::new(None), site: None }
    }

    pub(crate) fn start(security: Security) -> Self {
        Self::start_with(security, None)
    }

    pub(crate) fn start_with(security: Security, heap: Option<&str>) -> Self {
        let (site, broker) = Site::found(security, heap);
        let properties = match security {
            Security::Plaintext => vec![("bootstrap.servers".to_owned(), format!("127.0.0.1:{}", site.port))],
            Security::SaslSsl => read_properties(&site),
        };
        let kafka = Self { properties, broker: Mutex::new(Some(broker)), site: Some(site) };
        kafka.await_metadata();
        kafka
    }

    /// `host:port`, comma-separated.
    pub fn bootstrap(&self) -> &str {
        self.property("bootstrap.servers").expect("a cluster has an address")
    }

    /// Everything a client needs to connect, as librdkafka's properties.
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
                let file = self.ours().folder().join("tls/password");
                ("LMSAUDIT_KAFKA_SASL_PASSWORD_FILE".to_owned(), file.display().to_string())
            }
            _ => (format!("LMSAUDIT_KAFKA_{}", key.to_ascii_uppercase().replace('.', "_")), value.clone()),
        };
        self.properties.iter().map(variable).collect()
    }

    /// Whether the broker is ours, so that it may be killed.
    pub fn is_ours(&self) -> bool {
        self.site.is_some()
    }

    /// A configuration that connects, to be added to.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config
    }

    /// Makes one topic with one replica and waits until every partition has a leader.
    pub fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("an admin client can be made");
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
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

    /// The broker's log since its first start.
    pub fn log(&self) -> String {
        self.ours().log()
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&self) {
        self.take_broker().end(Signal::Kill);
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&self) {
        self.take_broker().end(Signal::Term);
    }

    /// SIGSTOP: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.with_broker(|broker| broker.signal(Signal::Stop));
    }

    /// SIGCONT after [`Self::freeze`].
    pub fn thaw(&self) {
        self.with_broker(|broker| broker.signal(Signal::Continue));
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`], on the same data and port, and waits until it answers.
    pub fn start_again(&self) {
        let mut broker = self.lock();
        assert!(broker.is_none(), "the broker runs already");
        *broker = Some(self.ours().start_again());
        drop(broker);
        self.await_metadata();
    }

    pub(crate) fn consumer(&self, settings: &[(&str, &str)]) -> BaseConsumer {
        let mut config = self.client();
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().expect("a consumer can be made")
    }

    fn await_metadata(&self) {
        let consumer = self.consumer(&[]);
        wait_until(ANSWER, "the broker's metadata", || {
            consumer
                .fetch_metadata(None, Duration::from_secs(5))
                .is_ok_and(|metadata| !metadata.brokers().is_empty())
        });
    }

    fn leaders(&self, topic: &str) -> usize {
        let Ok(metadata) = self.consumer(&[]).fetch_metadata(Some(topic), ANSWER) else { return 0 };
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        partitions.filter(|partition| partition.leader() >= 0).count()
    }

    fn ours(&self) -> &Site {
        self.site.as_ref().expect("only a broker of ours can be steered; use fresh_kafka_or_skip")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Broker>> {
        // A panic while steering the broker leaves it either there or gone, and the test has failed anyway.
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_broker(&self) -> Broker {
        self.ours();
        self.lock().take().expect("the broker runs")
    }

    fn with_broker(&self, act: impl FnOnce(&Broker)) {
        self.ours();
        act(self.lock().as_ref().expect("the broker runs"));
    }
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
