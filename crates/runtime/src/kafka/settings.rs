//! librdkafka properties: what we set, what an operator may set, and what exactly-once rests on.

use std::collections::BTreeMap;

/// How to reach a cluster, and what else librdkafka shall know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `host:port`, comma-separated.
    pub bootstrap_servers: String,
    /// Further librdkafka properties, by its names; see [`RESERVED`].
    pub properties: BTreeMap<String, String>,
}

/// A property that may not be set from outside, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// librdkafka's name of it.
    pub key: &'static str,
    /// What would break.
    pub why: &'static str,
}

const fn reserved(key: &'static str, why: &'static str) -> Reserved {
    Reserved { key, why }
}

const OFFSETS: &str = "input offsets are committed only with the transaction of their outputs";
const START: &str = "where to start comes from coverage, never from a default";
const IDENTITY: &str = "it is made of stage, instance and worker, so that a restart fences its predecessor";
const PLACE: &str = "a tenant's records must lie in the partition that the Java client's default gives";
const RUNTIME: &str = "the runtime itself answers this";

/// What exactly-once, order per tenant and routing rest on.
pub const RESERVED: &[Reserved] = &[
    reserved("enable.auto.commit", OFFSETS),
    reserved("enable.auto.offset.store", OFFSETS),
    reserved("auto.commit.enable", OFFSETS),
    reserved("auto.offset.reset", START),
    reserved("isolation.level", "aborted records must never be seen"),
    reserved("partition.assignment.strategy", "revoked partitions are committed before they move"),
    reserved("group.id", IDENTITY),
    reserved("group.instance.id", IDENTITY),
    reserved("transactional.id", IDENTITY),
    reserved("client.id", IDENTITY),
    reserved("enable.idempotence", "a retried record would be written twice"),
    reserved("enable.gapless.guarantee", "order per tenant"),
    reserved("acks", "an acknowledged record must be on every in-sync replica"),
    reserved("request.required.acks", "an acknowledged record must be on every in-sync replica"),
    reserved("max.in.flight", "order per tenant"),
    reserved("max.in.flight.requests.per.connection", "order per tenant"),
    reserved("partitioner", PLACE),
    reserved("message.timeout.ms", "it must stay below transaction.timeout.ms"),
    reserved("delivery.timeout.ms", "it must stay below transaction.timeout.ms"),
    reserved("delivery.report.only.error", RUNTIME),
    reserved("enable.partition.eof", RUNTIME),
    reserved("check.crcs", "a damaged record must be noticed"),
    reserved("bootstrap.servers", "it has a flag and a variable of its own: --bootstrap-servers"),
    reserved("metadata.broker.list", "it has a flag and a variable of its own: --bootstrap-servers"),
];

/// What a fetched batch may inflate to: librdkafka guesses in steps of three, and an action of a
/// mebibyte that inflates a hundredfold must still be read, to be told oversized.
const INFLATED: &str = "1000000000";

/// How many records wait in a client for whoever reads: a tenth of a second's work. Each takes half a kilobyte beside its
/// bytes, and all partitions of a client share one queue.
const WAITING: &str = "10000";

/// What one answer may hold, of all partitions together, as it was compressed; all of it is inflated at once, to several
/// times that. A batch that is larger comes nevertheless, alone (KIP-74).
const FETCHED: &str = "4194304";

impl Settings {
    /// Settings of these properties.
    ///
    /// # Errors
    /// A message naming the first property that is [`RESERVED`] and why.
    pub fn new(
        bootstrap_servers: impl Into<String>,
        properties: BTreeMap<String, String>,
    ) -> Result<Self, String> {
        for key in properties.keys() {
            // librdkafka takes what is set per topic under this prefix, too.
            let name = key.strip_prefix("topic.").unwrap_or(key);
            if let Some(reserved) = RESERVED.iter().find(|reserved| reserved.key == name) {
                return Err(format!("{key} cannot be set: {}", reserved.why));
            }
        }
        Ok(Self { bootstrap_servers: bootstrap_servers.into(), properties })
    }

    fn with(&self, ours: &[(&str, &str)], keep: fn(&str) -> bool) -> BTreeMap<String, String> {
        let mut all = self.shared();
        all.extend(ours.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        // An operator's own choice wins over our defaults; what may not be chosen was refused above.
        let chosen = self.properties.iter().filter(|(key, _)| keep(key));
        all.extend(chosen.map(|(key, value)| (key.clone(), value.clone())));
        all
    }

    fn shared(&self) -> BTreeMap<String, String> {
        [
            ("bootstrap.servers", self.bootstrap_servers.as_str()),
            ("allow.auto.create.topics", "false"),
            ("reconnect.backoff.max.ms", "2000"),
            ("socket.keepalive.enable", "true"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    /// For a client that only asks and administers.
    pub(crate) fn client(&self) -> BTreeMap<String, String> {
        self.with(&[("client.id", "lms-audit")], is_shared)
    }

    /// For a member of a group.
    pub(crate) fn member(&self) -> BTreeMap<String, String> {
        self.with(
            &[
                ("group.protocol", "classic"),
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                ("isolation.level", "read_committed"),
                ("check.crcs", "true"),
                ("fetch.queue.backoff.ms", "5"),
                ("queued.min.messages", WAITING),
                ("queued.max.messages.kbytes", "16384"),
                ("fetch.message.max.bytes", "1048576"),
                ("fetch.max.bytes", FETCHED),
                ("receive.message.max.bytes", INFLATED),
                ("fetch.wait.max.ms", "100"),
                ("statistics.interval.ms", "2000"),
                ("session.timeout.ms", "30000"),
            ],
            |key| !is_producers(key),
        )
    }

    /// For a reader of committed records without a group.
    pub(crate) fn reader(&self) -> BTreeMap<String, String> {
        self.with(
            &[
                ("client.id", "lms-audit-reader"),
                ("group.id", "lms-audit-reader"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("auto.offset.reset", "error"),
                ("isolation.level", "read_committed"),
                ("enable.partition.eof", "true"),
                ("check.crcs", "true"),
                ("fetch.queue.backoff.ms", "5"),
                ("queued.min.messages", WAITING),
                ("queued.max.messages.kbytes", "16384"),
                ("fetch.message.max.bytes", "1048576"),
                // Half of what a member asks for, as several partitions are restored at the same time.
                ("fetch.max.bytes", "2097152"),
                ("receive.message.max.bytes", INFLATED),
                ("fetch.wait.max.ms", "50"),
            ],
            |key| !is_producers(key) && key != "group.protocol",
        )
    }

    /// For a transactional producer.
    pub(crate) fn transactional(&self, id: &str) -> BTreeMap<String, String> {
        self.with(
            &[
                ("transactional.id", id),
                ("client.id", id),
                // Longer than a broker takes to come back: one that dies with a transaction open and is
                // away for longer may leave it open for good. A restart of ours ends it at once.
                ("transaction.timeout.ms", "60000"),
                ("message.timeout.ms", "15000"),
                // librdkafka waits without end for a group's coordinator that it could not find, until the
                // state of some connection changes (rd_kafka_coord_req has no timeout in 2.12): an idle one
                // that is closed is such a change.
                ("connections.max.idle.ms", "10000"),
                ("delivery.report.only.error", "true"),
                ("partitioner", "murmur2_random"),
                ("compression.type", "lz4"),
                ("linger.ms", "20"),
                ("queue.buffering.max.kbytes", "65536"),
                ("message.max.bytes", "8388608"),
                ("statistics.interval.ms", "2000"),
            ],
            |key| !is_consumers(key),
        )
    }

    /// For an idempotent producer outside transactions.
    pub(crate) fn publisher(&self) -> BTreeMap<String, String> {
        self.with(
            &[
                ("client.id", "lms-audit-publisher"),
                ("enable.idempotence", "true"),
                ("partitioner", "murmur2_random"),
                ("compression.type", "lz4"),
                ("linger.ms", "20"),
                ("queue.buffering.max.kbytes", "65536"),
                ("message.max.bytes", "8388608"),
            ],
            |key| !is_consumers(key),
        )
    }
}

/// Properties that librdkafka knows for one side only; it warns where they are given to the other.
const CONSUMERS: &[&str] =
    &["session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "group.protocol"];
const PRODUCERS: &[&str] = &[
    "transaction.timeout.ms",
    "linger.ms",
    "batch.size",
    "compression.type",
    "compression.codec",
    "compression.level",
];

fn is_consumers(key: &str) -> bool {
    CONSUMERS.contains(&key)
        || key.starts_with("fetch.")
        || key.starts_with("queued.")
        || key.starts_with("group.")
}

fn is_producers(key: &str) -> bool {
    PRODUCERS.contains(&key)
        || key.starts_with("queue.buffering.")
        || key.starts_with("batch.")
        || key.starts_with("sticky.")
}

fn is_shared(key: &str) -> bool {
    !is_consumers(key) && !is_producers(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exactly_once_rests_on_is_refused_with_its_reason() {
        for reserved in RESERVED {
            let properties = BTreeMap::from([(reserved.key.to_owned(), "x".to_owned())]);
            let refused = Settings::new("b:9092", properties).expect_err(reserved.key);
            assert_eq!(refused, format!("{} cannot be set: {}", reserved.key, reserved.why));
        }
        let by_topic = BTreeMap::from([("topic.auto.offset.reset".to_owned(), "latest".to_owned())]);
        let refused = Settings::new("b:9092", by_topic).expect_err("the prefix changes nothing");
        assert!(refused.starts_with("topic.auto.offset.reset cannot be set: "), "{refused}");
    }

    #[test]
    fn an_operators_choice_wins_and_goes_to_the_side_that_knows_it() {
        let properties = [("linger.ms", "7"), ("session.timeout.ms", "9"), ("sasl.username", "u")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings = Settings::new("b:9092", properties.into()).expect("none is reserved");
        assert_eq!(settings.transactional("t")["linger.ms"], "7");
        assert!(!settings.transactional("t").contains_key("session.timeout.ms"));
        assert_eq!(settings.member()["session.timeout.ms"], "9");
        assert!(!settings.member().contains_key("linger.ms"));
        for all in [settings.member(), settings.reader(), settings.publisher(), settings.client()] {
            assert_eq!(all["sasl.username"], "u");
        }
    }
}
